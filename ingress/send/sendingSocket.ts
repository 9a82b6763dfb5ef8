/**
 * The only sending socket of the gateway. Bound and never connected, so no ICMP error reaches it; what arrives at it
 * is counted without being looked at (the listener takes no argument) and changes nothing: on a one-way link the count
 * stays 0, and the demo and the tests show it.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';

/** One datagram in so many is sent with a callback that tells of an error. */
const WATCH_EVERY = 16;
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;

export class SendingSocket {
  framesSent = 0;
  bytesSent = 0;
  /** Watched datagrams the system would not take. They are lost like any other: pacing goes on. */
  sendErrors = 0;
  arrivals = 0;

  private constructor(
    private readonly socket: Socket,
    private readonly targetPort: number,
    private readonly targetAddress: string,
    onArrival: (count: number) => void,
  ) {
    socket.on('message', () => onArrival(++this.arrivals));
    socket.on('error', () => {
      this.sendErrors++;
    });
  }

  static async open(
    target: { host: string; port: number },
    source: { host: string; port: number },
    onArrival: (count: number) => void,
  ): Promise<SendingSocket> {
    const { address, family } = await lookup(target.host);
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Target and source are addresses by now. Answering at once keeps `send` synchronous: when it returns, the datagram
      // has been copied by the system or stands in the send queue, so `drained` tells the truth.
      lookup: (host, _options, answer) => answer(null, host, family),
    });
    // The listener first: with such a lookup, binding is synchronous as well.
    const listening = once(socket, 'listening');
    socket.bind({ address: source.host, port: source.port, exclusive: true });
    await listening;
    socket.setSendBufferSize(SEND_BUFFER_BYTES);
    return new SendingSocket(socket, target.port, address, onArrival);
  }

  get port(): number {
    return this.socket.address().port;
  }

  get sendBufferBytes(): number {
    return this.socket.getSendBufferSize();
  }

  /** Hands one datagram to the system. The bytes must stay as they are until `drained()`. */
  send(bytes: Buffer, at: number, length: number): void {
    // A callback costs a fifth of the time of sending, so one datagram in some is watched.
    const watched = this.framesSent % WATCH_EVERY === 0 ? this.onSent : undefined;
    this.socket.send(bytes, at, length, this.targetPort, this.targetAddress, watched);
    this.framesSent++;
    this.bytesSent += length;
  }

  /** Whether the system has taken everything that was sent. */
  drained(): boolean {
    return this.socket.getSendQueueCount() === 0;
  }

  close(): void {
    this.socket.close();
  }

  private readonly onSent = (error: Error | null): void => {
    if (error) this.sendErrors++;
  };
}
