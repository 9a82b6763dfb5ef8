/** Every kernel against bit-by-bit arithmetic on the words of a symbol. */
import { expect } from 'chai';
import { sameBytes } from '../../shared/core/bytes.js';
import { Prng } from '../../shared/core/prng.js';
import { type KernelKind, Workspace } from '../../shared/fec/kernel.js';
import { SCALAR } from '../../shared/fec/scalarKernel.js';
import { KINDS } from '../support/fec-kernels.js';
import { slowMultiply, symbolOf, wordsOf } from '../support/fec-reference.js';

const CONSTANTS = [0, 1, 2, 0x8000, 0xffff, 0xacca, 0x1234];
const SIZES = [64, 128, 1408, 8960];

for (const kind of KINDS) {
  describe(`fec kernel ${kind.name}`, () => {
    /** Runs an operation on two symbols between guards; returns the words before and after. */
    function operate(bytes: number, run: (kernel: ReturnType<KernelKind['create']>, x: number, y: number) => void) {
      const kernel = kind.create(5 * bytes);
      new Prng(bytes).fill(kernel.memory);
      const before = kernel.memory.slice();
      const [x, y] = [bytes, 3 * bytes];
      run(kernel, x, y);
      for (const guard of [0, 2 * bytes, 4 * bytes]) {
        expect(kernel.memory.slice(guard, guard + bytes)).to.deep.equal(before.slice(guard, guard + bytes), 'guard');
      }
      const words = (memory: Uint8Array, at: number) => wordsOf(memory.subarray(at, at + bytes));
      return {
        x: words(before, x),
        y: words(before, y),
        newX: words(kernel.memory, x),
        newY: words(kernel.memory, y),
      };
    }

    for (const bytes of SIZES) {
      it(`adds symbols of ${bytes} bytes`, () => {
        const { x, y, newX, newY } = operate(bytes, (kernel, to, from) => kernel.xor(to, from, bytes));
        expect(newX).to.deep.equal(x.map((value, i) => value ^ y[i]));
        expect(newY).to.deep.equal(y);
      });

      it(`multiplies, evaluates and interpolates symbols of ${bytes} bytes`, () => {
        for (const c of CONSTANTS) {
          const added = operate(bytes, (kernel, to, from) => kernel.multiplyAdd(to, from, bytes, c));
          expect(added.newX).to.deep.equal(added.x.map((value, i) => value ^ slowMultiply(c, added.y[i])));
          expect(added.newY).to.deep.equal(added.y);

          const multiplied = operate(bytes, (kernel, to, from) => kernel.multiply(to, from, bytes, c));
          expect(multiplied.newX).to.deep.equal(multiplied.y.map((value) => slowMultiply(c, value)));
          expect(multiplied.newY).to.deep.equal(multiplied.y);

          const out = operate(bytes, (kernel, x, y) => kernel.evaluate(x, y, bytes, c));
          const sum = out.x.map((value, i) => value ^ slowMultiply(c, out.y[i]));
          expect(out.newX).to.deep.equal(sum);
          expect(out.newY).to.deep.equal(out.y.map((value, i) => value ^ sum[i]));

          const back = operate(bytes, (kernel, x, y) => kernel.interpolate(x, y, bytes, c));
          const difference = back.y.map((value, i) => value ^ back.x[i]);
          expect(back.newY).to.deep.equal(difference);
          expect(back.newX).to.deep.equal(back.x.map((value, i) => value ^ slowMultiply(c, difference[i])));
        }
      });

      it(`does two layers at once over four spans of ${bytes} bytes as it does them one by one`, () => {
        const random = new Prng(bytes);
        for (let round = 0; round < 8; round++) {
          const constants = Array.from({ length: 3 }, (_, i) => (round === i ? 0 : random.below(65_536)));
          const [left, right, top] = constants as [number, number, number];
          const kernel = kind.create(6 * bytes);
          const before = random.fill(kernel.memory).slice();
          const reference = SCALAR.create(6 * bytes);
          reference.memory.set(before.subarray(0, 6 * bytes));
          const [p, q, r, s] = [bytes, 2 * bytes, 3 * bytes, 4 * bytes];
          kernel.evaluate4(p, bytes, left, right, top);
          reference.evaluate(p, r, bytes, top);
          reference.evaluate(q, s, bytes, top);
          reference.evaluate(p, q, bytes, left);
          reference.evaluate(r, s, bytes, right);
          expect(sameBytes(kernel.memory, reference.memory), `evaluate4 by ${constants}`).to.equal(true);
          kernel.interpolate4(p, bytes, left, right, top);
          expect(sameBytes(kernel.memory, before), `interpolate4 by ${constants}`).to.equal(true);
        }
      });

      it(`equals the scalar kernel over ${bytes} bytes for any constant`, () => {
        const random = new Prng(bytes + 1);
        const [kernel, reference] = [kind.create(2 * bytes), SCALAR.create(2 * bytes)];
        reference.memory.set(random.fill(kernel.memory));
        for (let round = 0; round < 50; round++) {
          const constant = random.below(65_536);
          for (const operation of ['multiplyAdd', 'evaluate', 'interpolate'] as const) {
            kernel[operation](0, bytes, bytes, constant);
            reference[operation](0, bytes, bytes, constant);
          }
          kernel.xor(bytes, 0, bytes);
          reference.xor(bytes, 0, bytes);
        }
        expect(sameBytes(kernel.memory, reference.memory)).to.equal(true);
      });
    }
  });
}

describe('fec layout and workspace', () => {
  it('keeps word j of a group at bytes j (low) and 32 + j (high)', () => {
    const words = Array.from({ length: 64 }, (_, i) => (0x40 + i) | ((0x80 + i) << 8));
    const symbol = symbolOf(words);
    expect([symbol[0], symbol[31], symbol[32], symbol[63], symbol[64], symbol[96]]).to.deep.equal([
      0x40, 0x5f, 0x80, 0x9f, 0x60, 0xa0,
    ]);
    expect(wordsOf(symbol)).to.deep.equal(words);
  });

  it('grows the workspace when needed and otherwise uses it again', () => {
    const workspace = new Workspace(SCALAR);
    expect(workspace.bytes).to.equal(0);
    const small = workspace.reserve(640);
    expect(workspace.reserve(64)).to.equal(small);
    expect(workspace.reserve(6400)).not.to.equal(small);
    expect(workspace.bytes).to.equal(6400);
  });
});
