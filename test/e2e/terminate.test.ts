/** A service manager, or an operator, ends a side by a signal to one of its processes or to all of them. */
import { expect } from 'chai';
import { concurrently, type Run, type Workplace } from '../support/cli.js';
import { ready, setUpSidesQuickly, startHigh, startLow, writeHigh, writeLow } from '../support/sides.js';

const endsWell = async (place: Workplace, run: Run): Promise<void> => {
  const { code, stderr } = await run.ended;
  expect(code, stderr).to.equal(0);
  expect(stderr).not.to.include('unexpectedly');
  await place.expectNothingRuns();
};

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'FAULTS 51: SIGTERM to the supervisor named in run.json ends the low side in order, with exit 0': async (place) => {
    const sides = setUpSidesQuickly(place);
    writeLow(sides, '127.0.0.1:9');
    const low = startLow(place, sides);
    await ready(low);
    const { command, processes } = await place.runFile(low, sides.lowState);
    expect(command.pid).to.equal(low.child.pid);
    process.kill(processes.supervisor!.pid, 'SIGTERM');
    await endsWell(place, low);
  },

  'FAULTS 51: SIGTERM to every process of the high side ends it once, with exit 0': async (place) => {
    const sides = setUpSidesQuickly(place);
    writeHigh(sides, '127.0.0.1:0');
    const high = startHigh(place, sides);
    await ready(high);
    const { command, processes } = await place.runFile(high, sides.highState);
    for (const { pid } of [...Object.values(processes), command]) process.kill(pid, 'SIGTERM');
    await endsWell(place, high);
  },
};

describe('a side that is sent SIGTERM', function () {
  this.timeout(60_000);
  concurrently(2, cases);
});
