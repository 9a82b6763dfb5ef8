/** The token bucket: an upper bound for every schedule and every clock, and a rate that is kept. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../shared/core/errors.js';
import { Prng } from '../../shared/core/prng.js';
import { Pacer } from '../../shared/link/pacer.js';

const ROUNDING_BYTES = 1e-3;

describe('link pacer', () => {
  it('FAULTS 57: never lets more than rate x time + one burst through, over any window', () => {
    const schedule = fc.array(
      fc.record({ waitMs: fc.double({ min: 0, max: 50, noNaN: true }), bytes: fc.integer({ min: 1, max: 9_000 }) }),
      { minLength: 1, maxLength: 120 },
    );
    const rate = fc.integer({ min: 8_000, max: 10_000_000_000 });
    const burst = fc.integer({ min: 1, max: 200_000 });
    fc.assert(
      fc.property(schedule, rate, burst, (steps, rateBps, burstBytes) => {
        let nowMs = 1_000;
        const pacer = new Pacer(rateBps, burstBytes, nowMs);
        const sent: { atMs: number; bytes: number }[] = [];
        for (const { waitMs, bytes } of steps) {
          nowMs += waitMs;
          // As greedy as a sender can be: datagrams of this size as long as they fit.
          for (let n = 0; n < 50 && pacer.available(nowMs) >= bytes; n++) {
            pacer.spend(bytes);
            sent.push({ atMs: nowMs, bytes });
          }
        }
        for (let from = 0; from < sent.length; from += 7) {
          let total = 0;
          for (let to = from; to < sent.length; to++) {
            total += sent[to]!.bytes;
            const allowed = ((sent[to]!.atMs - sent[from]!.atMs) * rateBps) / 8000 + burstBytes;
            if (total > allowed + ROUNDING_BYTES) throw new Error(`${total} bytes where ${allowed} are allowed`);
          }
        }
      }),
      { seed: 57, numRuns: 300 },
    );
  });

  for (const rateBps of [2_000_000, 100_000_000, 1_000_000_000, 8_000_000_000]) {
    it(`keeps ${rateBps / 1e6} Mbit/s within 1 % when always busy, woken each millisecond`, () => {
      const frameBytes = 1_472;
      const pacer = new Pacer(rateBps, Math.max(2 * frameBytes, (rateBps / 8000) * 3), 0);
      let bytes = 0;
      const send = (nowMs: number) => {
        for (; pacer.available(nowMs) >= frameBytes; pacer.spend(frameBytes)) bytes += frameBytes;
      };
      send(0);
      bytes = 0;
      const prng = new Prng(1);
      // Timers are late by up to half a millisecond, as they are.
      for (let ms = 1; ms <= 10_000; ms++) send(ms + prng.unit() / 2);
      expect(bytes / ((rateBps / 8) * 10)).to.be.closeTo(1, 0.01);
    });
  }

  it('says how long to wait, and that is enough and not too much', () => {
    const pacer = new Pacer(8_000_000, 10_000, 0);
    pacer.spend(10_000);
    expect(pacer.waitMs(1_500, 0)).to.be.closeTo(1.5, 1e-9);
    expect(pacer.available(1.4)).to.be.lessThan(1_500);
    expect(pacer.available(1.5 + 1e-9)).to.be.at.least(1_500);
    expect(pacer.waitMs(1_500, 2)).to.equal(0);
  });

  it('serves a datagram larger than the burst once the bucket is full, and has the rest paid off', () => {
    const pacer = new Pacer(8_000_000, 1_000, 0);
    expect(pacer.waitMs(9_000, 0)).to.equal(0);
    pacer.spend(9_000);
    expect(pacer.available(7.9)).to.equal(0);
    expect(pacer.waitMs(1_000, 8)).to.be.closeTo(1, 1e-9);
  });

  it('FAULTS 22: a clock that steps back by years neither stops the sender nor frees more than a burst', () => {
    const yearMs = 365 * 86_400_000;
    const pacer = new Pacer(8_000_000, 5_000, 10 * yearMs);
    pacer.spend(5_000);
    expect(pacer.available(yearMs)).to.equal(0);
    expect(pacer.available(yearMs + 2)).to.be.closeTo(2_000, 1);
    // And forward again: one burst.
    expect(pacer.available(20 * yearMs)).to.equal(5_000);
  });

  it('FAULTS 22: a time that is no number changes nothing', () => {
    const pacer = new Pacer(8_000_000, 5_000, 0);
    pacer.spend(5_000);
    expect(pacer.available(Number.NaN)).to.equal(0);
    expect(pacer.available(1)).to.be.closeTo(1_000, 1);
  });

  it('refuses what is no rate and no burst', () => {
    for (const [rateBps, burstBytes] of [
      [0, 1],
      [-1, 1],
      [Number.NaN, 1],
      [Number.POSITIVE_INFINITY, 1],
      [1, 0],
      [1, Number.NaN],
    ] as const) {
      expect(() => new Pacer(rateBps, burstBytes, 0), `${rateBps} ${burstBytes}`)
        .to.throw(SluiceError)
        .with.property('code', 'CONFIG_INVALID');
    }
  });
});
