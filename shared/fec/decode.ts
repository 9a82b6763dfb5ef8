/**
 * Rebuilds the missing source symbols of a block from any repair symbols, as many as are missing:
 *
 *   1. syndromes: what the received source symbols contribute to the repair symbols used is taken out of them;
 *   2. what is left is a Cauchy system in the missing symbols alone, solved by its closed inverse (locator.ts):
 *      multiply each syndrome by a scalar, one Cauchy sum from repair points to missing points, multiply by a scalar.
 *
 * Both sums are CauchySum's. The second one at level 0 is direct decoding, e^2 products for e missing symbols; at
 * higher levels it is FFT decoding. Unlike the decoder by formal derivative (Lin, Chung and Han), whose transforms span
 * all n points, these span the repair symbols used: a small loss costs small transforms and little memory.
 */
import { SluiceError } from '../core/errors.js';
import { checkBlockShape, checkK } from './blockShape.js';
import type { CauchySum, Plan } from './cauchySum.js';
import { type Column, columnsOf } from './columns.js';
import { divide, POINT, POINTS, paddedLog } from './field.js';
import { type Kernel, type KernelKind, Workspace } from './kernel.js';
import { type Scalars, solveScalars } from './locator.js';
import { SCALAR } from './scalarKernel.js';
import type { Mover } from './transform.js';

export interface RepairSymbol {
  /** r of the repair symbol: its ESI minus k. */
  readonly index: number;
  /** T bytes. */
  readonly data: Uint8Array;
}

export interface DecodeOptions {
  /** Forces how the system is solved; without it the way that is cheaper by estimate is taken. */
  readonly path?: 'direct' | 'fft';
}

/** One decoding under way: who is missing and what is used in its place. */
interface Task {
  readonly block: Uint8Array;
  readonly symbolBytes: number;
  /** log2 of K'. */
  readonly m: number;
  /** Source points. */
  readonly received: Int32Array;
  readonly missing: Int32Array;
  /** Repair symbols used, as many as are missing, and their points, ascending. */
  readonly used: readonly RepairSymbol[];
  readonly usedPoints: Int32Array;
  readonly scalars: Scalars;
}

/** A column of it, and the memory it is done in. */
interface Work {
  readonly column: Column;
  /** Its first bytes keep the syndromes, one after the other, then one symbol to scale in; sums start at `sumBase`. */
  readonly kernel: Kernel;
  readonly sumBase: number;
}

/**
 * Decodes block after block in the same workspace, reserved when first needed and grown to what the worst loss so far
 * took: e + 1 symbols for e missing ones, and at most 2 K' for the sums. For k = 4096 and T = 1408 that is 1.0 MB at
 * 5 % loss and never more than 17.3 MB. Of symbols above 2048 bytes it holds a column at a time.
 */
export class BlockDecoder {
  private readonly workspace: Workspace;
  private readonly columns: readonly Column[];

  /** For blocks of up to maxK symbols of T bytes. Throws FRAME_PARAMETERS. */
  constructor(
    private readonly maxK: number,
    private readonly symbolBytes: number,
    kind: KernelKind = SCALAR,
  ) {
    checkBlockShape(maxK, symbolBytes);
    this.workspace = new Workspace(kind);
    this.columns = columnsOf(maxK, symbolBytes, kind);
  }

  /**
   * Fills the missing source symbols of `block` (k * T bytes, the received ones in place; `have[j]` not 0 tells which).
   * False, and the block untouched, when fewer than k different symbols have arrived. A repair symbol given twice
   * counts once, one whose index names no point of the code not at all. Nothing is spent when nothing is missing.
   */
  decode(
    block: Uint8Array,
    k: number,
    have: Uint8Array,
    repair: readonly RepairSymbol[],
    options: DecodeOptions = {},
  ): boolean {
    const { symbolBytes } = this;
    checkK(k, this.maxK);
    if (block.length < k * symbolBytes || have.length < k) {
      throw new SluiceError('INTERNAL', `A block of ${k} symbols is given in ${block.length} bytes.`);
    }
    const missing = pointsWhere(have, k, false);
    if (missing.length === 0) return true;
    const m = paddedLog(k);
    const used = choose(repair, missing.length, 2 ** m);
    if (used === undefined) return false;
    if (used.some(({ data }) => data.length !== symbolBytes)) {
      throw new SluiceError('INTERNAL', `A repair symbol does not have ${symbolBytes} bytes.`);
    }
    const received = pointsWhere(have, k, true);
    const usedPoints = Int32Array.from(used, (symbol) => 2 ** m + symbol.index);
    const scalars = solveScalars(missing, usedPoints);
    const task: Task = { block, symbolBytes, m, received, missing, used, usedPoints, scalars };
    for (const column of this.columns) this.decodeColumn(task, column, options);
    return true;
  }

