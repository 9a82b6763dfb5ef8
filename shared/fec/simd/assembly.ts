/**
 * The kernel in AssemblyScript, sixteen bytes at a time: what `../scalarKernel.ts` says, for WebAssembly with SIMD.
 * `build.js` compiles it; neither the TypeScript compiler nor the linter reads it.
 *
 * A product is the sum of four table look-ups, one for each nibble of the word, and a byte shuffle looks up sixteen
 * nibbles at once: two tables (low and high byte of the product) for each of four nibbles, 128 bytes for a constant.
 * Products are linear in the constant too, so the tables of any constant are those of its low byte plus those of its
 * high byte: 512 sets serve all 65536 constants.
 *
 * How it is written follows from what V8 makes of it: between two stores all loads come first, so tables that are loaded
 * just before a store spend the least time in registers, and there are too few of those for more than a set.
 *
 * Memory: 512 sets of tables, filled by `simdKernel.ts`; three sets made up for the call at hand; the symbols. Every
 * offset that is passed counts from the first symbol.
 */

/** Sets of tables by the low byte of a constant, then by its high byte. */
const HIGH_SETS: usize = 256 << 7;
/** Sets of the constants of the call at hand: of one layer, or of the two of a call that does two. */
const SET0: usize = 512 << 7;
const SET1: usize = SET0 + 128;
const SET2: usize = SET1 + 128;
/** Where symbols begin. The same figure stands in simdKernel.ts. */
const BASE: usize = SET2 + 256;

/** Indices are below 16 always, so both instructions do the same; the relaxed one spares the machine a check. */
@inline
function look(table: v128, index: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(table, index);
  return i8x16.swizzle(table, index);
}

@inline
function lowNibbles(bytes: v128): v128 {
  return v128.and(bytes, i8x16.splat(15));
}

@inline
function highNibbles(bytes: v128): v128 {
  return v128.and(i16x8.shr_u(bytes, 4), i8x16.splat(15));
}

/** One byte, low or high, of sixteen products: the nibbles of the words through the four tables at `tables`. */
@inline
function sum(tables: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.xor(
    v128.xor(look(v128.load(tables), a), look(v128.load(tables, 16), b)),
    v128.xor(look(v128.load(tables, 32), c), look(v128.load(tables, 48), d)),
  );
}

/** Makes up the tables of a constant: of low bytes first, then, 64 bytes on, of high ones. */
@inline
function prepare(set: usize, constant: usize): void {
  const low = (constant & 255) << 7;
  const high = (constant >> 8) << 7;
  v128.store(set, v128.xor(v128.load(low, 0), v128.load(high, HIGH_SETS + 0)), 0);
  v128.store(set, v128.xor(v128.load(low, 16), v128.load(high, HIGH_SETS + 16)), 16);
  v128.store(set, v128.xor(v128.load(low, 32), v128.load(high, HIGH_SETS + 32)), 32);
  v128.store(set, v128.xor(v128.load(low, 48), v128.load(high, HIGH_SETS + 48)), 48);
  v128.store(set, v128.xor(v128.load(low, 64), v128.load(high, HIGH_SETS + 64)), 64);
  v128.store(set, v128.xor(v128.load(low, 80), v128.load(high, HIGH_SETS + 80)), 80);
  v128.store(set, v128.xor(v128.load(low, 96), v128.load(high, HIGH_SETS + 96)), 96);
  v128.store(set, v128.xor(v128.load(low, 112), v128.load(high, HIGH_SETS + 112)), 112);
}

export function xor(to: usize, from: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 64, from += 64) {
    v128.store(to, v128.xor(v128.load(to, BASE), v128.load(from, BASE)), BASE);
    v128.store(to, v128.xor(v128.load(to, BASE + 16), v128.load(from, BASE + 16)), BASE + 16);
    v128.store(to, v128.xor(v128.load(to, BASE + 32), v128.load(from, BASE + 32)), BASE + 32);
    v128.store(to, v128.xor(v128.load(to, BASE + 48), v128.load(from, BASE + 48)), BASE + 48);
  }
}

// A column is half a group of 64 bytes: sixteen low bytes and, 32 bytes on, their high ones.

@inline
function multiplyColumn(to: usize, from: usize): void {
  const low = v128.load(from, BASE);
  const high = v128.load(from, BASE + 32);
  const a = lowNibbles(low);
  const b = highNibbles(low);
  const c = lowNibbles(high);
  const d = highNibbles(high);
  v128.store(to, sum(SET0, a, b, c, d), BASE);
  v128.store(to, sum(SET0 + 64, a, b, c, d), BASE + 32);
}

