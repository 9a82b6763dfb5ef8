/** A service manager, or an operator, ends a side by a signal to one of its processes or to all of them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { concurrently, QUICK_STORE, type Run, type Workplace } from '../support/cli.js';
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

  'FAULTS 51: SIGTERM to one supervisor of a demo ends that side in order, and the demo with it': async (place) => {
    writeFileSync(join(place.input, 'letter.txt'), 'a letter\n');
    const demo = place.demo('--state', place.state, '--queues', QUICK_STORE, '--loss', '1', '--timeout', '60s');
    const { processes } = await place.runFile(demo);
    process.kill(processes.high!.pid, 'SIGTERM');
    const { code, stderr, report } = await demo.report();
    expect(code, stderr).to.equal(1);
    expect(report.objects).to.equal(1);
    expect(stderr).to.include('the high side was ended');
    await place.expectNothingRuns();
  },

  'FAULTS 67: SIGHUP to the supervisor or its command has it read its configuration at once': async (place) => {
    const sides = setUpSidesQuickly(place);
    writeHigh(sides, '127.0.0.1:0');
    const high = startHigh(place, sides);
    await ready(high);
    const { command, processes } = await place.runFile(high, sides.highState);
    const outcomes = (): string[] => {
      const log = readFileSync(join(sides.highState, 'high.log'), 'utf8');
      return [...log.matchAll(/as asked \(SIGHUP\): ([A-Z_]+ [^"]*)/g)].map((match) => match[1]!);
    };
    process.kill(processes.supervisor!.pid, 'SIGHUP');
    await high.until(() => outcomes().length === 1, 'an answer to the first SIGHUP');
    writeFileSync(sides.high, readFileSync(sides.high, 'utf8').replace('tenants:', 'nonsense: 1\ntenants:'));
    process.kill(command.pid, 'SIGHUP');
    await high.until(() => outcomes().length === 2, 'an answer to the second SIGHUP');
    const [first, second] = outcomes();
    expect(first).to.equal('CONFIG_RELOADED The tenants are those that are in force.');
    expect(second).to.match(/^CONFIG_REFUSED .*high\.yaml:1:1: .*nonsense/);
    await high.stop();
    await endsWell(place, high);
  },
};

describe('a side that is sent SIGTERM or SIGHUP', function () {
  this.timeout(60_000);
  concurrently(2, cases);
});
