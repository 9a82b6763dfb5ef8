/** No process of a side stands still while a large file passes: whoever asks it something waits no longer than this. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Prng } from '../../shared/core/prng.js';
import type { SideStatus } from '../../shared/ops/health/status.js';
import { readJson, Workplace } from '../support/cli.js';
import {
  drop,
  freePort,
  inState,
  ready,
  setUpSidesQuickly,
  startHigh,
  startLow,
  writeHigh,
  writeLow,
} from '../support/sides.js';

const LIMIT_MS = 50;
const FILE_BYTES = 48 * 1024 * 1024;
/** What starting costs is out of the figures after this time. */
const WINDOW_MS = 16_500;

describe('event loops', function () {
  this.timeout(120_000);
  const place = new Workplace();
  after(() => place.remove());

  it('FAULTS 56: while a large file passes no main thread is busy for longer than 50 ms with one thing', async function () {
    if (process.platform !== 'linux') this.skip();
    const sides = setUpSidesQuickly(place);
    const port = await freePort();
    writeHigh(sides, `127.0.0.1:${port}`);
    writeLow(sides, `127.0.0.1:${port}`, { rate: '800Mbps' });
    const [high, low] = [startHigh(place, sides), startLow(place, sides)];
    await Promise.all([ready(high), ready(low)]);
    await sleep(WINDOW_MS);
    drop(sides, 'large', new Prng(1).fill(new Uint8Array(FILE_BYTES)));
    await high.until(() => inState(high, 'released').length === 1, 'it is released');
    // Every process tells once a second, and the status is written as often.
    await sleep(2_500);
    const pauses = new Map<string, number | undefined>();
    for (const [side, folder] of Object.entries({ low: sides.lowState, high: sides.highState })) {
      const { processes } = readJson(join(folder, 'status.json')) as SideStatus;
      for (const { name, eventLoopDelayMs } of processes) pauses.set(`${side} ${name}`, eventLoopDelayMs);
    }
    // One that has nothing to do all the while tells how long this machine lets a process wait for its turn.
    const machineMs = pauses.get('high letterReleaser')!;
    const shown = [...pauses].map(([name, ms]) => `${name}: ${ms} ms`).join(', ');
    for (const name of [
      'low supervisor',
      'low intake',
      'low sender',
      'high supervisor',
      'high receiver',
      'high verifier',
    ]) {
      expect(pauses.get(name), `${name} of ${shown}`).to.be.at.most(LIMIT_MS + 2 * machineMs);
    }
    expect(fs.statSync(join(sides.storage, 'large')).size).to.equal(FILE_BYTES);
    for (const run of [low, high]) {
      const { code, stderr } = await run.stop();
      expect(code, stderr).to.equal(0);
    }
  });
});
