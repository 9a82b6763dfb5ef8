/**
 * The thread that does nothing but drain the receiving socket into the ring: whoever decodes or writes to disk here
 * would lose its own link. Nothing is parsed; a datagram longer than any frame is counted, as is one that finds the
 * ring full.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { askPriority, URGENT } from '../../shared/link/priority.js';
import { drainSocket } from './drainSocket.js';
import type { SocketThreadData } from './messages.js';

askPriority(URGENT);
await drainSocket(workerData as SocketThreadData, parentPort!);
