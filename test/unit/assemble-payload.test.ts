/** From frames to payloads, both halves of the link meeting in memory: loss, order, repetition, lies. */
import { expect } from 'chai';
import { LIMITS } from '../../shared/core/limits.js';
import { FrameKind, PAYLOAD_OFFSET } from '../../shared/wire/frame.js';
import { removeFolders } from '../support/folders.js';
import {
  forged,
  HighHalf,
  headerOf,
  LINK,
  LowHalf,
  newParcel,
  type Parcel,
  shuffled,
  through,
} from '../support/halves.js';

/** Offsets of fields in a frame, see shared/wire/frame.ts. */
const AT = { symbols: 24, blockSymbols: 29, sbn: 34, esi: 39 };
const put = (at: number, value: number) => (frame: Uint8Array) =>
  new DataView(frame.buffer, frame.byteOffset).setUint32(at, value, true);

const altered = (frame: Uint8Array, ...changes: ((frame: Uint8Array) => void)[]): Buffer =>
  forged(frame, (bytes) => {
    for (const change of changes) change(bytes);
  });

function expectWhole(high: HighHalf, parcel: Parcel): void {
  expect(high.assembled()).to.include(parcel.order.object);
  expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
}
/** Every frame must have ended in exactly one counter. */
function expectCounted(high: HighHalf, frames: number): void {
  const { accepted, duplicate, conflicting, late, heartbeat, padding, badLength, badLayout, ...more } = high.counters;
  const { badVersion, badTag, badParameters, endedSession, noRoom } = more;
  const sum = accepted + duplicate + conflicting + late + heartbeat + padding + badLength + badLayout;
  expect(sum + badVersion + badTag + badParameters + endedSession + noRoom).to.equal(frames);
}

