/** Any k of the n symbols rebuild a block, by both ways of solving; fewer never do. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Prng } from '../../shared/core/prng.js';
import { BlockDecoder } from '../../shared/fec/decode.js';
import { loseAndDecode, makeRepair, pick, randomBlock } from '../support/fec-blocks.js';
import { slowDecode } from '../support/fec-reference.js';

const T = 64;
const PATHS = ['direct', 'fft', undefined] as const;
const without = (count: number, present: readonly number[]) =>
  Array.from({ length: count }, (_, i) => i).filter((i) => !present.includes(i));

describe('fec decoder', () => {
  it('FAULTS 15: rebuilds from every pattern of k or more symbols out of nine, and from none with fewer', () => {
    const n = 9;
    for (let k = 1; k <= 5; k++) {
      const source = randomBlock(k, k, T);
      const repair = makeRepair(source, k, T, 0, n - k);
      const decoder = new BlockDecoder(k, T);
      for (let pattern = 0; pattern < 1 << n; pattern++) {
        const arrived = without(n, []).filter((esi) => (pattern >> esi) & 1);
        const lost = without(k, arrived);
        const received = repair.filter(({ index }) => arrived.includes(k + index));
        for (const path of PATHS.slice(0, 2)) {
          const { decoded, block } = loseAndDecode(source, k, T, lost, received, { path: path!, decoder });
          if (decoded !== arrived.length >= k) expect.fail(`k ${k}, arrived ${arrived}: ${decoded}`);
          if (decoded && Buffer.compare(block, source) !== 0) expect.fail(`k ${k}, arrived ${arrived}: wrong bytes`);
        }
      }
    }
  });

  it('rebuilds from any k of n symbols, wherever the repair symbols lie', () => {
    const scenario = fc.record({
      seed: fc.integer(),
      k: fc.integer({ min: 1, max: 130 }),
      groups: fc.integer({ min: 1, max: 3 }),
      lossShare: fc.double({ min: 0, max: 1, noNaN: true }),
      far: fc.boolean(),
      path: fc.constantFrom(...PATHS),
    });
    fc.assert(
      fc.property(scenario, ({ seed, k, groups, lossShare, far, path }) => {
        const random = new Prng(seed);
        const symbolBytes = 64 * groups;
        const source = random.fill(new Uint8Array(k * symbolBytes));
        const lost = pick(random, Math.round(lossShare * k), k);
        const made = makeRepair(source, k, symbolBytes, far ? random.below(30_000) : 0, 3 * k);
        const received = pick(random, lost.length, made.length).map((i) => made[i]);
        received.reverse(); // order of arrival does not matter
        const { decoded, block } = loseAndDecode(source, k, symbolBytes, lost, received, path ? { path } : {});
        return decoded && Buffer.compare(block, source) === 0;
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it('agrees with Gaussian elimination on the matrix of the closed form', () => {
    const random = new Prng(21);
    for (const k of [2, 5, 9, 16]) {
      const source = random.fill(new Uint8Array(k * T));
      const repair = makeRepair(source, k, T, 0, k);
      const lost = pick(random, 1 + random.below(k), k);
      const received = new Map<number, Uint8Array>();
      for (const j of without(k, lost)) received.set(j, source.subarray(j * T, (j + 1) * T));
      for (const { index, data } of repair.slice(-lost.length)) received.set(k + index, data);
      const { decoded, block } = loseAndDecode(source, k, T, lost, repair.slice(-lost.length));
      expect(decoded).to.equal(true);
      expect(Buffer.concat(slowDecode(received, k)!)).to.deep.equal(Buffer.from(block));
    }
  });

  describe('k = 4096 with 410 repair symbols', () => {
    const k = 4096;
    const symbolBytes = 128;
    const source = randomBlock(4096, k, symbolBytes);
    const repair = makeRepair(source, k, symbolBytes, 0, 410);
    const random = new Prng(31);

    for (const path of PATHS) {
      it(`FAULTS 15: loss exactly at the budget is rebuilt (${path ?? 'by estimate'})`, () => {
        const lost = pick(random, 410, k);
        const { decoded, block } = loseAndDecode(source, k, symbolBytes, lost, repair, path ? { path } : {});
        expect(decoded).to.equal(true);
        expect(Buffer.compare(block, source)).to.equal(0);
      });

      it(`FAULTS 15: one more is not, and the block is left alone (${path ?? 'by estimate'})`, () => {
        const lost = pick(random, 411, k);
        const { decoded, block } = loseAndDecode(source, k, symbolBytes, lost, repair, path ? { path } : {});
        expect(decoded).to.equal(false);
        for (const j of lost) expect(block[j * symbolBytes]).to.equal(0xa5);
      });
    }

    it('FAULTS 15: a burst that takes source and repair symbols, and a loss of repair symbols alone', () => {
      const burst = Array.from({ length: 205 }, (_, i) => k - 205 + i);
      const { decoded, block } = loseAndDecode(source, k, symbolBytes, burst, repair.slice(205));
      expect(decoded).to.equal(true);
      expect(Buffer.compare(block, source)).to.equal(0);
      expect(loseAndDecode(source, k, symbolBytes, [], []).decoded).to.equal(true);
    });

    it('needs little memory for a little loss, and at most 3 K symbols', () => {
      const decoder = new BlockDecoder(k, symbolBytes);
      loseAndDecode(source, k, symbolBytes, [], repair, { decoder });
      expect(decoder.workspaceBytes, 'nothing lost').to.equal(0);
      loseAndDecode(source, k, symbolBytes, pick(random, 205, k), repair, { decoder });
      expect(decoder.workspaceBytes, '5 % lost').to.be.at.most(720 * symbolBytes);
      const every = without(k, []);
      const far = makeRepair(source, k, symbolBytes, 0, 5 * k).filter(({ index }) => index % 5 === 0);
      const { decoded, block } = loseAndDecode(source, k, symbolBytes, every, far, { decoder });
      expect(decoded && Buffer.compare(block, source) === 0).to.equal(true);
      expect(decoder.workspaceBytes, 'all lost').to.be.at.most((3 * k + 1) * symbolBytes);
    });
  });

  it('counts a repair symbol once, however often it is given, and ignores impossible ones', () => {
    const k = 5;
    const source = randomBlock(8, k, T);
    const [first, second] = makeRepair(source, k, T, 0, 2);
    const lost = [1, 3];
    const noise = { data: new Uint8Array(T) };
    const impossible = [-1, 65_528, 0.5, Number.NaN, 2 ** 32].map((index) => ({ ...noise, index }));
    expect(loseAndDecode(source, k, T, lost, [first, first, first]).decoded).to.equal(false);
    expect(loseAndDecode(source, k, T, lost, [first, ...impossible]).decoded).to.equal(false);
    const { decoded, block } = loseAndDecode(source, k, T, lost, [second, first, ...impossible, first]);
    expect(decoded).to.equal(true);
    expect(block).to.deep.equal(source);
  });

  it('FAULTS 13: refuses blocks that cannot be and symbols of another size', () => {
    const decoder = new BlockDecoder(4, T);
    const block = new Uint8Array(4 * T);
    for (const k of [0, 5, 1.5])
      expect(() => decoder.decode(block, k, new Uint8Array(5), [])).to.throw('FRAME_PARAMETERS');
    expect(() => decoder.decode(block.subarray(1), 4, new Uint8Array(4), [])).to.throw('INTERNAL');
    expect(() => decoder.decode(block, 4, new Uint8Array(3), [])).to.throw('INTERNAL');
    const short = { index: 0, data: new Uint8Array(T - 1) };
    expect(() => decoder.decode(block, 4, Uint8Array.of(1, 1, 1, 0), [short])).to.throw('INTERNAL');
    expect(() => new BlockDecoder(4, 65)).to.throw('FRAME_PARAMETERS');
  });
});
