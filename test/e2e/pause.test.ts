/** An operator pauses a stage of a running gateway: it rests, over a restart and a flushed queue store, and goes on. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { concurrently, QUICK_STORE, type Run, type Workplace } from '../support/cli.js';
import {
  drop,
  inState,
  ready,
  type Sides,
  setUpSidesQuickly,
  startHigh,
  startLow,
  writeHigh,
  writeLow,
} from '../support/sides.js';

async function act(place: Workplace, state: string, ...words: string[]): Promise<void> {
  const done = await place.sluice('queues', ...words, '--state', state, '--why', 'a test').ended;
  expect(done.code, `${done.stdout}${done.stderr}`).to.equal(0);
}

async function start(place: Workplace): Promise<{ sides: Sides; low: Run; high: Run }> {
  const sides = setUpSidesQuickly(place);
  writeHigh(sides, '127.0.0.1:0', { silence: '4s' });
  const high = startHigh(place, sides);
  const { port } = await ready(high);
  writeLow(sides, `127.0.0.1:${port}`, { heartbeatInterval: '500ms' });
  const low = startLow(place, sides);
  await ready(low);
  return { sides, low, high };
}

async function flush(state: string): Promise<void> {
  const redis = new Redis({ path: join(state, 'queues', 'redis.sock') });
  await redis.flushall();
  await redis.quit();
}

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'FAULTS 54: send rests while heartbeats go on, over a restart and a flush, until it is resumed': async (place) => {
    const started = await start(place);
    const { sides, high } = started;
    let { low } = started;
    await act(place, sides.lowState, 'pause', 'send');
    // While the low side was still starting there was nothing to hear.
    const silences = () => high.lines().filter(({ code }) => code === 'LINK_SILENT').length;
    const before = silences();
    drop(sides, 'letter', 'it waits');
    await low.until(() => inState(low, 'sealed').length > 0, 'sealed object');
    await sleep(6_000);
    expect(silences()).to.equal(before);
    await low.stop();
    low = startLow(place, sides);
    await ready(low);
    await sleep(1_500);
    if (QUICK_STORE === 'redis-server') {
      await flush(sides.lowState);
      await low.until(() => low.lines().some(({ code }) => code === 'QUEUE_STORE_EMPTIED'), 'alarm of the flush');
      await sleep(5_000);
    }
    expect([...inState(low, 'sent'), ...inState(high, 'assembling')]).to.deep.equal([]);
    await act(place, sides.lowState, 'resume', 'send');
    await high.until(() => inState(high, 'released').length > 0, 'released object');
    await low.stop();
    await high.stop();
  },

  'release rests, and what has arrived waits for it': async (place) => {
    const { sides, low, high } = await start(place);
    await act(place, sides.highState, 'pause', 'release');
    drop(sides, 'letter', 'it waits');
    await high.until(() => inState(high, 'verifying').length > 0, 'assembled object');
    await sleep(1_500);
    expect(inState(high, 'released')).to.deep.equal([]);
    await act(place, sides.highState, 'resume', 'release');
    await high.until(() => inState(high, 'released').length > 0, 'released object');
    await low.stop();
    await high.stop();
  },
};

describe('a paused stage', function () {
  this.timeout(180_000);
  concurrently(2, cases);
});
