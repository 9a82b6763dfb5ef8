/**
 * SipHash-2-4 with 128-bit output over frames where they lie, in AssemblyScript: a 64-bit lane is one local. Its slow
 * twin is ../siphash.ts. `npm run assembly` turns this file into ../frameTagModule.ts.
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
