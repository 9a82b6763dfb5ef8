/**
 * The only sending socket of the gateway. Bound and never connected, so no ICMP error reaches it; what arrives at it
 * is counted without being looked at (the listener takes no argument) and changes nothing: on a one-way link the count
 * stays 0, and the demo and the tests show it.
 *
 * Frames leave many to a call where the system lets them (batchSender.ts), else one by one through dgram; a system
 * that refuses only when the first ones are sent is taken at its word then, and no frame is lost by it. Either way it
 * is one socket, and dgram reads and closes it.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { type LibcLoader, loadLibc } from '../../shared/link/libc.js';
import { fallbackWords, type Transport, type TransportWish } from '../../shared/link/transport.js';
import { BatchSender } from './batchSender.js';

/** With dgram, one datagram in so many is sent with a callback that tells of an error. */
const WATCH_EVERY = 16;
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;

export interface SendingSocketOptions {
  target: { host: string; port: number };
  source: { host: string; port: number };
  transport: TransportWish;
  /** Where the frames lie. */
  memory: Uint8Array;
  /** Length of every frame. */
  frameBytes: number;
  onArrival: (count: number) => void;
  /** Called at most once, when batches are refused after they began. */
  onFallback: (words: string) => void;
  loader?: LibcLoader;
}

export class SendingSocket {
  framesSent = 0;
  /** Times the system would not take what was sent. Its frames are lost like any other: pacing goes on. */
  sendErrors = 0;
  arrivals = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly target: { address: string; port: number },
    private readonly options: SendingSocketOptions,
    private batch: BatchSender | undefined,
    /** Why there are no batches, when they were wanted. */
    readonly fallback: string | undefined,
  ) {
    socket.on('message', () => options.onArrival(++this.arrivals));
    socket.on('error', () => {
      this.sendErrors++;
    });
  }

  static async open(options: SendingSocketOptions): Promise<SendingSocket> {
    const { address, family } = await lookup(options.target.host);
    const target = { address, port: options.target.port };
    const named = options.source;
    const source = isIP(named.host) ? named : { ...named, host: (await lookup(named.host, { family })).address };
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Target and source are addresses by now. Answering at once keeps `send` synchronous: when it returns, the datagram
      // has been copied by the system or stands in the send queue, so `drained` tells the truth.
      lookup: (host, _options, answer) => answer(null, host, family),
    });
    const { batch, fallback } = await openBatch(options, target, source);
    // The listener first: with such a lookup, binding is synchronous as well.
    const listening = once(socket, 'listening');
    if (batch) socket.bind({ fd: batch.fd, exclusive: true });
    else socket.bind({ address: source.host, port: source.port, exclusive: true });
    await listening;
    if (!batch) socket.setSendBufferSize(SEND_BUFFER_BYTES);
    return new SendingSocket(socket, target, options, batch, fallback);
  }

  get transport(): Transport {
    return this.batch ? 'batched' : 'dgram';
  }

  get port(): number {
    return this.socket.address().port;
  }

  get bytesSent(): number {
    return this.framesSent * this.options.frameBytes;
  }

  get sendBufferBytes(): number {
    return this.socket.getSendBufferSize();
  }

  /**
   * Hands `count` frames to the system that lie one after the other from `at`; answers how many are done with. The
   * bytes must stay as they are until `drained()`.
   */
  send(at: number, count: number): number {
    const sent = this.batch ? this.sendBatch(this.batch, at, count) : this.sendSingly(at, count);
    this.framesSent += sent;
    return sent;
  }

  /** Whether the system has taken everything that was sent. */
  drained(): boolean {
    return this.socket.getSendQueueCount() === 0;
  }

  close(): void {
    this.socket.close();
  }

  private sendBatch(batch: BatchSender, at: number, count: number): number {
    try {
      const lost = batch.messagesLost;
      const sent = batch.send(at, count);
      this.sendErrors += batch.messagesLost - lost;
      return sent;
    } catch (error) {
      this.batch = undefined;
      batch.endBatches();
      this.options.onFallback(fallbackWords(error));
      return this.sendSingly(at, count);
    }
  }

  private sendSingly(at: number, count: number): number {
    const { socket, options, target } = this;
    let sent = 0;
    while (sent < count && this.drained()) {
      // A callback costs a fifth of the time of sending, so one datagram in some is watched.
      const watched = (this.framesSent + sent) % WATCH_EVERY === 0 ? this.onSent : undefined;
      const from = at + sent * options.frameBytes;
      socket.send(options.memory, from, options.frameBytes, target.port, target.address, watched);
      sent++;
    }
    return sent;
  }

  private readonly onSent = (error: Error | null): void => {
    if (error) this.sendErrors++;
  };
}

/** A socket for batches, or why there is none. */
async function openBatch(
  { transport, memory, frameBytes, loader = loadLibc }: SendingSocketOptions,
  target: { address: string; port: number },
  source: { host: string; port: number },
): Promise<{ batch?: BatchSender; fallback?: string }> {
  if (transport === 'dgram') return {};
  try {
    const batch = BatchSender.open(await loader(), target, source, SEND_BUFFER_BYTES, memory, frameBytes);
    return { batch };
  } catch (error) {
    return { fallback: fallbackWords(error) };
  }
}