export function multiply(to: usize, from: usize, bytes: usize, constant: usize): void {
  prepare(SET0, constant);
  for (const end = to + bytes; to < end; to += 64, from += 64) {
    multiplyColumn(to, from);
    multiplyColumn(to + 16, from + 16);
  }
}

@inline
function multiplyAddColumn(to: usize, from: usize): void {
  const low = v128.load(from, BASE);
  const high = v128.load(from, BASE + 32);
  const a = lowNibbles(low);
  const b = highNibbles(low);
  const c = lowNibbles(high);
  const d = highNibbles(high);
  v128.store(to, v128.xor(v128.load(to, BASE), sum(SET0, a, b, c, d)), BASE);
  v128.store(to, v128.xor(v128.load(to, BASE + 32), sum(SET0 + 64, a, b, c, d)), BASE + 32);
}

export function multiplyAdd(to: usize, from: usize, bytes: usize, constant: usize): void {
  prepare(SET0, constant);
  for (const end = to + bytes; to < end; to += 64, from += 64) {
    multiplyAddColumn(to, from);
    multiplyAddColumn(to + 16, from + 16);
  }
}

@inline
function evaluateColumn(x: usize, y: usize): void {
  const yl = v128.load(y, BASE);
  const yh = v128.load(y, BASE + 32);
  const a = lowNibbles(yl);
  const b = highNibbles(yl);
  const c = lowNibbles(yh);
  const d = highNibbles(yh);
  const xl = v128.xor(v128.load(x, BASE), sum(SET0, a, b, c, d));
  v128.store(x, xl, BASE);
  v128.store(y, v128.xor(yl, xl), BASE);
  const xh = v128.xor(v128.load(x, BASE + 32), sum(SET0 + 64, a, b, c, d));
  v128.store(x, xh, BASE + 32);
  v128.store(y, v128.xor(yh, xh), BASE + 32);
}

export function evaluate(x: usize, y: usize, bytes: usize, constant: usize): void {
  prepare(SET0, constant);
  for (const end = x + bytes; x < end; x += 64, y += 64) {
    evaluateColumn(x, y);
    evaluateColumn(x + 16, y + 16);
  }
}

@inline
function interpolateColumn(x: usize, y: usize): void {
  const xl = v128.load(x, BASE);
  const xh = v128.load(x, BASE + 32);
  const yl = v128.xor(v128.load(y, BASE), xl);
  const yh = v128.xor(v128.load(y, BASE + 32), xh);
  v128.store(y, yl, BASE);
  v128.store(y, yh, BASE + 32);
  const a = lowNibbles(yl);
  const b = highNibbles(yl);
  const c = lowNibbles(yh);
  const d = highNibbles(yh);
  v128.store(x, v128.xor(xl, sum(SET0, a, b, c, d)), BASE);
  v128.store(x, v128.xor(xh, sum(SET0 + 64, a, b, c, d)), BASE + 32);
}

export function interpolate(x: usize, y: usize, bytes: usize, constant: usize): void {
  prepare(SET0, constant);
  for (const end = x + bytes; x < end; x += 64, y += 64) {
    interpolateColumn(x, y);
    interpolateColumn(x + 16, y + 16);
  }
}

// Two layers of a transform in one pass over four spans, p to s: a symbol is read and written half as often. What is
// stored before its last layer is loaded again, which costs less than keeping it in a register.

