/** What the intake process and the supervisor say to each other. */
import type { ErrorCode } from '../../shared/core/errors.js';
import type { DisposeOutcome } from './dispose.js';
import type { TenantShare } from './round.js';

export interface IntakeStart {
  tenants: (TenantShare & { accepted: string; afterSent: 'move' | 'keep' | 'delete' })[];
  spoolDir: string;
  pollMs: number;
  holdMs: number;
  incompleteSuffixes: string[];
  batchMaxFiles: number;
  batchMaxBytes: number;
  packMaxFileBytes: number;
  symbolBytes: number;
  blockSymbols: number;
  /** Spool files the ledger knows; all others are leftovers of a crash. */
  keepSpoolFiles: string[];
  /** Objects of the past; fingerprints as in identity.ts. */
  known: { tenant: string; rawPath: Uint8Array; fingerprint: string; state: 'taken' | 'refused' }[];
}

/** The consignment that an entry is a member of. */
export interface MemberOf {
  /** 32 hexadecimal digits, the same for all members. */
  id: string;
  /** Path of the folder, below the share. */
  root: string;
}

export interface BatchMessage {
  id: number;
  tenant: string;
  /** Consignments whose last member is durable with this batch: how many they have, and the bytes of all of them. */
  consignments?: (MemberOf & { objects: number; bytes: number })[];
  taken: {
    consignment?: MemberOf;
    path: string;
    rawPath: Uint8Array;
    fingerprint: string;
    sizeBytes: number;
    mtimeNs: bigint;
    sha256: Uint8Array;
    blockDigests: Uint8Array;
    spoolFile: string;
    spoolOffset: number;
  }[];
  refused: NotTakenMessage[];
  held: NotTakenMessage[];
}

export interface NotTakenMessage {
  /** When it is refused, so is everything else in there. */
  consignment?: MemberOf;
  path: string;
  rawPath: Uint8Array;
  fingerprint: string;
  sizeBytes: number;
  code: ErrorCode;
  detail: string;
}

export interface PollNews {
  entries: number;
  /** Seen but not taken yet: still changing, or intake is held. */
  waiting: number;
  elapsedMs: number;
  /** Why nothing (more) is taken; empty otherwise. */
  heldBack: string;
  /** Size of the largest file that waits for room in the spool, 0 when none does. */
  wantedBytes: number;
  troubles: string[];
}

export interface IntakeProtocol {
  requests: {
    start: { ask: IntakeStart; answer: null };
    /** Deals with the original of a sent object, as the tenant's configuration says; answers in words what was done. */
    dispose: {
      ask: { tenant: string; rawPath: Uint8Array; fingerprint: string; transfer: string };
      answer: DisposeOutcome;
    };
  };
  toChild: {
    /** With a reason nothing is taken; null goes on, with so much room for what the ledger does not know yet. */
    hold: { reason: string | null; roomBytes: number };
    /** The ledger has the batch: the next one may come. */
    recorded: { id: number };
  };
  toParent: { batch: BatchMessage; polled: PollNews };
}
