/**
 * The thread between the ring and the finishers: checks tags, collects symbols, puts blocks aside. It sleeps on the
 * ring and looks at its messages between batches of frames.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { FrameRing } from '../../shared/link/ring.js';
import { halvesOf, type ObjectId } from '../../shared/wire/statements.js';
import { Assembler } from '../assemble/assembler.js';
import { EnvelopeCollector } from '../assemble/envelopeCollector.js';
import { FrameIntake, zeroCounters } from './frameIntake.js';
import type { AssemblyThreadData, FromAssemblyThread, FromFinisher, ToAssemblyThread, ToFinisher } from './messages.js';

/** Frames between two looks at the messages. */
const BATCH_FRAMES = 256;
const IDLE_WAIT_MS = 5;
const TICK_MS = 20;
const COUNTERS_EVERY_MS = 200;
/** Blocks each finisher may hold: one to work on and one to begin with at once. */
const BLOCKS_A_FINISHER = 2;

class AssemblyThread {
  private readonly counters = zeroCounters();
  private readonly ring: FrameRing;
  private readonly assembler: Assembler;
  private readonly intake: FrameIntake;
  private readonly envelopes: EnvelopeCollector;
  private readonly finishers: MessagePort[];
  private stopping = false;
  private nextTickMs = 0;
  private nextCountersMs = 0;

  constructor(
    private readonly port: MessagePort,
    data: AssemblyThreadData,
  ) {
    this.ring = new FrameRing(data.ring);
    this.finishers = data.finishers;
    this.assembler = new Assembler(
      { ...data, finishingMax: BLOCKS_A_FINISHER * data.finishers.length },
      {
        finish: (message) => this.toFinisher(message),
        tell: (message) => this.tell(message),
        counters: this.counters,
      },
    );
    this.envelopes = new EnvelopeCollector(this.counters, (object, bytes) =>
      this.tell({ event: 'envelope', payload: { object, bytes } }),
    );
    this.intake = new FrameIntake(
      new FrameTagger(data.linkKey, this.ring.memory),
      this.assembler,
      this.envelopes,
      this.counters,
      (bytes) => this.tell({ event: 'heartbeat', payload: { bytes } }),
    );
  }

  run(): void {
    while (!this.stopping) {
      const now = performance.now();
      this.takeMessages(now);
      if (now >= this.nextTickMs) this.tick(now);
      this.assembler.nowMs = now;
      if (this.intake.drain(this.ring, BATCH_FRAMES, now) === 0) this.ring.waitForFrames(IDLE_WAIT_MS);
    }
  }

  private takeMessages(now: number): void {
    for (let got = receiveMessageOnPort(this.port); got; got = receiveMessageOnPort(this.port)) {
      this.obey(got.message as ToAssemblyThread);
    }
    for (const finisher of this.finishers) {
      for (let got = receiveMessageOnPort(finisher); got; got = receiveMessageOnPort(finisher)) {
        this.assembler.answer(got.message as FromFinisher, now);
      }
    }
  }

  private obey(message: ToAssemblyThread): void {
    switch (message.event) {
      case 'expect':
        this.assembler.expect(message.payload);
        break;
      case 'forget':
        this.assembler.forget(message.payload.object, message.payload.remove);
        break;
      case 'park':
        this.assembler.park(message.payload.object);
        break;
      case 'evict':
        this.assembler.evict(message.payload.object);
        this.envelopes.collectAgain(message.payload.envelope);
        break;
      case 'collectAgain':
        this.envelopes.collectAgain(message.payload.envelope);
        break;
      case 'endSession':
        this.intake.endSession(message.payload.session);
        break;
      case 'stop':
        this.stopping = true;
    }
  }

  private tick(now: number): void {
    this.nextTickMs = now + TICK_MS;
    this.assembler.tick(now);
    if (now < this.nextCountersMs) return;
    this.nextCountersMs = now + COUNTERS_EVERY_MS;
    const { session, lastFrameMs } = this.intake;
    this.counters.framesLost = session.lost;
    this.counters.framesExpected = session.expected;
    if (lastFrameMs !== undefined) this.counters.silentMs = now - lastFrameMs;
    this.tell({ event: 'counters', payload: { counters: this.counters, quietMs: this.assembler.quietMs(now) } });
  }

  /** A block always goes to the same finisher, so that what is asked of it is done in order. */
  private toFinisher(message: ToFinisher): void {
    if ('close' in message) {
      for (const finisher of this.finishers) finisher.postMessage(message);
    } else if ('hash' in message || 'compare' in message) {
      const { object } = 'hash' in message ? message.hash : message.compare;
      this.finisherOf(object, 0).postMessage(message);
    } else {
      const { object, sbn } = 'finish' in message ? message.finish : message.recheck;
      this.finisherOf(object, sbn).postMessage(message);
    }
  }

  /** Small payloads have a single block: their ids spread them. */
  private finisherOf(object: ObjectId, sbn: number): MessagePort {
    return this.finishers[(halvesOf(object).low + sbn) % this.finishers.length]!;
  }

  private tell(message: FromAssemblyThread): void {
    this.port.postMessage(message);
  }
}

new AssemblyThread(parentPort!, workerData as AssemblyThreadData).run();
