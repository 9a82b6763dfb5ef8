/** The gate of the high side: what is not ours costs a counter and nothing else. */
import { expect } from 'chai';
import fc from 'fast-check';
import { RecentObjects } from '../../egress/assemble/objectMap.js';
import { SessionTracker } from '../../egress/assemble/sessionTracker.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Prng } from '../../shared/core/prng.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { createRing, FrameRing } from '../../shared/link/ring.js';
import { frameBytes } from '../../shared/wire/frame.js';
import { removeFolders } from '../support/folders.js';
import { HighHalf, headerOf, LowHalf, newParcel, SESSION } from '../support/halves.js';

/** Every counter but these is 0, and no state was created. */
function expectOnly(high: HighHalf, counted: Partial<HighHalf['counters']>): void {
  high.tick(1_000);
  const others = Object.entries(high.counters).filter(([name, value]) => value !== 0 && !(name in counted));
  expect(others).to.deep.equal([]);
  expect(high.counters).to.include(counted);
  expect(high.intake.lastFrameMs).to.equal(undefined);
  expect(high.intake.session.expected).to.equal(0);
}

describe('receive intake', () => {
  afterEach(removeFolders);

  it('FAULTS 1, 2: noise of any length is dropped before anything is reserved', () => {
    const high = new HighHalf();
    const prng = new Prng(1);
    const sent = 20_000;
    for (let n = 0; n < sent; n++) high.receive([prng.fill(new Uint8Array(prng.below(1_600)))]);
    const { badLength, badLayout } = high.counters;
    expect(badLength + badLayout).to.equal(sent);
    expect(badLayout).to.be.greaterThan(50);
    expectOnly(high, { badLength, badLayout });
  });

  it('FAULTS 1: a frame with any one bit flipped, or cut anywhere, is dropped', async () => {
    const [frame] = new LowHalf().payload(await newParcel(1, 20 * 512)).frames;
    fc.assert(
      fc.property(fc.nat(frame!.length * 8 - 1), fc.nat(frame!.length - 1), (bit, length) => {
        const high = new HighHalf({ spoolDir: '/nowhere' });
        const flipped = Buffer.from(frame!);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        high.receive([flipped, frame!.subarray(0, length)]);
        const { badTag, badLayout, badVersion, badLength } = high.counters;
        expect(badTag + badLayout + badVersion).to.equal(1);
        expect(badLength).to.equal(1);
        expect(high.counters.accepted).to.equal(0);
      }),
      { seed: 7, numRuns: 400 },
    );
  });

  it('FAULTS 3: frames made without the link key are dropped on their tag and create no state', async () => {
    const high = new HighHalf();
    const stranger = new FrameTagger(new Uint8Array(16).fill(8));
    const { frames } = new LowHalf().payload(await newParcel(2, 20 * 512));
    for (const frame of frames) {
      const bytes = Uint8Array.from(frame);
      stranger.write(bytes, 0, frame.length);
      high.receive([bytes]);
    }
    expectOnly(high, { badTag: frames.length });
  });

  it('FAULTS 4, 5: frames of a session that has ended are dropped, those of the others are not', async () => {
    const high = new HighHalf();
    const parcel = await newParcel(3, 20 * 512);
    const [old, now] = [new LowHalf({}, SESSION), new LowHalf({}, '0011223300000001')];
    high.expect(parcel.coding);
    high.intake.endSession(Number.parseInt(SESSION.slice(8), 16));
    const replayed = old.payload(parcel).frames;
    high.receive([...replayed, ...old.heartbeat(new Uint8Array(10))]);
    expectOnly(high, { endedSession: replayed.length + 1 });
    high.receive(now.payload(parcel).frames);
    expect(high.assembled()).to.deep.equal([parcel.order.object]);
  });

  it('remembers a bounded number of ended sessions, the latest ones', async () => {
    const high = new HighHalf();
    for (let session = 1; session <= 1_000; session++) high.intake.endSession(session);
    const of = (session: number) => new LowHalf({}, `00000000${session.toString(16).padStart(8, '0')}`).padding(1);
    high.receive([1, 936, 937, 1_000].flatMap(of));
    expect(high.counters).to.include({ padding: 2, endedSession: 2 });
  });

  it('FAULTS 68: another wire version is dropped and counted as such', () => {
    const high = new HighHalf();
    const [frame] = new LowHalf().padding(1);
    frame![4] = 2;
    high.receive([frame!]);
    expectOnly(high, { badVersion: 1 });
  });

  it('a heartbeat is handed on as the bytes that were sent, and one with an impossible length is not', () => {
    const high = new HighHalf();
    const low = new LowHalf();
    const bytes = new Prng(4).fill(new Uint8Array(508));
    high.receive(low.heartbeat(bytes));
    expect(high.heartbeats).to.deep.equal([bytes]);
    high.receive(low.heartbeat(new Uint8Array(0)));
    high.receive(low.heartbeat(new Uint8Array(509)));
    expect(high.heartbeats.length).to.equal(1);
    expect(high.counters).to.include({ heartbeat: 1, badLayout: 2 });
  });

  it('FAULTS 5: recorded heartbeats, many and in turn, are each heard once and do not take the turn of a true one', () => {
    const high = new HighHalf();
    const low = new LowHalf();
    const recorded = [1, 2, 3].flatMap((n) => low.heartbeat(new Uint8Array(50).fill(n)));
    high.receive(recorded);
    for (let n = 0; n < 500; n++) high.receive(recorded);
    high.receive(low.heartbeat(new Uint8Array(50).fill(4)));
    expect(high.heartbeats.map(([first]) => first)).to.deep.equal([1, 2, 3, 4]);
    expect(high.counters.heartbeat).to.equal(4 + 1_500);
  });

  it('passes on a bounded number of heartbeats a second', () => {
    const high = new HighHalf();
    const low = new LowHalf();
    for (let n = 0; n < 300; n++) {
      high.nowMs = n * 10;
      high.receive(low.heartbeat(new Uint8Array(50).fill(n)));
    }
    expect(high.heartbeats.length).to.equal(3 * LIMITS.heartbeatsPerSecond);
  });

  it('drains a ring in batches, gives every slot back, and takes garbage among frames', async () => {
    const high = new HighHalf();
    const parcel = await newParcel(5, 40 * 512);
    const { frames } = new LowHalf().payload(parcel);
    high.expect(parcel.coding);
    const ring = new FrameRing(createRing(frameBytes(512), 32 * frameBytes(512)));
    for (const frame of frames.flatMap((frame) => [frame, frame.subarray(0, 99)])) {
      if (ring.free() === 0) expect(high.intake.drain(ring, 7, 5)).to.equal(7);
      const slot = ring.producerSlot(0);
      ring.bytes.set(frame, slot * ring.slotBytes);
      ring.setLength(slot, frame.length);
      ring.publish(1);
    }
    while (high.intake.drain(ring, 1_000, 6) > 0);
    high.finish();
    expect(high.assembled().length).to.equal(1);
    expect(high.intake.lastFrameMs).to.equal(6);
    expect(ring.filled()).to.equal(0);
    expect(high.counters.badLength).to.equal(frames.length);
  });

  it('what is finished is remembered up to a bound, the oldest forgotten first, however often it is taken back', () => {
    const recent = new RecentObjects(3);
    const known = () => [1, 2, 3, 4, 5].filter((low) => recent.has(9, low));
    for (const low of [1, 2, 2, 3]) recent.add(9, low);
    expect(known()).to.deep.equal([1, 2, 3]);
    recent.add(9, 4);
    expect(known()).to.deep.equal([2, 3, 4]);
    recent.delete(9, 2);
    recent.delete(9, 5);
    recent.add(9, 2);
    expect(known()).to.deep.equal([2, 3, 4]);
    recent.add(9, 5);
    // The place where 2 stood first was used again; it has a younger one.
    expect(known()).to.deep.equal([2, 4, 5]);
  });

  describe('frame numbers of a session', () => {
    const track = (numbers: Iterable<number>, tracker = new SessionTracker(), session = 1) => {
      for (const number of numbers) tracker.note(session, number >>> 0);
      return { expected: tracker.expected, lost: tracker.lost };
    };
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

    it('tell what was lost, whatever the order and however often frames come', () => {
      expect(track(range(0, 1_000))).to.deep.equal({ expected: 1_000, lost: 0 });
      expect(track(range(0, 1_000).filter((n) => n % 10 !== 3))).to.deep.equal({ expected: 1_000, lost: 100 });
      const came = range(0, 1_000).filter((n) => n % 10 !== 3);
      const mixed = came.map((_, n) => came[(n * 7) % came.length]!);
      expect(track([...mixed, ...mixed])).to.deep.equal({ expected: 1_000, lost: 100 });
    });

    it('FAULTS 9: wrap around 2^32 without a leap', () => {
      expect(track(range(2 ** 32 - 500, 2 ** 32 + 500))).to.deep.equal({ expected: 1_000, lost: 0 });
      expect(track(range(2 ** 32 - 500, 2 ** 32 + 500).filter((n) => n % 2 === 0)).lost).to.be.within(499, 500);
    });

    it('an old frame, far behind the window, changes nothing; a new session begins anew', () => {
      const tracker = new SessionTracker();
      track(range(100_000, 200_000), tracker);
      expect(track([5, 5, 100_000], tracker)).to.deep.equal({ expected: 100_000, lost: 0 });
      expect(track([7, 9], tracker, 2)).to.deep.equal({ expected: 3, lost: 1 });
    });

    it('FAULTS 9: only frames whose tag holds move it', async () => {
      const high = new HighHalf();
      const frames = new LowHalf().padding(10);
      high.receive(frames.slice(0, 2));
      const far = Buffer.from(frames[5]!);
      far.writeUInt32LE(1_000_000, 6);
      high.receive([far]);
      expect(high.intake.session.expected).to.equal(2);
      expect(headerOf(far).number).to.equal(1_000_000);
    });
  });
});
