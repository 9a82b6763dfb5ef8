/** Frames made from a spool: what is in them, in which order, and that no later pass repeats a symbol. */
import { expect } from 'chai';
import { PayloadCoder } from '../../ingress/send/codedPasses.js';
import { FrameWriter, Stopped } from '../../ingress/send/frameWriter.js';
import { SluiceError } from '../../shared/core/errors.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { createRing, FrameRing } from '../../shared/link/ring.js';
import { FrameKind, frameBytes, PAYLOAD_OFFSET } from '../../shared/wire/frame.js';
import { makeRepair } from '../support/fec-blocks.js';
import { removeFolders } from '../support/folders.js';
import { HighHalf, headerOf, LINK, LINK_KEY, LowHalf, newParcel, SESSION } from '../support/halves.js';

const payloadOf = (frame: Buffer): Buffer => frame.subarray(PAYLOAD_OFFSET, frame.length - 18);

describe('send coder', () => {
  afterEach(removeFolders);

  it('every frame of a session has one length, a tag that holds and the next number', async () => {
    const low = new LowHalf();
    const parcel = await newParcel(1, 100_000);
    const frames = [
      ...low.padding(3),
      ...low.envelope(parcel),
      ...low.payload(parcel).frames,
      ...low.heartbeat(new Uint8Array(200).fill(9)),
    ];
    const high = new HighHalf();
    high.receive(frames);
    frames.forEach((frame, number) => {
      expect(frame.length).to.equal(frameBytes(512));
      expect(headerOf(frame).number).to.equal(number);
      expect(headerOf(frame).session).to.equal(Number.parseInt(SESSION.slice(8), 16));
    });
    expect(low.writer.frames).to.equal(frames.length);
    expect(high.counters).to.include({
      badTag: 0,
      badLayout: 0,
      badLength: 0,
      badVersion: 0,
      padding: 3,
      heartbeat: 1,
    });
  });

  it('source symbols are the payload and repair symbols what the code says, also in the short last block', async () => {
    const low = new LowHalf();
    const parcel = await newParcel(2, 130 * 512 - 100);
    const { frames, repairNext } = low.payload(parcel);
    // 130 symbols in three blocks: 44, 43 and 43, and 44 * 0.1 makes five repair symbols.
    expect(repairNext).to.equal(5);
    const padded = new Uint8Array(130 * 512);
    padded.set(parcel.bytes);
    const starts = [0, 44, 87];
    const repair = [44, 43, 43].map((k, sbn) => makeRepair(padded.subarray(starts[sbn]! * 512), k, 512, 0, 5));
    for (const frame of frames) {
      const { sbn, esi, symbols, blockSymbols, kind } = headerOf(frame);
      expect({ kind, symbols, blockSymbols }).to.deep.equal({
        kind: FrameKind.payload,
        symbols: 130,
        blockSymbols: 64,
      });
      const k = [44, 43, 43][sbn]!;
      const at = (starts[sbn]! + esi) * 512;
      const symbol = esi < k ? padded.subarray(at, at + 512) : repair[sbn]![esi - k]!.data;
      expect(payloadOf(frame).equals(symbol)).to.equal(true);
    }
    expect(frames.length).to.equal(130 + 15);
  });

  it('each byte of a payload is read once, of all its blocks together, and sent and encoded from there', async () => {
    const low = new LowHalf();
    low.payload(await newParcel(8, 130 * 512 - 100));
    expect(low.coder.readBytes).to.equal(130 * 512 - 100);
  });

  it('payloads that find no buffers for their blocks give the same frames', async () => {
    // One group of blocks takes all the buffers there are.
    const [large, small] = [await newParcel(9, 9 * 64 * 512), await newParcel(10, 130 * 512 - 100)];
    const expected = new LowHalf().payload(small).frames.map(payloadOf);
    const low = new LowHalf({ sourceBytes: 4 * 64 * 512 });
    const first = low.coder.payload(low.writer, large.order);
    first.next();
    low.taken();
    const before = low.coder.readBytes;
    expect(low.payload(small).frames.map(payloadOf)).to.deep.equal(expected);
    expect(low.coder.readBytes - before).to.equal(2 * (130 * 512 - 100));
    // The buffers come back when the pass ends.
    first.return(0);
    const again = low.coder.readBytes;
    low.payload(small);
    expect(low.coder.readBytes - again).to.equal(130 * 512 - 100);
  });

  it('a group of blocks is interleaved, so that a burst is shared by all of them', async () => {
    const low = new LowHalf();
    const { frames } = low.payload(await newParcel(3, 6 * 64 * 512));
    const order = frames.map((frame) => headerOf(frame).sbn);
    expect(order.slice(0, 8)).to.deep.equal([0, 1, 2, 3, 0, 1, 2, 3]);
    expect(order.slice(4 * 71, 4 * 71 + 4)).to.deep.equal([4, 5, 4, 5]);
  });

  it('every symbol of later passes is new, though the blocks differ by one symbol and get different repair', async () => {
    // Blocks of 21, 21, 21, 21, 20, 20 symbols: three repair symbols each, but two for the smaller ones, which come last.
    const parameters = { ...LINK, blockSymbols: 21 };
    const parcel = await newParcel(4, 124 * 512, { parameters });
    const low = new LowHalf({ repairFloor: 0, parameters });
    const seen = new Set<string>();
    let repairFirst = 0;
    for (let pass = 0; pass < 4; pass++) {
      const { frames, repairNext } = low.payload(parcel, repairFirst);
      const closing = low.closing(parcel, repairNext, pass % 2 === 0);
      repairFirst = closing.repairNext;
      for (const frame of [...frames, ...closing.frames]) {
        const { kind, sbn, esi } = headerOf(frame);
        // Source symbols are sent again with every sending of the payload; only repair adds up.
        if (kind !== FrameKind.payload || esi < (sbn < 4 ? 21 : 20)) continue;
        expect(seen.has(`${sbn}/${esi}`), `block ${sbn}, symbol ${esi}, pass ${pass}`).to.equal(false);
        seen.add(`${sbn}/${esi}`);
      }
    }
  });

  it('repair goes on through the whole field and then begins anew without leaving it', async () => {
    const low = new LowHalf({ repairFloor: 4_096 });
    const parcel = await newParcel(5, 2 * 512);
    let repairFirst = 0;
    const seen = new Set<number>();
    for (let pass = 0; pass < 15; pass++) {
      const { frames, repairNext } = low.payload(parcel, repairFirst);
      for (const frame of frames.slice(2)) seen.add(headerOf(frame).esi);
      expect(seen.size).to.equal(4_096 * (pass + 1));
      repairFirst = repairNext;
    }
    const { frames, repairNext } = low.payload(parcel, repairFirst);
    expect(repairNext).to.be.lessThan(4_096 + 4_096);
    expect(frames.every((frame) => headerOf(frame).esi < 65_536)).to.equal(true);
    expect(low.payload(parcel, repairNext).repairNext).to.equal(repairNext + 4_096);
  });

  it('envelope passes of one envelope never repeat a symbol', async () => {
    const low = new LowHalf();
    const parcel = await newParcel(6, 10, { envelopeBytes: 5_000 });
    const esis = [0, 1, 2, 3, 4].flatMap((pass) => low.envelope(parcel, pass).map((frame) => headerOf(frame).esi));
    expect(new Set(esis).size).to.equal(esis.length);
    expect(esis.length).to.equal(5 * 15);
  });

  it('a payload without a byte is an envelope and nothing else', async () => {
    const low = new LowHalf();
    const parcel = await newParcel(7, 0);
    expect(low.payload(parcel)).to.deep.equal({ frames: [], repairNext: 0 });
    const { frames, repairNext } = low.closing(parcel, 0, true);
    expect(repairNext).to.equal(0);
    expect(frames.every((frame) => headerOf(frame).kind === FrameKind.envelope)).to.equal(true);
  });

  it('a spool that is shorter than recorded fails with SPOOL_IO, and the next payload is sent all the same', async () => {
    const low = new LowHalf();
    const [short, whole] = [await newParcel(8, 40_000), await newParcel(9, 40_000)];
    const order = { ...short.order, ranges: [{ ...short.order.ranges[0]!, sizeBytes: 50_000 }], lengthBytes: 50_000 };
    expect(() => low.payload({ ...short, order }))
      .to.throw(SluiceError)
      .with.property('code', 'SPOOL_IO');
    low.taken();
    const high = new HighHalf();
    high.expect(whole.coding);
    high.receive(low.payload(whole).frames);
    expect(high.assembled()).to.deep.equal([whole.order.object]);
  });

  it('heartbeats go out between symbols and leave the symbols around them as they were', async () => {
    const low = new LowHalf();
    const parcel = await newParcel(10, 20_000);
    const pass = low.coder.payload(low.writer, parcel.order);
    low.writer.offerHeartbeat(new Uint8Array(100).fill(1));
    while (!pass.next().done);
    const frames = low.taken();
    expect(headerOf(frames[0]!).kind).to.equal(FrameKind.heartbeat);
    const high = new HighHalf();
    high.expect(parcel.coding);
    high.receive(frames);
    expect(high.assembled().length).to.equal(1);
    expect(high.heartbeats).to.deep.equal([new Uint8Array(100).fill(1)]);
  });

  it('a writer whose ring is full asks whether to stop, and stops without overwriting what waits', async () => {
    const ring = new FrameRing(createRing(frameBytes(512), 16 * frameBytes(512)));
    let asked = 0;
    const writer = new FrameWriter(ring, new FrameTagger(LINK_KEY), 512, SESSION, () => ++asked === 2);
    const coder = new PayloadCoder({ parameters: LINK, repairFloor: 4, guardSymbols: 0, turnFrames: 64 });
    const parcel = await newParcel(11, 64 * 512);
    const pass = coder.payload(writer, parcel.order);
    expect(() => Array.from({ length: 64 }, () => pass.next())).to.throw(Stopped);
    expect(asked).to.equal(2);
    expect(ring.filled()).to.equal(16);
    for (let n = 0; n < 16; n++) {
      const at = ring.consumerSlot(n) * ring.slotBytes;
      expect(headerOf(ring.bytes.subarray(at, at + frameBytes(512))).esi).to.equal(n);
    }
  });
});
