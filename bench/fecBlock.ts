/** What the benches of the erasure code share: one block with its repair, losses, and the clock. */
import { Prng } from '../shared/core/prng.js';
import type { RepairSymbol } from '../shared/fec/decode.js';
import { BlockEncoder } from '../shared/fec/encode.js';
import type { KernelKind } from '../shared/fec/kernel.js';

const SEED = 20_240;
/** The compiler has seen the loops after so many runs, and so much time, that do not count. */
const WARM_RUNS = 3;
const WARM_MS = 200;

export interface BenchBlock {
  readonly source: Uint8Array;
  /** Makes the repair symbols once more. */
  readonly encode: () => void;
  readonly symbols: readonly RepairSymbol[];
}

/** A block of random bytes with the first `repair` repair symbols. */
export function benchBlock(k: number, repair: number, symbolBytes: number, kind: KernelKind): BenchBlock {
  const source = new Prng(SEED).fill(new Uint8Array(k * symbolBytes));
  const encoder = new BlockEncoder(k, symbolBytes, kind);
  const made = new Uint8Array(repair * symbolBytes);
  const encode = (): void => {
    encoder.load(source, k);
    encoder.repair(0, repair, made);
  };
  encode();
  const symbols = Array.from({ length: repair }, (_, index) => ({
    index,
    data: made.subarray(index * symbolBytes, (index + 1) * symbolBytes),
  }));
  return { source, encode, symbols };
}

/** 1 for each of k symbols but `lost` of them, at seeded random places. */
export function allBut(lost: number, k: number): Uint8Array {
  const random = new Prng(SEED + lost);
  const have = new Uint8Array(k).fill(1);
  for (let left = lost; left > 0; ) {
    const j = random.below(k);
    left -= have[j];
    have[j] = 0;
  }
  return have;
}

/** The median of so many runs. A single run is there to see that all works: nothing goes before it. */
export function medianMs(runs: number, work: () => void, prepare: () => void = () => {}): number {
  const timed = (): number => {
    prepare();
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  for (let warmMs = 0, warm = 0; runs > 1 && (warm < WARM_RUNS || warmMs < WARM_MS); warm++) warmMs += timed();
  const times = Array.from({ length: runs }, timed).sort((a, b) => a - b);
  return times[times.length >> 1];
}
