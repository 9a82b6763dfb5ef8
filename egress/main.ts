/** The process of the high side's supervisor. Whoever forks it (command line, demo) starts it, listens, and ends it. */
import { SluiceError } from '../shared/core/errors.js';
import { serveParent } from '../shared/ops/processes/children.js';
import type { HighProtocol } from '../shared/ops/sides.js';
import { HighSide } from './supervisor.js';

/** Nobody but its command waits for it (a demo wants its last counters). */
let alone = false;
let starting: Promise<HighSide> | undefined;

async function side(): Promise<HighSide> {
  if (!starting) throw new SluiceError('INTERNAL', 'The high side has not been started.');
  return starting;
}

const parent = serveParent<HighProtocol>({
  answer: {
    start: async (start) => {
      alone = start.alone === true;
      starting ??= HighSide.start(start, {
        objects: (news) => parent.tell('objects', news),
        alarm: (alarm) => parent.tell('alarm', alarm),
      });
      return (await side()).ready();
    },
    summary: async () => (await side()).summary(),
    objects: async ({ after }) => (await side()).objectsAfter(after),
  },
  // What is only being started is stopped as soon as it has: half of it would be left behind otherwise.
  onStop: async () => (await starting?.catch(() => undefined))?.stop(),
  endsOnTerm: () => alone,
});
