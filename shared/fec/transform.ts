/**
 * The additive FFT over a group of 2^level neighbouring points (Lin, Chung and Han, "Novel polynomial basis and its
 * application to Reed-Solomon erasure codes", FOCS 2014), pruned at both ends: symbols that are known to be zero are
 * not read on the way in, values that nobody wants are not made on the way out. It goes depth first: a few symbols are
 * brought in, taken through as many layers as they have in common, and only then the next ones, so that what is worked
 * on lies in the nearest cache. Two layers are done in one pass where that can be.
 *
 * The subspace polynomials of the Cantor basis are s_0(x) = x, s_{j+1} = s_j^2 + s_j, with s_j(b_j) = 1 and
 * s_j(w_x) = w_{x >> j}. A polynomial of degree < 2^level is held by its coefficients in the basis
 * X_i = product of s_j over the set bits j of i. The basis does not depend on the group, so that coefficients gained
 * on one group may be added to those of another and evaluated on a third.
 */
import { POINT } from './field.js';
import type { Kernel } from './kernel.js';

/** Which symbols of a group count: those that are not zero on the way in, those that are wanted on the way out. */
export class Marks {
  /** below[i]: how many of the first i symbols are marked. */
  private readonly below: Int32Array;

  constructor(maxLevel: number) {
    this.below = new Int32Array((1 << maxLevel) + 1);
  }

  /** Marks points[from..to), ascending, all of them in the group of 2^level points that starts at `base`. */
  set(points: Int32Array, from: number, to: number, base: number, level: number): void {
    const { below } = this;
    const size = 1 << level;
    for (let i = 0, next = from; i < size; i++) {
      below[i + 1] = below[i] + (next < to && points[next] === base + i ? 1 : 0);
      if (below[i + 1] !== below[i]) next++;
    }
  }

  /** How many of the symbols in front of this one are marked. */
  before(symbol: number): number {
    return this.below[symbol];
  }

  any(from: number, to: number): boolean {
    return this.below[from] !== this.below[to];
  }
}

/**
 * Brings in or takes out the marked symbols `from` to `from + count - 1`, counted among the marked ones. They are
 * neighbours: the first lies at byte `at`, the others follow it.
 */
export type Mover = (from: number, count: number, at: number) => void;

/** Symbols are brought in, and taken out, about so many bytes at a time. */
const LEAF_BYTES = 32 * 1024;

/** What lies in a group on the way in: nothing yet; its marked symbols; those, and zeros for the others. */
type Filled = 'nothing' | 'marked' | 'all';

export class Transform {
  /** Level of the largest group that is brought in or taken out at once. */
  private readonly leafLevel: number;

  constructor(
    private readonly kernel: Kernel,
    private readonly symbolBytes: number,
    private readonly marks: Marks,
  ) {
    this.leafLevel = Math.max(2, 31 - Math.clz32(LEAF_BYTES / symbolBytes));
  }

  /**
   * Values to coefficients, in place: the symbols at offset `at` are values at the 2^level points from `base`, those
   * that are not marked are zero. `load` brings the marked ones in as they are needed; there is at least one.
   */
  interpolate(at: number, base: number, level: number, load: Mover): void {
    this.interpolatePart(at, base, level, 0, 'nothing', load);
  }

  /** Coefficients to values, in place. `emit` takes the marked symbols out; the others are of no use afterwards. */
  evaluate(at: number, base: number, level: number, emit: Mover): void {
    this.evaluatePart(at, base, level, 0, emit);
  }

