/**
 * The thread that reads payloads from the spool, encodes them and fills the ring with finished frames in the order in
 * which they go out. Payloads take turns of a few milliseconds of the link each; whose turn it is, turns.ts decides.
 *
 *   idle --order--> padding, envelope, payload groups ... closing passes when due ... padding --> idle
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { wordsOf } from '../../shared/core/errors.js';
import { DEFAULT_CLAIM } from '../../shared/core/fairShare.js';
import { LIMITS } from '../../shared/core/limits.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { FrameRing, type RingMemory } from '../../shared/link/ring.js';
import { frameBytes } from '../../shared/wire/frame.js';
import { type Pause, PayloadCoder } from './codedPasses.js';
import { FrameWriter, Stopped } from './frameWriter.js';
import type { SenderSettings, SendOrder, SentReport, TenantClaims } from './orders.js';
import { type After, Turns, type Work } from './turns.js';

export interface EncoderThreadData {
  ring: RingMemory;
  settings: SenderSettings;
  linkKey: Uint8Array;
  /** One word that counts messages posted: the thread sleeps on it. */
  signal: SharedArrayBuffer;
}

export type ToEncoder =
  | { send: SendOrder }
  | { heartbeat: Uint8Array }
  | { claims: TenantClaims }
  | { paused: boolean }
  | { stop: true };
export type FromEncoder =
  /** The payload is complete once the ring's tail has reached `ringPosition`. */
  | { sent: SentReport; ringPosition: number }
  | { failed: { object: string; words: string } }
  | { progress: { object: string; fraction: number } }
  | { tenantBytes: Record<string, number> };

/** How long one turn keeps the link busy, and frames of a turn at least: switching has its price. */
const TURN_MS = 10;
const TURN_MIN_FRAMES = 16;
const TELL_EVERY_MS = 250;
const NEVER = Number.NEGATIVE_INFINITY;
/** Payloads up to this size, bundles among them, never wait for larger ones of their own tenant. */
const SMALL_BYTES = 4 * 1024 * 1024;

interface Sending extends Work {
  readonly order: SendOrder;
  /** A closing pass is made when its turn comes, for it is another one on an idle link. */
  pass: Generator<Pause, number> | undefined;
  /** First repair symbol that has not been used; absent while the payload itself is being sent. */
  repairFirst?: number;
  toldMs: number;
}

interface Closing {
  order: SendOrder;
  repairFirst: number;
  dueMs: number;
}

class EncoderThread {
  private readonly signal: Int32Array;
  private readonly ring: FrameRing;
  private readonly writer: FrameWriter;
  private readonly coder: PayloadCoder;
  private readonly turns: Turns<Sending>;
  private readonly closings: Closing[] = [];
  private readonly wireBytes: number;
  private readonly tenantBytes: Record<string, number> = {};
  private claims: TenantClaims;
  private bytesToldMs = 0;
  /** Payloads whose own pass is not over. */
  private unfinished = 0;
  private paused: boolean;
  private stopping = false;
  /** Whether frames have gone out since the last edge padding. */
  private inBurst = false;

  constructor(
    private readonly port: MessagePort,
    private readonly data: EncoderThreadData,
  ) {
    this.signal = new Int32Array(data.signal);
    this.ring = new FrameRing(data.ring);
    const { parameters, session, claims, paused } = data.settings;
    this.claims = claims;
    this.paused = paused;
    const tagger = new FrameTagger(data.linkKey, this.ring.memory);
    this.writer = new FrameWriter(this.ring, tagger, parameters.symbolBytes, session, () => {
      this.takeMessages();
      return this.stopping;
    });
    this.wireBytes = frameBytes(parameters.symbolBytes) + LIMITS.udpHeaderBytes;
    const turnFrames = Math.floor(((parameters.rateBps / 8_000) * TURN_MS) / this.wireBytes);
    this.coder = new PayloadCoder({ ...data.settings, turnFrames: Math.max(TURN_MIN_FRAMES, turnFrames) });
    this.turns = new Turns((tenant) => this.claims[tenant] ?? DEFAULT_CLAIM, LIMITS.sendingRepairBytes);
  }

