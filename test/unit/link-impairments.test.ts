/** What the simulated link does to datagrams: exact where it is exact, within tolerances where it is chance. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Prng } from '../../shared/core/prng.js';
import { type ImpairmentOptions, Impairments } from '../../shared/link/impairments.js';
import { SILENCE_MS } from '../../shared/link/reorder.js';
import { emptyHeader, FrameKind, frameBytes, writeFrameHeader } from '../../shared/wire/frame.js';

const SYMBOL_BYTES = 512;

/** A datagram that is no frame and carries its number. */
function numbered(number: number, bytes = 32): Uint8Array {
  const datagram = new Uint8Array(bytes).fill(0xee);
  new DataView(datagram.buffer).setUint32(0, number);
  return datagram;
}
const numberOf = (datagram: Uint8Array): number =>
  new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength).getUint32(0);

/** A frame of an object whose payload begins with a number. */
function frame(kind: FrameKind, object: number, symbols: number, number: number): Uint8Array {
  const datagram = new Uint8Array(frameBytes(SYMBOL_BYTES));
  const header = { ...emptyHeader(), kind, objectHigh: object ^ 0x5a5a5a5a, objectLow: object, symbols };
  writeFrameHeader(datagram, 0, { ...header, blockSymbols: symbols, esi: number }, SYMBOL_BYTES);
  new DataView(datagram.buffer).setUint32(46, number);
  return datagram;
}

/** Pushes datagrams a millisecond apart; what leaves, when, and the counters, after all that was held has left. */
function run(options: ImpairmentOptions, datagrams: Iterable<Uint8Array>, stepMs = 1) {
  const left: { datagram: Uint8Array; atMs: number }[] = [];
  let nowMs = 5_000;
  const link = new Impairments(options, (datagram) => left.push({ datagram, atMs: nowMs }));
  for (const datagram of datagrams) {
    link.push(datagram, nowMs);
    nowMs += stepMs;
  }
  for (let i = 0; i < 10_000 && link.held > 0; i++) link.tick(++nowMs);
  return { left: left.map((entry) => entry.datagram), times: left.map((entry) => entry.atMs), link, ...link.counters };
}
const series = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => numbered(i));

/** Lengths of the runs of numbers in 0..count-1 that are missing. */
function lostRuns(left: Uint8Array[], count: number): { start: number; length: number }[] {
  const there = new Set(left.map(numberOf));
  const runs: { start: number; length: number }[] = [];
  for (let i = 0; i < count; i++) {
    if (there.has(i)) continue;
    const last = runs.at(-1);
    if (last && last.start + last.length === i) last.length++;
    else runs.push({ start: i, length: 1 });
  }
  return runs;
}

