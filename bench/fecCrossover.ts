/**
 * Where rebuilding by transforms begins to cost less than rebuilding directly: one block, decoded both ways for ever more
 * lost symbols, and which way the decoder takes by itself.
 */
import { pointRange } from '../shared/fec/blockShape.js';
import { CauchySum } from '../shared/fec/cauchySum.js';
import { BlockDecoder } from '../shared/fec/decode.js';
import { paddedLog } from '../shared/fec/field.js';
import type { KernelKind } from '../shared/fec/kernel.js';
import { allBut, benchBlock, medianMs } from './fecBlock.js';

export interface CrossoverRow {
  /** Source symbols lost. */
  lost: number;
  directMs: number;
  fftMs: number;
  /** What the decoder does by itself. */
  taken: 'direct' | 'fft';
}

const LOST = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 205, 410];

export function benchCrossover(k: number, symbolBytes: number, kind: KernelKind, runs: number): CrossoverRow[] {
  const steps = LOST.filter((lost) => lost <= k);
  const { source, symbols } = benchBlock(k, Math.max(...steps), symbolBytes, kind);
  const m = paddedLog(k);
  return steps.map((lost) => {
    const have = allBut(lost, k);
    const repair = symbols.slice(0, lost);
    const decoder = new BlockDecoder(k, symbolBytes, kind);
    const block = source.slice();
    const ms = (path: 'direct' | 'fft'): number =>
      Math.round(1000 * medianMs(runs, () => decoder.decode(block, k, have, repair, { path }))) / 1000;
    const missing = Int32Array.from({ length: k }, (_, j) => j).filter((j) => !have[j]);
    const plan = new CauchySum(m, symbolBytes, kind).plan(pointRange(2 ** m, lost), missing, m);
    return { lost, directMs: ms('direct'), fftMs: ms('fft'), taken: plan.level === 0 ? 'direct' : 'fft' };
  });
}
