/** Points of edwards25519 by the formulas of RFC 8032, section 5.1, in BigInt: slow, for tests only. */

const P = 2n ** 255n - 19n;
/** Order of the base point. */
export const ORDER = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;

const mod = (a: bigint): bigint => ((a % P) + P) % P;
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  for (let b = mod(base), e = exponent; e > 0n; e >>= 1n, b = mod(b * b)) if (e & 1n) result = mod(result * b);
  return result;
}
const inverse = (a: bigint): bigint => power(a, P - 2n);
const D = mod(-121_665n * inverse(121_666n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);

export interface Point {
  x: bigint;
  y: bigint;
}

export function add(a: Point, b: Point): Point {
  const product = mod(D * a.x * b.x * a.y * b.y);
  return {
    x: mod((a.x * b.y + b.x * a.y) * inverse(1n + product)),
    y: mod((a.y * b.y + a.x * b.x) * inverse(1n - product)),
  };
}

export const isIdentity = ({ x, y }: Point): boolean => x === 0n && y === 1n;

/** The point of 32 bytes; values of y from p on are reduced. Undefined when there is none. */
export function pointOf(bytes: Uint8Array): Point | undefined {
  const sign = BigInt(bytes[31]! >> 7);
  const y = mod(numberOf(bytes) & (2n ** 255n - 1n));
  const u = mod(y * y - 1n);
  const v = mod(D * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * power(v, 7n), (P - 5n) / 8n));
  if (mod(v * x * x) === mod(-u)) x = mod(x * ROOT_OF_MINUS_ONE);
  if (mod(v * x * x) !== u) return undefined;
  return { x: (x & 1n) === sign ? x : mod(-x), y };
}

export const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
export const bytesOfNumber = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
