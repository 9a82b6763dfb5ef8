/** How much is sent of a payload and of its envelope: arithmetic, to the end of the field. */
import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../shared/core/limits.js';
import { maxRepairSymbols } from '../../shared/fec/blockShape.js';
import {
  closingRepairSymbols,
  envelopePass,
  envelopeRepairSymbols,
  repairSymbols,
  wrapRepair,
} from '../../shared/link/passes.js';
import { emptyHeader, plausibleBlockSymbols } from '../../shared/wire/frame.js';

/** Around powers of two, where K' changes. */
const POWERS = [1, 2, 4, 8, 64, 512, 1_024, 2_048, 4_096].flatMap((k) => [k - 1, k, k + 1]);
const anyK = fc.oneof(
  fc.constantFrom(...POWERS.filter((k) => k >= 1 && k <= LIMITS.blockMaxSymbols)),
  fc.integer({ min: 1, max: LIMITS.blockMaxSymbols }),
);

describe('send passes', () => {
  it('repair follows the overhead upwards, and never below the floor', () => {
    expect(repairSymbols(4_096, 100_000, 16)).to.equal(410);
    expect(repairSymbols(100, 100_000, 16)).to.equal(16);
    expect(repairSymbols(1, 0, 0)).to.equal(0);
    expect(repairSymbols(21, 100_000, 0)).to.equal(3);
    expect(repairSymbols(4_096, 4_000_000, 16)).to.equal(16_384);
  });

  it('an envelope gets half as much again, at least four, in each pass', () => {
    expect([1, 7, 8, 9, 2_979].map(envelopeRepairSymbols)).to.deep.equal([4, 4, 4, 5, 1_490]);
    expect(envelopePass(9, 0)).to.deep.equal({ first: 0, count: 14 });
    expect(envelopePass(9, 1)).to.deep.equal({ first: 14, count: 14 });
    expect(envelopePass(9, 2)).to.deep.equal({ first: 28, count: 14 });
  });

  it('the closing pass doubles a small payload while the link is idle, and is brief while it is busy', () => {
    expect(closingRepairSymbols(100, 16, true)).to.equal(100);
    expect(closingRepairSymbols(3, 16, true)).to.equal(16);
    expect(closingRepairSymbols(100, 16, false)).to.equal(16);
  });

  it('every envelope pass brings symbols that are new, until the field has no room for another one', () => {
    fc.assert(
      fc.property(anyK, (k) => {
        const field = k + maxRepairSymbols(k);
        const { count } = envelopePass(k, 1);
        let next = 0;
        let repeated = 0;
        for (let pass = 0; next + count <= field; pass++) {
          const range = envelopePass(k, pass);
          if (range.first !== next) repeated++;
          next += range.count;
        }
        expect(repeated).to.equal(0);
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it('no pass ever leaves the field, at any count of repetitions and any k, powers of two included', () => {
    fc.assert(
      fc.property(anyK, fc.integer({ min: 0, max: 1_000_000 }), (k, pass) => {
        const { first, count } = envelopePass(k, pass);
        expect(first + count <= k + maxRepairSymbols(k)).to.equal(true);
        // What the receiver accepts is exactly what the sender may send.
        const header = { ...emptyHeader(), symbols: k, blockSymbols: k, esi: first + count - 1 };
        expect(plausibleBlockSymbols(header, 512)).to.equal(k);
        expect(plausibleBlockSymbols({ ...header, esi: k + maxRepairSymbols(k) }, 512)).to.equal(undefined);
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  it('repair of a payload goes on where it stopped, and begins anew where the field ends', () => {
    const room = maxRepairSymbols(1_024);
    expect(wrapRepair(1_024, 0, 100)).to.equal(0);
    expect(wrapRepair(1_024, room - 100, 100)).to.equal(room - 100);
    expect(wrapRepair(1_024, room - 99, 100)).to.equal(1);
    // One symbol more doubles K' and takes a thousand points from the field.
    expect(wrapRepair(1_025, room - 100, 100)).to.equal((room - 100) % (maxRepairSymbols(1_025) - 100));
    fc.assert(
      fc.property(
        anyK,
        fc.integer({ min: 0, max: 10_000_000 }),
        fc.integer({ min: 0, max: 16_384 }),
        (k, first, count) => {
          const wrapped = wrapRepair(k, first, count);
          expect(wrapped >= 0 && wrapped + count <= maxRepairSymbols(k)).to.equal(true);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });
});