  private decodeColumn(task: Task, column: Column, options: DecodeOptions): void {
    const { m, received, missing, usedPoints } = task;
    const first = column.sum.plan(received, usedPoints, m);
    const second = planSolution(column.sum, usedPoints, missing, m, options);
    const sumBase = (missing.length + 1) * column.bytes;
    const kernel = this.workspace.reserve(sumBase + Math.max(first.symbols, second.symbols) * column.bytes);
    const work: Work = { column, kernel, sumBase };
    findSyndromes(task, work, first);
    findMissing(task, work, second);
  }

  /** Bytes of workspace held now. */
  get workspaceBytes(): number {
    return this.workspace.bytes;
  }
}

/** Source symbols that are there, or that are not. */
function pointsWhere(have: Uint8Array, k: number, present: boolean): Int32Array {
  let count = 0;
  for (let j = 0; j < k; j++) if ((have[j] !== 0) === present) count++;
  const points = new Int32Array(count);
  for (let j = 0, next = 0; next < count; j++) if ((have[j] !== 0) === present) points[next++] = j;
  return points;
}

/**
 * `count` different repair symbols in ascending order, taken from where they lie closest together: points that share
 * their upper bits share the work.
 */
function choose(repair: readonly RepairSymbol[], count: number, firstPoint: number): RepairSymbol[] | undefined {
  const ordered = repair
    .filter(({ index }) => Number.isInteger(index) && index >= 0 && firstPoint + index < POINTS)
    .sort((a, b) => a.index - b.index);
  const distinct = ordered.filter((symbol, i) => i === 0 || symbol.index !== ordered[i - 1].index);
  let best: RepairSymbol[] | undefined;
  let bestSpan = POINTS;
  for (let i = 0; i + count <= distinct.length; i++) {
    const span = (firstPoint + distinct[i].index) ^ (firstPoint + distinct[i + count - 1].index);
    if (span >= bestSpan) continue;
    bestSpan = span;
    best = distinct.slice(i, i + count);
  }
  return best;
}

function planSolution(
  sum: CauchySum,
  usedPoints: Int32Array,
  missing: Int32Array,
  m: number,
  { path }: DecodeOptions,
): Plan {
  if (path === 'direct') return sum.plan(usedPoints, missing, m, 0, 0);
  return sum.plan(usedPoints, missing, m, path === 'fft' ? Math.min(1, m) : 0);
}

/** Leaves each repair symbol without the share of the received source symbols. */
function findSyndromes(task: Task, { column, kernel, sumBase }: Work, plan: Plan): void {
  const { block, m, received, used, usedPoints } = task;
  const { bytes } = column;
  used.forEach(({ data }, i) => {
    column.load(kernel, data, 0, 1, i * bytes);
  });
  const load: Mover = (from, count, at) => column.load(kernel, block, received[from], count, at);
  const emit: Mover = (from, count, at) => kernel.xor(from * bytes, at, count * bytes);
  column.sum.run(plan, kernel, sumBase, { points: received, load }, { points: usedPoints, emit }, m);
}

function findMissing(task: Task, { column, kernel, sumBase }: Work, plan: Plan): void {
  const { block, m, missing, usedPoints, scalars } = task;
  const { alpha, beta } = scalars;
  const { bytes } = column;
  const spare = sumBase - bytes;
  // A syndrome is w_{x >> m} times the sum that the inverse of Cauchy's matrix expects.
  const load: Mover = (from, count, at) => {
    for (let i = from; i < from + count; i++) {
      kernel.multiply(at + (i - from) * bytes, i * bytes, bytes, divide(beta[i], POINT[usedPoints[i] >> m]));
    }
  };
  const emit: Mover = (from, count, at) => {
    for (let i = from; i < from + count; i++) {
      kernel.multiply(spare, at + (i - from) * bytes, bytes, alpha[i]);
      column.store(kernel, spare, block, missing[i] * task.symbolBytes);
    }
  };
  column.sum.run(plan, kernel, sumBase, { points: usedPoints, load }, { points: missing, emit });
}
