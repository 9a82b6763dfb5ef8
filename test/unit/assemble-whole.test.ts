/** The digest of a whole object: computed while its blocks arrive, compared before it counts as assembled. */
import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { WholeDigests } from '../../egress/assemble/wholeDigests.js';
import { Prng } from '../../shared/core/prng.js';
import { removeFolders } from '../support/folders.js';
import { HighHalf, LowHalf, newParcel, type Parcel, shuffled } from '../support/halves.js';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const asExpected = ({ coding, bytes }: Parcel) => ({ ...coding, sha256: sha256(bytes) });
const verdicts = (high: HighHalf): boolean[] =>
  high.told.flatMap((message) => (message.event === 'assembled' ? [message.payload.contradicts] : []));

describe('digest of a whole object', () => {
  afterEach(removeFolders);

  it('blocks in order are hashed from memory; what was overtaken is read once', () => {
    const bytes = new Prng(1).fill(new Uint8Array(5_000_000));
    const block = (n: number) => bytes.subarray(n * 1_000_000, (n + 1) * 1_000_000);
    const digests = new WholeDigests();
    let readBytes = 0;
    const read = (into: Uint8Array, at: number) => {
      into.set(bytes.subarray(at, at + into.length));
      readBytes += into.length;
    };
    digests.offer('a', 0, block(0));
    digests.advance('a', 0, read);
    for (const n of [0, 1, 3, 2]) digests.offer('a', n * 1_000_000, block(n));
    expect(readBytes).to.equal(0);
    digests.advance('a', 4_000_000, read);
    expect(readBytes, 'only block 3').to.equal(1_000_000);
    expect(digests.finish('a', bytes.length, read).equals(sha256(bytes))).to.equal(true);
    expect(readBytes).to.equal(2_000_000);
  });

  it('what cannot be read begins anew', () => {
    const bytes = new Prng(2).fill(new Uint8Array(3_000_000));
    const digests = new WholeDigests();
    let fails = true;
    const read = (into: Uint8Array, at: number) => {
      if (fails && at >= 2_000_000) throw new Error('EIO');
      into.set(bytes.subarray(at, at + into.length));
    };
    expect(() => digests.advance('a', bytes.length, read)).to.throw('EIO');
    fails = false;
    expect(digests.finish('a', bytes.length, read).equals(sha256(bytes))).to.equal(true);
  });

  for (const order of ['in order', 'shuffled', 'backwards'] as const) {
    it(`blocks that come ${order}: it holds, and the payload is announced once`, async () => {
      const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(3, 20 * 64 * 512 - 77)];
      high.expect(asExpected(parcel));
      const { frames } = low.payload(parcel);
      if (order === 'shuffled') shuffled(4, frames);
      if (order === 'backwards') frames.reverse();
      high.receive(frames);
      expect(verdicts(high)).to.deep.equal([false]);
      expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
    });
  }

  it('FAULTS 16: digests of blocks that hold and a digest of the whole that does not: it is said', async () => {
    const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(5, 5 * 64 * 512)];
    high.expect({ ...parcel.coding, sha256: sha256(new Uint8Array(1)) });
    high.receive(low.payload(parcel).frames);
    expect(verdicts(high)).to.deep.equal([true]);
    high.expect({ ...parcel.coding, sha256: sha256(new Uint8Array(1)) });
    expect(verdicts(high), 'the same whenever it is asked').to.deep.equal([true, true]);
  });

  it('FAULTS 51: after a restart it is computed from what is on disk', async () => {
    const [low, before, parcel] = [new LowHalf(), new HighHalf(), await newParcel(6, 9 * 64 * 512)];
    before.expect(asExpected(parcel));
    const { frames } = low.payload(parcel);
    before.receive(frames.slice(0, 400));
    expect(before.counters.blocksPlain).to.be.above(0);
    const high = new HighHalf({ spoolDir: before.spoolDir });
    high.expect(asExpected(parcel));
    high.receive(frames);
    expect(verdicts(high)).to.deep.equal([false]);
    const last = new HighHalf({ spoolDir: before.spoolDir });
    last.expect({ ...parcel.coding, sha256: sha256(new Uint8Array(1)) });
    expect(verdicts(last)).to.deep.equal([true]);
  });

  it('FAULTS 50: where the spool cannot be read nothing is announced; it is tried again', async () => {
    const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(7, 6 * 64 * 512)];
    high.expect(asExpected(parcel));
    high.slow = true;
    high.receive(low.payload(parcel).frames);
    while (high.asked.some((message) => 'finish' in message)) high.finish(1);
    // The comparison is still to come; a finisher that was started anew has to read all of it.
    high.finisher = new (high.finisher.constructor as new () => typeof high.finisher)();
    const data = join(high.spoolDir, parcel.order.object, 'data');
    renameSync(data, `${data}.away`);
    high.slow = false;
    high.finish();
    expect(verdicts(high)).to.deep.equal([]);
    expect(high.told.some(({ event }) => event === 'trouble')).to.equal(true);
    renameSync(`${data}.away`, data);
    high.tick(2_000);
    expect(verdicts(high)).to.deep.equal([false]);
  });

  it('a payload that is put aside and completed later is compared all the same', async () => {
    const [low, high, parcel] = [new LowHalf(), new HighHalf(), await newParcel(8, 6 * 64 * 512)];
    high.expect(asExpected(parcel));
    const { frames } = low.payload(parcel);
    high.receive(frames.slice(0, 300));
    high.assembler.park(parcel.order.object);
    high.receive(frames.slice(300));
    high.finish();
    expect(verdicts(high)).to.deep.equal([false]);
  });
});
