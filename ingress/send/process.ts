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
import { Pacer } from '../../shared/link/pacer.js';
import { createRing, FrameRing } from '../../shared/link/ring.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import { frameBytes } from '../../shared/wire/frame.js';
import type { EncoderThreadData, FromEncoder, ToEncoder } from './encoderThread.js';
import type { SenderCounters, SenderProtocol, SenderSettings, SendOrder, SentReport, TenantClaims } from './orders.js';
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
/** What one wake-up may send at most, in time of the configured rate: a late timer is caught up no further. */
const BURST_MS = 8;

interface Waiting {
  resolve(report: SentReport): void;
  reject(error: SluiceError): void;
}

class SendingProcess {
  private readonly signal: Int32Array;
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
    private readonly pacer: Pacer,
    private readonly encoder: Worker,
    signal: SharedArrayBuffer,
    private readonly onProgress: (object: string, fraction: number) => void,
  ) {
    this.signal = new Int32Array(signal);
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
    const ring = createRing(frameBytes(parameters.symbolBytes), ringBytes);
    const socket = await SendingSocket.open(
      { host: settings.targetHost, port: settings.targetPort },
      { host: settings.sourceHost, port: settings.sourcePort },
      (count) => parent.tell('arrival', { count }),
    );
    const datagramBytes = frameBytes(parameters.symbolBytes) + LIMITS.udpHeaderBytes;
    const burst = Math.max(16 * datagramBytes, (parameters.rateBps / 8) * (BURST_MS / 1000));
    const pacer = new Pacer(parameters.rateBps, burst, performance.now());
    const signal = new SharedArrayBuffer(4);
    const linkKey = fromHex(settings.linkKey);
    if (!linkKey) throw new SluiceError('KEY_UNREADABLE', 'The link key is not hexadecimal.');
    const workerData: EncoderThreadData = { ring, settings: { ...settings, linkKey: '' }, linkKey, signal };
    const encoder = new Worker(new URL('./encoderThread.js', import.meta.url), { workerData });
    return new SendingProcess(new FrameRing(ring), socket, pacer, encoder, signal, (object, fraction) =>
      parent.tell('progress', { object, fraction }),
    );
  }

  get sourcePort(): number {
    return this.socket.port;
  }
  get sendBufferBytes(): number {
    return this.socket.sendBufferBytes;
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

  /** Sends what the pace allows. */
  private sendDue(): void {
    const { ring, socket, pacer } = this;
    // A slot is given back only once the system has copied what is in it.
    if (!socket.drained()) return;
    if (this.handedOver > 0) {
      ring.release(this.handedOver);
      this.handedOver = 0;
    }
    const filled = ring.filled();
    let allowed = pacer.available(performance.now());
    while (this.handedOver < filled && socket.drained()) {
      const slot = ring.consumerSlot(this.handedOver);
      const length = ring.length(slot);
      const wireBytes = length + LIMITS.udpHeaderBytes;
      if (allowed < wireBytes) break;
      socket.send(ring.bytes, slot * ring.slotBytes, length);
      pacer.spend(wireBytes);
      allowed -= wireBytes;
      this.handedOver++;
    }
    if (socket.drained()) {
      ring.release(this.handedOver);
      this.handedOver = 0;
    }
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
      return { sourcePort: running.sourcePort, sendBufferBytes: running.sendBufferBytes };
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
