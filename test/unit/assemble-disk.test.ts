/** What assembly leaves on disk: restarts, damage, a disk that is full or fails. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { FromAssemblyThread } from '../../egress/receive/messages.js';
import { newFolder, removeFolders, tinyFileSystem } from '../support/folders.js';
import { HighHalf, headerOf, LINK, LowHalf, newParcel, type Parcel } from '../support/halves.js';

const BLOCK_BYTES = 64 * 512;
const REGION_BYTES = 16 + 64 * (4 + 512);
const troubles = ({ told }: { told: FromAssemblyThread[] }): string[] =>
  told.flatMap((message) => (message.event === 'trouble' ? [message.payload.code] : []));
const file = (high: HighHalf, { order }: Parcel, name: string): string => join(high.spoolDir, order.object, name);
const openFiles = (): number => readdirSync('/proc/self/fd').length;

function expectWhole(high: HighHalf, parcel: Parcel): void {
  expect(high.assembled()).to.deep.equal([parcel.order.object]);
  expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
}
/** Overwrites bytes of a file. */
function damage(path: string, at: number, bytes: number[]): void {
  const content = readFileSync(path);
  content.set(bytes, at);
  writeFileSync(path, content);
}

/** A payload of six blocks: 0 and 1 are done, 2 has all its symbols but one and is put aside, of 3 nothing came. */
async function interrupted(seed: number) {
  const parcel = await newParcel(seed, 6 * BLOCK_BYTES - 100);
  const { frames } = new LowHalf().payload(parcel);
  const before = new HighHalf();
  before.expect(parcel.coding);
  const came = frames.filter((frame) => {
    const { sbn, esi } = headerOf(frame);
    return sbn < 2 || (sbn === 2 && esi !== 5 && esi < 64) || (sbn === 4 && esi >= 3 && esi < 66);
  });
  before.receive(came);
  before.assembler.park(parcel.order.object);
  const left = frames.filter((frame) => !came.includes(frame));
  return { parcel, frames, left, spoolDir: before.spoolDir, before };
}

