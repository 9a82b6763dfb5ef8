/** Speed of the erasure code alone: one block in memory, encoded and decoded again and again on one thread. */

import { sameBytes } from '../shared/core/bytes.js';
import { SluiceError } from '../shared/core/errors.js';
import { BlockDecoder } from '../shared/fec/decode.js';
import type { KernelKind } from '../shared/fec/kernel.js';
import { KERNEL_VARIABLE } from '../shared/fec/kernelName.js';
import { SCALAR } from '../shared/fec/scalarKernel.js';
import { chooseKernel, type KernelChoice } from '../shared/fec/simd/kernelChoice.js';
import { allBut, benchBlock, medianMs } from './fecBlock.js';

export interface FecBenchOptions {
  /** Source symbols of the block. */
  k: number;
  /** Repair symbols made, and all of them received. */
  repair: number;
  /** Source symbols lost, at seeded random places; at most `repair`. */
  lost: number;
  /** Default 1408. */
  symbolBytes?: number;
  /** Default 7; the median counts. */
  runs?: number;
}

export interface FecSpeed {
  /** 10^6 source bytes a second. */
  encodeMBps: number;
  /** Absent bytes are rebuilt and present ones read: the rate counts all source bytes of the block. */
  decodeMBps: number;
}

export interface FecBenchResult {
  k: number;
  repair: number;
  lost: number;
  symbolBytes: number;
  scalar: FecSpeed;
  /** The fastest kernel that runs here, or the one that the environment pins; absent where none but the scalar one does. */
  simd?: FecSpeed & { kernel: string };
  /** Why there is no figure for it. */
  because?: string;
}

/** Throws USAGE when the block cannot be rebuilt from what is asked for. */
export async function benchFec(options: FecBenchOptions): Promise<FecBenchResult> {
  const { k, repair, lost, symbolBytes = 1408, runs = 7 } = options;
  if (lost > repair || lost > k) {
    throw new SluiceError('USAGE', `${lost} lost symbols cannot be rebuilt from ${repair} repair symbols.`);
  }
  const shape = { k, repair, lost, symbolBytes };
  const work = { ...shape, runs };
  const scalar = measure(work, SCALAR);
  const { kind, because } = fastKernel();
  if (kind === SCALAR) return { ...shape, scalar, ...(because ? { because } : {}) };
  return { ...shape, scalar, simd: { ...measure(work, kind), kernel: kind.name } };
}

/** The fastest one, or the one that the environment pins unless that is the scalar one. */
export function fastKernel(): KernelChoice {
  const asked = process.env[KERNEL_VARIABLE];
  return chooseKernel(asked === 'scalar' ? undefined : asked);
}

function measure({ k, repair, lost, symbolBytes, runs }: Required<FecBenchOptions>, kind: KernelKind): FecSpeed {
  const { source, encode, symbols } = benchBlock(k, repair, symbolBytes, kind);
  const encodeMs = medianMs(runs, encode);
  const decoder = new BlockDecoder(k, symbolBytes, kind);
  const have = allBut(lost, k);
  const block = source.slice();
  const decodeMs = medianMs(
    runs,
    () => decoder.decode(block, k, have, symbols),
    () => {
      for (let j = 0; j < k; j++) if (!have[j]) block.fill(0, j * symbolBytes, (j + 1) * symbolBytes);
    },
  );
  if (!sameBytes(block, source)) throw new SluiceError('INTERNAL', 'The block rebuilt by the bench differs.');
  const rate = (ms: number): number => Math.round((k * symbolBytes) / ms / 100) / 10;
  return { encodeMBps: rate(encodeMs), decodeMBps: rate(decodeMs) };
}
