/**
 * The two halves of the link without threads, sockets or clocks: the low one makes real frames from real spool files,
 * the high one takes them and finishes blocks with the real finisher. Between them a test does what it likes.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Assembler, type AssemblerOptions } from '../../egress/assemble/assembler.js';
import { EnvelopeCollector } from '../../egress/assemble/envelopeCollector.js';
import { Finisher } from '../../egress/assemble/finisher.js';
import type { Expectation } from '../../egress/assemble/messages.js';
import { FrameIntake, zeroCounters } from '../../egress/receive/frameIntake.js';
import type { FromAssemblyThread, FromFinisher, ToFinisher } from '../../egress/receive/messages.js';
import { codingOf } from '../../ingress/seal/payloadPlan.js';
import { type PassSettings, PayloadCoder } from '../../ingress/send/codedPasses.js';
import { FrameWriter } from '../../ingress/send/frameWriter.js';
import type { SendOrder } from '../../ingress/send/orders.js';
import { toHex } from '../../shared/core/bytes.js';
import { Prng } from '../../shared/core/prng.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { type ImpairmentOptions, Impairments } from '../../shared/link/impairments.js';
import { createRing, FrameRing } from '../../shared/link/ring.js';
import { emptyHeader, type FrameHeader, frameBytes, readFrameHeader } from '../../shared/wire/frame.js';
import type { Coding, LinkParameters, ObjectId } from '../../shared/wire/statements.js';
import { newFolder } from './folders.js';

export const LINK_KEY = new Uint8Array(16).fill(7);
export const SESSION = '00112233aabbccdd';
export const LINK: LinkParameters = {
  symbolBytes: 512,
  blockSymbols: 64,
  overheadPpm: 100_000,
  rateBps: 1_000_000_000,
  interleave: 4,
  heartbeatMs: 1_000,
};

const idOf = (bytes: Uint8Array): ObjectId => toHex(createHash('sha256').update(bytes).digest().subarray(0, 8));

/** A payload in a spool, what is to be sent of it, and what the manifest would say. */
export interface Parcel {
  bytes: Uint8Array;
  order: SendOrder;
  coding: Coding;
  envelope: Uint8Array;
}

/** @param lengthBytes of the payload; its bytes follow from the seed */
export async function newParcel(
  seed: number,
  lengthBytes: number,
  {
    parameters = LINK,
    envelopeBytes = 300,
    tenant = 'demo',
  }: { parameters?: LinkParameters; envelopeBytes?: number; tenant?: string } = {},
): Promise<Parcel> {
  const folder = newFolder();
  const prng = new Prng(seed);
  const bytes = prng.fill(new Uint8Array(lengthBytes));
  const envelope = prng.fill(new Uint8Array(envelopeBytes));
  const object = idOf(Uint8Array.from([seed & 255, (seed >> 8) & 255, (seed >> 16) & 255]));
  const file = join(folder, 'payload');
  const envelopeFile = join(folder, 'envelope');
  writeFileSync(file, bytes);
  writeFileSync(envelopeFile, envelope);
  const ranges = lengthBytes > 0 ? [{ file, offset: 0, sizeBytes: lengthBytes }] : [];
  const coding = await codingOf(object, ranges, {
    symbolBytes: parameters.symbolBytes,
    blockSymbols: parameters.blockSymbols,
  });
  const order = {
    object,
    tenant,
    lengthBytes,
    ranges,
    envelope: idOf(envelope),
    envelopeFile,
    repairFirst: 0,
    envelopePass: 0,
  };
  return { bytes, order, coding, envelope };
}

export class LowHalf {
  readonly ring: FrameRing;
  readonly writer: FrameWriter;
  readonly coder: PayloadCoder;

  constructor(settings: Partial<PassSettings> = {}, session = SESSION) {
    const parameters = settings.parameters ?? LINK;
    this.ring = new FrameRing(createRing(frameBytes(parameters.symbolBytes), 32 * 1024 * 1024));
    const tagger = new FrameTagger(LINK_KEY, this.ring.memory);
    this.writer = new FrameWriter(this.ring, tagger, parameters.symbolBytes, session, () => true);
    this.coder = new PayloadCoder({ parameters, repairFloor: 4, guardSymbols: 0, turnFrames: 64, ...settings });
  }

  /** Copies of the frames written since the last call. */
  taken(): Buffer[] {
    this.writer.flush();
    const { ring } = this;
    const frames = Array.from({ length: ring.filled() }, (_, n) => {
      const slot = ring.consumerSlot(n);
      return Buffer.from(ring.bytes.subarray(slot * ring.slotBytes, slot * ring.slotBytes + ring.length(slot)));
    });
    ring.release(frames.length);
    return frames;
  }

  envelope({ order }: Parcel, pass = order.envelopePass): Buffer[] {
    return this.drain(this.coder.envelope(this.writer, order, pass)).frames;
  }

  /** The payload pass, and the first repair symbol that it left unused. */
  payload({ order }: Parcel, repairFirst = order.repairFirst): { frames: Buffer[]; repairNext: number } {
    const { frames, value } = this.drain(this.coder.payload(this.writer, { ...order, repairFirst }));
    return { frames, repairNext: value };
  }

  closing({ order }: Parcel, repairFirst: number, idle: boolean): { frames: Buffer[]; repairNext: number } {
    const { frames, value } = this.drain(this.coder.closing(this.writer, order, repairFirst, idle));
    return { frames, repairNext: value };
  }

