/** One datagram at a time, through dgram: what works everywhere. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { FrameRing } from '../../shared/link/ring.js';
import { SocketCounter } from './messages.js';

export class DgramReceiver {
  private readonly socket;
  receiveBufferBytes = 0;

  constructor(host: string) {
    this.socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
  }

  /** @throws what the system says when it cannot be bound */
  async open(host: string, port: number, receiveBufferBytes: number): Promise<void> {
    const { socket } = this;
    const listening = once(socket, 'listening');
    socket.bind({ address: host, port, exclusive: true });
    await listening;
    try {
      socket.setRecvBufferSize(receiveBufferBytes);
    } catch {
      // The system's own size then stays; the real one is reported either way.
    }
    this.receiveBufferBytes = socket.getRecvBufferSize();
  }

  get port(): number {
    return this.socket.address().port;
  }

  /** Returns at once; what comes from now on goes into the ring. */
  drain(ring: FrameRing, counters: Uint32Array): void {
    this.socket.on('message', (datagram) => {
      counters[SocketCounter.datagrams]!++;
      const { length } = datagram;
      if (length > ring.slotBytes) {
        counters[SocketCounter.oversize]!++;
      } else if (length === 0) {
        counters[SocketCounter.empty]!++;
      } else if (ring.free() === 0) {
        ring.countDrop();
      } else {
        const slot = ring.producerSlot(0);
        ring.bytes.set(datagram, slot * ring.slotBytes);
        ring.setLength(slot, length);
        ring.publish(1);
      }
    });
  }

  close(): void {
    this.socket.close();
  }
}