  private interpolatePart(at: number, base: number, level: number, first: number, before: Filled, load: Mover): void {
    const filled = before === 'nothing' && level <= this.leafLevel ? this.bringIn(at, level, first, load) : before;
    if (level === 0) return;
    const { kernel, symbolBytes } = this;
    if (this.takesTwoLayers(base, level, first, filled)) {
      const quarter = 1 << (level - 2);
      const bytes = quarter * symbolBytes;
      for (let i = 0; i < 4; i++) {
        this.interpolatePart(at + i * bytes, base + i * quarter, level - 2, first + i * quarter, filled, load);
      }
      const [left, right, top] = twists(base, level);
      kernel.interpolate4(at, bytes, left, right, top);
      return;
    }
    const half = 1 << (level - 1);
    const bytes = half * symbolBytes;
    const other = at + bytes;
    const left = filled === 'all' || this.marks.any(first, first + half);
    const right = filled === 'all' || this.marks.any(first + half, first + 2 * half);
    if (left) this.interpolatePart(at, base, level - 1, first, filled, load);
    if (right) this.interpolatePart(other, base + half, level - 1, first + half, filled, load);
    const twist = POINT[base >> (level - 1)]; // s_{level-1} at the first point
    if (left && right) {
      kernel.interpolate(at, other, bytes, twist);
    } else if (left) {
      kernel.memory.copyWithin(other, at, other);
      kernel.multiplyAdd(at, other, bytes, twist);
    } else if (right) {
      kernel.multiply(at, other, bytes, twist);
    }
  }

  private evaluatePart(at: number, base: number, level: number, first: number, emit: Mover): void {
    const { kernel, marks } = this;
    if (level === 0) {
      emit(marks.before(first), 1, at);
      return;
    }
    if (this.takesTwoLayers(base, level, first, 'marked')) {
      const quarter = 1 << (level - 2);
      const bytes = quarter * this.symbolBytes;
      const [left, right, top] = twists(base, level);
      kernel.evaluate4(at, bytes, left, right, top);
      for (let i = 0; i < 4; i++) {
        this.evaluatePart(at + i * bytes, base + i * quarter, level - 2, first + i * quarter, emit);
      }
      return;
    }
    const half = 1 << (level - 1);
    const bytes = half * this.symbolBytes;
    const left = marks.any(first, first + half);
    const right = marks.any(first + half, first + 2 * half);
    const twist = POINT[base >> (level - 1)];
    if (right) kernel.evaluate(at, at + bytes, bytes, twist);
    else kernel.multiplyAdd(at, at + bytes, bytes, twist);
    if (left) this.evaluatePart(at, base, level - 1, first, emit);
    if (right) this.evaluatePart(at + bytes, base + half, level - 1, first + half, emit);
  }

  /**
   * Whether two layers are done in one pass: when all four quarters count. An odd level does its single layer first.
   * The first group's constants are 0, which costs no product where layers are done one by one.
   */
  private takesTwoLayers(base: number, level: number, first: number, filled: Filled): boolean {
    if (level % 2 !== 0 || base === 0) return false;
    if (filled === 'all') return true;
    const quarter = 1 << (level - 2);
    for (let i = 0; i < 4; i++) if (!this.marks.any(first + i * quarter, first + (i + 1) * quarter)) return false;
    return true;
  }

  /** Brings in the marked symbols of a group. Where they are more than half of it, zeros take the place of the others. */
  private bringIn(at: number, level: number, first: number, load: Mover): Filled {
    const { marks, kernel, symbolBytes } = this;
    const end = first + (1 << level);
    const count = marks.before(end) - marks.before(first);
    const isMostly = 2 * count > end - first;
    for (let symbol = first; symbol < end; ) {
      const isMarked = marks.any(symbol, symbol + 1);
      let next = symbol + 1;
      while (next < end && marks.any(next, next + 1) === isMarked) next++;
      const place = at + (symbol - first) * symbolBytes;
      if (isMarked) load(marks.before(symbol), next - symbol, place);
      else if (isMostly) kernel.memory.fill(0, place, place + (next - symbol) * symbolBytes);
      symbol = next;
    }
    return isMostly ? 'all' : 'marked';
  }
}

/** Constants of the two layers of a group: for its first half, for its second, for both halves together. */
const twists = (base: number, level: number): [left: number, right: number, top: number] => [
  POINT[base >> (level - 2)],
  POINT[(base >> (level - 2)) ^ 2],
  POINT[base >> (level - 1)],
];
