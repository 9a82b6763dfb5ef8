/**
 * The process of the low side's supervisor. Whoever forks it (command line, demo) starts it, listens, and ends it.
 * SIGTERM ends the side in order, too, and SIGHUP has it read its configuration again.
 */
import { SluiceError } from '../shared/core/errors.js';
import { serveParent } from '../shared/ops/processes/children.js';
import type { LowProtocol } from '../shared/ops/sides.js';
import { LowSide } from './supervisor.js';

let starting: Promise<LowSide> | undefined;

async function side(): Promise<LowSide> {
  if (!starting) throw new SluiceError('INTERNAL', 'The low side has not been started.');
  return starting;
}

const parent = serveParent<LowProtocol>({
  answer: {
    start: async (start) => {
      starting ??= LowSide.start(start, {
        objects: (news) => parent.tell('objects', news),
        alarm: (alarm) => parent.tell('alarm', alarm),
        arrival: (count) => parent.tell('arrival', { count }),
      });
      return (await side()).ready();
    },
    summary: async () => (await side()).summary(),
    objects: async ({ after }) => (await side()).objectsAfter(after),
  },
  // What is only being started is stopped as soon as it has: half of it would be left behind otherwise.
  onStop: async () => (await starting?.catch(() => undefined))?.stop(),
  endsOnTerm: true,
  // One that is still being started reads its configuration anyway; one that could not has said why.
  onHup: () => void starting?.then((running) => running.reload()).catch(() => {}),
});
