/**
 * The scalars of erasure decoding. With missing source symbols at points y_l and as many repair symbols at points x_i,
 * the system d_1/(x_i + y_1) + ... + d_e/(x_i + y_e) = s_i has Cauchy's matrix, whose inverse is known in closed form:
 *
 *     d_l = alpha_l · sum over i of beta_i · s_i / (x_i + y_l)
 *     alpha_l = product over t of (x_t + y_l) / product over t != l of (y_t + y_l)
 *     beta_i  = product over t of (x_i + y_t) / product over t != i of (x_i + x_t)
 *
 * Both are one function of a point p: the sum F(p) of log(w_p + w_x) over the x, minus the same over the y, where
 * log 0 counts as 0. alpha = exp F(y_l), beta = exp -F(x_i).
 */
import { EXP, GROUP_ORDER, LOG, POINT } from './field.js';

export interface Scalars {
  readonly alpha: Uint16Array;
  readonly beta: Uint16Array;
}

const logOf = (x: number): number => LOG[POINT[x]];

/**
 * For missing source points and used repair points, equally many, all different. Few points are summed pair by pair,
 * many go through the transform; `method` forces one of the two.
 */
export function solveScalars(missing: Int32Array, used: Int32Array, method?: 'sums' | 'walsh'): Scalars {
  const highest = used.reduce((a, b) => Math.max(a, b), 0);
  const level = 32 - Math.clz32(highest);
  const pairs = 4 * missing.length * missing.length;
  const sums = method === undefined ? pairs <= 2 * level * 2 ** level : method === 'sums';
  const exponentAt = sums ? bySums(missing, used) : byWalsh(missing, used, level);
  const reduced = (exponent: number): number => ((exponent % GROUP_ORDER) + GROUP_ORDER) % GROUP_ORDER;
  return {
    alpha: Uint16Array.from(missing, (point) => EXP[reduced(exponentAt(point))]),
    beta: Uint16Array.from(used, (point) => EXP[reduced(-exponentAt(point))]),
  };
}

function bySums(missing: Int32Array, used: Int32Array): (point: number) => number {
  return (point) => {
    let exponent = 0;
    for (let i = 0; i < used.length; i++) exponent += logOf(point ^ used[i]) - logOf(point ^ missing[i]);
    return exponent;
  };
}

/**
 * F is the convolution, under exclusive or, of the logarithms with +1 at each x and -1 at each y, so two
 * Walsh-Hadamard transforms give it at all points. In floating point this is exact: with N <= 2^16 points every
 * intermediate value is at most N · |signs| · |logs| <= 2^16 · 2^8 · 2^24 (Cauchy-Schwarz), below 2^53.
 */
function byWalsh(missing: Int32Array, used: Int32Array, level: number): (point: number) => number {
  const size = 1 << level;
  const logs = transformedLogs(level);
  const values = new Float64Array(size);
  for (const point of used) values[point] = 1;
  for (const point of missing) values[point] = -1;
  walsh(values);
  for (let i = 0; i < size; i++) values[i] *= logs[i];
  walsh(values);
  return (point) => values[point] / size;
}

/** At most 17 arrays, one for each size that has been needed. */
const transformed: Float64Array[] = [];

function transformedLogs(level: number): Float64Array {
  let logs = transformed[level];
  if (logs === undefined) {
    logs = Float64Array.from({ length: 1 << level }, (_, x) => logOf(x));
    walsh(logs);
    transformed[level] = logs;
  }
  return logs;
}

function walsh(values: Float64Array): void {
  for (let half = 1; half < values.length; half *= 2) {
    for (let start = 0; start < values.length; start += 2 * half) {
      for (let i = start; i < start + half; i++) {
        const a = values[i];
        const b = values[i + half];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}
