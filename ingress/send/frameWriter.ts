/** Writes finished frames (header, symbol, tag) into the ring that leads to the socket, waiting while it is full. */
import type { FrameTagger } from '../../shared/crypto/frameTag.js';
import type { FrameRing } from '../../shared/link/ring.js';
import { envelopeObjectBytes } from '../../shared/wire/envelopeObject.js';
import { emptyHeader, FrameKind, frameBytes, PAYLOAD_OFFSET, writeFrameHeader } from '../../shared/wire/frame.js';
import { halvesOf, type ObjectId } from '../../shared/wire/statements.js';

/** Frames written before they are published together. */
const BATCH_FRAMES = 64;
const ROOM_WAIT_MS = 50;

/** A coded object as its frames name it. */
export interface CodedObject {
  kind: typeof FrameKind.payload | typeof FrameKind.envelope;
  object: ObjectId;
  symbols: number;
  blockSymbols: number;
}

export class FrameWriter {
  private readonly header = emptyHeader();
  private readonly frameBytes: number;
  private readonly session: number;
  private readonly heartbeats: Uint8Array[] = [];
  private pending = 0;
  /** Slots that may be written before the ring has to be asked again. */
  private room = 0;
  private number = 0;

  constructor(
    private readonly ring: FrameRing,
    private readonly tagger: FrameTagger,
    private readonly symbolBytes: number,
    session: string,
    /** Asked while waiting for room: true ends the wait by an exception. */
    private readonly stopping: () => boolean,
  ) {
    this.frameBytes = frameBytes(symbolBytes);
    this.session = halvesOf(session).low;
  }

  /** Frames written in this session. */
  get frames(): number {
    return this.number;
  }

  /** Chooses the object whose symbols follow. */
  begin(coded: CodedObject): void {
    const { high, low } = halvesOf(coded.object);
    this.header.kind = coded.kind;
    this.header.objectHigh = high;
    this.header.objectLow = low;
    this.header.symbols = coded.symbols;
    this.header.blockSymbols = coded.blockSymbols;
  }

  /** One symbol of the object chosen by `begin`: T bytes of `source` from `at`. */
  symbol(sbn: number, esi: number, source: Uint8Array, at: number): void {
    if (this.heartbeats.length > 0) this.sendHeartbeats();
    this.header.sbn = sbn;
    this.header.esi = esi;
    const slot = this.slot();
    this.ring.bytes.set(source.subarray(at, at + this.symbolBytes), slot * this.ring.slotBytes + PAYLOAD_OFFSET);
    this.finish(slot);
  }

  /** A frame that carries nothing: neither edge of a burst shall decide a transfer. */
  padding(count: number): void {
    for (let i = 0; i < count; i++) this.plain(FrameKind.padding, new Uint8Array(0));
  }

  /** Queues a signed heartbeat; it goes out before the next symbol, or with `sendHeartbeats`. */
  offerHeartbeat(envelope: Uint8Array): void {
    this.heartbeats.push(envelope);
  }

  /** Sends queued heartbeats: the envelope with its length in front, then zeros. */
  sendHeartbeats(): void {
    const chosen = { ...this.header };
    for (const envelope of this.heartbeats.splice(0)) {
      this.plain(FrameKind.heartbeat, envelopeObjectBytes(envelope, this.symbolBytes));
    }
    Object.assign(this.header, chosen);
  }

  /** Publishes what has been written so far. */
  flush(): void {
    if (this.pending === 0) return;
    this.tag();
    this.ring.publish(this.pending);
    this.pending = 0;
  }

  /** Tags what is about to be published, four frames at a time where they lie in a row. */
  private tag(): void {
    const { ring, tagger, pending, frameBytes } = this;
    for (let n = 0; n < pending; ) {
      const slot = ring.producerSlot(n);
      const at = slot * ring.slotBytes;
      if (n + 4 <= pending && slot + 4 <= ring.slots) {
        tagger.writeFour(ring.bytes, at, ring.slotBytes, frameBytes);
        n += 4;
      } else {
        tagger.write(ring.bytes, at, frameBytes);
        n++;
      }
    }
  }

  private plain(kind: FrameKind, payload: Uint8Array): void {
    const { header } = this;
    Object.assign(header, { kind, objectHigh: 0, objectLow: 0, symbols: 0, blockSymbols: 0, sbn: 0, esi: 0 });
    const slot = this.slot();
    const at = slot * this.ring.slotBytes + PAYLOAD_OFFSET;
    this.ring.bytes.fill(0, at, at + this.symbolBytes);
    this.ring.bytes.set(payload.subarray(0, this.symbolBytes), at);
    this.finish(slot);
  }

  private slot(): number {
    if (this.pending >= BATCH_FRAMES) this.flush();
    if (this.room === 0) this.findRoom();
    this.room--;
    return this.ring.producerSlot(this.pending);
  }

  private findRoom(): void {
    for (;;) {
      this.room = this.ring.free() - this.pending;
      if (this.room > 0) return;
      this.flush();
      this.ring.waitForRoom(ROOM_WAIT_MS);
      if (this.stopping()) throw new Stopped();
    }
  }

  private finish(slot: number): void {
    const at = slot * this.ring.slotBytes;
    this.header.session = this.session;
    this.header.number = this.number++ >>> 0;
    writeFrameHeader(this.ring.bytes, at, this.header, this.symbolBytes);
    this.ring.setLength(slot, this.frameBytes);
    this.pending++;
  }
}

/** Thrown through the encoder when the process is told to stop; nobody outside this folder sees it. */
export class Stopped extends Error {}
