/**
 * The thread that reads payloads from the spool, encodes them and fills the ring with finished frames in the order in
 * which they go out. It takes turns between the payloads it holds, one group of blocks each.
 *
 *   idle --order--> padding, envelope, payload groups ... closing passes when due ... padding --> idle
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { wordsOf } from '../../shared/core/errors.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { FrameRing, type RingMemory } from '../../shared/link/ring.js';
import { PayloadCoder } from './codedPasses.js';
import { FrameWriter, Stopped } from './frameWriter.js';
import type { SenderSettings, SendOrder, SentReport } from './orders.js';

export interface EncoderThreadData {
  ring: RingMemory;
  settings: SenderSettings;
  linkKey: Uint8Array;
  /** One word that counts messages posted: the thread sleeps on it. */
  signal: SharedArrayBuffer;
}

export type ToEncoder = { send: SendOrder } | { heartbeat: Uint8Array } | { stop: true };
export type FromEncoder =
  /** The payload is complete once the ring's tail has reached `ringPosition`. */
  | { sent: SentReport; ringPosition: number }
  | { failed: { object: string; words: string } }
  | { progress: { object: string; fraction: number } };

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
  private readonly active: { order: SendOrder; pass: Generator<number, number> }[] = [];
  private readonly closings: Closing[] = [];
  private stopping = false;
  /** Whether frames have gone out since the last edge padding. */
  private inBurst = false;

  constructor(
    private readonly port: MessagePort,
    private readonly data: EncoderThreadData,
  ) {
    this.signal = new Int32Array(data.signal);
    this.ring = new FrameRing(data.ring);
    const { parameters, session } = data.settings;
    this.writer = new FrameWriter(this.ring, new FrameTagger(data.linkKey), parameters.symbolBytes, session, () => {
      this.takeMessages();
      return this.stopping;
    });
    this.coder = new PayloadCoder(data.settings);
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
    // First what is due: other work may keep the link busy for hours, and a letter must not wait for that to end.
    const due = this.closings.findIndex((closing) => closing.dueMs <= performance.now());
    if (due >= 0) {
      this.close(this.closings.splice(due, 1)[0]!, this.active.length === 0);
      return true;
    }
    const turn = this.active.shift();
    if (turn) {
      this.takeTurn(turn);
      return true;
    }
    if (this.inBurst && this.closings.length === 0) {
      this.writer.padding(this.data.settings.edgePadding);
      this.writer.flush();
      this.inBurst = false;
      return true;
    }
    return false;
  }

  private takeTurn(turn: { order: SendOrder; pass: Generator<number, number> }): void {
    const { order } = turn;
    try {
      const { value, done } = turn.pass.next();
      if (!done) {
        this.post({ progress: { object: order.object, fraction: value } });
        this.active.push(turn);
        return;
      }
      const closing = { order, repairFirst: value, dueMs: performance.now() + this.data.settings.closingDelayMs };
      if (this.coder.isSmall(order)) this.closings.push(closing);
      else this.close(closing, false);
    } catch (error) {
      this.fail(order, error);
    }
  }

  private close({ order, repairFirst }: Closing, idle: boolean): void {
    try {
      const repairNext = this.coder.sendClosing(this.writer, order, repairFirst, idle);
      this.writer.flush();
      this.post({
        sent: { object: order.object, repairNext, envelopePassNext: order.envelopePass + 2 },
        ringPosition: this.ring.head(),
      });
    } catch (error) {
      this.fail(order, error);
    }
  }

  private fail(order: SendOrder, error: unknown): void {
    if (error instanceof Stopped) throw error;
    this.writer.flush();
    this.post({ failed: { object: order.object, words: wordsOf(error) } });
  }

  private *passOf(order: SendOrder): Generator<number, number> {
    if (!this.inBurst) this.writer.padding(this.data.settings.edgePadding);
    this.inBurst = true;
    this.coder.sendEnvelope(this.writer, order, order.envelopePass);
    return yield* this.coder.payload(this.writer, order);
  }

  private takeMessages(): void {
    for (;;) {
      const received = receiveMessageOnPort(this.port);
      if (!received) return;
      const message = received.message as ToEncoder;
      if ('send' in message) this.active.push({ order: message.send, pass: this.passOf(message.send) });
      else if ('heartbeat' in message) this.writer.offerHeartbeat(message.heartbeat);
      else this.stopping = true;
    }
  }

  private sleep(seen: number): void {
    const now = performance.now();
    const due = Math.min(now + 1000, ...this.closings.map((closing) => closing.dueMs));
    if (due > now) Atomics.wait(this.signal, 0, seen, due - now);
  }

  private post(message: FromEncoder): void {
    this.port.postMessage(message);
  }
}

new EncoderThread(parentPort!, workerData as EncoderThreadData).run();