describe('assembly of payloads', () => {
  afterEach(removeFolders);

  for (const lengthBytes of [1, 511, 512, 513, 64 * 512, 64 * 512 + 1, 300_000]) {
    it(`${lengthBytes} bytes arrive without loss and are not decoded`, async () => {
      const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(lengthBytes, lengthBytes)];
      high.expect(parcel.coding);
      const { frames } = low.payload(parcel);
      high.receive(frames);
      expectWhole(high, parcel);
      expect(high.assembled().length).to.equal(1);
      expect(high.counters).to.include({ blocksDecoded: 0, blocksPlain: parcel.coding.blockDigests.length / 32 });
      expectCounted(high, frames.length);
      expect(high.assembler.memory.usedBytes).to.equal(0);
    });
  }

  it('a payload without a byte is assembled as soon as it is expected', async () => {
    const [high, parcel] = [new HighHalf(), await newParcel(1, 0)];
    high.expect(parcel.coding);
    expectWhole(high, parcel);
  });

  for (const seed of [1, 2, 3]) {
    it(`2 % lost, a tenth doubled, all displaced (seed ${seed}): the same result`, async () => {
      const [low, high, parcel] = [new LowHalf({ repairFloor: 12 }), new HighHalf(), await newParcel(seed, 400_000)];
      high.expect(parcel.coding);
      const frames = through({ seed, loss: 0.02, duplicate: 0.1, reorder: 100 }, low.payload(parcel).frames);
      high.receive(frames);
      expectWhole(high, parcel);
      expect(high.counters.blocksDecoded).to.be.greaterThan(0);
      expect(high.counters.duplicate + high.counters.late).to.be.greaterThan(0);
      expectCounted(high, frames.length);
    });
  }

  it('FAULTS 6: payloads and envelopes shuffled into each other arrive all', async () => {
    const [low, high] = [new LowHalf(), new HighHalf()];
    const parcels = await Promise.all(
      [5, 6, 7, 8].map((seed) => newParcel(seed, 10_000 * seed, { envelopeBytes: 2_000 })),
    );
    const frames = parcels.flatMap((parcel) => [...low.envelope(parcel), ...low.payload(parcel).frames]);
    for (const parcel of parcels) high.expect(parcel.coding);
    high.receive(shuffled(9, frames));
    for (const parcel of parcels) {
      expectWhole(high, parcel);
      expect(high.envelopes.get(parcel.order.envelope)).to.deep.equal(parcel.envelope);
    }
    expectCounted(high, frames.length);
  });

  it('FAULTS 7: each frame a thousand times counts once', async () => {
    const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(9, 10 * 512)];
    high.expect(parcel.coding);
    const frames = low.payload(parcel).frames.slice(0, 9);
    for (const frame of frames) high.receive(new Array(1_000).fill(frame));
    expect(high.assembled()).to.deep.equal([]);
    expect(high.counters).to.include({ accepted: 9, duplicate: 9 * 999, conflicting: 0 });
    expect(high.assembler.memory.usedBytes).to.be.lessThan(16 * 512);
    high.receive(low.payload(parcel).frames.slice(12));
    expectWhole(high, parcel);
  });

  it('FAULTS 8: of two contents of one symbol the first stays, and the second is counted', async () => {
    const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(10, 10 * 512)];
    const { frames } = low.payload(parcel);
    const other = (n: number) => forged(frames[n]!, (frame) => frame.fill(0, PAYLOAD_OFFSET, PAYLOAD_OFFSET + 512));
    high.expect(parcel.coding);
    high.receive([frames[0]!, other(0), frames[13]!, other(13)]);
    expect(high.counters).to.include({ accepted: 2, conflicting: 2, duplicate: 0 });
    high.receive(frames.slice(2, 12));
    expectWhole(high, parcel);
  });

  it('FAULTS 5: replayed frames of what is assembled, released or forgotten change nothing', async () => {
    const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(11, 50_000)];
    const { frames } = low.payload(parcel);
    high.expect(parcel.coding);
    high.receive(frames);
    const { accepted } = high.counters;
    high.receive(frames);
    high.assembler.forget(parcel.order.object, true);
    high.receive(frames);
    high.tick(1_000);
    expect(high.counters).to.include({ accepted, memoryBytes: 0, orphansDropped: 0 });
    expect(high.assembled().length).to.equal(1);
    expectCounted(high, 3 * frames.length);
  });

  it('being expected again says again that it is assembled', async () => {
    const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(12, 5_000)];
    high.expect(parcel.coding);
    high.receive(low.payload(parcel).frames);
    high.expect(parcel.coding);
    expect(high.assembled().length).to.equal(2);
    expectWhole(high, parcel);
  });

  it('symbols of a size of their own are taken by the manifest, whatever this link is configured for', async () => {
    const parameters = { ...LINK, symbolBytes: 1_024, blockSymbols: 10 };
    const [low, high] = [new LowHalf({ parameters }), new HighHalf()];
    const [parcel, other] = [await newParcel(13, 33_333, { parameters }), await newParcel(14, 5_000)];
    high.expect(parcel.coding);
    high.expect(other.coding);
    high.receive(new LowHalf().payload(other).frames);
    high.receive(low.payload(parcel).frames.slice(3));
    expectWhole(high, parcel);
    expectWhole(high, other);
  });

  describe('FAULTS 15: loss at the budget and beyond', () => {
    for (const k of [1, 2, 3, 4]) {
      it(`k = ${k} and three repair symbols: every pattern of loss, assembled when k symbols came and never else`, async () => {
        const parcel = await newParcel(20 + k, k * 512 - 7);
        const low = new LowHalf({ repairFloor: 3, parameters: { ...LINK, overheadPpm: 0 } });
        const { frames } = low.payload(parcel);
        expect(frames.length).to.equal(k + 3);
        for (let pattern = 0; pattern < 2 ** frames.length; pattern++) {
          const high = new HighHalf();
          high.expect(parcel.coding);
          const came = frames.filter((_, n) => (pattern >> n) & 1);
          high.receive(came);
          expect(high.assembled().length, `pattern ${pattern}`).to.equal(came.length >= k ? 1 : 0);
          if (came.length >= k) expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
          if (pattern % 16 === 15) high.assembler.forget(parcel.order.object, true);
        }
      });
    }

    it('a larger block at the budget and at the budget + 1, the loss anywhere', async () => {
      const parcel = await newParcel(30, 64 * 512);
      const { frames } = new LowHalf({ repairFloor: 7 }).payload(parcel);
      for (let seed = 0; seed < 20; seed++) {
        const high = new HighHalf();
        high.expect(parcel.coding);
        const [last, ...budget] = shuffled(seed, [...frames]).slice(0, 64);
        high.receive(budget);
        high.tick(10_000);
        expect(high.assembled(), `seed ${seed}, budget + 1`).to.deep.equal([]);
        high.receive([last!]);
        expectWhole(high, parcel);
      }
    });

    it('one block never comes: nothing is announced, the others are done, and its own symbols complete it later', async () => {
      const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(31, 6 * 64 * 512)];
      const { frames, repairNext } = low.payload(parcel);
      high.expect(parcel.coding);
      high.receive(frames.filter((frame) => headerOf(frame).sbn !== 4));
      high.tick(60_000);
      expect(high.assembled()).to.deep.equal([]);
      expect(high.counters.blocksPlain).to.equal(5);
      high.assembler.park(parcel.order.object);
      // A resend, of which only repair of the block arrives.
      const again = low.payload(parcel, repairNext).frames.filter((frame) => headerOf(frame).sbn === 4);
      high.receive(again);
      expectWhole(high, parcel);
    });
  });

  describe('FAULTS 16: a corrupt symbol that passes its tag', () => {
    it('the block is discarded with all its symbols, the others stay, and later symbols complete it', async () => {
      const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(40, 2 * 64 * 512)];
      const { frames, repairNext } = low.payload(parcel);
      const bad = forged(frames[0]!, (frame) => {
        frame[PAYLOAD_OFFSET + 17]! ^= 1;
      });
      high.expect(parcel.coding);
      high.receive([bad, ...frames.slice(1)]);
      high.tick(5_000);
      const { object } = parcel.order;
      expect(high.told).to.deep.equal([{ event: 'badBlock', payload: { object, sbn: 0 } }]);
      expect(high.counters).to.include({ blocksBad: 1, blocksPlain: 1 });
      high.receive(low.closing(parcel, repairNext, true).frames);
      expectWhole(high, parcel);
      expect(high.counters).to.include({ blocksBad: 1, blocksDecoded: 1 });
    });

    it('a corrupt repair symbol spoils what it rebuilds, and that is noticed', async () => {
      const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(41, 10 * 512)];
      const { frames } = low.payload(parcel);
      const bad = forged(frames[12]!, (frame) => {
        frame[PAYLOAD_OFFSET]! ^= 0x80;
      });
      high.expect(parcel.coding);
      high.receive([...frames.slice(0, 9), bad]);
      expect(high.counters.blocksBad).to.equal(1);
      expect(high.assembled()).to.deep.equal([]);
      high.receive(frames.slice(1, 14));
      expectWhole(high, parcel);
    });

    it('put aside and put aside again, a bad block does not come back from the disk', async () => {
      const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(42, 10 * 512)];
      const { frames } = low.payload(parcel);
      const bad = forged(frames[0]!, (frame) => {
        frame[PAYLOAD_OFFSET]! ^= 1;
      });
      high.expect(parcel.coding);
      high.receive([bad, ...frames.slice(1, 9)]);
      high.assembler.park(parcel.order.object);
      high.receive([frames[9]!]);
      expect(high.counters.blocksBad).to.equal(1);
      // After a restart nothing of the bad block is left, and ten good symbols are enough.
      const next = new HighHalf({ spoolDir: high.spoolDir });
      next.expect(parcel.coding);
      next.receive(frames.slice(4, 14));
      expectWhole(next, parcel);
      expect(next.counters.blocksBad).to.equal(0);
    });
  });

  describe('FAULTS 17: the manifest', () => {
    it('first, last, in the middle: the same result', async () => {
      const parcel = await newParcel(50, 150_000);
      const { frames } = new LowHalf().payload(parcel);
      const came = through({ seed: 3, loss: 0.03 }, frames);
      for (const at of [0, 1, 100, came.length - 1, came.length]) {
        const high = new HighHalf();
        high.receive(came.slice(0, at));
        expect(high.assembled()).to.deep.equal([]);
        high.expect(parcel.coding);
        high.receive(came.slice(at));
        expectWhole(high, parcel);
        expect(high.assembler.memory.usedBytes).to.equal(0);
      }
    });

    it('lost: nothing is written or announced, and it is enough when it comes hours later', async () => {
      const [high, parcel] = [new HighHalf(), await newParcel(51, 150_000)];
      high.receive(new LowHalf().payload(parcel).frames);
      high.tick(10_000_000);
      expect(high.told).to.deep.equal([]);
      high.expect(parcel.coding);
      expectWhole(high, parcel);
    });
  });

  describe('FAULTS 13: coding parameters', () => {
    it('outside the limits are dropped before anything is reserved', async () => {
      const [high, parcel] = [new HighHalf(), await newParcel(60, 10 * 512)];
      const [frame] = new LowHalf().payload(parcel).frames;
      const table: [string, ((frame: Uint8Array) => void)[]][] = [
        ['no symbols', [put(AT.symbols, 0)]],
        ['more than any object has', [put(AT.symbols, 2 ** 30 + 1)]],
        ['no block', [put(AT.blockSymbols, 0)]],
        ['a block over the limit', [put(AT.blockSymbols, LIMITS.blockMaxSymbols + 1)]],
        ['a block of 2^32', [put(AT.blockSymbols, 0xffff_ffff), put(AT.symbols, 0xffff_ffff)]],
        ['a block that is not there', [put(AT.sbn, 1)]],
        ['block 2^32 - 1', [put(AT.sbn, 0xffff_ffff)]],
        ['a symbol outside the field', [put(AT.esi, 65_536 - 16 + 10)]],
        ['symbol 2^32 - 1', [put(AT.esi, 0xffff_ffff)]],
      ];
      for (const [words, changes] of table) {
        const { badParameters } = high.counters;
        high.receive([altered(frame!, ...changes)]);
        expect(high.counters.badParameters, words).to.equal(badParameters + 1);
      }
      high.tick(1_000);
      expect(high.counters.memoryBytes).to.equal(0);
      // The last point of the field is a symbol like any other.
      high.receive([forged(frame!, put(AT.esi, 65_536 - 16 + 9))]);
      expect(high.counters.accepted).to.equal(1);
    });

    it('a block too large in bytes for these symbols is dropped', async () => {
      const parameters = { ...LINK, symbolBytes: 4_096, blockSymbols: 16 };
      const [high, parcel] = [new HighHalf(), await newParcel(61, 10_000, { parameters })];
      const [frame] = new LowHalf({ parameters }).payload(parcel).frames;
      high.receive([forged(frame!, put(AT.blockSymbols, LIMITS.blockMaxBytes / 4_096 + 1))]);
      expect(high.counters).to.include({ badParameters: 1, accepted: 0 });
    });

    it('that change in the middle cost the frames that differ and nothing else', async () => {
      const [high, parcel] = [new HighHalf(), await newParcel(62, 30 * 512)];
      const { frames } = new LowHalf().payload(parcel);
      const lies = frames.slice(0, 5).map((frame) => forged(frame, put(AT.symbols, 31)));
      high.receive([...frames.slice(0, 10), ...lies]);
      high.expect(parcel.coding);
      high.receive([...lies, ...frames.slice(10)]);
      expect(high.counters.badParameters).to.equal(10);
      expectWhole(high, parcel);
    });

    it('of the first frames that the manifest contradicts cost what they brought, and the true ones complete it', async () => {
      const [high, parcel] = [new HighHalf(), await newParcel(63, 30 * 512)];
      const { frames } = new LowHalf().payload(parcel);
      high.receive(frames.slice(0, 5).map((frame) => forged(frame, put(AT.symbols, 300))));
      high.receive(frames.slice(5, 10));
      expect(high.counters).to.include({ accepted: 5, badParameters: 5 });
      high.expect(parcel.coding);
      expect(high.counters.orphansDropped).to.equal(1);
      high.receive(frames);
      expectWhole(high, parcel);
      expect(high.assembler.memory.usedBytes).to.equal(0);
    });

    it('FAULTS 14: a header that announces half a tebibyte reserves one block', async () => {
      const [high, parcel] = [new HighHalf(), await newParcel(64, 10 * 512)];
      const [frame] = new LowHalf().payload(parcel).frames;
      const before = process.memoryUsage().heapUsed;
      for (const sbn of [0, 1, 1_000_000, 2 ** 24 - 1]) {
        high.receive([altered(frame!, put(AT.symbols, 2 ** 30), put(AT.sbn, sbn))]);
      }
      high.tick(1_000);
      expect(high.counters.accepted).to.equal(4);
      expect(high.counters.memoryBytes).to.be.lessThan(4 * 64 * 512 * 1.26);
      expect(process.memoryUsage().heapUsed - before).to.be.lessThan(20e6);
    });
  });

  it('a kind that is not the payload of a manifest, such as padding, never reaches assembly', async () => {
    const [low, high] = [new LowHalf(), new HighHalf()];
    high.receive(low.padding(10).map((frame) => forged(frame, put(AT.symbols, 10))));
    expect(high.counters).to.include({ padding: 10, accepted: 0 });
    expect(headerOf(low.padding(1)[0]!).kind).to.equal(FrameKind.padding);
  });
});
