/**
 * The one computation behind encoding and decoding: given symbols u_p at some points p, find for other points q
 *
 *     S_q = sum over p of u_p / (w_p + w_q)
 *
 * Points are taken in aligned groups of 2^level. Let Q be the polynomial of degree < 2^level that passes through the
 * u_p of group g (zero where there is none). At a point q of another group h, Lagrange's formula gives
 * Q(w_q) = w_{g ^ h} · sum over p in g of u_p / (w_p + w_q), since s_level(w_{p ^ q}) = w_{g ^ h} for all p and q, and
 * the derivative of s_level is 1. So each group of inputs is interpolated once, its coefficients are added, divided by
 * w_{g ^ h}, to an accumulator for each group h of outputs, and each accumulator is evaluated once:
 *
 *     load ─▶ interpolate ─▶ × 1/w_{g^h} ─▶ accumulators ─▶ evaluate ─▶ emit
 *            (one group)                   (one for each h)
 *
 * Level 0 is the sum as written, one product for each pair: best for a few points. The highest level is the classical
 * pair of FFTs: best when there are as many outputs as inputs. The plan takes the level with the least work.
 */
import { divide, POINT } from './field.js';
import type { Kernel, KernelKind } from './kernel.js';
import { Marks, type Mover, Transform } from './transform.js';

export interface Plan {
  readonly level: number;
  /** Groups of outputs that are accumulated at once; more of them take further rounds. */
  readonly batch: number;
  /** Workspace, in symbols. */
  readonly symbols: number;
  /** Work, in bytes through multiplyAdd. */
  readonly cost: number;
}

/** One side of a sum: its points in ascending order, and how to bring in or take out the symbols of neighbouring ones. */
export interface Inputs {
  readonly points: Int32Array;
  readonly load: Mover;
}
export interface Outputs {
  readonly points: Int32Array;
  readonly emit: Mover;
}

interface Group {
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

/** How many groups of 2^level points hold at least one of the points. */
function occupied(points: Int32Array, level: number): number {
  let count = 0;
  for (let i = 0, last = -1; i < points.length; i++) {
    const group = points[i] >> level;
    if (group !== last) count++;
    last = group;
  }
  return count;
}

function groupsOf(points: Int32Array, level: number): Group[] {
  const groups: Group[] = [];
  for (let from = 0, to = 0; from < points.length; from = to) {
    const number = points[from] >> level;
    while (to < points.length && points[to] >> level === number) to++;
    groups.push({ number, from, to });
  }
  return groups;
}

export class CauchySum {
  private readonly marks: Marks;

  /** For blocks with K' up to 2^maxLevel. Holds at most 2 K' symbols of workspace beside what the caller keeps. */
  constructor(
    maxLevel: number,
    private readonly symbolBytes: number,
    private readonly kind: KernelKind,
  ) {
    this.marks = new Marks(maxLevel);
  }

  /**
   * The level with the least work, among those from `lowest` to `highest`, for a block with K' = 2^m: no group of K'
   * points holds both inputs and outputs.
   */
  plan(inputs: Int32Array, outputs: Int32Array, m: number, lowest = 0, highest = m): Plan {
    const setup = this.kind.constantCostBytes;
    const maxSymbols = 2 << m;
    let best: Plan | undefined;
    let into = 0; // work of the transforms up to this level
    let out = 0;
    for (let level = 0; level <= highest; level++) {
      const bytes = this.symbolBytes << level;
      const groupsIn = occupied(inputs, level);
      const groupsOut = occupied(outputs, level);
      if (level > 0) {
        into += groupsIn * (bytes / 2 + setup);
        out += groupsOut * (bytes / 2 + setup);
      }
      // A single group of inputs keeps its coefficients, so that one accumulator serves all outputs in turn.
      const batch = groupsIn > 1 ? Math.min(groupsOut, (maxSymbols >> level) - 1) : 1;
      const rounds = groupsIn > 1 ? Math.ceil(groupsOut / batch) : 1;
      const moves = (rounds * groupsIn + groupsOut) * setup;
      const cost = rounds * into + out + moves + groupsIn * groupsOut * (bytes + setup);
      if (level >= lowest && (best === undefined || cost < best.cost)) {
        best = { level, batch, symbols: (1 + batch) << level, cost };
      }
    }
    return best!;
  }

  /**
   * Carries out a plan in the kernel's memory from byte `base` on. `cosetLevel` m multiplies each output q by
   * w_{q >> m}, as encoding needs it (m is at least the plan's level).
   */
  run(plan: Plan, kernel: Kernel, base: number, inputs: Inputs, outputs: Outputs, cosetLevel?: number): void {
    const { level, batch } = plan;
    const { symbolBytes, marks } = this;
    const groupBytes = symbolBytes << level;
    const transform = new Transform(kernel, symbolBytes, marks);
    const groupsIn = groupsOf(inputs.points, level);
    const groupsOut = groupsOf(outputs.points, level);
    const accumulator = (slot: number): number => base + (1 + slot) * groupBytes;

    for (let round = 0; round < groupsOut.length; round += batch) {
      const wanted = groupsOut.slice(round, round + batch);
      for (const group of groupsIn) {
        const isFirst = group === groupsIn[0];
        if (round === 0 || groupsIn.length > 1) this.bringIn(transform, inputs, group, base, level);
        wanted.forEach((target, slot) => {
          const factor = cosetLevel === undefined ? 1 : POINT[target.number >> (cosetLevel - level)];
          const constant = divide(factor, POINT[group.number ^ target.number]);
          if (isFirst) kernel.multiply(accumulator(slot), base, groupBytes, constant);
          else kernel.multiplyAdd(accumulator(slot), base, groupBytes, constant);
        });
      }
      if (groupsIn.length === 0) kernel.memory.fill(0, accumulator(0), accumulator(wanted.length));
      wanted.forEach((target, slot) => {
        const first = target.number << level;
        const at = accumulator(slot);
        marks.set(outputs.points, target.from, target.to, first, level);
        transform.evaluate(at, first, level, (from, count, place) => outputs.emit(target.from + from, count, place));
      });
    }
  }

  private bringIn(transform: Transform, inputs: Inputs, group: Group, base: number, level: number): void {
    const first = group.number << level;
    this.marks.set(inputs.points, group.from, group.to, first, level);
    transform.interpolate(base, first, level, (from, count, at) => inputs.load(group.from + from, count, at));
  }
}
