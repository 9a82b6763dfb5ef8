/** The receiving thread, on a system that refuses what it is told to refuse. */
import { parentPort, workerData } from 'node:worker_threads';
import { drainSocket } from '../../egress/receive/drainSocket.js';
import { refusing } from './refusals.js';
import type { ReceivingThreadData } from './transports.js';

const data = workerData as ReceivingThreadData;
await drainSocket(data, parentPort!, refusing(data.refusals));
