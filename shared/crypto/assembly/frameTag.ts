/**
 * SipHash-2-4 with 128-bit output over frames where they lie, in AssemblyScript: one frame with a lane to a local, or four
 * at once with the lanes of two in a vector. Its slow twin is ../siphash.ts. `npm run assembly` turns this file into
 * ../frameTagModule.ts.
 */

let k0: u64 = 0;
let k1: u64 = 0;
let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;
/** What `sum` found. */
let low: u64 = 0;
let high: u64 = 0;

/** The key as two little-endian halves of 8 bytes. */
export function useKey(first: u64, second: u64): void {
  k0 = first;
  k1 = second;
}

/** Writes the tag of the `bytes` bytes at `at` behind them. */
export function write(at: usize, bytes: usize): void {
  sum(at, bytes);
  store<u64>(at + bytes, low);
  store<u64>(at + bytes, high, 8);
}

/** Whether the tag behind the `bytes` bytes at `at` is theirs. */
export function holds(at: usize, bytes: usize): bool {
  sum(at, bytes);
  return ((load<u64>(at + bytes) ^ low) | (load<u64>(at + bytes, 8) ^ high)) == 0;
}

/** `bytes` is a multiple of 8. */
function sum(at: usize, bytes: usize): void {
  let a = k0 ^ 0x736f6d6570736575;
  let b = k1 ^ 0x646f72616e646f6d ^ 0xee;
  let c = k0 ^ 0x6c7967656e657261;
  let d = k1 ^ 0x7465646279746573;
  const end = at + bytes;
  for (let i = at; i < end; i += 8) {
    const word = load<u64>(i);
    d ^= word;
    a += b;
    b = rotl<u64>(b, 13) ^ a;
    a = rotl<u64>(a, 32);
    c += d;
    d = rotl<u64>(d, 16) ^ c;
    a += d;
    d = rotl<u64>(d, 21) ^ a;
    c += b;
    b = rotl<u64>(b, 17) ^ c;
    c = rotl<u64>(c, 32);
    a += b;
    b = rotl<u64>(b, 13) ^ a;
    a = rotl<u64>(a, 32);
    c += d;
    d = rotl<u64>(d, 16) ^ c;
    a += d;
    d = rotl<u64>(d, 21) ^ a;
    c += b;
    b = rotl<u64>(b, 17) ^ c;
    c = rotl<u64>(c, 32);
    a ^= word;
  }
  const length = (<u64>bytes) << 56;
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d ^ length;
  rounds(2);
  v0 ^= length;
  v2 ^= 0xee;
  rounds(4);
  low = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  rounds(4);
  high = v0 ^ v1 ^ v2 ^ v3;
}

function rounds(count: i32): void {
  for (; count > 0; count--) {
    v0 += v1;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v0 = rotl<u64>(v0, 32);
    v2 += v3;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 += v3;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 += v1;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v2 = rotl<u64>(v2, 32);
  }
}

// ------------------------------------------------------------ four at once

const ZERO = i64x2.splat(0);
/** What `sumFour` found: of the first two frames, and of the other two. */
let lowA: v128 = ZERO;
let highA: v128 = ZERO;
let lowB: v128 = ZERO;
let highB: v128 = ZERO;

/** As `write`, for four frames that begin `stride` bytes apart. */
export function writeFour(at: usize, stride: usize, bytes: usize): void {
  sumFour(at, stride, bytes);
  let tag = at + bytes;
  store<u64>(tag, i64x2.extract_lane(lowA, 0));
  store<u64>(tag, i64x2.extract_lane(highA, 0), 8);
  tag += stride;
  store<u64>(tag, i64x2.extract_lane(lowA, 1));
  store<u64>(tag, i64x2.extract_lane(highA, 1), 8);
  tag += stride;
  store<u64>(tag, i64x2.extract_lane(lowB, 0));
  store<u64>(tag, i64x2.extract_lane(highB, 0), 8);
  tag += stride;
  store<u64>(tag, i64x2.extract_lane(lowB, 1));
  store<u64>(tag, i64x2.extract_lane(highB, 1), 8);
}

