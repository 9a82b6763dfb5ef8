/** Blocks, losses and bookkeeping for the tests of the erasure code. */
import { Prng } from '../../shared/core/prng.js';
import { BlockDecoder, type DecodeOptions, type RepairSymbol } from '../../shared/fec/decode.js';
import { BlockEncoder } from '../../shared/fec/encode.js';

export const randomBlock = (seed: number, k: number, symbolBytes: number): Uint8Array =>
  new Prng(seed).fill(new Uint8Array(k * symbolBytes));

/** Repair symbols first .. first + count - 1. */
export function makeRepair(
  source: Uint8Array,
  k: number,
  symbolBytes: number,
  first: number,
  count: number,
): RepairSymbol[] {
  const encoder = new BlockEncoder(k, symbolBytes);
  const out = new Uint8Array(count * symbolBytes);
  encoder.load(source, k);
  encoder.repair(first, count, out);
  return Array.from({ length: count }, (_, i) => ({
    index: first + i,
    data: out.subarray(i * symbolBytes, (i + 1) * symbolBytes),
  }));
}

/** `count` different numbers below `bound`, ascending. */
export function pick(random: Prng, count: number, bound: number): number[] {
  const all = Array.from({ length: bound }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + random.below(bound - i);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all.slice(0, count).sort((a, b) => a - b);
}

export interface Attempt {
  readonly decoded: boolean;
  readonly block: Uint8Array;
}

/** Overwrites the lost source symbols with noise and decodes. */
export function loseAndDecode(
  source: Uint8Array,
  k: number,
  symbolBytes: number,
  lost: readonly number[],
  repair: readonly RepairSymbol[],
  options: DecodeOptions & { decoder?: BlockDecoder } = {},
): Attempt {
  const block = source.slice(0, k * symbolBytes);
  const have = new Uint8Array(k).fill(1);
  for (const j of lost) {
    have[j] = 0;
    block.fill(0xa5, j * symbolBytes, (j + 1) * symbolBytes);
  }
  const decoder = options.decoder ?? new BlockDecoder(k, symbolBytes);
  return { decoded: decoder.decode(block, k, have, repair, options), block };
}
