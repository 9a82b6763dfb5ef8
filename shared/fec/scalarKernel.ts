/**
 * The kernel in plain JavaScript: the definition every other kernel must equal byte for byte.
 *
 * A product is looked up as LOW[low byte] ^ HIGH[high byte]. The tables hold the two bytes of a product 16 bits apart
 * (low | high << 16), so that the products of two neighbouring words merge with one shift into two low bytes and two
 * high bytes: four words are read from and written to the 32+32 layout as two 32-bit integers, with no repacking.
 * Only lanes are combined, never moved, so the byte order of the machine does not matter.
 *
 * 32-bit signed arrays are measurably faster in V8 than unsigned ones: their values stay small integers.
 */
import { timesX } from './field.js';
import type { Kernel, KernelKind } from './kernel.js';

const LOW = new Int32Array(256);
const HIGH = new Int32Array(256);
/** The constant for which the tables stand; there is no such element at first. */
let prepared = -1;

const apart = (product: number): number => (product & 0xff) | ((product >>> 8) << 16);

/** Fills a table with the multiples of the first eight powers of x times `constant`; returns x^8 · constant. */
function fillTable(table: Int32Array, constant: number): number {
  let power = constant;
  const next = (): number => {
    const multiple = apart(power);
    power = timesX(power);
    return multiple;
  };
  const b0 = next();
  const b1 = next();
  const b2 = next();
  const b3 = next();
  const b4 = next();
  const b5 = next();
  const b6 = next();
  const b7 = next();
  const b01 = b0 ^ b1;
  const b23 = b2 ^ b3;
  for (let high = 0; high < 16; high++) {
    const h = (-(high & 1) & b4) ^ (-((high >> 1) & 1) & b5) ^ (-((high >> 2) & 1) & b6) ^ (-(high >> 3) & b7);
    const at = high << 4;
    table[at] = h;
    table[at + 1] = h ^ b0;
    table[at + 2] = h ^ b1;
    table[at + 3] = h ^ b01;
    table[at + 4] = h ^ b2;
    table[at + 5] = h ^ b2 ^ b0;
    table[at + 6] = h ^ b2 ^ b1;
    table[at + 7] = h ^ b2 ^ b01;
    table[at + 8] = h ^ b3;
    table[at + 9] = h ^ b3 ^ b0;
    table[at + 10] = h ^ b3 ^ b1;
    table[at + 11] = h ^ b3 ^ b01;
    table[at + 12] = h ^ b23;
    table[at + 13] = h ^ b23 ^ b0;
    table[at + 14] = h ^ b23 ^ b1;
    table[at + 15] = h ^ b23 ^ b01;
  }
  return power;
}

function prepare(constant: number): void {
  if (constant === prepared) return;
  fillTable(HIGH, fillTable(LOW, constant));
  prepared = constant;
}

// The four loops below repeat the product because a call or a closure in them costs a third of the speed.
// Eight 32-bit integers of low bytes, eight of high bytes: one group of 64.

function xor(words: Int32Array, to: number, from: number, count: number): void {
  for (let i = 0; i < count; i++) words[to + i] ^= words[from + i];
}

function multiplyAdd(words: Int32Array, to: number, from: number, count: number): void {
  for (const end = to + count; to < end; to += 8, from += 8) {
    for (let i = 0; i < 8; i++, to++, from++) {
      const yl = words[from];
      const yh = words[from + 8];
      const a = LOW[yl & 255] ^ HIGH[yh & 255] ^ ((LOW[(yl >>> 8) & 255] ^ HIGH[(yh >>> 8) & 255]) << 8);
      const b = LOW[(yl >>> 16) & 255] ^ HIGH[(yh >>> 16) & 255] ^ ((LOW[yl >>> 24] ^ HIGH[yh >>> 24]) << 8);
      words[to] ^= (a & 0xffff) | (b << 16);
      words[to + 8] ^= (a >>> 16) | (b & 0xffff0000);
    }
  }
}

