/**
 * The field of the code: GF(2^16) with x^16 + x^5 + x^3 + x^2 + 1, elements in polynomial basis, and the points at
 * which the code evaluates its polynomials (docs/PROTOCOL.md; the basis is Cantor's, 1989, as used by Gao and Mateer).
 */

export const FIELD_POLYNOMIAL = 0x1002d;
/** Order of the multiplicative group. */
export const GROUP_ORDER = 65_535;
/** Points of the code, and elements of the field. */
export const POINTS = 65_536;
/** Source symbols a block may have at most: K' must leave at least as many points for repair. */
export const MAX_SOURCE_SYMBOLS = 32_768;

/** a·x. */
export const timesX = (a: number): number => (a & 0x8000 ? (a << 1) ^ FIELD_POLYNOMIAL : a << 1);

/** Powers of x, twice over so that a sum of two logarithms needs no reduction. */
export const EXP = new Uint16Array(2 * GROUP_ORDER);
/** Logarithms to the base x; LOG[0] is 0 and means nothing. */
export const LOG = new Uint16Array(POINTS);
for (let i = 0, power = 1; i < GROUP_ORDER; i++, power = timesX(power)) {
  EXP[i] = EXP[i + GROUP_ORDER] = power;
  LOG[power] = i;
}

export const multiply = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : EXP[LOG[a] + LOG[b]]);
/** a / b. Division by zero is a fault of the caller and gives a meaningless value. */
export const divide = (a: number, b: number): number => (a === 0 ? 0 : EXP[LOG[a] + GROUP_ORDER - LOG[b]]);

/** b_0 = 1, b_{i+1}^2 + b_{i+1} = b_i; of the two solutions (they differ by 1) always the one with bit 0 clear. */
export const CANTOR_BASIS: readonly number[] = cantorBasis();

function cantorBasis(): number[] {
  const solution = new Uint16Array(POINTS);
  for (let even = 2; even < POINTS; even += 2) solution[multiply(even, even) ^ even] = even;
  const basis = [1];
  while (basis.length < 16) basis.push(solution[basis[basis.length - 1]]);
  return basis;
}

/** POINT[x] is w_x, the field element at which symbol x of a block lives: the sum of b_j over the set bits j of x. */
export const POINT = new Uint16Array(POINTS);
for (let j = 0; j < 16; j++) {
  for (let i = 0; i < 1 << j; i++) POINT[(1 << j) + i] = POINT[i] ^ CANTOR_BASIS[j];
}

/** log2 of K', the next power of two that is at least k. */
export const paddedLog = (k: number): number => 32 - Math.clz32(k - 1);
