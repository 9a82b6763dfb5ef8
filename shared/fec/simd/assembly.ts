/**
 * The kernel in AssemblyScript, sixteen bytes at a time: what `../scalarKernel.ts` says, for WebAssembly with SIMD.
 * `build.js` compiles it; neither the TypeScript compiler nor the linter reads it.
 *
 * A product is the sum of four table look-ups, one for each nibble of the word, and a byte shuffle looks up sixteen
 * nibbles at once: two tables (low and high byte of the product) for each of four nibbles, 128 bytes for a constant.
 * Products are linear in the constant too, so the tables of any constant are those of its low byte plus those of its
 * high byte: 512 sets serve all 65536 constants.
 *
 * Memory: 512 sets of tables, filled by `simdKernel.ts`; three sets made up for the call at hand; the symbols. Every
 * offset that is passed counts from the first symbol.
 */

/** Sets of tables by the low byte of a constant, then by its high byte. */
const HIGH_SETS: usize = 256 << 7;
/** Sets for the two layers of a call that does two. */
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

/** One byte, low or high, of sixteen products: the nibbles of the words through four tables. */
@inline
function sum(ta: v128, a: v128, tb: v128, b: v128, tc: v128, c: v128, td: v128, d: v128): v128 {
  return v128.xor(v128.xor(look(ta, a), look(tb, b)), v128.xor(look(tc, c), look(td, d)));
}

/** The same with the tables in memory, at `set` for low bytes, 64 bytes on for high ones. */
@inline
function sumAt(set: usize, a: v128, b: v128, c: v128, d: v128): v128 {
  return sum(v128.load(set), a, v128.load(set, 16), b, v128.load(set, 32), c, v128.load(set, 48), d);
}

@inline
function tableOf(constant: u32, at: usize): v128 {
  return v128.xor(v128.load(((constant & 255) << 7) + at), v128.load(((constant >> 8) << 7) + at, HIGH_SETS));
}

@inline
function prepare(set: usize, constant: u32): void {
  for (let at: usize = 0; at < 128; at += 16) v128.store(set + at, tableOf(constant, at));
}

export function xor(to: usize, from: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 64, from += 64) {
    v128.store(to, v128.xor(v128.load(to, BASE), v128.load(from, BASE)), BASE);
    v128.store(to, v128.xor(v128.load(to, BASE + 16), v128.load(from, BASE + 16)), BASE + 16);
    v128.store(to, v128.xor(v128.load(to, BASE + 32), v128.load(from, BASE + 32)), BASE + 32);
    v128.store(to, v128.xor(v128.load(to, BASE + 48), v128.load(from, BASE + 48)), BASE + 48);
  }
}

// The loops below take half a group of 64 bytes at a time: sixteen low bytes and, 32 bytes on, their high ones.

export function multiplyAdd(to: usize, from: usize, bytes: usize, constant: u32): void {
  const t0 = tableOf(constant, 0);
  const t1 = tableOf(constant, 16);
  const t2 = tableOf(constant, 32);
  const t3 = tableOf(constant, 48);
  const t4 = tableOf(constant, 64);
  const t5 = tableOf(constant, 80);
  const t6 = tableOf(constant, 96);
  const t7 = tableOf(constant, 112);
  for (const end = to + bytes; to < end; to += 32, from += 32) {
    for (const half = to + 32; to < half; to += 16, from += 16) {
      const yl = v128.load(from, BASE);
      const yh = v128.load(from, BASE + 32);
      const a = lowNibbles(yl);
      const b = highNibbles(yl);
      const c = lowNibbles(yh);
      const d = highNibbles(yh);
      v128.store(to, v128.xor(v128.load(to, BASE), sum(t0, a, t1, b, t2, c, t3, d)), BASE);
      v128.store(to, v128.xor(v128.load(to, BASE + 32), sum(t4, a, t5, b, t6, c, t7, d)), BASE + 32);
    }
  }
}

export function evaluate(x: usize, y: usize, bytes: usize, constant: u32): void {
  const t0 = tableOf(constant, 0);
  const t1 = tableOf(constant, 16);
  const t2 = tableOf(constant, 32);
  const t3 = tableOf(constant, 48);
  const t4 = tableOf(constant, 64);
  const t5 = tableOf(constant, 80);
  const t6 = tableOf(constant, 96);
  const t7 = tableOf(constant, 112);
  for (const end = x + bytes; x < end; x += 32, y += 32) {
    for (const half = x + 32; x < half; x += 16, y += 16) {
      const yl = v128.load(y, BASE);
      const yh = v128.load(y, BASE + 32);
      const a = lowNibbles(yl);
      const b = highNibbles(yl);
      const c = lowNibbles(yh);
      const d = highNibbles(yh);
      const xl = v128.xor(v128.load(x, BASE), sum(t0, a, t1, b, t2, c, t3, d));
      const xh = v128.xor(v128.load(x, BASE + 32), sum(t4, a, t5, b, t6, c, t7, d));
      v128.store(x, xl, BASE);
      v128.store(x, xh, BASE + 32);
      v128.store(y, v128.xor(yl, xl), BASE);
      v128.store(y, v128.xor(yh, xh), BASE + 32);
    }
  }
}

export function interpolate(x: usize, y: usize, bytes: usize, constant: u32): void {
  const t0 = tableOf(constant, 0);
  const t1 = tableOf(constant, 16);
  const t2 = tableOf(constant, 32);
  const t3 = tableOf(constant, 48);
  const t4 = tableOf(constant, 64);
  const t5 = tableOf(constant, 80);
  const t6 = tableOf(constant, 96);
  const t7 = tableOf(constant, 112);
  for (const end = x + bytes; x < end; x += 32, y += 32) {
    for (const half = x + 32; x < half; x += 16, y += 16) {
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
      v128.store(x, v128.xor(xl, sum(t0, a, t1, b, t2, c, t3, d)), BASE);
      v128.store(x, v128.xor(xh, sum(t4, a, t5, b, t6, c, t7, d)), BASE + 32);
    }
  }
}