function evaluate(words: Int32Array, x: number, y: number, count: number): void {
  for (const end = x + count; x < end; x += 8, y += 8) {
    for (let i = 0; i < 8; i++, x++, y++) {
      const yl = words[y];
      const yh = words[y + 8];
      const a = LOW[yl & 255] ^ HIGH[yh & 255] ^ ((LOW[(yl >>> 8) & 255] ^ HIGH[(yh >>> 8) & 255]) << 8);
      const b = LOW[(yl >>> 16) & 255] ^ HIGH[(yh >>> 16) & 255] ^ ((LOW[yl >>> 24] ^ HIGH[yh >>> 24]) << 8);
      const xl = words[x] ^ ((a & 0xffff) | (b << 16));
      const xh = words[x + 8] ^ ((a >>> 16) | (b & 0xffff0000));
      words[x] = xl;
      words[x + 8] = xh;
      words[y] = yl ^ xl;
      words[y + 8] = yh ^ xh;
    }
  }
}

function interpolate(words: Int32Array, x: number, y: number, count: number): void {
  for (const end = x + count; x < end; x += 8, y += 8) {
    for (let i = 0; i < 8; i++, x++, y++) {
      const xl = words[x];
      const xh = words[x + 8];
      const yl = words[y] ^ xl;
      const yh = words[y + 8] ^ xh;
      words[y] = yl;
      words[y + 8] = yh;
      const a = LOW[yl & 255] ^ HIGH[yh & 255] ^ ((LOW[(yl >>> 8) & 255] ^ HIGH[(yh >>> 8) & 255]) << 8);
      const b = LOW[(yl >>> 16) & 255] ^ HIGH[(yh >>> 16) & 255] ^ ((LOW[yl >>> 24] ^ HIGH[yh >>> 24]) << 8);
      words[x] = xl ^ ((a & 0xffff) | (b << 16));
      words[x + 8] = xh ^ ((a >>> 16) | (b & 0xffff0000));
    }
  }
}

class ScalarKernel implements Kernel {
  readonly memory: Uint8Array;
  private readonly words: Int32Array;

  constructor(bytes: number) {
    this.memory = new Uint8Array(Math.ceil(bytes / 64) * 64);
    this.words = new Int32Array(this.memory.buffer);
  }

  xor(to: number, from: number, bytes: number): void {
    xor(this.words, to >>> 2, from >>> 2, bytes >>> 2);
  }

  // The constants 0 and 1 are common: every first group of a transform has 0, every first sum has 1.

  multiply(to: number, from: number, bytes: number, constant: number): void {
    if (constant === 1) {
      this.memory.copyWithin(to, from, from + bytes);
    } else {
      this.memory.fill(0, to, to + bytes);
      this.multiplyAdd(to, from, bytes, constant);
    }
  }

  multiplyAdd(to: number, from: number, bytes: number, constant: number): void {
    if (constant === 1) {
      this.xor(to, from, bytes);
    } else if (constant !== 0) {
      prepare(constant);
      multiplyAdd(this.words, to >>> 2, from >>> 2, bytes >>> 2);
    }
  }

  evaluate(x: number, y: number, bytes: number, constant: number): void {
    if (constant === 0) {
      this.xor(y, x, bytes);
    } else {
      prepare(constant);
      evaluate(this.words, x >>> 2, y >>> 2, bytes >>> 2);
    }
  }

  interpolate(x: number, y: number, bytes: number, constant: number): void {
    if (constant === 0) {
      this.xor(y, x, bytes);
    } else {
      prepare(constant);
      interpolate(this.words, x >>> 2, y >>> 2, bytes >>> 2);
    }
  }

  evaluate4(at: number, bytes: number, left: number, right: number, top: number): void {
    this.evaluate(at, at + 2 * bytes, 2 * bytes, top);
    this.evaluate(at, at + bytes, bytes, left);
    this.evaluate(at + 2 * bytes, at + 3 * bytes, bytes, right);
  }

  interpolate4(at: number, bytes: number, left: number, right: number, top: number): void {
    this.interpolate(at, at + bytes, bytes, left);
    this.interpolate(at + 2 * bytes, at + 3 * bytes, bytes, right);
    this.interpolate(at, at + 2 * bytes, 2 * bytes, top);
  }
}

export const SCALAR: KernelKind = {
  name: 'scalar',
  constantCostBytes: 600,
  create: (bytes) => new ScalarKernel(bytes),
};
