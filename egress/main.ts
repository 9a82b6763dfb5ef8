/** The process of the high side's supervisor. Whoever forks it (command line, demo) starts it, listens, and ends it. */
import { SluiceError } from '../shared/core/errors.js';
import { serveParent } from '../shared/ops/children.js';
import type { HighProtocol } from '../shared/ops/sides.js';
import { HighSide } from './supervisor.js';

let side: HighSide | undefined;

const parent = serveParent<HighProtocol>({
  answer: {
    start: async (start) => {
      side = await HighSide.start(start, {
        objects: (news) => parent.tell('objects', news),
        alarm: (alarm) => parent.tell('alarm', alarm),
      });
      return side.ready();
    },
    summary: () => {
      if (!side) throw new SluiceError('INTERNAL', 'The high side has not been started.');
      return side.summary();
    },
  },
  onStop: () => side?.stop(),
});
