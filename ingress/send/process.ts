/**
 * The sending process: paces finished frames from the ring to the socket. Encoding happens on its own thread
 * (encoderThread.ts), so that neither waits for the other.
 *
 *   supervisor --orders--> encoder thread --ring of frames--> pacing loop --> sending socket
 */
import { Worker } from 'node:worker_threads';
import { fromHex } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { LinkPace } from '../../shared/link/linkPace.js';
import { createRing, FrameRing } from '../../shared/link/ring.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import { frameBytes } from '../../shared/wire/frame.js';
import type { EncoderThreadData, FromEncoder, ToEncoder } from './encoderThread.js';
import type {
  SenderCounters,
  SenderProtocol,
  SenderSettings,
  SenderStarted,
  SendOrder,
  SentReport,
  TenantClaims,
} from './orders.js';
import { SendingSocket } from './sendingSocket.js';

/**
 * Time for which the ring may run ahead of the wire, within these bounds: long enough to encode a large block meanwhile,
 * and no longer, for a heartbeat, a letter and a pause wait behind what is in it. Rounded down to a power of two of frames.
 */
const RING_AHEAD_MS = 160;
const RING_MIN_BYTES = 64 * 1024;
const RING_MAX_BYTES = 16 * 1024 * 1024;
/** The pacing loop wakes this often while there is something to send. */
const TICK_MS = 1;
/** The pacing loop ends after so many wake-ups without anything to send. */
const IDLE_TICKS = 200;

interface Waiting {
  resolve(report: SentReport): void;
  reject(error: SluiceError): void;
}

class SendingProcess {
  private readonly signal: Int32Array;
  private readonly wireBytes: number;
  /** Those who asked for each payload: the same order may come again while it is being carried out. */
  private readonly waiting = new Map<string, Waiting[]>();
  /** Payloads whose last frame is in the ring but may not be on the wire yet, in order. */
  private readonly leaving: { report: SentReport; ringPosition: number }[] = [];
  private pacing = false;
  private stopped = false;
  private tenantBytes: Record<string, number> = {};
  /** Frames given to the socket whose slots have not been released yet. */
  private handedOver = 0;

  private constructor(
    private readonly ring: FrameRing,
    private readonly socket: SendingSocket,
    private readonly linkPace: LinkPace,
    private readonly encoder: Worker,
    signal: SharedArrayBuffer,
    private readonly onProgress: (object: string, fraction: number) => void,
  ) {
    this.signal = new Int32Array(signal);
    this.wireBytes = ring.slotBytes + LIMITS.udpHeaderBytes;
    encoder.on('message', (message: FromEncoder) => this.fromEncoder(message));
    encoder.on('error', (error) => {
      throw error;
    });
  }

  static async start(settings: SenderSettings): Promise<SendingProcess> {
    const { parameters } = settings;
    const ringBytes = Math.min(
      RING_MAX_BYTES,
      Math.max(RING_MIN_BYTES, (parameters.rateBps / 8) * (RING_AHEAD_MS / 1000)),
    );
    const memory = createRing(frameBytes(parameters.symbolBytes), ringBytes);
    const ring = new FrameRing(memory);
    const socket = await SendingSocket.open({
      target: { host: settings.targetHost, port: settings.targetPort },
      source: { host: settings.sourceHost, port: settings.sourcePort },
      transport: settings.transport,
      memory: ring.bytes,
      // The length of a frame is a multiple of 64: slots leave no gap between them.
      frameBytes: ring.slotBytes,
      onArrival: (count) => parent.tell('arrival', { count }),
      onFallback: (words) => parent.tell('fallback', { words }),
    });
    const pace = new LinkPace(parameters.rateBps, ring.slotBytes + LIMITS.udpHeaderBytes, performance.now());
    const signal = new SharedArrayBuffer(4);
    const linkKey = fromHex(settings.linkKey);
    if (!linkKey) throw new SluiceError('KEY_UNREADABLE', 'The link key is not hexadecimal.');
    const workerData: EncoderThreadData = { ring: memory, settings: { ...settings, linkKey: '' }, linkKey, signal };
    const encoder = new Worker(new URL('./encoderThread.js', import.meta.url), { workerData });
    return new SendingProcess(ring, socket, pace, encoder, signal, (object, fraction) =>
      parent.tell('progress', { object, fraction }),
    );
  }

