/** The releasing process: the only one that writes into the storages of tenants. */
import { SluiceError } from '../../shared/core/errors.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import type { ReleaserProtocol } from './messages.js';
import { Releaser } from './releaser.js';

let releaser: Releaser | undefined;
const need = (): Releaser => {
  if (!releaser) throw new SluiceError('INTERNAL', 'The releasing process has not been started.');
  return releaser;
};

serveParent<ReleaserProtocol>({
  answer: {
    start: ({ stagingDir }) => {
      releaser = new Releaser(stagingDir);
      return null;
    },
    release: (orders) => need().release(orders),
    forget: (orders) => {
      need().forget(orders);
      return null;
    },
    beginFolder: (folder) => need().beginFolder(folder),
    addToFolder: ({ folder, orders }) => need().addToFolder(folder, orders),
    publishFolder: (folder) => need().publishFolder(folder),
    forgetFolder: (folder) => {
      need().forgetFolder(folder);
      return null;
    },
    quarantine: (orders) => {
      need().quarantine(orders);
      return null;
    },
  },
});