// Two layers of a transform in one pass over four spans, p to s. A symbol is read and written half as often; tables
// stay in memory, for there are more than there are registers.

export function interpolate4(p: usize, bytes: usize, left: u32, right: u32, top: u32): void {
  prepare(SET0, left);
  prepare(SET1, right);
  prepare(SET2, top);
  let q = p + bytes;
  let r = q + bytes;
  let s = r + bytes;
  for (const end = q; p < end; p += 32, q += 32, r += 32, s += 32) {
    for (const half = p + 32; p < half; p += 16, q += 16, r += 16, s += 16) {
      let pl = v128.load(p, BASE);
      let ph = v128.load(p, BASE + 32);
      const ql = v128.xor(v128.load(q, BASE), pl);
      const qh = v128.xor(v128.load(q, BASE + 32), ph);
      let a = lowNibbles(ql);
      let b = highNibbles(ql);
      let c = lowNibbles(qh);
      let d = highNibbles(qh);
      pl = v128.xor(pl, sumAt(SET0, a, b, c, d));
      ph = v128.xor(ph, sumAt(SET0 + 64, a, b, c, d));

      let rl = v128.load(r, BASE);
      let rh = v128.load(r, BASE + 32);
      let sl = v128.xor(v128.load(s, BASE), rl);
      let sh = v128.xor(v128.load(s, BASE + 32), rh);
      a = lowNibbles(sl);
      b = highNibbles(sl);
      c = lowNibbles(sh);
      d = highNibbles(sh);
      rl = v128.xor(v128.xor(rl, pl), sumAt(SET1, a, b, c, d));
      rh = v128.xor(v128.xor(rh, ph), sumAt(SET1 + 64, a, b, c, d));
      v128.store(r, rl, BASE);
      v128.store(r, rh, BASE + 32);

      a = lowNibbles(rl);
      b = highNibbles(rl);
      c = lowNibbles(rh);
      d = highNibbles(rh);
      v128.store(p, v128.xor(pl, sumAt(SET2, a, b, c, d)), BASE);
      v128.store(p, v128.xor(ph, sumAt(SET2 + 64, a, b, c, d)), BASE + 32);

      sl = v128.xor(sl, ql);
      sh = v128.xor(sh, qh);
      v128.store(s, sl, BASE);
      v128.store(s, sh, BASE + 32);
      a = lowNibbles(sl);
      b = highNibbles(sl);
      c = lowNibbles(sh);
      d = highNibbles(sh);
      v128.store(q, v128.xor(ql, sumAt(SET2, a, b, c, d)), BASE);
      v128.store(q, v128.xor(qh, sumAt(SET2 + 64, a, b, c, d)), BASE + 32);
    }
  }
}

export function evaluate4(p: usize, bytes: usize, left: u32, right: u32, top: u32): void {
  prepare(SET0, left);
  prepare(SET1, right);
  prepare(SET2, top);
  let q = p + bytes;
  let r = q + bytes;
  let s = r + bytes;
  for (const end = q; p < end; p += 32, q += 32, r += 32, s += 32) {
    for (const half = p + 32; p < half; p += 16, q += 16, r += 16, s += 16) {
      let rl = v128.load(r, BASE);
      let rh = v128.load(r, BASE + 32);
      let a = lowNibbles(rl);
      let b = highNibbles(rl);
      let c = lowNibbles(rh);
      let d = highNibbles(rh);
      let pl = v128.xor(v128.load(p, BASE), sumAt(SET2, a, b, c, d));
      let ph = v128.xor(v128.load(p, BASE + 32), sumAt(SET2 + 64, a, b, c, d));
      rl = v128.xor(rl, pl);
      rh = v128.xor(rh, ph);

      let sl = v128.load(s, BASE);
      let sh = v128.load(s, BASE + 32);
      a = lowNibbles(sl);
      b = highNibbles(sl);
      c = lowNibbles(sh);
      d = highNibbles(sh);
      const ql = v128.xor(v128.load(q, BASE), sumAt(SET2, a, b, c, d));
      const qh = v128.xor(v128.load(q, BASE + 32), sumAt(SET2 + 64, a, b, c, d));
      sl = v128.xor(sl, ql);
      sh = v128.xor(sh, qh);

      a = lowNibbles(ql);
      b = highNibbles(ql);
      c = lowNibbles(qh);
      d = highNibbles(qh);
      pl = v128.xor(pl, sumAt(SET0, a, b, c, d));
      ph = v128.xor(ph, sumAt(SET0 + 64, a, b, c, d));
      v128.store(p, pl, BASE);
      v128.store(p, ph, BASE + 32);
      v128.store(q, v128.xor(ql, pl), BASE);
      v128.store(q, v128.xor(qh, ph), BASE + 32);

      a = lowNibbles(sl);
      b = highNibbles(sl);
      c = lowNibbles(sh);
      d = highNibbles(sh);
      rl = v128.xor(rl, sumAt(SET1, a, b, c, d));
      rh = v128.xor(rh, sumAt(SET1 + 64, a, b, c, d));
      v128.store(r, rl, BASE);
      v128.store(r, rh, BASE + 32);
      v128.store(s, v128.xor(sl, rl), BASE);
      v128.store(s, v128.xor(sh, rh), BASE + 32);
    }
  }
}
