/** Opens the receiving socket the way the configuration asks for, or the way that works, and drains it into the ring. */
import { lookup } from 'node:dns/promises';
import type { MessagePort } from 'node:worker_threads';
import { wordsOf } from '../../shared/core/errors.js';
import { type LibcLoader, loadLibc } from '../../shared/link/libc.js';
import { FrameRing } from '../../shared/link/ring.js';
import { fallbackWords, type Transport } from '../../shared/link/transport.js';
import { BatchReceiver } from './batchReceiver.js';
import { DgramReceiver } from './dgramReceiver.js';
import type { FromSocketThread, SocketThreadData } from './messages.js';

/**
 * Ends when it is told to: by a word of the shared counters where the thread blocks in the system, and by a message
 * where it listens to one. The parent sets and sends both.
 */
export async function drainSocket(data: SocketThreadData, parent: MessagePort, loader: LibcLoader = loadLibc) {
  const { host, port, transport, receiveBufferBytes } = data;
  const ring = new FrameRing(data.ring);
  const counters = new Uint32Array(data.counters);
  const tell = (message: FromSocketThread) => parent.postMessage(message);
  let fallback: string | undefined;
  const listens = (socket: { port: number; receiveBufferBytes: number }, way: Transport) =>
    tell({
      listening: {
        port: socket.port,
        receiveBufferBytes: socket.receiveBufferBytes,
        transport: way,
        ...(fallback === undefined ? {} : { fallback }),
      },
    });

  if (transport !== 'dgram') {
    let batch: BatchReceiver | undefined;
    try {
      const { address } = await lookup(host);
      batch = BatchReceiver.open(await loader(), address, port, receiveBufferBytes);
    } catch (error) {
      fallback = fallbackWords(error);
    }
    if (batch) {
      listens(batch, 'batched');
      batch.drain(ring, counters);
      return;
    }
  }
  const socket = new DgramReceiver(host);
  try {
    await socket.open(host, port, receiveBufferBytes);
  } catch (error) {
    tell({ failed: { words: wordsOf(error), code: (error as NodeJS.ErrnoException).code ?? '' } });
    return;
  }
  socket.drain(ring, counters);
  parent.once('message', () => socket.close());
  listens(socket, 'dgram');
}