/** As `holds`, for four frames that begin `stride` bytes apart: bit n of the answer is that of the n-th. */
export function holdsFour(at: usize, stride: usize, bytes: usize): i32 {
  sumFour(at, stride, bytes);
  let tag = at + bytes;
  let held = i32(isTag(tag, i64x2.extract_lane(lowA, 0), i64x2.extract_lane(highA, 0)));
  tag += stride;
  held |= i32(isTag(tag, i64x2.extract_lane(lowA, 1), i64x2.extract_lane(highA, 1))) << 1;
  tag += stride;
  held |= i32(isTag(tag, i64x2.extract_lane(lowB, 0), i64x2.extract_lane(highB, 0))) << 2;
  tag += stride;
  return held | (i32(isTag(tag, i64x2.extract_lane(lowB, 1), i64x2.extract_lane(highB, 1))) << 3);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function isTag(at: usize, first: u64, second: u64): bool {
  return ((load<u64>(at) ^ first) | (load<u64>(at, 8) ^ second)) == 0;
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function turn(x: v128, bits: i32): v128 {
  return v128.or(i64x2.shl(x, bits), i64x2.shr_u(x, 64 - bits));
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function turn16(x: v128): v128 {
  return i8x16.shuffle(x, x, 6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13);
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function turn32(x: v128): v128 {
  return i8x16.shuffle(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
}

function sumFour(at: usize, stride: usize, bytes: usize): void {
  let a0 = i64x2.splat(k0 ^ 0x736f6d6570736575);
  let b0 = i64x2.splat(k1 ^ 0x646f72616e646f6d ^ 0xee);
  let c0 = i64x2.splat(k0 ^ 0x6c7967656e657261);
  let d0 = i64x2.splat(k1 ^ 0x7465646279746573);
  let a1 = a0;
  let b1 = b0;
  let c1 = c0;
  let d1 = d0;
  // One pass is one word of each; the three passes behind the end are the length word and the two finalisations.
  const end = at + bytes;
  for (let i = at; i <= end + 16; i += 8) {
    let word0 = ZERO;
    let word1 = ZERO;
    let rounds = 2;
    if (i < end) {
      word0 = v128.load64_lane(i + stride, v128.load64_zero(i), 1);
      word1 = v128.load64_lane(i + 3 * stride, v128.load64_zero(i + 2 * stride), 1);
    } else if (i == end) {
      word0 = i64x2.splat((<u64>bytes) << 56);
      word1 = word0;
    } else {
      rounds = 4;
      if (i == end + 8) {
        c0 = v128.xor(c0, i64x2.splat(0xee));
        c1 = v128.xor(c1, i64x2.splat(0xee));
      } else {
        lowA = v128.xor(v128.xor(a0, b0), v128.xor(c0, d0));
        lowB = v128.xor(v128.xor(a1, b1), v128.xor(c1, d1));
        b0 = v128.xor(b0, i64x2.splat(0xdd));
        b1 = v128.xor(b1, i64x2.splat(0xdd));
      }
    }
    d0 = v128.xor(d0, word0);
    d1 = v128.xor(d1, word1);
    for (; rounds > 0; rounds--) {
      a0 = i64x2.add(a0, b0);
      a1 = i64x2.add(a1, b1);
      c0 = i64x2.add(c0, d0);
      c1 = i64x2.add(c1, d1);
      b0 = v128.xor(turn(b0, 13), a0);
      b1 = v128.xor(turn(b1, 13), a1);
      d0 = v128.xor(turn16(d0), c0);
      d1 = v128.xor(turn16(d1), c1);
      a0 = turn32(a0);
      a1 = turn32(a1);
      c0 = i64x2.add(c0, b0);
      c1 = i64x2.add(c1, b1);
      a0 = i64x2.add(a0, d0);
      a1 = i64x2.add(a1, d1);
      b0 = v128.xor(turn(b0, 17), c0);
      b1 = v128.xor(turn(b1, 17), c1);
      d0 = v128.xor(turn(d0, 21), a0);
      d1 = v128.xor(turn(d1, 21), a1);
      c0 = turn32(c0);
      c1 = turn32(c1);
    }
    a0 = v128.xor(a0, word0);
    a1 = v128.xor(a1, word1);
  }
  highA = v128.xor(v128.xor(a0, b0), v128.xor(c0, d0));
  highB = v128.xor(v128.xor(a1, b1), v128.xor(c1, d1));
}
