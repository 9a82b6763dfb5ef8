/** The encoder against the closed form that defines the code. */
import { expect } from 'chai';
import { sameBytes } from '../../shared/core/bytes.js';
import { Prng } from '../../shared/core/prng.js';
import { maxRepairSymbols } from '../../shared/fec/blockShape.js';
import { COLUMN_MAX_BYTES } from '../../shared/fec/columns.js';
import { BlockDecoder } from '../../shared/fec/decode.js';
import { BlockEncoder } from '../../shared/fec/encode.js';
import { randomBlock } from '../support/fec-blocks.js';
import { slowRepair } from '../support/fec-reference.js';

const T = 64;
const paddedK = (k: number) => 2 ** Math.ceil(Math.log2(k));

function repairOf(encoder: BlockEncoder, first: number, count: number, symbolBytes = T): Uint8Array {
  const out = new Uint8Array(count * symbolBytes);
  encoder.repair(first, count, out);
  return out;
}

describe('fec encoder', () => {
  it('makes the closed form for every k up to 70, in the first and in later cosets', () => {
    const encoder = new BlockEncoder(70, T);
    for (let k = 1; k <= 70; k++) {
      const source = randomBlock(k, k, T);
      encoder.load(source, k);
      const padded = paddedK(k);
      const ranges: [number, number][] = [
        [0, 2],
        [padded - 1, 2], // over the end of the first coset
        [5 * padded + 3, 1],
        [maxRepairSymbols(k) - 1, 1],
      ];
      for (const [first, count] of ranges) {
        const made = repairOf(encoder, first, count);
        for (let i = 0; i < count; i++) {
          const expected = slowRepair(source, k, T, first + i);
          expect(made.subarray(i * T, (i + 1) * T), `k ${k} r ${first + i}`).to.deep.equal(expected);
        }
      }
    }
  });

  for (const [k, symbolBytes] of [
    [257, 64],
    [1000, 128],
    [4096, 64],
  ]) {
    it(`makes the closed form for k = ${k} and ${symbolBytes} bytes, few and many at a time`, () => {
      const source = randomBlock(k, k, symbolBytes);
      const encoder = new BlockEncoder(k, symbolBytes);
      encoder.load(source, k);
      for (const [first, count, check] of [
        [0, 1, 0],
        [7, 5, 4],
        [100, k >> 3, 17],
        [0, 2 * k, k + 1],
      ]) {
        const made = repairOf(encoder, first, count, symbolBytes);
        expect(made.subarray(check * symbolBytes, (check + 1) * symbolBytes)).to.deep.equal(
          slowRepair(source, k, symbolBytes, first + check),
        );
      }
    });
  }

  it('makes the same symbol whatever else is asked for with it, and in which order', () => {
    const k = 100;
    const encoder = new BlockEncoder(k, T);
    encoder.load(randomBlock(1, k, T), k);
    const all = repairOf(encoder, 0, 700);
    const random = new Prng(2);
    for (let run = 0; run < 40; run++) {
      const first = random.below(690);
      const count = 1 + random.below(Math.min(700 - first, 200));
      expect(repairOf(encoder, first, count)).to.deep.equal(all.subarray(first * T, (first + count) * T));
    }
  });

  it('repeats the only symbol of a block of one', () => {
    const source = randomBlock(3, 1, T);
    const encoder = new BlockEncoder(1, T);
    encoder.load(source, 1);
    for (const r of [0, 1, 500, 65_534]) expect(repairOf(encoder, r, 1)).to.deep.equal(source);
  });

  it('writes at an offset with a stride and touches nothing else', () => {
    const k = 10;
    const encoder = new BlockEncoder(k, T);
    encoder.load(randomBlock(4, k, T), k);
    const plain = repairOf(encoder, 0, 3);
    const out = new Uint8Array(500).fill(0x77);
    encoder.repair(0, 3, out, 46, 128);
    for (let i = 0; i < 3; i++) {
      expect(out.slice(46 + i * 128, 46 + i * 128 + T)).to.deep.equal(plain.slice(i * T, (i + 1) * T));
      out.fill(0x77, 46 + i * 128, 46 + i * 128 + T);
    }
    expect(out.every((byte) => byte === 0x77)).to.equal(true);
  });

  it('uses its workspace again, from large blocks to small ones and back', () => {
    const encoder = new BlockEncoder(500, T);
    for (const k of [500, 3, 77, 1, 500]) {
      const source = randomBlock(k + 1, k, T);
      encoder.load(source, k);
      expect(repairOf(encoder, 2, 1)).to.deep.equal(slowRepair(source, k, T, 2));
    }
    const before = encoder.workspaceBytes;
    for (const k of [77, 500, 3]) {
      encoder.load(randomBlock(9, k, T), k);
      repairOf(encoder, 0, 1);
    }
    expect(encoder.workspaceBytes).to.equal(before);
  });

  it('codes wide symbols in columns: the same symbols, and no more workspace than narrow ones take', () => {
    for (const wide of [2048, 2112, 4160, 16_320]) {
      const k = 6;
      const source = randomBlock(wide, k, wide);
      const encoder = new BlockEncoder(k, wide);
      encoder.load(source, k);
      const made = new Uint8Array(2 * wide);
      encoder.repair(1, 2, made);
      for (const r of [1, 2]) {
        const expected = slowRepair(source, k, wide, r);
        expect(sameBytes(made.subarray((r - 1) * wide, r * wide), expected), `T ${wide}, repair ${r}`).to.equal(true);
      }
      expect(encoder.workspaceBytes).to.be.at.most(2 * 8 * COLUMN_MAX_BYTES);
      const decoder = new BlockDecoder(k, wide);
      const block = source.slice().fill(0, 2 * wide, 4 * wide);
      const repair = [1, 2].map((r) => ({ index: r, data: made.subarray((r - 1) * wide, r * wide) }));
      expect(decoder.decode(block, k, Uint8Array.of(1, 1, 0, 0, 1, 1), repair)).to.equal(true);
      expect(sameBytes(block, source), `T ${wide}, decoded`).to.equal(true);
      expect(decoder.workspaceBytes).to.be.at.most((2 * 8 + 3) * COLUMN_MAX_BYTES);
    }
  });

  it('holds at most twice the padded block, and little for little repair', () => {
    const k = 4096;
    const source = randomBlock(5, k, T);
    const encoder = new BlockEncoder(k, T);
    encoder.load(source, k);
    repairOf(encoder, 0, 410);
    expect(encoder.workspaceBytes).to.be.at.most(1024 * T);
    repairOf(encoder, 0, 3 * k);
    expect(encoder.workspaceBytes).to.be.at.most(2 * k * T);
  });

  it('FAULTS 13: refuses blocks and repair symbols that cannot be', () => {
    const code = 'FRAME_PARAMETERS';
    for (const [maxK, symbolBytes] of [
      [0, 64],
      [-1, 64],
      [1.5, 64],
      [32_769, 64],
      [Number.NaN, 64],
      [4, 0],
      [4, 32],
      [4, 100],
      [4, -64],
    ]) {
      expect(() => new BlockEncoder(maxK, symbolBytes), `${maxK} ${symbolBytes}`).to.throw(code);
    }
    const encoder = new BlockEncoder(4, T);
    expect(() => encoder.repair(0, 1, new Uint8Array(T))).to.throw('INTERNAL');
    for (const k of [0, 5, -1, 1.5]) expect(() => encoder.load(new Uint8Array(4 * T), k)).to.throw(code);
    expect(() => encoder.load(new Uint8Array(4 * T - 1), 4)).to.throw('INTERNAL');
    encoder.load(randomBlock(6, 4, T), 4);
    expect(() => encoder.repair(65_532, 1, new Uint8Array(T))).to.throw(code);
    expect(() => encoder.repair(65_530, 3, new Uint8Array(3 * T))).to.throw(code);
    expect(() => encoder.repair(-1, 1, new Uint8Array(T))).to.throw('INTERNAL');
    expect(() => encoder.repair(0, 2, new Uint8Array(2 * T - 1))).to.throw('INTERNAL');
    expect(() => encoder.repair(0, 1, new Uint8Array(T), 1)).to.throw('INTERNAL');
    expect(() => encoder.repair(0, 2, new Uint8Array(4 * T), 0, T - 1)).to.throw('INTERNAL');
    encoder.repair(65_531, 1, new Uint8Array(T));
    encoder.repair(0, 0, new Uint8Array(0));
  });
});
