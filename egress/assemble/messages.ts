/** What assembly and its finishers say to each other and to whoever feeds them. */
import type { MessagePort } from 'node:worker_threads';
import type { Coding, ObjectId } from '../../shared/wire/statements.js';

/** Every frame ends in exactly one of the first group. */
export interface AssemblyCounters {
  accepted: number;
  /** A symbol that was already there, with the same bytes. */
  duplicate: number;
  /** A symbol that was already there, with other bytes: the first one stays (FAULTS 8). */
  conflicting: number;
  /** For a block or payload that is already complete or given up. */
  late: number;
  heartbeat: number;
  padding: number;
  badLength: number;
  badLayout: number;
  badVersion: number;
  badTag: number;
  badParameters: number;
  endedSession: number;
  /** No memory was left within the limits. */
  noRoom: number;

  blocksDecoded: number;
  blocksPlain: number;
  blocksBad: number;
  repairUsed: number;
  spilled: number;
  orphansDropped: number;
  envelopes: number;
  badEnvelopes: number;
  memoryBytes: number;
  /** Blocks with enough symbols that are not finished yet; also those that wait for room on the disk. */
  blocksWaiting: number;
  /** Frames of the current session that never came, as far as their numbers tell, and how many it had. */
  framesLost: number;
  framesExpected: number;
  /** Milliseconds since the last authentic frame; absent before the first. */
  silentMs?: number;
}

/** What a verified manifest says a payload must be. */
export interface Expectation extends Coding {
  /** Digest of the whole, of a payload that is one object in several blocks: those of the blocks must agree with it. */
  sha256?: Uint8Array;
}

/** What assembly is told, by name. Types and not interfaces, because a Protocol is made of them. */
export type AssemblyOrders = {
  /** A verified manifest says what this payload must be. */
  expect: Expectation;
  /** Nothing more is wanted of this payload; with `remove` its spool goes as well. */
  forget: { object: ObjectId; remove: boolean };
  /** The spool of this payload is needed for others. It may be sent again, with this envelope. */
  evict: { object: ObjectId; envelope: ObjectId };
  /** This envelope could not be kept: collect it again when it comes again. */
  collectAgain: { envelope: ObjectId };
  /** Put what is there of this payload on disk and free its memory: it is incomplete, a resend may complete it. */
  park: { object: ObjectId };
  /** Frames of this link session are no longer taken (lower half of its id, FAULTS 4 and 5). */
  endSession: { session: number };
};

/** What assembly tells, by name. */
export type AssemblyEvents = {
  envelope: { object: ObjectId; bytes: Uint8Array };
  heartbeat: { bytes: Uint8Array };
  /** `contradicts`: every block is what its signed digest says, and all of them together are not what that of the whole says. */
  assembled: { object: ObjectId; file: string; contradicts: boolean };
  /** A block did not hash to its signed digest: its symbols were discarded (FAULTS 16). */
  badBlock: { object: ObjectId; sbn: number };
  /** Writing to the spool failed; it is tried again. */
  trouble: { code: 'STORAGE_FULL' | 'SPOOL_IO'; words: string };
};

export interface FinisherThreadData {
  port: MessagePort;
}

/** How things stand, told at a steady interval. */
export interface AssemblyNews {
  event: 'counters';
  payload: { counters: AssemblyCounters; quietMs: Record<ObjectId, number> };
}

type Named<T> = { [E in keyof T]: { event: E; payload: T[E] } }[keyof T];
export type ToAssemblyThread = Named<AssemblyOrders> | { event: 'stop'; payload: null };
export type FromAssemblyThread = Named<AssemblyEvents> | AssemblyNews;

/** One block with at least k symbols, to be rebuilt, checked and written. Its memory comes back with the answer. */
export interface FinishBlock {
  /** Names this request in its answer. */
  ticket: number;
  object: ObjectId;
  sbn: number;
  k: number;
  symbolBytes: number;
  /** k * symbolBytes bytes at least; received source symbols are in place. */
  source: SharedArrayBuffer;
  /** k flags. */
  have: Uint8Array;
  repair: { index: number; slab: SharedArrayBuffer; at: number }[];
  /** SHA-256 the object bytes of the block must have. */
  digest: Uint8Array;
  byteLength: number;
  byteOffset: number;
  dataFile: string;
  doneFile: string;
}

/** Blocks found on disk at start: check again what they hash to. */
export interface RecheckBlock {
  ticket: number;
  object: ObjectId;
  sbn: number;
  digest: Uint8Array;
  byteLength: number;
  byteOffset: number;
  dataFile: string;
}

/** The first bytes of an object are final: the digest of the whole may go on so far. */
export interface HashWhole {
  object: ObjectId;
  uptoBytes: number;
  dataFile: string;
}

/** All of them are: is this their digest? */
export interface CompareWhole extends HashWhole {
  ticket: number;
  sha256: Uint8Array;
}

/** A finisher's files of a payload are closed; with `forget` what it knows of the digest of the whole goes as well. */
export interface ClosePayload {
  object: ObjectId;
  forget: boolean;
}

export type ToFinisher =
  | { finish: FinishBlock }
  | { recheck: RecheckBlock }
  | { hash: HashWhole }
  | { compare: CompareWhole }
  | { close: ClosePayload };
export type FinishOutcome = 'good' | 'bad' | 'full' | 'failed';
export interface FromFinisher {
  ticket: number;
  outcome: FinishOutcome;
  /** Whether symbols had to be rebuilt. */
  decoded: boolean;
  words?: string;
}