@inline
function evaluate4Column(p: usize, q: usize, r: usize, s: usize): void {
  let low = v128.load(r, BASE);
  let high = v128.load(r, BASE + 32);
  let a = lowNibbles(low);
  let b = highNibbles(low);
  let c = lowNibbles(high);
  let d = highNibbles(high);
  let pl = v128.xor(v128.load(p, BASE), sum(SET2, a, b, c, d));
  v128.store(r, v128.xor(low, pl), BASE);
  let ph = v128.xor(v128.load(p, BASE + 32), sum(SET2 + 64, a, b, c, d));
  v128.store(r, v128.xor(high, ph), BASE + 32);

  low = v128.load(s, BASE);
  high = v128.load(s, BASE + 32);
  a = lowNibbles(low);
  b = highNibbles(low);
  c = lowNibbles(high);
  d = highNibbles(high);
  const ql = v128.xor(v128.load(q, BASE), sum(SET2, a, b, c, d));
  v128.store(s, v128.xor(low, ql), BASE);
  const qh = v128.xor(v128.load(q, BASE + 32), sum(SET2 + 64, a, b, c, d));
  v128.store(s, v128.xor(high, qh), BASE + 32);

  a = lowNibbles(ql);
  b = highNibbles(ql);
  c = lowNibbles(qh);
  d = highNibbles(qh);
  pl = v128.xor(pl, sum(SET0, a, b, c, d));
  v128.store(p, pl, BASE);
  v128.store(q, v128.xor(ql, pl), BASE);
  ph = v128.xor(ph, sum(SET0 + 64, a, b, c, d));
  v128.store(p, ph, BASE + 32);
  v128.store(q, v128.xor(qh, ph), BASE + 32);

  low = v128.load(s, BASE);
  high = v128.load(s, BASE + 32);
  a = lowNibbles(low);
  b = highNibbles(low);
  c = lowNibbles(high);
  d = highNibbles(high);
  const rl = v128.xor(v128.load(r, BASE), sum(SET1, a, b, c, d));
  v128.store(r, rl, BASE);
  v128.store(s, v128.xor(low, rl), BASE);
  const rh = v128.xor(v128.load(r, BASE + 32), sum(SET1 + 64, a, b, c, d));
  v128.store(r, rh, BASE + 32);
  v128.store(s, v128.xor(high, rh), BASE + 32);
}

export function evaluate4(p: usize, bytes: usize, left: usize, right: usize, top: usize): void {
  prepare(SET0, left);
  prepare(SET1, right);
  prepare(SET2, top);
  let q = p + bytes;
  let r = q + bytes;
  let s = r + bytes;
  for (const end = q; p < end; p += 64, q += 64, r += 64, s += 64) {
    evaluate4Column(p, q, r, s);
    evaluate4Column(p + 16, q + 16, r + 16, s + 16);
  }
}

@inline
function interpolate4Column(p: usize, q: usize, r: usize, s: usize): void {
  let pl = v128.load(p, BASE);
  let ph = v128.load(p, BASE + 32);
  const ql = v128.xor(v128.load(q, BASE), pl);
  const qh = v128.xor(v128.load(q, BASE + 32), ph);
  v128.store(q, ql, BASE);
  v128.store(q, qh, BASE + 32);
  let a = lowNibbles(ql);
  let b = highNibbles(ql);
  let c = lowNibbles(qh);
  let d = highNibbles(qh);
  pl = v128.xor(pl, sum(SET0, a, b, c, d));
  v128.store(p, pl, BASE);
  ph = v128.xor(ph, sum(SET0 + 64, a, b, c, d));
  v128.store(p, ph, BASE + 32);

  let rl = v128.load(r, BASE);
  let rh = v128.load(r, BASE + 32);
  let low = v128.xor(v128.load(s, BASE), rl);
  let high = v128.xor(v128.load(s, BASE + 32), rh);
  v128.store(s, v128.xor(low, ql), BASE);
  v128.store(s, v128.xor(high, qh), BASE + 32);
  a = lowNibbles(low);
  b = highNibbles(low);
  c = lowNibbles(high);
  d = highNibbles(high);
  rl = v128.xor(v128.xor(rl, pl), sum(SET1, a, b, c, d));
  v128.store(r, rl, BASE);
  rh = v128.xor(v128.xor(rh, ph), sum(SET1 + 64, a, b, c, d));
  v128.store(r, rh, BASE + 32);

  a = lowNibbles(rl);
  b = highNibbles(rl);
  c = lowNibbles(rh);
  d = highNibbles(rh);
  v128.store(p, v128.xor(pl, sum(SET2, a, b, c, d)), BASE);
  v128.store(p, v128.xor(ph, sum(SET2 + 64, a, b, c, d)), BASE + 32);

  low = v128.load(s, BASE);
  high = v128.load(s, BASE + 32);
  a = lowNibbles(low);
  b = highNibbles(low);
  c = lowNibbles(high);
  d = highNibbles(high);
  v128.store(q, v128.xor(v128.load(q, BASE), sum(SET2, a, b, c, d)), BASE);
  v128.store(q, v128.xor(v128.load(q, BASE + 32), sum(SET2 + 64, a, b, c, d)), BASE + 32);
}

export function interpolate4(p: usize, bytes: usize, left: usize, right: usize, top: usize): void {
  prepare(SET0, left);
  prepare(SET1, right);
  prepare(SET2, top);
  let q = p + bytes;
  let r = q + bytes;
  let s = r + bytes;
  for (const end = q; p < end; p += 64, q += 64, r += 64, s += 64) {
    interpolate4Column(p, q, r, s);
    interpolate4Column(p + 16, q + 16, r + 16, s + 16);
  }
}
