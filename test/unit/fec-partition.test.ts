/** The block partition of RFC 5052, section 9.1. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Partition } from '../../shared/fec/partition.js';

const partition = (lengthBytes: number, symbolBytes: number, blockSymbols: number) =>
  new Partition(lengthBytes, { symbolBytes, blockSymbols });

describe('fec partition', () => {
  it('covers the object once, in order, larger blocks first', () => {
    const groups = fc.integer({ min: 1, max: 30 });
    const maxK = fc.integer({ min: 1, max: 4096 });
    fc.assert(
      fc.property(groups, maxK, fc.integer({ min: 1, max: 10_000_000 }), (group, blockSymbols, lengthBytes) => {
        const T = 64 * group;
        const p = partition(lengthBytes, T, blockSymbols);
        expect(p.symbols).to.equal(Math.ceil(lengthBytes / T));
        expect(p.blocks).to.equal(Math.ceil(p.symbols / blockSymbols));
        let symbols = 0;
        let bytes = 0;
        const step = Math.max(1, Math.floor(p.blocks / 500));
        const full = p.blocks <= 500;
        for (let sbn = 0; sbn < p.blocks; sbn += step) {
          const k = p.k(sbn);
          // A_large = ceil(T/N), A_small = floor(T/N); the first T - A_small * N blocks are large.
          const isLarge = sbn < p.symbols - Math.floor(p.symbols / p.blocks) * p.blocks;
          expect(k).to.equal(isLarge ? Math.ceil(p.symbols / p.blocks) : Math.floor(p.symbols / p.blocks));
          expect(k).to.be.within(1, blockSymbols);
          expect(p.byteOffset(sbn)).to.equal(p.firstSymbol(sbn) * T);
          expect(p.byteLength(sbn)).to.be.within((k - 1) * T + 1, k * T);
          if (full) expect(p.firstSymbol(sbn)).to.equal(symbols);
          symbols += k;
          bytes += p.byteLength(sbn);
        }
        if (full) expect([symbols, bytes]).to.deep.equal([p.symbols, lengthBytes]);
        const last = p.blocks - 1;
        expect(p.firstSymbol(last) + p.k(last)).to.equal(p.symbols);
        expect(p.byteOffset(last) + p.byteLength(last)).to.equal(lengthBytes);
      }),
      { seed: 1 },
    );
  });

  it('FAULTS 13: boundary table', () => {
    // length, T, max k -> symbols, k of the first block, k of the last, blocks, object bytes of the last
    const rows: [number, number, number, number, number, number, number, number][] = [
      [1, 64, 1, 1, 1, 1, 1, 1],
      [64, 64, 4, 1, 1, 1, 1, 64],
      [65, 64, 4, 2, 2, 2, 1, 65],
      [256, 64, 4, 4, 4, 4, 1, 256],
      [257, 64, 4, 5, 3, 2, 2, 65],
      [576, 64, 4, 9, 3, 3, 3, 192],
      [640, 64, 4, 10, 4, 3, 3, 192],
      [1408 * 4096, 1408, 4096, 4096, 4096, 4096, 1, 1408 * 4096],
      [1408 * 4096 + 1, 1408, 4096, 4097, 2049, 2048, 2, 1408 * 2047 + 1],
      [2 ** 31, 1408, 4096, 1_525_202, 4090, 4089, 373, 4088 * 1408 + 640],
      [512 * 2 ** 30, 1408, 4096, 390_451_573, 4096, 4095, 95_326, 4094 * 1408 + 512],
    ];
    for (const [length, T, maxK, symbols, firstK, lastK, blocks, lastBytes] of rows) {
      const p = partition(length, T, maxK);
      const last = p.blocks - 1;
      expect([p.symbols, p.k(0), p.k(last), p.blocks, p.byteLength(last)], String(length)).to.deep.equal([
        symbols,
        firstK,
        lastK,
        blocks,
        lastBytes,
      ]);
    }
  });

  it('FAULTS 13: an empty object has no blocks', () => {
    const p = partition(0, 1408, 4096);
    expect([p.symbols, p.blocks]).to.deep.equal([0, 0]);
    expect(() => p.k(0)).to.throw('FRAME_PARAMETERS');
  });

  it('is exact up to the largest whole number', () => {
    const length = Number.MAX_SAFE_INTEGER;
    const p = partition(length, 64, 4095);
    const exact = (BigInt(length) + 63n) / 64n;
    expect(BigInt(p.symbols)).to.equal(exact);
    expect(BigInt(p.blocks)).to.equal((exact + 4094n) / 4095n);
    const last = p.blocks - 1;
    expect(p.byteOffset(last) + p.byteLength(last)).to.equal(length);
  });

  it('FAULTS 13: refuses what cannot be', () => {
    const impossible: [number, number, number][] = [
      [-1, 64, 1],
      [0.5, 64, 1],
      [2 ** 53, 64, 1],
      [Number.NaN, 64, 1],
      [Number.POSITIVE_INFINITY, 64, 1],
      [1, 0, 1],
      [1, 63, 1],
      [1, 100, 1],
      [1, -64, 1],
      [1, 2 ** 31, 1],
      [1, 64, 0],
      [1, 64, -1],
      [1, 64, 32_769],
      [1, 64, 2.5],
    ];
    for (const [length, T, maxK] of impossible) {
      expect(() => partition(length, T, maxK), `${length} ${T} ${maxK}`).to.throw('FRAME_PARAMETERS');
    }
    const p = partition(1000, 64, 4);
    for (const sbn of [-1, p.blocks, 0.5, 2 ** 31, Number.NaN]) {
      for (const ask of [p.k, p.firstSymbol, p.byteOffset, p.byteLength]) {
        expect(() => ask.call(p, sbn), String(sbn)).to.throw('FRAME_PARAMETERS');
      }
    }
  });
});
