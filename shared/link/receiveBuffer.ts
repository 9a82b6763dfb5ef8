/** The receive buffer of a UDP socket: as much as the system gives, and what that really is. */
import type { Socket } from 'node:dgram';

/** More than a second at 400 Mbit/s; asked for first, then half of it, and so on. */
const WANTED_BYTES = 64 * 1024 * 1024;
const WORTH_ASKING_BYTES = 64 * 1024;

/**
 * Raises the receive buffer of a bound socket as far as it goes and returns its size in bytes as the system counts:
 * Linux caps it at net.core.rmem_max without a word and reports twice that, because its own bookkeeping for each
 * datagram is charged to it too.
 */
export function growReceiveBuffer(socket: Socket): number {
  for (let bytes = WANTED_BYTES; bytes >= WORTH_ASKING_BYTES; bytes /= 2) {
    try {
      socket.setRecvBufferSize(bytes);
      break;
    } catch {
      // Other systems refuse instead of capping.
    }
  }
  return socket.getRecvBufferSize();
}
