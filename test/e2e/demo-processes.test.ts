/**
 * The processes of a demo seen from outside: what run.json names, what is left when it is ended, killed, or a part of
 * it dies, and what arrives where nothing may arrive (FAULTS 51, 54, 62).
 */
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { isAlive } from '../../shared/ops/queues/process.js';
import { kill, pause, QUICK_STORE, type Run, type RunFile, readJson, Workplace } from '../support/cli.js';
import { put, randomBytes, readTree } from '../support/trees.js';

describe('demo --once and its processes', function () {
  this.timeout(120_000);
  const places: Workplace[] = [];
  const newPlace = (): Workplace => {
    const place = new Workplace();
    places.push(place);
    return place;
  };
  let place: Workplace;
  beforeEach(() => {
    place = newPlace();
  });
  afterEach(async () => {
    for (const one of places.splice(0)) await one.remove();
  });

  const demo = (...args: string[]) => place.demo('--queues', QUICK_STORE, '--state', place.state, ...args);
  /** Some seconds of work: 6 MB at 2 MB/s, in files that are released one after the other. */
  const putWork = () => {
    for (let i = 0; i < 15; i++) put(place.input, `file ${i}`, randomBytes(i, 400_000));
    return ['--rate', '16Mbps'];
  };
  const someReleased = (run: Run) => run.until(() => readTree(place.out).size >= 2, 'released file');
  const expectAllOnce = () => {
    const arrived = readTree(`${place.out}/demo`);
    expect([...arrived.keys()].sort()).to.deep.equal([...readTree(place.input).keys()].sort());
  };

  it('names processes with start times, ports, shares and storage in run.json, and takes it away at the end', async () => {
    const run = demo(...putWork());
    const file = await place.runFile(run);
    const { processes, ports, shares, storage } = file;
    const parts = [
      'low',
      'high',
      'link',
      'low.sealer',
      'low.sender',
      'low.intake',
      'high.receiver',
      'high.verifier',
      'high.releaser',
    ];
    expect(processes).to.include.keys(parts);
    for (const [name, { pid, startTicks }] of Object.entries(processes)) {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
      expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19], name).to.equal(startTicks);
    }
    for (const port of Object.values(ports)) expect(port).to.be.within(1, 65_535);
    expect(new Set(Object.values(ports)).size).to.equal(4);
    expect(shares).to.deep.equal({ demo: place.input });
    expect(storage).to.equal(place.out);
    expect(file).to.have.property('consoles');
    const ended = await run.report();
    expect(ended.code, ended.stderr).to.equal(0);
    expect(fs.existsSync(join(place.state, 'run.json'))).to.equal(false);
    await place.expectNothingRuns();
  });

  it('two demos at once do not meet', async () => {
    const other = newPlace();
    put(place.input, 'name', 'of one');
    put(other.input, 'name', 'of the other');
    const runs = [place, other].map((one) => one.demo('--queues', QUICK_STORE, '--state', one.state).report());
    for (const { code, report, stderr } of await Promise.all(runs)) {
      expect(code, stderr).to.equal(0);
      expect(report).to.include({ objects: 1, identical: 1, highToLowDatagrams: 0 });
    }
    await place.expectNothingRuns();
    await other.expectNothingRuns();
  });

  it('a second demo on the same state is refused, and harms nothing', async () => {
    const run = demo(...putWork());
    await place.runFile(run);
    const second = await demo().ended;
    expect(second.code, second.stderr).to.equal(3);
    expect(second.stderr).to.include('STATE_IN_USE');
    expect((await run.report()).code).to.equal(0);
    expectAllOnce();
  });

  for (const port of ['lowSource', 'linkOutput'] as const) {
    it(`FAULTS 62: one datagram to the port "${port}" is counted, and the end is not good`, async () => {
      const run = demo(...putWork());
      const { ports } = await place.runFile(run);
      const socket = createSocket('udp4');
      await new Promise((sent) => socket.send('back', ports[port], '127.0.0.1', sent));
      socket.close();
      const { code, report, stderr } = await run.report();
      expect(report, stderr).to.include({ objects: 15, identical: 15, highToLowDatagrams: 1 });
      expect(code).to.equal(1);
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends in order on ${signal}: a report, exit 1, nothing left behind, and the next run goes on`, async () => {
      const rate = putWork();
      const run = demo(...rate);
      await someReleased(run);
      const { code, report, stderr, stdout } = { ...(await run.stop(signal)), ...(await run.report()) };
      expect(code, stderr).to.equal(1);
      expect(report.objects, stdout).to.equal(15);
      expect(report.released).to.be.within(2, 14);
      expect(report.identical).to.equal(report.released);
      await place.expectNothingRuns();
      const again = await demo(...rate).report();
      expect(again.report, again.stderr).to.include({ objects: 15, released: 15, identical: 15 });
      expectAllOnce();
    });
  }

  it('ends at once while it is still starting, and leaves nothing', async () => {
    for (const afterMs of [150, 600, 1_200]) {
      const run = demo();
      await pause(afterMs);
      const { code, seconds, stderr } = await run.stop();
      // Until its own code is loaded, Node ends on the signal by itself.
      expect(code, stderr).to.be.oneOf([0, 1, null]);
      expect(seconds).to.be.below(30);
      await place.expectNothingRuns();
    }
  });

  it('FAULTS 51: killed itself, everything it started ends, and the next run on its state goes on', async () => {
    const rate = putWork();
    const run = demo(...rate);
    await someReleased(run);
    const { processes } = await place.runFile(run);
    await run.stop('SIGKILL');
    await place.expectNothingRuns(15_000);
    for (const { pid, startTicks } of Object.values(processes)) {
      const stat = fs.existsSync(`/proc/${pid}/stat`) ? fs.readFileSync(`/proc/${pid}/stat`, 'latin1') : '';
      expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]).not.to.equal(startTicks);
    }
    const again = await demo(...rate).report();
    expect(again.report, again.stderr).to.include({ objects: 15, released: 15, identical: 15 });
    expect(again.code).to.equal(0);
    expectAllOnce();
  });

  for (const side of ['low', 'high', 'link'] as const) {
    it(`FAULTS 51, 54: the ${side} part killed midway ends the demo with exit 1; started again, nothing is lost or twice`, async () => {
      const rate = putWork();
      const run = demo(...rate);
      await someReleased(run);
      const { processes } = await place.runFile(run);
      kill(processes[side]!.pid, 'SIGKILL');
      const first = await run.report();
      expect(first.code, first.stderr).to.equal(1);
      expect(first.stderr).to.match(/the (low side|high side|simulated link) ended unexpectedly/);
      expect(first.seconds).to.be.below(40);
      await place.expectNothingRuns();

      let again = await demo(...rate).report();
      // What was on its way when the other part died never arrived, and only a person can say so.
      const lost = [...again.stderr.matchAll(/: incomplete .*\(transfer ([0-9a-f]{32})\)/g)].map((match) => match[1]!);
      if (side === 'low') expect(lost, again.stderr).to.deep.equal([]);
      if (lost.length > 0) {
        for (const id of lost)
          expect((await place.sluice('resend', id, '--state', place.state).ended).code).to.equal(0);
        again = await demo(...rate).report();
      }
      expect(again.report, again.stderr).to.include({ objects: 15, released: 15, identical: 15 });
      expect(again.code).to.equal(0);
      expectAllOnce();
      await place.expectNothingRuns();
    });
  }

  it('a part of a side that is killed is started again, and the demo ends well', async () => {
    const run = demo(...putWork());
    await someReleased(run);
    const before = (await place.runFile(run)).processes;
    const killed = ['low.sealer', 'low.intake', 'high.verifier', 'high.releaser'];
    for (const name of killed) kill(before[name]!.pid, 'SIGKILL');
    await run.until(() => {
      const now = (readJson(join(place.state, 'run.json')) as RunFile | undefined)?.processes ?? {};
      return killed.every((name) => now[name] && now[name].pid !== before[name]!.pid);
    }, 'new processes in run.json');
    const { code, report, stderr } = await run.report();
    expect(report, stderr).to.include({ objects: 15, released: 15, identical: 15 });
    expect(code).to.equal(0);
    expectAllOnce();
    await place.expectNothingRuns();
  });
});