describe('assembly on disk', () => {
  const mounted: { unmount(): void }[] = [];
  afterEach(() => {
    for (const one of mounted.splice(0)) one.unmount();
    removeFolders();
  });

  it('FAULTS 51: after a restart nothing that was done or put aside is needed again', async () => {
    const { parcel, left, spoolDir } = await interrupted(1);
    const high = new HighHalf({ spoolDir });
    high.expect(parcel.coding);
    high.tick(100);
    expect(high.counters.blocksWaiting).to.equal(0);
    // Of the blocks put aside one more symbol each, of the two others everything.
    const seen = new Set<number>();
    high.receive(
      left.filter((frame) => {
        const { sbn } = headerOf(frame);
        if (sbn !== 2 && sbn !== 4) return true;
        const first = !seen.has(sbn);
        seen.add(sbn);
        return first;
      }),
    );
    expectWhole(high, parcel);
    expect(high.counters.accepted).to.equal(1 + 1 + 64 + 64);
  });

  it('a block that was put aside complete is finished after a restart without another frame', async () => {
    const parcel = await newParcel(2, 3 * BLOCK_BYTES);
    const { frames } = new LowHalf({ parameters: { ...LINK, interleave: 1 } }).payload(parcel);
    // The finisher is slow and holds the first block; the second one must make room for the third.
    const before = new HighHalf({ assemblyBytes: 2.5 * BLOCK_BYTES, finishingMax: 1 });
    before.slow = true;
    before.expect(parcel.coding);
    before.receive(frames);
    expect(before.counters).to.include({ spilled: 1, noRoom: 0 });
    const high = new HighHalf({ spoolDir: before.spoolDir });
    high.expect(parcel.coding);
    expect(high.counters).to.include({ accepted: 0, blocksPlain: 1 });
    high.receive(frames.filter((frame) => headerOf(frame).sbn !== 1));
    expectWhole(high, parcel);
  });

  it('what came before the manifest joins what an earlier run put aside', async () => {
    const { parcel, left, spoolDir } = await interrupted(4);
    const high = new HighHalf({ spoolDir });
    high.receive(left);
    expect(high.assembled()).to.deep.equal([]);
    high.expect(parcel.coding);
    expectWhole(high, parcel);
  });

  it('a done block whose bytes have changed on disk is noticed, and collected again', async () => {
    const { parcel, frames, left, spoolDir, before } = await interrupted(5);
    damage(file(before, parcel, 'data'), 10, [1, 2, 3, 4]);
    const high = new HighHalf({ spoolDir });
    high.expect(parcel.coding);
    expect([...readFileSync(file(high, parcel, 'done'))].slice(0, 2)).to.deep.equal([0, 1]);
    high.receive(left);
    expect(high.assembled()).to.deep.equal([]);
    high.receive(frames.filter((frame) => headerOf(frame).sbn === 0));
    expectWhole(high, parcel);
  });

  it('done marks without data, and data cut short, are noticed too', async () => {
    for (const spoil of [
      (high: HighHalf, parcel: Parcel) => writeFileSync(file(high, parcel, 'done'), Buffer.alloc(6, 1)),
      (high: HighHalf, parcel: Parcel) => truncateSync(file(high, parcel, 'data'), 100),
      (high: HighHalf, parcel: Parcel) => rmSync(file(high, parcel, 'data')),
      (high: HighHalf, parcel: Parcel) => writeFileSync(file(high, parcel, 'done'), Buffer.alloc(600, 0xff)),
    ]) {
      const { parcel, frames, spoolDir, before } = await interrupted(6);
      spoil(before, parcel);
      const high = new HighHalf({ spoolDir });
      high.expect(parcel.coding);
      expect(high.assembled()).to.deep.equal([]);
      high.receive(frames);
      expectWhole(high, parcel);
    }
  });

  const damages: [string, (path: string) => void][] = [
    ['its mark', (path) => damage(path, 2 * REGION_BYTES, [0])],
    ['its count, too large', (path) => damage(path, 2 * REGION_BYTES + 4, [255, 255, 255, 255])],
    ['its count, too small', (path) => damage(path, 2 * REGION_BYTES + 4, [3, 0, 0, 0])],
    ['its count, as many as it needs', (path) => damage(path, 2 * REGION_BYTES + 4, [64, 0, 0, 0])],
    ['its checksum', (path) => damage(path, 2 * REGION_BYTES + 8, [1, 2, 3, 4])],
    ['a symbol number', (path) => damage(path, 2 * REGION_BYTES + 16, [9])],
    ['a symbol', (path) => damage(path, 2 * REGION_BYTES + 5_000, [9, 9, 9])],
    ['its end', (path) => truncateSync(path, 2 * REGION_BYTES + 5_000)],
  ];
  for (const [words, spoil] of damages) {
    it(`symbols put aside and damaged (${words}) count as none, and the others still count`, async () => {
      const { parcel, frames, left, spoolDir, before } = await interrupted(7);
      spoil(file(before, parcel, 'symbols'));
      const high = new HighHalf({ spoolDir });
      high.expect(parcel.coding);
      high.receive(left.filter((frame) => headerOf(frame).sbn !== 4 || headerOf(frame).esi === 0));
      expect(high.assembled()).to.deep.equal([]);
      expect(high.counters.blocksBad).to.equal(0);
      high.receive(frames.filter((frame) => headerOf(frame).sbn === 2 || words === 'its end'));
      expectWhole(high, parcel);
      expect(troubles(high)).to.deep.equal([]);
    });
  }

  it('FAULTS 50: symbols put aside that cannot be read cost a word of trouble, not the process', async () => {
    const { parcel, frames, spoolDir, before } = await interrupted(8);
    const high = new HighHalf({ spoolDir });
    high.expect(parcel.coding);
    rmSync(file(before, parcel, 'symbols'));
    mkdirSync(file(before, parcel, 'symbols'));
    high.receive(frames.filter((frame) => headerOf(frame).sbn >= 2 && headerOf(frame).esi % 2 === 0));
    expect(troubles(high)).to.deep.equal(['SPOOL_IO', 'SPOOL_IO']);
    high.receive(frames);
    expectWhole(high, parcel);
  });

  for (const outcome of ['full', 'failed'] as const) {
    it(`FAULTS ${outcome === 'full' ? 49 : 50}: a block that cannot be written (${outcome}) is kept and written once it can be`, async () => {
      const parcel = await newParcel(9, 3 * BLOCK_BYTES);
      const high = new HighHalf();
      high.expect(parcel.coding);
      high.failing = { outcome, words: 'made by a test' };
      high.receive(new LowHalf().payload(parcel).frames);
      expect(new Set(troubles(high))).to.deep.equal(new Set([outcome === 'full' ? 'STORAGE_FULL' : 'SPOOL_IO']));
      expect(troubles(high).length).to.equal(3);
      high.tick(500);
      expect(high.counters.blocksWaiting).to.equal(3);
      expect(troubles(high).length).to.equal(3);
      high.tick(600);
      expect(troubles(high).length).to.equal(6);
      high.failing = undefined;
      high.tick(1_100);
      expectWhole(high, parcel);
      high.tick(10);
      expect(high.counters).to.include({ blocksWaiting: 0, memoryBytes: 0 });
    });
  }

  it('FAULTS 49: a spool folder that cannot be made is tried again until it can be', async () => {
    const parcel = await newParcel(10, 2 * BLOCK_BYTES);
    const { frames } = new LowHalf().payload(parcel);
    const base = newFolder();
    writeFileSync(join(base, 'spool'), 'in the way');
    const high = new HighHalf({ spoolDir: join(base, 'spool') });
    high.receive(frames.slice(0, 30));
    high.expect(parcel.coding);
    expect(troubles(high)).to.deep.equal(['SPOOL_IO']);
    high.receive(frames.slice(30, 60));
    high.tick(1_000);
    high.tick(500);
    expect(troubles(high).length).to.equal(2);
    renameSync(join(base, 'spool'), join(base, 'aside'));
    high.tick(600);
    high.receive(frames.slice(60));
    expectWhole(high, parcel);
    expect(high.counters.noRoom).to.equal(0);
  });

  it('a payload that is forgotten meanwhile is not made after all', async () => {
    const parcel = await newParcel(11, BLOCK_BYTES);
    const base = newFolder();
    writeFileSync(join(base, 'spool'), 'in the way');
    const high = new HighHalf({ spoolDir: join(base, 'spool') });
    high.expect(parcel.coding);
    high.assembler.forget(parcel.order.object, true);
    rmSync(join(base, 'spool'));
    mkdirSync(join(base, 'spool'));
    high.tick(5_000);
    expect(readdirSync(join(base, 'spool'))).to.deep.equal([]);
  });

  it('FAULTS 49: a disk that is really full: blocks wait in memory, and all is well once there is room', async function () {
    const tiny = tinyFileSystem(400_000);
    if (!tiny) return this.skip();
    mounted.push(tiny);
    const filler = join(tiny.path, 'filler');
    writeFileSync(filler, Buffer.alloc(250_000));
    const parcel = await newParcel(12, 8 * BLOCK_BYTES);
    const high = new HighHalf({ spoolDir: tiny.path, assemblyBytes: 12 * BLOCK_BYTES });
    high.expect(parcel.coding);
    high.receive(new LowHalf().payload(parcel).frames);
    expect(troubles(high)).to.include('STORAGE_FULL');
    expect(high.assembled()).to.deep.equal([]);
    // Putting aside finds no room either: then what is in memory stays there.
    high.assembler.park(parcel.order.object);
    rmSync(filler);
    high.tick(1_100);
    expectWhole(high, parcel);
  });

  it('forget with remove leaves nothing, and without it leaves the data to be released', async () => {
    const high = new HighHalf();
    const parcels = await Promise.all([13, 14].map((seed) => newParcel(seed, BLOCK_BYTES)));
    for (const [n, parcel] of parcels.entries()) {
      high.expect(parcel.coding);
      high.receive(new LowHalf().payload(parcel).frames);
      high.assembler.forget(parcel.order.object, n === 0);
    }
    expect(readdirSync(high.spoolDir)).to.deep.equal([parcels[1]!.order.object]);
    expect(high.bytesOf(parcels[1]!).equals(parcels[1]!.bytes)).to.equal(true);
  });

  it('what is evicted leaves its room and its memory, and may come again', async () => {
    const { parcel, frames, spoolDir } = await interrupted(15);
    const high = new HighHalf({ spoolDir });
    high.expect(parcel.coding);
    high.receive(frames.slice(0, 50));
    high.assembler.evict(parcel.order.object);
    high.tick(10);
    expect(readdirSync(spoolDir)).to.deep.equal([]);
    expect(high.counters.memoryBytes).to.equal(0);
    high.receive(frames.slice(0, 100));
    high.expect(parcel.coding);
    high.receive(frames.slice(100));
    expectWhole(high, parcel);
  });

  it('payloads that stay incomplete do not use up open files, and cost no memory once they are parked', async () => {
    const high = new HighHalf({ assemblyBytes: 64 * BLOCK_BYTES });
    const before = openFiles();
    for (let seed = 100; seed < 200; seed++) {
      const parcel = await newParcel(seed, 2 * BLOCK_BYTES);
      high.expect(parcel.coding);
      const { frames } = new LowHalf().payload(parcel);
      high.receive(frames.filter((frame) => headerOf(frame).sbn === 0 || headerOf(frame).esi < 9));
      if (seed >= 150) high.assembler.park(parcel.order.object);
      expect(openFiles() - before).to.be.lessThan(80);
    }
    high.tick(10);
    expect(high.counters.blocksPlain).to.equal(100);
  });

  it('the data file is as long as the payload from the start and sparse, whatever its size', async () => {
    const high = new HighHalf();
    const blocks = Math.ceil(100_000_000_000 / BLOCK_BYTES);
    const coding = { object: '00000000000000ff', lengthBytes: 100_000_000_000, symbolBytes: 512, blockSymbols: 64 };
    high.expect({ ...coding, blockDigests: new Uint8Array(blocks * 32) });
    const { size, blocks: sectors } = statSync(join(high.spoolDir, coding.object, 'data'));
    expect(size).to.equal(100_000_000_000);
    expect(sectors * 512).to.be.lessThan(1_000_000);
  });
});
