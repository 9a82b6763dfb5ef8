/** The parts of a status: rates, tenants, processes, stages, and a clock that steps. */
import { expect } from 'chai';
import { ClockWatch } from '../../shared/ops/health/clockWatch.js';
import { Meter } from '../../shared/ops/health/meter.js';
import { StageWatch } from '../../shared/ops/health/stageWatch.js';
import { statesOf, tenantsOf } from '../../shared/ops/health/statusParts.js';
import { EventLoopDelay, processStatus } from '../../shared/ops/health/vitals.js';
import { until } from '../support/queues.js';

describe('status of a side', () => {
  it('a rate is that of the last seconds, and begins anew with its counter', () => {
    const meter = new Meter();
    expect(meter.note(1_000, 0)).to.equal(0);
    expect(meter.note(3_000, 1_000)).to.equal(2_000);
    for (let second = 2; second <= 20; second++) meter.note(3_000, second * 1_000);
    expect(meter.note(3_000, 21_000)).to.equal(0);
    expect(meter.note(0, 22_000)).to.equal(0);
    expect(meter.note(500, 23_000)).to.equal(500);
  });

  it('tenants have their objects, what is inside, the oldest of it and their quota', () => {
    const tally = { isSpooled: true, objects: 2, bytes: 20 };
    const tallies = [
      { ...tally, tenant: 'town', state: 'taken' },
      { ...tally, tenant: 'town', state: 'sent' },
      { ...tally, tenant: 'town', state: 'sealed', objects: 1 },
      { ...tally, tenant: 'gone', state: 'sent' },
    ];
    const ledger = { oldestMs: (_: string, state: string) => ({ taken: 900, sealed: 2_000 })[state] };
    const inside = ({ state }: { state: string }) => state !== 'sent';
    const settings = [
      { name: 'town', quota: { bytes: 100, objects: undefined } },
      { name: 'court', quota: {} },
    ];
    expect(tenantsOf(ledger, tallies, settings, inside, 1_000)).to.deep.equal([
      {
        name: 'town',
        states: {
          taken: { objects: 2, bytes: 20 },
          sent: { objects: 2, bytes: 20 },
          sealed: { objects: 1, bytes: 20 },
        },
        inside: { objects: 3, bytes: 40 },
        oldest: { state: 'taken', ageMs: 100 },
        quota: { bytes: 100 },
      },
      { name: 'court', states: {}, inside: { objects: 0, bytes: 0 } },
    ]);
    expect(statesOf(tallies).sent).to.deep.equal({ objects: 4, bytes: 40 });
    const [town] = tenantsOf(ledger, tallies, settings, inside, 0);
    expect(town!.oldest!.ageMs, 'FAULTS 22: never negative').to.equal(0);
  });

  it('a process has its memory and its processor time; one that is gone has neither', () => {
    const [own, gone] = processStatus({ own: process.pid, gone: 0 });
    expect(own!.residentBytes).to.be.within(10e6, 4e9);
    expect(own!.cpuSeconds).to.be.above(0);
    const { user, system } = process.cpuUsage();
    expect(own!.cpuSeconds).to.be.closeTo((user + system) / 1e6, 1);
    expect(gone).to.deep.equal({ name: 'gone', pid: 0 });
  });

  it('late timers are seen', async () => {
    const delay = new EventLoopDelay();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const untilMs = performance.now() + 150;
    while (performance.now() < untilMs);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(delay.takeMs()).to.be.above(80);
    expect(delay.takeMs(), 'taken').to.be.below(80);
    delay.stop();
    expect(processStatus({ own: process.pid })[0]!.eventLoopDelayMs, 'for a while').to.be.above(80);
  });

  it('FAULTS 54: a store that does not answer is away until it does; asking never waits for it', async () => {
    let answers = true;
    const counts = { waiting: 3, active: 1, delayed: 0, failed: 0, completed: 9 };
    const fail = () => Promise.reject(new Error('away'));
    const stage = {
      name: 'scan',
      counts: () => (answers ? Promise.resolve(counts) : fail()),
      isPaused: () => (answers ? Promise.resolve(true) : fail()),
    };
    const said: string[] = [];
    let nowMs = 0;
    const events = { away: () => said.push('away'), back: () => said.push('back') };
    const watch = new StageWatch([stage], events, () => nowMs);
    watch.look();
    const expected = { name: 'scan', waiting: 3, active: 1, delayed: 0, failed: 0, isPaused: true };
    await until('the first answer', () => watch.stages[0]!.waiting === 3);
    expect(watch.stages).to.deep.equal([expected]);
    answers = false;
    for (nowMs = 1_000; nowMs <= 5_000; nowMs += 1_000) {
      watch.look();
      await new Promise(setImmediate);
    }
    expect(said).to.deep.equal(['away']);
    nowMs = 30_000;
    watch.look();
    expect(said, 'again, while it lasts').to.deep.equal(['away', 'away']);
    await new Promise(setImmediate);
    expect(watch.isUp).to.equal(false);
    expect(watch.stages, 'as last heard').to.deep.equal([expected]);
    answers = true;
    watch.look();
    await until('it is back', () => watch.isUp);
    expect(said).to.deep.equal(['away', 'away', 'back']);
  });

  it('FAULTS 22: a clock that is set is noticed, and ages are not trusted for an hour', () => {
    let [wallMs, monotonicMs] = [1_000_000, 0];
    const said: string[] = [];
    const clock = { wallMs: () => wallMs, monotonicMs: () => monotonicMs };
    const watch = new ClockWatch(clock, (words) => said.push(words));
    const later = (monotonic: number, wall = monotonic) => {
      monotonicMs += monotonic;
      wallMs += wall;
      watch.look();
    };
    later(60_000);
    later(1_000, 3_000);
    expect(said).to.deep.equal([]);
    expect(watch.isTrusted).to.equal(true);
    later(500, 365 * 86_400_000 + 500);
    expect(said).to.deep.equal(['It was set forward by 365 d.']);
    expect(watch.isTrusted).to.equal(false);
    later(3_600_000);
    expect(watch.isTrusted).to.equal(true);
    later(500, -7_200_000 + 500);
    expect(said[1]).to.equal('It was set back by 2 h.');
  });
});
