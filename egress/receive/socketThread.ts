/**
 * The thread that does nothing but drain the receiving socket into the ring: whoever decodes or writes to disk here
 * would lose its own link. Nothing is parsed; a datagram longer than any frame is counted, as is one that finds the
 * ring full.
 */
import { createSocket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';
import { askPriority, URGENT } from '../../shared/link/priority.js';
import { FrameRing } from '../../shared/link/ring.js';
import { type FromSocketThread, SocketCounter, type SocketThreadData } from './messages.js';

function drain(data: SocketThreadData): void {
  const ring = new FrameRing(data.ring);
  const counters = new Uint32Array(data.counters);
  const port = parentPort!;
  askPriority(URGENT);
  const socket = createSocket({ type: data.host.includes(':') ? 'udp6' : 'udp4' });

  socket.on('message', (datagram) => {
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
  let listening = false;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // A socket that fails later must not leave a deaf process behind: the thread ends, and with it the process.
    if (listening) throw error;
    port.postMessage({ failed: { words: error.message, code: error.code ?? '' } } satisfies FromSocketThread);
  });
  socket.bind({ address: data.host, port: data.port, exclusive: true }, () => {
    try {
      socket.setRecvBufferSize(data.receiveBufferBytes);
    } catch {
      // The system's own size then stays; the real one is reported either way.
    }
    listening = true;
    port.postMessage({
      listening: { port: socket.address().port, receiveBufferBytes: socket.getRecvBufferSize() },
    } satisfies FromSocketThread);
  });
}

drain(workerData as SocketThreadData);
