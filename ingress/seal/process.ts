/** The sealing process: the key and nothing else. It reads the key file itself, so that no other process ever holds it. */
import { toHex } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { readSigningKey } from '../../shared/crypto/keyfiles.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import type { SealerProtocol } from './messages.js';
import { Sealer } from './sealer.js';

let sealer: Sealer | undefined;
const need = (): Sealer => {
  if (!sealer) throw new SluiceError('SEAL_UNAVAILABLE', 'The sealing process has no key yet.');
  return sealer;
};

serveParent<SealerProtocol>({
  answer: {
    start: ({ keyFile, required }) => {
      sealer = new Sealer(readSigningKey(keyFile), required);
      return { keyId: toHex(sealer.keyId) };
    },
    seal: (request) => need().seal(request),
    heartbeat: (heartbeat) => need().heartbeat(heartbeat),
    require: (required) => {
      need().require(required);
      return null;
    },
  },
});