  private drain<T>(pass: Generator<unknown, T>): { frames: Buffer[]; value: T } {
    const frames: Buffer[] = [];
    for (;;) {
      const { done, value } = pass.next();
      frames.push(...this.taken());
      if (done) return { frames, value };
    }
  }

  heartbeat(bytes: Uint8Array): Buffer[] {
    this.writer.offerHeartbeat(bytes);
    this.writer.sendHeartbeats();
    return this.taken();
  }

  padding(count: number): Buffer[] {
    this.writer.padding(count);
    return this.taken();
  }
}

export class HighHalf {
  readonly counters = zeroCounters();
  readonly told: FromAssemblyThread[] = [];
  readonly envelopes = new Map<ObjectId, Uint8Array>();
  readonly heartbeats: Uint8Array[] = [];
  readonly assembler: Assembler;
  readonly collector: EnvelopeCollector;
  readonly intake: FrameIntake;
  readonly spoolDir: string;
  /** What the finisher has been asked and has not done. */
  readonly asked: ToFinisher[] = [];
  /** While true, the finisher does nothing unless `finish` is called. */
  slow = false;
  /** When set, what the finisher answers instead of doing it. */
  failing: Pick<FromFinisher, 'outcome' | 'words'> | undefined;
  nowMs = 0;
  finisher = new Finisher();
  private readonly slot = new Uint8Array(16_384);

  constructor(options: Partial<AssemblerOptions> = {}) {
    this.spoolDir = options.spoolDir ?? newFolder();
    this.assembler = new Assembler(
      {
        spoolDir: this.spoolDir,
        assemblyBytes: 8 * 1024 * 1024,
        orphanBytes: 4 * 1024 * 1024,
        finishingMax: 2,
        ...options,
      },
      {
        finish: (message) => this.asked.push(message),
        tell: (message) => this.told.push(message),
        counters: this.counters,
      },
    );
    this.collector = new EnvelopeCollector(this.counters, (object, bytes) => this.envelopes.set(object, bytes));
    this.intake = new FrameIntake(new FrameTagger(LINK_KEY), this.assembler, this.collector, this.counters, (bytes) =>
      this.heartbeats.push(bytes),
    );
  }

  receive(datagrams: Iterable<Uint8Array>): void {
    for (const datagram of datagrams) {
      this.slot.set(datagram);
      this.intake.frame(this.slot, 0, datagram.length, this.nowMs);
      if (!this.slow) this.finish();
    }
  }

  expect(coding: Expectation): void {
    this.assembler.expect(coding);
    if (!this.slow) this.finish();
  }

  /** Lets the finisher do what it has been asked, at most so much. */
  finish(most = Number.POSITIVE_INFINITY): void {
    for (let n = 0; n < most && this.asked.length > 0; n++) {
      const message = this.asked.shift()!;
      const answer = this.answerTo(message);
      if (answer) this.assembler.answer(answer, this.nowMs);
    }
  }

  tick(afterMs: number): void {
    this.nowMs += afterMs;
    this.assembler.nowMs = this.nowMs;
    this.assembler.tick(this.nowMs);
    if (!this.slow) this.finish();
  }

  /** Names of the payloads that were announced as assembled, in order. */
  assembled(): ObjectId[] {
    return this.told.flatMap((message) => (message.event === 'assembled' ? [message.payload.object] : []));
  }

  /** What lies in the spool of a payload. */
  bytesOf({ order }: Parcel): Buffer {
    return readFileSync(join(this.spoolDir, order.object, 'data'));
  }

  private answerTo(message: ToFinisher): FromFinisher | undefined {
    if ('close' in message) return this.finisher.obey(message);
    if (this.failing) {
      if ('hash' in message) return undefined;
      const { ticket } =
        'finish' in message ? message.finish : 'recheck' in message ? message.recheck : message.compare;
      return { ticket, decoded: false, ...this.failing };
    }
    if (!('finish' in message)) return this.finisher.obey(message);
    // A thread gets copies of everything but the shared buffers.
    const { have, repair } = message.finish;
    return this.finisher.obey({ finish: { ...message.finish, have: have.slice(), repair: [...repair] } });
  }
}

export function headerOf(frame: Uint8Array): FrameHeader {
  const header = emptyHeader();
  const fault = readFrameHeader(frame, 0, frame.length, header);
  if (fault) throw new Error(`not a frame: ${fault}`);
  return header;
}

/** The frame with another header or payload and a tag that holds: what a faulty or hostile sender with the key makes. */
export function forged(frame: Uint8Array, change: (frame: Uint8Array) => void): Buffer {
  const bytes = Buffer.from(frame);
  change(bytes);
  new FrameTagger(LINK_KEY).write(bytes, 0, frame.length);
  return bytes;
}

export function through(options: ImpairmentOptions, datagrams: Iterable<Uint8Array>): Uint8Array[] {
  const left: Uint8Array[] = [];
  const link = new Impairments(options, (datagram) => left.push(datagram));
  for (const datagram of datagrams) link.push(datagram, 0);
  link.flush();
  return left;
}

/** Seeded shuffle, in place. */
export function shuffled<T>(seed: number, items: T[]): T[] {
  const prng = new Prng(seed);
  for (let i = items.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
  return items;
}
