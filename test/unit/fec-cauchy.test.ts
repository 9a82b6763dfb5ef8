/** The Cauchy sum by transforms of every size against the sum as it is written; the scalars of decoding. */
import { expect } from 'chai';
import { Prng } from '../../shared/core/prng.js';
import { pointRange } from '../../shared/fec/blockShape.js';
import { CauchySum } from '../../shared/fec/cauchySum.js';
import { divide, multiply, POINT } from '../../shared/fec/field.js';
import { solveScalars } from '../../shared/fec/locator.js';
import { SCALAR } from '../../shared/fec/scalarKernel.js';
import { pick } from '../support/fec-blocks.js';
import { slowInverse, slowMultiply, slowPoint, symbolOf, wordsOf } from '../support/fec-reference.js';

const T = 64;

/** Sums by plan, at one level or at the planner's choice. */
function sums(inputs: Int32Array, outputs: Int32Array, symbols: Uint8Array, m: number, level?: number, batch?: number) {
  const sum = new CauchySum(m, T, SCALAR);
  const chosen = level === undefined ? sum.plan(inputs, outputs, m) : sum.plan(inputs, outputs, m, level, level);
  const plan = batch === undefined ? chosen : { ...chosen, batch };
  const base = 3 * T;
  const kernel = SCALAR.create(base + plan.symbols * T);
  new Prng(99).fill(kernel.memory); // a workspace holds what the last block left
  const result = new Uint8Array(outputs.length * T);
  sum.run(
    plan,
    kernel,
    base,
    { points: inputs, load: (from, n, at) => kernel.memory.set(symbols.subarray(from * T, (from + n) * T), at) },
    { points: outputs, emit: (from, n, at) => result.set(kernel.memory.subarray(at, at + n * T), from * T) },
  );
  return { result, plan };
}

function slowSums(inputs: Int32Array, outputs: Int32Array, symbols: Uint8Array): Uint8Array {
  const result = new Uint8Array(outputs.length * T);
  outputs.forEach((q, o) => {
    const total: number[] = new Array(T / 2).fill(0);
    inputs.forEach((p, i) => {
      const factor = slowInverse(slowPoint(p ^ q));
      wordsOf(symbols.subarray(i * T, (i + 1) * T)).forEach((word, n) => {
        total[n] ^= slowMultiply(factor, word);
      });
    });
    result.set(symbolOf(total), o * T);
  });
  return result;
}

describe('fec cauchy sum', () => {
  it('gives the same at every level, for scattered points on both sides', () => {
    const random = new Prng(7);
    for (let m = 0; m <= 6; m++) {
      const size = 1 << m;
      const inputs = Int32Array.from(pick(random, 1 + random.below(size), size));
      const outputs = Int32Array.from(pick(random, 1 + random.below(3 * size), 4 * size), (x) => x + size);
      const symbols = random.fill(new Uint8Array(inputs.length * T));
      const expected = slowSums(inputs, outputs, symbols);
      for (let level = 0; level <= m; level++) {
        expect(sums(inputs, outputs, symbols, m, level).result, `level ${level} of ${m}`).to.deep.equal(expected);
        expect(sums(inputs, outputs, symbols, m, level, 1).result, `level ${level}, many rounds`).to.deep.equal(
          expected,
        );
      }
      expect(sums(inputs, outputs, symbols, m).result, `chosen level of ${m}`).to.deep.equal(expected);
    }
  });

  it('is zero when there are no inputs', () => {
    const { result } = sums(new Int32Array(0), pointRange(8, 5), new Uint8Array(0), 3);
    expect(result.every((byte) => byte === 0)).to.equal(true);
  });

  it('plans few points directly, many by transforms, and never beyond 2 K symbols of workspace', () => {
    const m = 12;
    const sum = new CauchySum(m, 1408, SCALAR);
    const level = (inputs: Int32Array, outputs: Int32Array) => {
      const plan = sum.plan(inputs, outputs, m);
      expect(plan.symbols).to.be.at.most(2 << m);
      return plan.level;
    };
    const source = pointRange(0, 4096);
    expect(level(source, pointRange(4096, 1))).to.equal(0);
    expect(level(source, pointRange(4096, 4))).to.be.within(1, 3);
    expect(level(source, pointRange(4096, 410))).to.be.within(8, 10);
    expect(level(source, pointRange(4096, 4096))).to.equal(12);
    expect(level(source, pointRange(4096, 61_440))).to.equal(12);
    expect(
      level(
        pointRange(4096, 8),
        Int32Array.from({ length: 8 }, (_, i) => i * 500),
      ),
    ).to.equal(0);
  });
});

describe('fec locator', () => {
  it('finds the scalars of the inverse of a Cauchy matrix, pair by pair and by transform alike', () => {
    const random = new Prng(11);
    for (const [count, size] of [
      [1, 1],
      [3, 8],
      [20, 32],
      [150, 256],
    ]) {
      const missing = Int32Array.from(pick(random, count, size));
      const used = Int32Array.from(pick(random, count, 5 * size), (x) => x + size);
      const product = (point: number, others: Int32Array) =>
        others.reduce((result, other) => (other === point ? result : multiply(result, POINT[point ^ other])), 1);
      const alpha = Array.from(missing, (y) => divide(product(y, used), product(y, missing)));
      const beta = Array.from(used, (x) => divide(product(x, missing), product(x, used)));
      for (const method of ['sums', 'walsh', undefined] as const) {
        const scalars = solveScalars(missing, used, method);
        expect([...scalars.alpha], `${method} alpha`).to.deep.equal(alpha);
        expect([...scalars.beta], `${method} beta`).to.deep.equal(beta);
      }
    }
  });

  it('is exact in floating point over all 65536 points', () => {
    const missing = pointRange(0, 32_768);
    const used = pointRange(32_768, 32_768);
    const { alpha, beta } = solveScalars(missing, used, 'walsh');
    const exponent = (point: number) => {
      let product = 1;
      for (const x of used) product = x === point ? product : multiply(product, POINT[point ^ x]);
      for (const y of missing) product = y === point ? product : divide(product, POINT[point ^ y]);
      return product;
    };
    expect(alpha[12_345]).to.equal(exponent(12_345));
    expect(beta[23_456]).to.equal(divide(1, exponent(32_768 + 23_456)));
  });
});
