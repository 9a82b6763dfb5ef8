/** `sluice bench latency`: how long one file takes on an idle gateway, from being stable in the share to being released. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Prng } from '../shared/core/prng.js';
import { arrival, memoryOf } from './carry.js';
import { drop, prepare } from './content.js';
import { median, quantile } from './figures.js';
import { saidOf, type WholeOptions, withSides } from './whole.js';

export interface LatencyOptions extends WholeOptions {
  /** Files, one after the other. */
  count: number;
  sizeBytes: number;
}

const RATE_BPS = 400e6;
const COPIES = 4;
const PATIENCE_MS = 30_000;
/** Between two files, so that the gateway is idle and no file meets the same moment of a poll. */
const REST_MS = 400;
const REST_MORE_MS = 500;

export function benchLatency(options: LatencyOptions): Promise<Record<string, unknown> & { delivered: number }> {
  const { count, sizeBytes, seed, say } = options;
  return withSides(options, COPIES * count * sizeBytes, async (sides, filesystem) => {
    await sides.start(options.rateBps ?? RATE_BPS);
    const random = new Prng(seed);
    const stableMs: number[] = [];
    const takenMs: number[] = [];
    for (let n = 0; n < count; n++) {
      const name = `file-${n}`;
      prepare(sides.share, name, sizeBytes, seed + n);
      await sleep(REST_MS + random.unit() * REST_MORE_MS);
      const droppedMs = drop(sides.share, name);
      const { low, high } = await arrival(sides, name, PATIENCE_MS);
      const releasedMs = high.get('released');
      if (releasedMs === undefined) continue;
      stableMs.push(releasedMs - droppedMs);
      takenMs.push(releasedMs - low.get('taken')!);
    }
    say(`${stableMs.length} of ${count} released; median ${median(stableMs)} ms`);
    const orNull = (value: number) => (Number.isNaN(value) ? null : value);
    return {
      ...saidOf(options, sides, filesystem),
      delivered: stableMs.length,
      p50Ms: orNull(quantile(stableMs, 0.5)),
      p99Ms: orNull(quantile(stableMs, 0.99)),
      maxMs: orNull(quantile(stableMs, 1)),
      fromTakenP50Ms: orNull(quantile(takenMs, 0.5)),
      fromTakenP99Ms: orNull(quantile(takenMs, 0.99)),
      ...memoryOf(sides),
    };
  });
}
