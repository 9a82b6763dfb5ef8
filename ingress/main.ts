/** The process of the low side's supervisor. Whoever forks it (command line, demo) starts it, listens, and ends it. */
import { SluiceError } from '../shared/core/errors.js';
import { serveParent } from '../shared/ops/children.js';
import type { LowProtocol } from '../shared/ops/sides.js';
import { LowSide } from './supervisor.js';

let side: LowSide | undefined;

const parent = serveParent<LowProtocol>({
  answer: {
    start: async (start) => {
      side = await LowSide.start(start, {
        objects: (news) => parent.tell('objects', news),
        alarm: (alarm) => parent.tell('alarm', alarm),
        arrival: (count) => parent.tell('arrival', { count }),
      });
      return side.ready();
    },
    summary: () => {
      if (!side) throw new SluiceError('INTERNAL', 'The low side has not been started.');
      return side.summary();
    },
  },
  onStop: () => side?.stop(),
});