  run(): void {
    try {
      while (!this.stopping) {
        const seen = Atomics.load(this.signal, 0);
        this.takeMessages();
        this.writer.sendHeartbeats();
        this.writer.flush();
        if (!this.step()) this.sleep(seen);
      }
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  /** Does the next piece of work; false when there is none. */
  private step(): boolean {
    if (this.paused) {
      this.endBurst();
      return false;
    }
    this.takeDueClosings();
    const work = this.turns.next();
    if (work) {
      this.takeTurn(work);
      return true;
    }
    if (this.closings.length === 0) this.endBurst();
    return false;
  }

  private takeDueClosings(): void {
    const now = performance.now();
    for (let i = 0; i < this.closings.length; i++) {
      const { order, repairFirst, dueMs } = this.closings[i]!;
      if (dueMs > now) continue;
      this.closings.splice(i--, 1);
      this.turns.addClosing({
        tenant: order.tenant,
        large: false,
        memoryBytes: 0,
        order,
        pass: undefined,
        repairFirst,
        toldMs: now,
      });
    }
  }

  private takeTurn(work: Sending): void {
    const before = this.writer.frames;
    let after: After = 'done';
    try {
      after = this.goOn(work);
    } catch (error) {
      this.fail(work, error);
    }
    const bytes = (this.writer.frames - before) * this.wireBytes;
    this.turns.took(work, bytes, after);
    this.tenantBytes[work.tenant] = (this.tenantBytes[work.tenant] ?? 0) + bytes;
    this.tellBytes();
  }

  private goOn(work: Sending): After {
    if (!this.inBurst) this.writer.padding(this.data.settings.edgePadding);
    this.inBurst = true;
    if (work.toldMs === NEVER) this.tellProgress(work, 0);
    work.pass ??= this.coder.closing(this.writer, work.order, work.repairFirst!, this.unfinished === 0);
    const { value, done } = work.pass.next();
    this.writer.flush();
    if (!done) {
      this.tellProgress(work, value.fraction);
      return value.between ? 'between' : 'inside';
    }
    if (work.repairFirst === undefined) return this.payloadOver(work, value);
    const { object, envelopePass } = work.order;
    this.post({
      sent: { object, repairNext: value, envelopePassNext: envelopePass + 2 },
      ringPosition: this.ring.head(),
    });
    return 'done';
  }

  /** The closing pass follows a little later when the payload is small, else at once. */
  private payloadOver(work: Sending, repairFirst: number): After {
    const { order } = work;
    this.unfinished--;
    if (this.coder.isSmall(order)) {
      this.closings.push({ order, repairFirst, dueMs: performance.now() + this.data.settings.closingDelayMs });
      return 'done';
    }
    work.repairFirst = repairFirst;
    work.pass = this.coder.closing(this.writer, order, repairFirst, false);
    return 'inside';
  }

  private fail(work: Sending, error: unknown): void {
    if (error instanceof Stopped) throw error;
    this.writer.flush();
    if (work.repairFirst === undefined) this.unfinished--;
    this.post({ failed: { object: work.order.object, words: wordsOf(error) } });
  }

  private *passOf(order: SendOrder): Generator<Pause, number> {
    yield* this.coder.envelope(this.writer, order, order.envelopePass);
    return yield* this.coder.payload(this.writer, order);
  }

  private endBurst(): void {
    if (!this.inBurst) return;
    this.writer.padding(this.data.settings.edgePadding);
    this.writer.flush();
    this.inBurst = false;
  }

  private takeMessages(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.port);
      if (!received) return;
      const message = received.message as ToEncoder;
      if ('send' in message) this.add(message.send);
      else if ('heartbeat' in message) this.writer.offerHeartbeat(message.heartbeat);
      else if ('claims' in message) this.claims = message.claims;
      else if ('paused' in message) this.paused = message.paused;
      else this.stopping = true;
    }
  }

  private add(order: SendOrder): void {
    this.unfinished++;
    const memoryBytes = this.coder.memoryBytes(order);
    const { tenant, lengthBytes } = order;
    const large = lengthBytes > SMALL_BYTES;
    this.turns.add({ tenant, large, memoryBytes, order, pass: this.passOf(order), toldMs: NEVER });
  }

  private sleep(seen: number): void {
    const now = performance.now();
    const due = this.paused ? [] : this.closings.map((closing) => closing.dueMs);
    const untilMs = due.reduce((first, dueMs) => Math.min(first, dueMs), now + 1000);
    if (untilMs > now) Atomics.wait(this.signal, 0, seen, untilMs - now);
    this.tellBytes();
  }

  private tellProgress(work: Sending, fraction: number): void {
    const now = performance.now();
    if (now - work.toldMs < TELL_EVERY_MS || work.repairFirst !== undefined) return;
    work.toldMs = now;
    this.post({ progress: { object: work.order.object, fraction } });
  }

  private tellBytes(): void {
    const now = performance.now();
    if (now - this.bytesToldMs < TELL_EVERY_MS) return;
    this.bytesToldMs = now;
    this.post({ tenantBytes: this.tenantBytes });
  }

  private post(message: FromEncoder): void {
    this.port.postMessage(message);
  }
}

new EncoderThread(parentPort!, workerData as EncoderThreadData).run();
