/**
 * The processes of a demo seen from outside: what run.json names, what is left when it is ended, killed, or a part of
 * it dies, and what arrives where nothing may arrive (FAULTS 51, 54, 62).
 */
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isAlive } from '../../shared/ops/queues/process.js';
import {
  concurrently,
  inWorkplace,
  kill,
  pause,
  QUICK_STORE,
  type Run,
  type RunFile,
  readJson,
  type Workplace,
} from '../support/cli.js';
import { put, randomBytes, readTree } from '../support/trees.js';

const FILES = 12;
/** About two seconds of work, in files that are released one after the other. */
const SLOW = ['--rate', '12Mbps'];

function demo(place: Workplace, ...args: string[]): Run {
  return place.demo('--queues', QUICK_STORE, '--state', place.state, ...args);
}

function demoWithWork(place: Workplace): Run {
  if (readTree(place.input).size === 0) {
    // Too large for a bundle, so that each is a transfer of its own.
    for (let i = 0; i < FILES; i++) put(place.input, `file ${i}`, randomBytes(i, 270_000));
  }
  return demo(place, ...SLOW);
}

const someReleased = (place: Workplace, run: Run) =>
  run.until(() => readTree(place.out).size >= 2, 'released file', 90_000);

/** Ends well with everything in its place, nothing twice, and nothing running. */
async function expectGoodEnd(place: Workplace, run: Run): Promise<void> {
  const { code, report, stderr } = await run.report();
  expect(report, stderr).to.include({ objects: FILES, released: FILES, identical: FILES, highToLowDatagrams: 0 });
  expect(code).to.equal(0);
  const arrived = [...readTree(join(place.out, 'demo')).keys()].sort();
  expect(arrived, 'no versions, nothing else').to.deep.equal([...readTree(place.input).keys()].sort());
  await place.expectNothingRuns();
}

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'names processes with start times, ports, shares and storage in run.json, and takes it away at the end': async (
    place,
  ) => {
    const run = demoWithWork(place);
    const file = await place.runFile(run);
    const sides = ['low', 'low.sealer', 'low.sender', 'low.intake', 'high', 'high.receiver', 'high.verifier'];
    expect(file.processes).to.include.keys([...sides, 'high.releaser', 'link']);
    for (const [name, identity] of Object.entries(file.processes)) expect(isAlive(identity), name).to.equal(true);
    for (const port of Object.values(file.ports)) expect(port).to.be.within(1, 65_535);
    expect(new Set(Object.values(file.ports)).size).to.equal(4);
    expect(file.shares).to.deep.equal({ demo: place.input });
    expect(file.storage).to.equal(place.out);
    expect(file).to.have.property('consoles');
    const second = await demo(place).ended;
    expect(second.code, second.stderr).to.equal(3);
    expect(second.stderr, 'a second demo on the same state is refused, and harms nothing').to.include('STATE_IN_USE');
    await expectGoodEnd(place, run);
    expect(fs.existsSync(join(place.state, 'run.json'))).to.equal(false);
  },

  'FAULTS 62: a datagram to the sending socket or to the output of the link is counted, exit 1; two demos do not meet':
    (place) =>
      inWorkplace(async (other) => {
        const ends = { lowSource: place, linkOutput: other };
        const reports = Object.entries(ends).map(async ([port, one]) => {
          put(one.input, 'name', `of ${one.base}`);
          const run = demo(one);
          const { ports } = await one.runFile(run);
          const socket = createSocket('udp4');
          await new Promise((sent) => socket.send('back', ports[port as keyof typeof ends], '127.0.0.1', sent));
          socket.close();
          const { code, report, stderr } = await run.report();
          expect(report, stderr).to.include({ objects: 1, identical: 1, highToLowDatagrams: 1 });
          expect(code, port).to.equal(1);
          await one.expectNothingRuns();
        });
        for (const report of reports) await report;
      }),

  'ends at once while it is still starting, and leaves nothing': async (place) => {
    for (const afterMs of [150, 600, 1_200]) {
      const run = demo(place);
      await pause(afterMs);
      const { code, seconds, stderr } = await run.stop();
      // Until its own code is loaded, Node ends on the signal by itself.
      expect(code, stderr).to.be.oneOf([0, 1, null]);
      expect(seconds).to.be.below(30);
      await place.expectNothingRuns();
    }
  },

  'FAULTS 51: killed itself, everything it started ends, and the next run on its state goes on': async (place) => {
    const run = demoWithWork(place);
    await someReleased(place, run);
    const { processes } = await place.runFile(run);
    await run.stop('SIGKILL');
    await place.expectNothingRuns(20_000);
    for (const [name, identity] of Object.entries(processes)) expect(isAlive(identity), name).to.equal(false);
    await expectGoodEnd(place, demoWithWork(place));
  },

  'a part of a side that is killed is started again, and the demo ends well': async (place) => {
    const run = demoWithWork(place);
    await someReleased(place, run);
    const before = (await place.runFile(run)).processes;
    const killed = ['low.sealer', 'low.intake', 'high.verifier', 'high.releaser'];
    for (const name of killed) kill(before[name]!.pid, 'SIGKILL');
    await run.until(() => {
      const now = (readJson(join(place.state, 'run.json')) as RunFile | undefined)?.processes ?? {};
      return killed.every((name) => now[name] && now[name].pid !== before[name]!.pid);
    }, 'new processes in run.json');
    await expectGoodEnd(place, run);
  },
};

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  cases[`ends in order on ${signal}: a report, exit 1, nothing left behind`] = async (place) => {
    const run = demoWithWork(place);
    await someReleased(place, run);
    await run.stop(signal);
    const { code, report, stderr } = await run.report();
    expect(code, stderr).to.equal(1);
    expect(report.objects).to.equal(FILES);
    expect(report.released).to.be.within(2, FILES - 1);
    expect(report.identical).to.equal(report.released);
    await place.expectNothingRuns();
    // The next run on its state goes on where it was.
    if (signal === 'SIGTERM') await expectGoodEnd(place, demoWithWork(place));
  };
}

for (const [part, words] of Object.entries({ low: 'low side', high: 'high side', link: 'simulated link' })) {
  cases[
    `FAULTS 51, 54: the ${words} killed midway ends the demo with exit 1${part === 'link' ? '' : '; started again, nothing is lost or twice'}`
  ] = async (place) => {
    const run = demoWithWork(place);
    await someReleased(place, run);
    kill((await place.runFile(run)).processes[part]!.pid, 'SIGKILL');
    const first = await run.report();
    expect(first.code, first.stderr).to.equal(1);
    expect(first.stderr).to.include(`the ${words} ended unexpectedly`);
    await place.expectNothingRuns();
    if (part === 'link') return;

    const again = demoWithWork(place);
    const { stderr } = await again.report();
    const lost = [...stderr.matchAll(/: incomplete .*\(transfer ([0-9a-f]{32})\)/g)].map((match) => match[1]!);
    if (part === 'low') expect(lost, stderr).to.deep.equal([]);
    if (lost.length === 0) return expectGoodEnd(place, again);
    // What was sent when the other part had died never arrived: the low side cannot know it, a person tells it.
    for (const id of lost) expect((await place.sluice('resend', id, '--state', place.state).ended).code).to.equal(0);
    await expectGoodEnd(place, demoWithWork(place));
  };
}

describe('demo --once and its processes', function () {
  this.timeout(180_000);
  concurrently(2, cases);
});
