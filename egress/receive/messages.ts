/** What the receiving process, its threads and the supervisor say to each other. */
import type { MessagePort } from 'node:worker_threads';
import type { RingMemory } from '../../shared/link/ring.js';
import type { Transport, TransportWish } from '../../shared/link/transport.js';
import type { ObjectId } from '../../shared/wire/statements.js';
import type { AssemblyCounters, AssemblyEvents, AssemblyOrders } from '../assemble/messages.js';

export type {
  AssemblyCounters,
  AssemblyEvents,
  AssemblyNews,
  AssemblyOrders,
  FinishBlock,
  FinisherThreadData,
  FinishOutcome,
  FromAssemblyThread,
  FromFinisher,
  RecheckBlock,
  ToAssemblyThread,
  ToFinisher,
} from '../assemble/messages.js';

export interface ReceiverSettings {
  host: string;
  port: number;
  transport: TransportWish;
  /** 32 hexadecimal digits; a secret. */
  linkKey: string;
  /** Longest frame this link may carry. */
  frameMaxBytes: number;
  receiveBufferBytes: number;
  /** Folder with one folder for each payload. */
  spoolDir: string;
  assemblyBytes: number;
  orphanBytes: number;
  decoders: number;
}

export interface ReceiverCounters {
  /** Datagrams taken from the socket. */
  datagrams: number;
  /** Datagrams the kernel dropped because the socket buffer was full; absent where the system does not tell. */
  kernelDrops?: number;
  /** Datagrams dropped because assembly lagged behind. */
  ringDrops: number;
  oversize: number;
  empty: number;
  assembly: AssemblyCounters;
  /** Milliseconds since each payload that is being assembled last got a new symbol. */
  quietMs: Record<ObjectId, number>;
}

export interface Listening {
  port: number;
  /** What the kernel really gives. */
  receiveBufferBytes: number;
  transport: Transport;
  /** Why it is not what was asked for. */
  fallback?: string;
}

export interface ReceiverProtocol {
  requests: {
    start: { ask: ReceiverSettings; answer: Listening };
    counters: { ask: null; answer: ReceiverCounters };
  };
  toChild: AssemblyOrders;
  toParent: AssemblyEvents;
}

// ---------------------------------------------------------------- threads of the receiving process

export interface SocketThreadData {
  ring: RingMemory;
  host: string;
  port: number;
  transport: TransportWish;
  receiveBufferBytes: number;
  counters: SharedArrayBuffer;
}

/** Words the socket thread shares with the main thread: counters, and whether it shall end. */
export const SocketCounter = { datagrams: 0, oversize: 1, empty: 2, stop: 3, words: 4 } as const;

export type FromSocketThread = { listening: Listening } | { failed: { words: string; code: string } };

export interface AssemblyThreadData {
  ring: RingMemory;
  linkKey: Uint8Array;
  spoolDir: string;
  assemblyBytes: number;
  orphanBytes: number;
  /** One port to each finisher thread. */
  finishers: MessagePort[];
}
