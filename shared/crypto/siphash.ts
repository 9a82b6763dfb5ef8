/**
 * SipHash-2-4 with 128-bit output (Aumasson and Bernstein, 2012; the 128-bit variant of the authors' reference).
 *
 * 64-bit lanes are kept as two 32-bit halves: JavaScript has no faster 64-bit integer. Input lengths are multiples of
 * 8 bytes and lie on 4-byte boundaries, which every frame satisfies (48 + T bytes, T a multiple of 64).
 */

/** Writes the four 32-bit words of the hash into `out`. `words` is little endian, `count` words from `from`, even. */
export function sipHash128(key: Uint32Array, words: Uint32Array, from: number, count: number, out: Uint32Array): void {
  let v0l = key[0]! ^ 0x70736575;
  let v0h = key[1]! ^ 0x736f6d65;
  let v1l = key[2]! ^ 0x6e646f6d ^ 0xee;
  let v1h = key[3]! ^ 0x646f7261;
  let v2l = key[0]! ^ 0x6e657261;
  let v2h = key[1]! ^ 0x6c796765;
  let v3l = key[2]! ^ 0x79746573;
  let v3h = key[3]! ^ 0x74656462;
  let low = 0;
  let high = 0;
  let sum = 0;

  // One pass of the loop is one message word; the three extra passes are the length word and the two finalisations.
  const end = from + count;
  for (let i = from; i <= end + 4; i += 2) {
    let rounds = 2;
    if (i < end) {
      low = words[i]!;
      high = words[i + 1]!;
    } else if (i === end) {
      low = 0;
      high = ((count * 4) & 0xff) << 24;
    } else {
      low = 0;
      high = 0;
      rounds = 4;
      if (i === end + 2) v2l ^= 0xee;
      else v1l ^= 0xdd;
    }
    v3l ^= low;
    v3h ^= high;
    for (let round = 0; round < rounds; round++) {
      sum = (v0l >>> 0) + (v1l >>> 0);
      v0h = (v0h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      sum = (v2l >>> 0) + (v3l >>> 0);
      v2h = (v2h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
      sum = (v1l << 13) | (v1h >>> 19);
      v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
      v1l = sum ^ v0l;
      sum = (v3l << 16) | (v3h >>> 16);
      v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = sum ^ v2l;
      sum = v0l;
      v0l = v0h;
      v0h = sum;
      sum = (v2l >>> 0) + (v1l >>> 0);
      v2h = (v2h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
      sum = (v0l >>> 0) + (v3l >>> 0);
      v0h = (v0h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      sum = (v1l << 17) | (v1h >>> 15);
      v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
      v1l = sum ^ v2l;
      sum = (v3l << 21) | (v3h >>> 11);
      v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = sum ^ v0l;
      sum = v2l;
      v2l = v2h;
      v2h = sum;
    }
    v0l ^= low;
    v0h ^= high;
    if (i === end + 2) {
      out[0] = v0l ^ v1l ^ v2l ^ v3l;
      out[1] = v0h ^ v1h ^ v2h ^ v3h;
    }
  }
  out[2] = v0l ^ v1l ^ v2l ^ v3l;
  out[3] = v0h ^ v1h ^ v2h ^ v3h;
}