  get started(): SenderStarted {
    const { port, sendBufferBytes, transport, fallback } = this.socket;
    return { sourcePort: port, sendBufferBytes, transport, ...(fallback === undefined ? {} : { fallback }) };
  }

  send(order: SendOrder): Promise<SentReport> {
    return new Promise((resolve, reject) => {
      const others = this.waiting.get(order.object);
      if (others) {
        others.push({ resolve, reject });
        return;
      }
      this.waiting.set(order.object, [{ resolve, reject }]);
      this.post({ send: order });
    });
  }

  heartbeat(envelope: Uint8Array): void {
    this.post({ heartbeat: envelope });
  }

  claims(claims: TenantClaims): void {
    this.post({ claims });
  }

  pause(paused: boolean): void {
    this.post({ paused });
  }

  counters(): SenderCounters {
    const { framesSent, bytesSent, sendErrors, arrivals } = this.socket;
    return { framesSent, bytesSent, sendErrors, arrivals, tenantBytes: this.tenantBytes };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.post({ stop: true });
    await this.encoder.terminate();
    this.socket.close();
  }

  private post(message: ToEncoder): void {
    this.encoder.postMessage(message);
    Atomics.add(this.signal, 0, 1);
    Atomics.notify(this.signal, 0);
    this.pace();
  }

  /** Starts the pacing loop unless it runs; it ends by itself when nothing is left to encode or to send. */
  private pace(): void {
    if (this.pacing) return;
    this.pacing = true;
    let idleTicks = 0;
    const tick = () => {
      if (this.stopped) return;
      this.sendDue();
      this.settle();
      // At a low rate a frame waits longer than the idle time: while there is one, this is not idle.
      idleTicks = this.ring.filled() > 0 || this.waiting.size > 0 ? 0 : idleTicks + 1;
      if (idleTicks > IDLE_TICKS) this.pacing = false;
      else setTimeout(tick, TICK_MS);
    };
    tick();
  }

  /** Sends what the pace allows: as long runs of frames as lie together in the ring. */
  private sendDue(): void {
    const { ring, socket, wireBytes } = this;
    // A slot is given back only once the system has copied what is in it.
    if (!socket.drained()) return;
    this.releaseHandedOver();
    let due = Math.min(ring.filled(), Math.floor(this.linkPace.available(performance.now()) / wireBytes));
    while (due > 0) {
      const slot = ring.consumerSlot(this.handedOver);
      const run = Math.min(due, ring.slots - slot);
      const sent = socket.send(slot * ring.slotBytes, run);
      this.linkPace.spend(sent * wireBytes);
      this.handedOver += sent;
      due -= sent;
      // No room for the rest at the moment.
      if (sent === 0 || !socket.drained()) break;
    }
    if (socket.drained()) this.releaseHandedOver();
  }

  private releaseHandedOver(): void {
    if (this.handedOver > 0) this.ring.release(this.handedOver);
    this.handedOver = 0;
  }

  private settle(): void {
    const tail = this.ring.tail();
    while (this.leaving.length > 0 && ((tail - this.leaving[0]!.ringPosition) | 0) >= 0) {
      const { report } = this.leaving.shift()!;
      for (const { resolve } of this.taken(report.object)) resolve(report);
    }
  }

  private fromEncoder(message: FromEncoder): void {
    if ('sent' in message) this.leaving.push({ report: message.sent, ringPosition: message.ringPosition });
    else if ('progress' in message) this.onProgress(message.progress.object, message.progress.fraction);
    else if ('tenantBytes' in message) this.tenantBytes = message.tenantBytes;
    else {
      const { object, words } = message.failed;
      for (const { reject } of this.taken(object)) reject(new SluiceError('SPOOL_IO', words));
    }
    this.pace();
  }

  private taken(object: string): Waiting[] {
    const waiting = this.waiting.get(object) ?? [];
    this.waiting.delete(object);
    return waiting;
  }
}

let running: SendingProcess | undefined;
const need = (): SendingProcess => {
  if (!running) throw new SluiceError('INTERNAL', 'The sending process has not been started.');
  return running;
};

const parent = serveParent<SenderProtocol>({
  answer: {
    start: async (settings) => {
      running = await SendingProcess.start(settings);
      return running.started;
    },
    send: (order) => need().send(order),
    counters: () => need().counters(),
  },
  on: {
    heartbeat: (envelope) => need().heartbeat(envelope),
    claims: (claims) => need().claims(claims),
    pause: ({ paused }) => need().pause(paused),
  },
  onStop: () => running?.stop(),
});
