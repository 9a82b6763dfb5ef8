/** The field, the Cantor basis and the points of the erasure code. */
import { expect } from 'chai';
import fc from 'fast-check';
import { CANTOR_BASIS, divide, EXP, LOG, multiply, POINT, POINTS, paddedLog } from '../../shared/fec/field.js';
import { slowInverse, slowMultiply, slowPoint } from '../support/fec-reference.js';

const SEEDED = { seed: 1 };
const element = fc.integer({ min: 0, max: 0xffff });
const nonZero = fc.integer({ min: 1, max: 0xffff });

describe('fec field', () => {
  it('multiplies as bit-by-bit arithmetic does', () => {
    fc.assert(
      fc.property(element, element, (a, b) => multiply(a, b) === slowMultiply(a, b)),
      SEEDED,
    );
  });

  it('obeys the laws of a field', () => {
    fc.assert(
      fc.property(element, element, element, (a, b, c) => {
        expect(multiply(a, b)).to.equal(multiply(b, a));
        expect(multiply(multiply(a, b), c)).to.equal(multiply(a, multiply(b, c)));
        expect(multiply(a, b ^ c)).to.equal(multiply(a, b) ^ multiply(a, c));
        expect(multiply(a, 1)).to.equal(a);
        expect(multiply(a, 0)).to.equal(0);
      }),
      SEEDED,
    );
  });

  it('divides', () => {
    fc.assert(
      fc.property(element, nonZero, (a, b) => {
        expect(multiply(divide(a, b), b)).to.equal(a);
        expect(divide(1, b)).to.equal(slowInverse(b));
      }),
      SEEDED,
    );
  });

  it('has x as a generator: every element but 0 is one power of it', () => {
    expect(new Set(EXP.subarray(0, 65_535)).size).to.equal(65_535);
    for (let a = 1; a < POINTS; a++) if (EXP[LOG[a]] !== a) expect.fail(`log of ${a}`);
  });

  it('derives the Cantor basis the wire is frozen to', () => {
    expect(CANTOR_BASIS.map((b) => b.toString(16).padStart(4, '0'))).to.deep.equal(
      '0001 acca 3c0e 163e c582 ed2e 914c 4012 6c98 10d8 6a72 b900 fdb8 fb34 ff38 991e'.split(' '),
    );
    for (let i = 0; i < 15; i++) {
      const next = CANTOR_BASIS[i + 1];
      expect(multiply(next, next) ^ next).to.equal(CANTOR_BASIS[i]);
      expect(next & 1).to.equal(0);
    }
  });

  it('has 65536 different points, and s_j takes w_x to w_{x >> j}', () => {
    expect(new Set(POINT).size).to.equal(POINTS);
    fc.assert(
      fc.property(element, fc.integer({ min: 0, max: 15 }), (x, j) => {
        let value = POINT[x];
        expect(value).to.equal(slowPoint(x));
        for (let i = 0; i < j; i++) value ^= multiply(value, value);
        expect(value).to.equal(POINT[x >> j]);
      }),
      SEEDED,
    );
  });

  it('pads k to the next power of two', () => {
    const cases: [number, number][] = [
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 2],
      [5, 3],
      [4096, 12],
      [4097, 13],
      [32_768, 15],
    ];
    for (const [k, level] of cases) expect(paddedLog(k), String(k)).to.equal(level);
  });
});
