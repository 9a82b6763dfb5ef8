/** The two bounds of the sender's pace, by an injected clock: never ahead by more than a burst, and the rate kept. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Prng } from '../../shared/core/prng.js';
import { LinkPace } from '../../shared/link/linkPace.js';

const FRAME_BYTES = 1_500;

interface Sent {
  atMs: number;
  bytes: number;
}

/** Sends whatever is allowed at each of these moments. */
function run(rateBps: number, moments: Iterable<number>, frameBytes = FRAME_BYTES): Sent[] {
  const pace = new LinkPace(rateBps, frameBytes, 0);
  const sent: Sent[] = [];
  for (const atMs of moments) {
    const frames = Math.floor(pace.available(atMs) / frameBytes);
    if (frames === 0) continue;
    pace.spend(frames * frameBytes);
    sent.push({ atMs, bytes: frames * frameBytes });
  }
  return sent;
}

/** The most that was sent within any window of this length. */
function mostWithin(sent: readonly Sent[], windowMs: number): number {
  let most = 0;
  let total = 0;
  for (let from = 0, to = 0; to < sent.length; to++) {
    total += sent[to]!.bytes;
    while (sent[to]!.atMs - sent[from]!.atMs > windowMs) total -= sent[from++]!.bytes;
    most = Math.max(most, total);
  }
  return most;
}

/** The least in any window of this length, once under way. */
function leastWithin(sent: readonly Sent[], windowMs: number, endMs: number): number {
  let least = Number.POSITIVE_INFINITY;
  let total = 0;
  for (let from = 0, to = 0; from < sent.length && sent[from]!.atMs + windowMs <= endMs; from++) {
    while (to < sent.length && sent[to]!.atMs < sent[from]!.atMs + windowMs) total += sent[to++]!.bytes;
    least = Math.min(least, total);
    total -= sent[from]!.bytes;
  }
  return least;
}

const bytesIn = (rateBps: number, ms: number) => (rateBps / 8_000) * ms;

describe('link pace', () => {
  for (const rateBps of [20_000_000, 200_000_000, 1_000_000_000, 10_000_000_000]) {
    it(`FAULTS 57: ${rateBps / 1e6} Mbit/s within 2 % over any second, with wake-ups late by up to 15 ms`, () => {
      const prng = new Prng(rateBps % 1_000_003);
      const endMs = 6_000;
      const moments = function* () {
        let wakes = 0;
        // Mostly a millisecond and some; twice a second a thread that was not let run.
        for (let ms = 0; ms < endMs; ms += ++wakes % 400 === 0 ? 15 : 1 + prng.unit() / 4) yield ms;
      };
      const sent = run(rateBps, moments());
      const second = bytesIn(rateBps, 1_000);
      expect(mostWithin(sent, 1_000) / second).to.be.at.most(1.02);
      expect(leastWithin(sent, 1_000, endMs) / second).to.be.at.least(0.98);
    });
  }

  it('FAULTS 57: whatever the schedule, no 100 ms hold more than the rate and one burst of 8 ms', () => {
    const waits = fc.array(fc.double({ min: 0.01, max: 60, noNaN: true }), { minLength: 2, maxLength: 300 });
    const rate = fc.integer({ min: 1_000_000, max: 40_000_000_000 });
    const frame = fc.constantFrom(576, 1_500, 9_000);
    fc.assert(
      fc.property(waits, rate, frame, (steps, rateBps, frameBytes) => {
        let nowMs = 0;
        const sent = run(
          rateBps,
          steps.map((step) => (nowMs += step)),
          frameBytes,
        );
        // A link so slow that two datagrams are more than that may send two at once.
        const burst = Math.max(bytesIn(rateBps, 8), 2 * frameBytes + bytesIn(rateBps, 2));
        const most = mostWithin(sent, 100);
        if (most > bytesIn(rateBps, 100) + burst + 1) throw new Error(`${most} bytes in 100 ms at ${rateBps} bit/s`);
      }),
      { seed: 57, numRuns: 400 },
    );
  });

  it('makes up for a pause of 12 ms within half a second, and for no more than 16 ms of a long one', () => {
    const rateBps = 1_000_000_000;
    const sentAfter = (pauseMs: number) => {
      const moments = [...Array(500).keys(), ...Array.from({ length: 500 }, (_, n) => 500 + pauseMs + n)];
      return run(rateBps, moments).reduce((sum, { bytes }) => sum + bytes, 0) / bytesIn(rateBps, 1_000 + pauseMs);
    };
    expect(sentAfter(12) * 1_012).to.be.closeTo(1_012 + 16, 4);
    expect(sentAfter(400) * 1_400).to.be.closeTo(1_000 + 16 + 16, 4);
  });

  it('FAULTS 22: a clock that steps frees one burst at most', () => {
    const pace = new LinkPace(1_000_000_000, FRAME_BYTES, 1e9);
    pace.spend(pace.available(1e9));
    expect(pace.available(0)).to.equal(0);
    expect(pace.available(1e12)).to.be.at.most(bytesIn(1_000_000_000, 6));
  });
});
