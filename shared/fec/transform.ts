/**
 * The additive FFT over a group of 2^level neighbouring points (Lin, Chung and Han, "Novel polynomial basis and its
 * application to Reed-Solomon erasure codes", FOCS 2014), pruned at both ends: symbols that are known to be zero are
 * not read on the way in, values that nobody wants are not made on the way out.
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

  any(from: number, to: number): boolean {
    return this.below[from] !== this.below[to];
  }
}

export class Transform {
  constructor(
    private readonly kernel: Kernel,
    private readonly symbolBytes: number,
    private readonly marks: Marks,
  ) {}

  /**
   * Values to coefficients, in place: the symbols at offset `at` are values at the 2^level points from `base`. What
   * lies at unmarked symbols is not read: they stand for zero. At least one symbol is marked.
   */
  interpolate(at: number, base: number, level: number): void {
    this.interpolatePart(at, base, level, 0);
  }

  /** Coefficients to values, in place. Only the marked symbols are values afterwards. */
  evaluate(at: number, base: number, level: number): void {
    this.evaluatePart(at, base, level, 0);
  }

  /**
   * Whether two layers are done at once: when all four quarters count. The first group's constants are 0, and one layer
   * at a time then costs less.
   */
  private isFull(base: number, level: number, first: number): boolean {
    if (level < 2 || base === 0) return false;
    const quarter = 1 << (level - 2);
    for (let i = 0; i < 4; i++) if (!this.marks.any(first + i * quarter, first + (i + 1) * quarter)) return false;
    return true;
  }

  private interpolatePart(at: number, base: number, level: number, first: number): void {
    if (level === 0) return;
    const { kernel, marks } = this;
    if (this.isFull(base, level, first)) {
      const quarter = 1 << (level - 2);
      const bytes = quarter * this.symbolBytes;
      for (let i = 0; i < 4; i++) {
        this.interpolatePart(at + i * bytes, base + i * quarter, level - 2, first + i * quarter);
      }
      kernel.interpolate4(
        at,
        bytes,
        POINT[base >> (level - 2)],
        POINT[(base >> (level - 2)) + 2],
        POINT[base >> (level - 1)],
      );
      return;
    }
    const half = 1 << (level - 1);
    const bytes = half * this.symbolBytes;
    const other = at + bytes;
    const left = marks.any(first, first + half);
    const right = marks.any(first + half, first + 2 * half);
    if (left) this.interpolatePart(at, base, level - 1, first);
    if (right) this.interpolatePart(other, base + half, level - 1, first + half);
    const twist = POINT[base >> (level - 1)]; // s_{level-1} at the first point
    if (left && right) {
      kernel.interpolate(at, other, bytes, twist);
    } else if (left) {
      kernel.memory.copyWithin(other, at, other);
      kernel.multiplyAdd(at, other, bytes, twist);
    } else if (right) {
      kernel.memory.fill(0, at, other);
      kernel.multiplyAdd(at, other, bytes, twist);
    }
  }

  private evaluatePart(at: number, base: number, level: number, first: number): void {
    if (level === 0) return;
    const { kernel, marks } = this;
    if (this.isFull(base, level, first)) {
      const quarter = 1 << (level - 2);
      const bytes = quarter * this.symbolBytes;
      kernel.evaluate4(
        at,
        bytes,
        POINT[base >> (level - 2)],
        POINT[(base >> (level - 2)) + 2],
        POINT[base >> (level - 1)],
      );
      for (let i = 0; i < 4; i++) {
        this.evaluatePart(at + i * bytes, base + i * quarter, level - 2, first + i * quarter);
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
    if (left) this.evaluatePart(at, base, level - 1, first);
    if (right) this.evaluatePart(at + bytes, base + half, level - 1, first + half);
  }
}