describe('link impairments', () => {
  it('a link that does nothing hands the very buffers on, in order', () => {
    const datagrams = series(100);
    const { left, forwarded, bytes, received } = run({ seed: 1 }, datagrams);
    expect(left.length).to.equal(100);
    expect(left.every((datagram, i) => datagram === datagrams[i])).to.equal(true);
    expect({ received, forwarded, bytes }).to.deep.equal({ received: 100, forwarded: 100, bytes: 3_200 });
  });

  const everything: ImpairmentOptions = {
    seed: 7,
    loss: 0.1,
    burst: 5,
    burstMean: 3,
    burstRate: 0.01,
    reorder: 9,
    duplicate: 0.1,
    corrupt: 0.1,
    outage: { startMs: 300, lengthMs: 50 },
    rateBps: 200_000,
  };
  const mixed = (): Uint8Array[] => {
    const prng = new Prng(99);
    return Array.from({ length: 2_000 }, (_, i) =>
      prng.below(3) === 0 ? numbered(i) : frame(FrameKind.payload, 1 + prng.below(4), 50, i),
    );
  };

  it('is the same again from the same seed, and another one from another', () => {
    const bytesOf = (options: ImpairmentOptions) => Buffer.concat(run(options, mixed()).left).toString('latin1');
    const first = bytesOf(everything);
    expect(bytesOf(everything) === first).to.equal(true);
    expect(bytesOf({ ...everything, seed: 8 }) === first).to.equal(false);
  });

  it('accounts for every datagram', () => {
    const all = run(everything, mixed());
    for (const key of [
      'lost',
      'burstLost',
      'outageLost',
      'rateDropped',
      'duplicated',
      'corrupted',
      'reordered',
    ] as const) {
      expect(all[key], key).to.be.greaterThan(0);
    }
    expect(all.link.held).to.equal(0);
    const gone = all.lost + all.burstLost + all.outageLost + all.rateDropped;
    expect(all.received + all.duplicated).to.equal(all.forwarded + gone);
    expect(all.left.length).to.equal(all.forwarded);
    expect(all.left.reduce((sum, datagram) => sum + datagram.length, 0)).to.equal(all.bytes);
  });

  it('never changes a buffer it was given', () => {
    const datagrams = mixed();
    const before = Buffer.concat(datagrams);
    run({ seed: 3, corrupt: 1, duplicate: 1 }, datagrams);
    expect(Buffer.concat(datagrams).equals(before)).to.equal(true);
  });

  describe('loss', () => {
    for (const loss of [0.001, 0.02, 0.3]) {
      it(`loses a fraction of ${loss}, each datagram on its own`, () => {
        const count = 100_000;
        const { left, lost } = run({ seed: 11, loss }, series(count));
        const sigma = Math.sqrt(count * loss * (1 - loss));
        expect(lost).to.be.closeTo(count * loss, 4 * sigma);
        expect(left.length).to.equal(count - lost);
        // Independent: the one behind a lost one is lost as often as any other.
        const runs = lostRuns(left, count);
        const afterLoss = lost - runs.length;
        expect(afterLoss).to.be.closeTo(lost * loss, 5 * Math.sqrt(lost * loss * (1 - loss)) + 1);
      });
    }

    it('1 loses everything and 0 nothing', () => {
      expect(run({ seed: 1, loss: 1 }, series(500)).forwarded).to.equal(0);
      expect(run({ seed: 1, loss: 0 }, series(500)).forwarded).to.equal(500);
    });

    it('loses the same datagrams whatever else is switched on', () => {
      const alone = new Set(run({ seed: 5, loss: 0.1 }, series(3_000)).left.map(numberOf));
      const others = run(
        { seed: 5, loss: 0.1, duplicate: 0.2, reorder: 8, burstMean: 4, burstRate: 0.01 },
        series(3_000),
      );
      expect(others.burstLost).to.be.greaterThan(0);
      expect(others.left.every((datagram) => alone.has(numberOf(datagram)))).to.equal(true);
    });
  });

  describe('burst', () => {
    const object = (id: number, symbols: number, frames: number, from = 0): Uint8Array[] =>
      Array.from({ length: frames }, (_, i) => frame(FrameKind.payload, id, symbols, from + i));
    const numbers = (left: Uint8Array[]) => left.map((datagram) => new DataView(datagram.buffer).getUint32(46));

    it('loses one run of exactly N for each object, at a place before its last source symbol', () => {
      const starts = new Set<number>();
      for (let seed = 0; seed < 60; seed++) {
        const { left, burstLost } = run({ seed, burst: 17 }, object(4, 100, 120));
        expect(burstLost, `seed ${seed}`).to.equal(17);
        const there = new Set(numbers(left));
        const missing = Array.from({ length: 120 }, (_, i) => i).filter((i) => !there.has(i));
        expect(missing.at(-1)! - missing[0]!, `seed ${seed}: one run`).to.equal(16);
        expect(missing[0]).to.be.lessThan(100);
        starts.add(missing[0]!);
      }
      // Seeded places, not one place.
      expect(starts.size).to.be.greaterThan(30);
      expect(Math.max(...starts)).to.be.greaterThan(80);
    });

    it('spares an object that is sent again, and the frames that are no payload start nothing', () => {
      const first = object(4, 100, 130);
      const { burstLost, forwarded } = run({ seed: 2, burst: 10 }, [...first, ...first, ...first]);
      expect({ burstLost, forwarded }).to.deep.equal({ burstLost: 10, forwarded: 380 });
      for (const kind of [FrameKind.envelope, FrameKind.heartbeat, FrameKind.padding]) {
        const others = Array.from({ length: 50 }, (_, i) => frame(kind, 4, 10, i));
        expect(run({ seed: 2, burst: 10 }, [...others, ...series(50)]).burstLost, `kind ${kind}`).to.equal(0);
      }
    });

    it('loses whatever comes next, datagrams that are no frames included', () => {
      // Symbols 1: the place can only be the first frame.
      const { left, burstLost } = run({ seed: 1, burst: 10 }, [...object(9, 1, 1), ...series(30)]);
      expect(burstLost).to.equal(10);
      expect(left.map(numberOf)).to.deep.equal(Array.from({ length: 21 }, (_, i) => 9 + i));
    });

    it('gives each of several objects its own, interleaved or not', () => {
      const apart = [1, 2, 3, 4].flatMap((id) => object(id, 40, 100));
      expect(run({ seed: 6, burst: 12 }, apart).burstLost).to.equal(48);
      // Interleaved runs may meet and become one, but there is at least one and at most four.
      const interleaved = Array.from({ length: 400 }, (_, i) => frame(FrameKind.payload, 1 + (i % 4), 40, i));
      const { burstLost } = run({ seed: 6, burst: 12 }, interleaved);
      expect(burstLost).to.be.within(12, 48);
    });

    it('remembers a bounded number of objects', () => {
      const link = new Impairments({ seed: 1, burst: 1 }, () => {});
      // Symbols 1: each new object loses its first frame at once.
      for (let id = 1; id <= LIMITS.linkObjects + 1; id++) link.push(frame(FrameKind.payload, id, 1, 0), 0);
      expect(link.counters.burstLost).to.equal(LIMITS.linkObjects + 1);
      link.push(frame(FrameKind.payload, 2, 1, 0), 0);
      expect(link.counters.burstLost, 'still known').to.equal(LIMITS.linkObjects + 1);
      link.push(frame(FrameKind.payload, 1, 1, 0), 0);
      expect(link.counters.burstLost, 'forgotten, so new').to.equal(LIMITS.linkObjects + 2);
    });

    it('survives a frame that announces no symbols, and random bytes', () => {
      const prng = new Prng(4);
      const noise = Array.from({ length: 2_000 }, () => prng.fill(new Uint8Array(prng.below(700))));
      expect(run({ seed: 1, burst: 3 }, noise).forwarded).to.equal(2_000);
      expect(run({ seed: 1, burst: 3 }, object(1, 0, 10)).burstLost).to.equal(3);
    });
  });

  it('Gilbert-Elliott: bursts begin and last as often and as long as they should', () => {
    const count = 150_000;
    const [burstMean, burstRate] = [8, 0.005];
    const { left, burstLost } = run({ seed: 21, burstMean, burstRate }, series(count));
    expect(burstLost / count).to.be.closeTo(burstMean / (burstMean + (1 - burstRate) / burstRate), 0.004);
    const runs = lostRuns(left, count);
    // Two bursts that touch look like one: mean / (1 - rate).
    expect(burstLost / runs.length).to.be.closeTo(burstMean / (1 - burstRate), 0.6);
    // Geometric: a burst of one happens in 1/mean of the cases.
    expect(runs.filter((one) => one.length === 1).length / runs.length).to.be.closeTo(1 / burstMean, 0.03);
    expect(run({ seed: 1, burstMean: 1, burstRate: 0.1 }, series(50_000)).burstLost / 50_000).to.be.closeTo(0.1, 0.008);
  });

  describe('reorder', () => {
    it('FAULTS 6: displaces nobody by more than N places, and loses and invents nothing', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 40 }),
          fc.integer({ min: 0, max: 300 }),
          fc.nat(),
          (places, count, seed) => {
            const { left } = run({ seed, reorder: places }, series(count), 0.1);
            expect(left.length).to.equal(count);
            expect(new Set(left).size).to.equal(count);
            left.forEach((datagram, at) => {
              expect(Math.abs(numberOf(datagram) - at)).to.be.at.most(places);
            });
          },
        ),
        { seed: 6, numRuns: 300 },
      );
    });

    it('FAULTS 6: uses the places it has, both ways, and counts who left late', () => {
      const { left, reordered } = run({ seed: 3, reorder: 8 }, series(20_000));
      const by = left.map((datagram, at) => at - numberOf(datagram));
      expect(Math.max(...by)).to.be.within(7, 8);
      expect(Math.min(...by)).to.be.within(-8, -6);
      let highest = -1;
      let late = 0;
      for (const datagram of left) {
        if (numberOf(datagram) < highest) late++;
        highest = Math.max(highest, numberOf(datagram));
      }
      expect(reordered).to.equal(late);
      expect(late).to.be.greaterThan(10_000);
    });

    it('holds the last ones no longer than the silence, also when the clock steps back (FAULTS 22)', () => {
      const left: Uint8Array[] = [];
      const link = new Impairments({ seed: 1, reorder: 100 }, (datagram) => left.push(datagram));
      for (const datagram of series(50)) link.push(datagram, 1_000_000);
      expect(link.held).to.be.greaterThan(0);
      link.tick(1_000_000 + SILENCE_MS - 1);
      expect(left.length).to.be.lessThan(50);
      link.tick(500);
      link.tick(501);
      expect(left.length).to.equal(50);
      expect(link.held).to.equal(0);
    });

    it('flush lets everything go', () => {
      const left: Uint8Array[] = [];
      const link = new Impairments({ seed: 1, reorder: 1_000 }, (datagram) => left.push(datagram));
      for (const datagram of series(10)) link.push(datagram, 0);
      link.flush();
      expect(new Set(left).size).to.equal(10);
    });
  });

  it('FAULTS 7: duplicates a fraction, exactly once more each, and the copy is equal', () => {
    const count = 50_000;
    const { left, duplicated } = run({ seed: 4, duplicate: 0.05 }, series(count));
    expect(duplicated).to.be.closeTo(2_500, 4 * Math.sqrt(count * 0.05 * 0.95));
    const times = new Map<number, number>();
    for (const datagram of left) times.set(numberOf(datagram), (times.get(numberOf(datagram)) ?? 0) + 1);
    expect(times.size).to.equal(count);
    expect([...times.values()].filter((n) => n === 2).length).to.equal(duplicated);
    expect(run({ seed: 4, duplicate: 1 }, series(100)).forwarded).to.equal(200);
  });

  it('corrupts a fraction by exactly one bit, anywhere in the datagram', () => {
    const count = 20_000;
    const original = new Uint8Array(64).fill(0x5a);
    const { left, corrupted } = run({ seed: 9, corrupt: 0.2 }, new Array(count).fill(original));
    const hits = new Set<number>();
    let damaged = 0;
    for (const datagram of left) {
      const bits: number[] = [];
      for (let bit = 0; bit < 512; bit++) {
        if (((datagram[bit >> 3]! ^ original[bit >> 3]!) >> (bit & 7)) & 1) bits.push(bit);
      }
      if (bits.length > 0) damaged++;
      expect(bits.length).to.be.at.most(1);
      for (const bit of bits) hits.add(bit);
    }
    expect(damaged).to.equal(corrupted);
    expect(corrupted).to.be.closeTo(4_000, 4 * Math.sqrt(count * 0.16));
    expect(hits.size).to.be.greaterThan(500);
    // An empty datagram has no bit to flip.
    expect(run({ seed: 9, corrupt: 1 }, [new Uint8Array(0)])).to.include({ corrupted: 0, forwarded: 1 });
  });

  it('an outage counts from the first datagram the link forwarded, and loses all of its time', () => {
    const { left, outageLost } = run({ seed: 1, outage: { startMs: 100, lengthMs: 250 } }, series(1_000));
    expect(outageLost).to.equal(250);
    expect(lostRuns(left, 1_000)).to.deep.equal([{ start: 100, length: 250 }]);
    // From the start: the first still goes through, else there would be no first.
    expect(lostRuns(run({ seed: 1, outage: { startMs: 0, lengthMs: 10 } }, series(50)).left, 50)).to.deep.equal([
      { start: 1, length: 9 },
    ]);
    // The first two are lost, so the time begins with the third.
    const late = run({ seed: 1, burst: 2, outage: { startMs: 5, lengthMs: 5 } }, [
      frame(FrameKind.payload, 1, 1, 0),
      ...series(30),
    ]);
    expect(lostRuns(late.left, 30)).to.deep.equal([
      { start: 0, length: 1 },
      { start: 6, length: 5 },
    ]);
  });

  describe('rate', () => {
    it('FAULTS 57: what leaves never exceeds the rate, and the overflow is dropped and counted', () => {
      const rateBps = 8_000_000;
      const datagrams = Array.from({ length: 20_000 }, (_, i) => numbered(i, 1_000));
      // 2,000 bytes a millisecond offered, 1,000 allowed.
      const offered = run({ seed: 1, rateBps }, datagrams, 0.5);
      expect(offered.forwarded + offered.rateDropped).to.equal(20_000);
      expect(offered.rateDropped / 20_000).to.be.closeTo(0.5, 0.02);
      const burstBytes = 20 * 1_000;
      for (let from = 0; from < offered.times.length; from += 500) {
        for (let to = from; to < offered.times.length; to += 333) {
          const bytes = (to - from + 1) * 1_000;
          expect(bytes).to.be.at.most((offered.times[to]! - offered.times[from]!) * 1_000 + burstBytes + 1_000);
        }
      }
      // Order is kept.
      const order = offered.left.map(numberOf);
      expect(order.every((number, i) => i === 0 || number > order[i - 1]!)).to.equal(true);
    });

    it('holds no more than the queue is good for, also of empty datagrams', () => {
      const rateBps = 80_000_000;
      const link = new Impairments({ seed: 1, rateBps }, () => {});
      for (let i = 0; i < 100_000; i++) link.push(numbered(i, 1_000), 0);
      expect(link.held).to.be.at.most((rateBps / 8000) * (LIMITS.linkQueueMs / 1_000) + 1);
      const empty = new Impairments({ seed: 1, rateBps }, () => {});
      for (let i = 0; i < 100_000; i++) empty.push(new Uint8Array(0), 0);
      expect(empty.held).to.be.at.most(((rateBps / 8000) * LIMITS.linkQueueMs) / 64);
      expect(empty.counters.rateDropped).to.be.greaterThan(0);
    });

    it('lets everything through that keeps to the rate, the largest datagram included', () => {
      const steady = run(
        { seed: 1, rateBps: 8_000_000 },
        Array.from({ length: 5_000 }, (_, i) => numbered(i, 1_000)),
      );
      expect(steady.forwarded).to.equal(5_000);
      expect(run({ seed: 1, rateBps: 1_000_000 }, [numbered(1, 65_507)]).forwarded).to.equal(1);
    });
  });

  it('refuses options that make no sense', () => {
    const wrong: Partial<ImpairmentOptions>[] = [
      { seed: 1.5 },
      { loss: -0.1 },
      { loss: 1.1 },
      { loss: Number.NaN },
      { duplicate: 2 },
      { corrupt: 2 },
      { burst: -1 },
      { burst: 1.5 },
      { burstMean: 3 },
      { burstRate: 0.1 },
      { burstMean: 0.5, burstRate: 0.1 },
      { reorder: -1 },
      { reorder: LIMITS.linkReorderPlaces + 1 },
      { outage: { startMs: -1, lengthMs: 1 } },
      { outage: { startMs: 0, lengthMs: Number.NaN } },
      { rateBps: 0 },
    ];
    for (const options of wrong) {
      expect(() => new Impairments({ seed: 1, ...options }, () => {}), JSON.stringify(options))
        .to.throw(SluiceError)
        .with.property('code', 'USAGE');
    }
  });
});
