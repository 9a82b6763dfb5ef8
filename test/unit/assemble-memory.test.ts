/** Assembly under pressure: too little memory, finishers that are too slow, floods of payloads nobody announced. */
import { expect } from 'chai';
import { SharedMemory } from '../../egress/assemble/sharedMemory.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Prng } from '../../shared/core/prng.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
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

const OBJECT_AT = 15;
/** The frame under the id of another payload. */
const renamed = (frame: Uint8Array, low: number, high = 0xabcd): Buffer =>
  forged(frame, (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(OBJECT_AT, low, true);
    view.setUint32(OBJECT_AT + 4, high, true);
  });
const BLOCK_BYTES = 64 * 512;

function expectWhole(high: HighHalf, parcel: Parcel): void {
  expect(high.assembled()).to.include(parcel.order.object);
  expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
}

describe('assembly memory', () => {
  afterEach(removeFolders);

  it('hands out no more than the cap, takes buffers back and uses them again', () => {
    const memory = new SharedMemory(100_000);
    const [a, b] = [memory.take(40_000)!, memory.take(40_000)!];
    expect(memory.take(40_000)).to.equal(undefined);
    expect(memory.usedBytes)
      .to.equal(a.byteLength + b.byteLength)
      .and.within(80_000, 100_000);
    memory.give(a);
    expect(memory.take(39_000)).to.equal(a);
    const other = new SharedMemory(10_000);
    memory.handOver(b, other);
    expect([memory.usedBytes, other.usedBytes]).to.deep.equal([a.byteLength, b.byteLength]);
    other.give(b);
    expect(other.usedBytes).to.equal(0);
    expect(other.take(5_000)!.byteLength).to.be.lessThan(6_300);
  });

  it('with room for three blocks of eight, blocks go to disk and come back, and not one symbol is lost', async () => {
    const parcel = await newParcel(1, 8 * BLOCK_BYTES);
    const { frames } = new LowHalf({ parameters: { ...LINK, interleave: 8 } }).payload(parcel);
    const high = new HighHalf({ assemblyBytes: 3 * BLOCK_BYTES + 60_000, spoolDir: newFolder(memoryFolder()) });
    high.expect(parcel.coding);
    // Exactly k symbols of each block, repair among them: one that is lost would be missed.
    const counts = new Map<number, number>();
    const exact = shuffled(2, frames).filter((frame) => {
      const { sbn } = headerOf(frame);
      counts.set(sbn, (counts.get(sbn) ?? 0) + 1);
      return counts.get(sbn)! <= 64;
    });
    let mostBytes = 0;
    for (const frame of exact) {
      high.receive([frame]);
      mostBytes = Math.max(mostBytes, high.assembler.memory.usedBytes);
    }
    expectWhole(high, parcel);
    expect(high.counters).to.include({ noRoom: 0, late: 0, conflicting: 0, blocksBad: 0 });
    expect(high.counters.spilled).to.be.greaterThan(100);
    expect(mostBytes).to.be.at.most(3 * BLOCK_BYTES + 60_000);
    expect(high.assembler.memory.usedBytes).to.equal(0);
  });

  it('a finisher slower than the link: complete blocks wait on disk, and all are finished in the end', async () => {
    const parcel = await newParcel(2, 12 * BLOCK_BYTES);
    const frames = through({ seed: 4, loss: 0.03 }, new LowHalf({ repairFloor: 10 }).payload(parcel).frames);
    const high = new HighHalf({ assemblyBytes: 4 * BLOCK_BYTES + 60_000 });
    high.expect(parcel.coding);
    high.slow = true;
    high.receive(frames);
    expect(high.assembled()).to.deep.equal([]);
    expect(high.asked.length).to.equal(2);
    high.tick(100);
    expect(high.counters.blocksWaiting).to.equal(12);
    high.slow = false;
    high.finish();
    expectWhole(high, parcel);
    expect(high.counters).to.include({ noRoom: 0, blocksBad: 0 });
    high.tick(100);
    expect(high.counters).to.include({ blocksWaiting: 0, memoryBytes: 0 });
  });

  it('FAULTS 56: when every block is with the finishers, symbols find no room, are counted, and the rest goes on', async () => {
    const parcel = await newParcel(3, 6 * BLOCK_BYTES);
    const { frames, repairNext } = new LowHalf({ parameters: { ...LINK, interleave: 1 } }).payload(parcel);
    const high = new HighHalf({ assemblyBytes: 2.5 * BLOCK_BYTES });
    high.expect(parcel.coding);
    high.slow = true;
    high.receive(frames);
    expect(high.counters.noRoom).to.be.greaterThan(200);
    high.slow = false;
    high.finish();
    expect(high.assembled()).to.deep.equal([]);
    high.receive(new LowHalf().payload(parcel, repairNext).frames);
    expectWhole(high, parcel);
  });

  describe('FAULTS 10: payloads nobody announced', () => {
    it('a flood of random ids is capped, and the payload whose manifest comes late is unharmed', async () => {
      const parcel = await newParcel(4, 8 * BLOCK_BYTES);
      const [noise] = new LowHalf().payload(await newParcel(5, 10 * 512)).frames;
      const high = new HighHalf({ orphanBytes: 20 * BLOCK_BYTES });
      let id = 0;
      for (const frame of new LowHalf().payload(parcel).frames) {
        high.receive([frame, renamed(noise!, ++id), renamed(noise!, ++id), renamed(noise!, ++id)]);
      }
      expect(id).to.be.greaterThan(5 * LIMITS.orphanPayloads);
      high.tick(100);
      expect(high.counters.memoryBytes).to.be.at.most(20 * BLOCK_BYTES);
      expect(high.counters.orphansDropped).to.be.at.least(id + 1 - LIMITS.orphanPayloads);
      expect(high.counters.noRoom).to.equal(0);
      high.expect(parcel.coding);
      expectWhole(high, parcel);
    });

    it('a flood of large blocks takes the room of other orphans, never that of announced payloads', async () => {
      const [announced, late] = [await newParcel(6, 6 * BLOCK_BYTES), await newParcel(7, 6 * BLOCK_BYTES)];
      const [noise] = new LowHalf().payload(await newParcel(8, BLOCK_BYTES)).frames;
      const high = new HighHalf({ orphanBytes: 10 * BLOCK_BYTES });
      high.expect(announced.coding);
      const [a, b] = [new LowHalf().payload(announced).frames, new LowHalf().payload(late).frames];
      a.forEach((frame, n) => {
        high.receive([frame, b[n]!, renamed(noise!, n)]);
      });
      expectWhole(high, announced);
      high.expect(late.coding);
      expectWhole(high, late);
      expect(high.counters.noRoom).to.equal(0);
    });

    it('one payload larger than the cap loses what does not fit, and is complete once it is announced and sent again', async () => {
      const parcel = await newParcel(9, 10 * BLOCK_BYTES);
      const { frames } = new LowHalf().payload(parcel);
      const high = new HighHalf({ orphanBytes: 3 * BLOCK_BYTES });
      high.receive(frames);
      expect(high.counters.noRoom).to.be.greaterThan(64);
      expect(high.counters.orphansDropped).to.equal(0);
      high.expect(parcel.coding);
      expect(high.counters.blocksPlain).to.be.within(2, 3);
      high.receive(frames);
      expectWhole(high, parcel);
    });

    it('with no room for orphans at all, payloads are assembled from what comes after their manifest', async () => {
      const parcel = await newParcel(10, BLOCK_BYTES);
      const { frames } = new LowHalf({ repairFloor: 20 }).payload(parcel);
      const high = new HighHalf({ orphanBytes: 0 });
      high.receive(frames.slice(0, 20));
      high.expect(parcel.coding);
      high.receive(frames.slice(20));
      expectWhole(high, parcel);
      expect(high.counters.noRoom).to.equal(20);
    });

    it('what an announced payload brought along counts as assembly from then on, and goes to disk beyond its cap', async () => {
      const parcel = await newParcel(11, 6 * BLOCK_BYTES);
      const { frames } = new LowHalf({ parameters: { ...LINK, interleave: 6 } }).payload(parcel);
      const high = new HighHalf({ assemblyBytes: 2.5 * BLOCK_BYTES, orphanBytes: 8 * BLOCK_BYTES });
      high.receive(frames.slice(0, 200));
      expect(high.assembler.memory.usedBytes).to.equal(0);
      high.expect(parcel.coding);
      expect(high.assembler.memory.usedBytes).to.be.within(1, 2.5 * BLOCK_BYTES);
      expect(high.counters.spilled).to.equal(4);
      high.receive(frames.slice(200));
      expectWhole(high, parcel);
      expect(high.counters).to.include({ noRoom: 0, orphansDropped: 0 });
    });
  });

  it('a payload dropped while finishers work on it gives its memory back with their answers, and not before', async () => {
    const [low, parcel, other] = [
      new LowHalf(),
      await newParcel(12, 2 * BLOCK_BYTES),
      await newParcel(13, 2 * BLOCK_BYTES),
    ];
    const high = new HighHalf();
    high.slow = true;
    high.expect(parcel.coding);
    const { frames } = low.payload(parcel);
    high.receive(frames);
    expect(high.asked.length).to.equal(2);
    const { usedBytes } = high.assembler.memory;
    high.assembler.forget(parcel.order.object, false);
    expect(high.assembler.memory.usedBytes).to.equal(usedBytes);
    // The same payload again, and another one, before the old answers come: none of them may be mixed up.
    high.expect(parcel.coding);
    high.expect(other.coding);
    high.receive([...frames, ...low.payload(other).frames]);
    high.finish();
    expectWhole(high, parcel);
    expectWhole(high, other);
    high.tick(100);
    expect(high.counters).to.include({ memoryBytes: 0, blocksWaiting: 0 });
    expect(high.assembled().length).to.equal(2);
  });

  it('whatever happens in whatever order, what is assembled is identical and all memory comes back', async () => {
    const low = new LowHalf({ repairFloor: 8 });
    const parcels = await Promise.all([1, 2, 3, 5, 9].map((blocks) => newParcel(100 + blocks, blocks * 20_000)));
    const sent = parcels.map((parcel) => low.payload(parcel).frames);
    for (let seed = 0; seed < 10; seed++) {
      const prng = new Prng(seed);
      const high = new HighHalf({
        spoolDir: newFolder(memoryFolder()),
        assemblyBytes: (2 + prng.below(6)) * BLOCK_BYTES,
        orphanBytes: prng.below(4) * BLOCK_BYTES,
        finishingMax: 1 + prng.below(3),
      });
      high.slow = true;
      const forgotten = new Set<Parcel>();
      for (let step = 0; step < 400; step++) {
        const which = prng.below(parcels.length);
        const parcel = parcels[which]!;
        const frames = sent[which]!;
        const action = prng.below(20);
        if (action < 12) high.receive(Array.from({ length: 8 }, () => frames[prng.below(frames.length)]!));
        else if (action < 14 && !forgotten.has(parcel)) high.assembler.expect(parcel.coding);
        else if (action === 14) high.assembler.park(parcel.order.object);
        else if (action === 15 && prng.below(8) === 0 && high.assembled().includes(parcel.order.object)) {
          high.assembler.forget(parcel.order.object, false);
          forgotten.add(parcel);
        } else if (action === 16) {
          high.failing = prng.below(2) === 0 ? undefined : { outcome: 'full', words: 'no room' };
          high.finish(1);
        } else if (action === 17) high.tick(prng.below(2_000));
        else high.finish(1);
      }
      high.failing = undefined;
      high.slow = false;
      for (const parcel of parcels) if (!forgotten.has(parcel)) high.assembler.expect(parcel.coding);
      // What a resend would bring.
      for (const frames of sent) high.receive(frames);
      for (let n = 0; n < 5; n++) high.tick(2_000);
      for (const frames of sent) high.receive(frames);
      for (const parcel of parcels) expectWhole(high, parcel);
      for (const parcel of parcels) high.assembler.forget(parcel.order.object, true);
      high.tick(100);
      expect(high.counters, `seed ${seed}`).to.include({
        memoryBytes: 0,
        blocksWaiting: 0,
        blocksBad: 0,
        conflicting: 0,
      });
    }
  });
});
