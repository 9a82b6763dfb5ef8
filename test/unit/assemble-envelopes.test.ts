/** Envelopes on their way: coded objects without a manifest of their own. */
import { expect } from 'chai';
import { LIMITS } from '../../shared/core/limits.js';
import { PAYLOAD_OFFSET } from '../../shared/wire/frame.js';
import { removeFolders } from '../support/folders.js';
import { forged, HighHalf, LowHalf, newParcel, shuffled } from '../support/halves.js';

const put = (at: number, value: number) => (frame: Uint8Array) =>
  new DataView(frame.buffer, frame.byteOffset).setUint32(at, value, true);
const [OBJECT_AT, SYMBOLS_AT, BLOCK_SYMBOLS_AT] = [15, 24, 29];

describe('assembly of envelopes', () => {
  afterEach(removeFolders);

  it('any k symbols of any passes bring it, once', async () => {
    const parcel = await newParcel(1, 10, { envelopeBytes: 5_000 });
    const low = new LowHalf();
    const passes = [0, 1, 2].flatMap((pass) => low.envelope(parcel, pass));
    for (let seed = 0; seed < 30; seed++) {
      const high = new HighHalf();
      const came = shuffled(seed, [...passes]).slice(0, 10);
      high.receive(came.slice(0, 9));
      expect(high.envelopes.size).to.equal(0);
      high.receive(came.slice(9));
      expect(high.envelopes.get(parcel.order.envelope)).to.deep.equal(parcel.envelope);
      high.receive(passes);
      expect(high.counters).to.include({ envelopes: 1, badEnvelopes: 0, late: passes.length });
    }
  });

  it('FAULTS 49: one that could not be kept is collected again when it comes again, and only that', async () => {
    const [parcel, other] = [await newParcel(20, 10), await newParcel(21, 10)];
    const low = new LowHalf();
    const high = new HighHalf();
    high.receive([...low.envelope(parcel), ...low.envelope(other)]);
    high.envelopes.clear();
    high.collector.collectAgain(parcel.order.envelope);
    high.receive([...low.envelope(parcel, 1), ...low.envelope(other, 1)]);
    expect([...high.envelopes.keys()]).to.deep.equal([parcel.order.envelope]);
    expect(high.counters.envelopes).to.equal(3);
  });

  it('FAULTS 15: a one-symbol envelope survives any loss that leaves one frame', async () => {
    const parcel = await newParcel(2, 10);
    for (const frame of [...new LowHalf().envelope(parcel), ...new LowHalf().envelope(parcel, 1)]) {
      const high = new HighHalf();
      high.receive([frame]);
      expect(high.envelopes.get(parcel.order.envelope)).to.deep.equal(parcel.envelope);
    }
  });

  it('FAULTS 16: one that does not hash to its id is discarded, and good symbols complete it afterwards', async () => {
    const parcel = await newParcel(3, 10, { envelopeBytes: 2_000 });
    const frames = new LowHalf().envelope(parcel);
    const high = new HighHalf();
    const bad = forged(frames[2]!, (frame) => {
      frame[PAYLOAD_OFFSET + 100]! ^= 4;
    });
    high.receive([frames[0]!, frames[1]!, bad, frames[3]!]);
    expect(high.counters).to.include({ badEnvelopes: 1, envelopes: 0 });
    high.receive(frames);
    expect(high.envelopes.get(parcel.order.envelope)).to.deep.equal(parcel.envelope);
  });

  it('FAULTS 8: of two contents of one symbol the first stays', async () => {
    const parcel = await newParcel(4, 10, { envelopeBytes: 2_000 });
    const frames = new LowHalf().envelope(parcel);
    const high = new HighHalf();
    high.receive([frames[0]!, forged(frames[0]!, (frame) => frame.fill(0, PAYLOAD_OFFSET, 500)), ...frames]);
    expect(high.counters).to.include({ conflicting: 1, duplicate: 1, envelopes: 1 });
  });

  it('FAULTS 13: sizes no envelope has are dropped, and so are frames that contradict the first', async () => {
    const parcel = await newParcel(5, 10, { envelopeBytes: 2_000 });
    const frames = new LowHalf().envelope(parcel);
    const high = new HighHalf();
    const tooMany = LIMITS.blockMaxSymbols + 1;
    const change = (...values: [number, number][]) =>
      forged(frames[0]!, (frame) => {
        for (const [at, value] of values) put(at, value)(frame);
      });
    high.receive([
      change([SYMBOLS_AT, 0]),
      change([SYMBOLS_AT, tooMany], [BLOCK_SYMBOLS_AT, tooMany]),
      // Two blocks of two: an envelope is a single block.
      change([BLOCK_SYMBOLS_AT, 2]),
      frames[1]!,
      change([SYMBOLS_AT, 5], [BLOCK_SYMBOLS_AT, 5]),
    ]);
    expect(high.counters).to.include({ badParameters: 4, accepted: 1 });
    high.receive(frames);
    expect(high.envelopes.size).to.equal(1);
  });

  it('an inner length that does not fit is no envelope', async () => {
    const parcel = await newParcel(6, 10);
    const [frame] = new LowHalf().envelope(parcel);
    const high = new HighHalf();
    for (const length of [0, 509, 0xffff_ffff]) high.receive([forged(frame!, put(PAYLOAD_OFFSET, length))]);
    expect(high.counters).to.include({ badEnvelopes: 3, envelopes: 0 });
  });

  it('FAULTS 10: a flood of other envelopes does not push out one that is being collected', async () => {
    const parcel = await newParcel(7, 10, { envelopeBytes: 60_000 });
    const noise = new LowHalf().envelope(await newParcel(8, 10, { envelopeBytes: 2_000 }))[0]!;
    const high = new HighHalf();
    let id = 0;
    for (const frame of new LowHalf().envelope(parcel)) {
      high.receive([frame, forged(noise, put(OBJECT_AT, ++id)), forged(noise, put(OBJECT_AT, ++id))]);
    }
    expect(id).to.be.greaterThan(4 * LIMITS.envelopeAssemblies);
    expect(high.envelopes.has(parcel.order.envelope)).to.equal(true);
  });

  it('large ones that were given up make room for the repair of the one that is fed', async () => {
    const large = 2_000_000;
    const high = new HighHalf();
    const unfinished = await Promise.all(
      [10, 11, 12, 13, 14, 15, 16].map((seed) => newParcel(seed, 10, { envelopeBytes: large })),
    );
    const low = new LowHalf();
    for (const parcel of unfinished) high.receive(low.envelope(parcel).slice(0, 5));
    const parcel = await newParcel(17, 10, { envelopeBytes: large });
    high.receive(low.envelope(parcel).slice(1_500));
    expect(high.envelopes.has(parcel.order.envelope)).to.equal(true);
    expect(high.counters.noRoom).to.equal(0);
  });
});
