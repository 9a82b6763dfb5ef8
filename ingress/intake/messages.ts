/** What the intake process and the supervisor say to each other. */
import type { ErrorCode } from '../../shared/core/errors.js';
import type { DisposeOutcome } from './dispose.js';
import type { TenantShare } from './tenantDesk.js';
import type { QuotaRoom } from './watch.js';

export type IntakeTenant = TenantShare & { accepted: string; afterSent: 'move' | 'keep' | 'delete' };

export interface IntakeStart {
  tenants: IntakeTenant[];
  spoolDir: string;
  /** Says which share is being touched; see whereabouts.ts. */
  whereaboutsFile: string;
  pollMs: number;
  holdMs: number;
  consignmentHoldMs: number;
  incompleteSuffixes: string[];
  batchMaxFiles: number;
  batchMaxBytes: number;
  packMaxFileBytes: number;
  symbolBytes: number;
  blockSymbols: number;
  /** Number of the process's first batch. */
  firstBatch: number;
  /** Spool files the ledger knows; all others are leftovers of a crash. Null: leave them, somebody else writes there. */
  keepSpoolFiles: string[] | null;
  /** Objects of the past; fingerprints as in identity.ts. */
  known: {
    tenant: string;
    rawPath: Uint8Array;
    fingerprint: string;
    state: 'taken' | 'refused' | 'held';
    code?: ErrorCode;
  }[];
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
  /** Raw paths of what was held and does not lie in the share any more. */
  gone?: Uint8Array[];
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

/** What lies in one tenant's share, as its last poll met it. */
export interface ShareCounts {
  /** Files, links and the like. */
  entries: number;
  /** Still changing, or not yet left alone for long enough. */
  waiting: number;
  /** To be taken: intake is held, or has not come to it. */
  stable: number;
  /** To be taken, when the tenant's quota has room. */
  overQuota: number;
  /** Left alone for their names. */
  incomplete: number;
}

/** Told twice a second as long as the process is not stuck. */
export interface PollNews {
  tenants: Record<string, ShareCounts>;
  /** All tenants together; seen but not taken yet, for whatever reason. */
  entries: number;
  waiting: number;
  /** Of the longest poll. */
  elapsedMs: number;
  /** Why nothing (more) is taken; empty otherwise. */
  heldBack: string;
  heldBackCode: ErrorCode | '';
  /** Size of the largest file that waits for room in the spool, 0 when none does. */
  wantedBytes: number;
  /** New ones only. */
  troubles: string[];
  /** Tenants of whose large file nothing has been copied for a while. */
  stuckCopies: string[];
}

export interface FileInShare {
  readonly rawPath: Uint8Array;
  readonly fingerprint: string;
}

export interface OriginalInShare extends FileInShare {
  readonly transfer: string;
}

/** What was done, or why nothing could be. */
export type Disposed =
  | DisposeOutcome
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly words: string };

export interface IntakeProtocol {
  requests: {
    start: { ask: IntakeStart; answer: null };
    /** Deals with originals of sent objects, as their tenant's configuration says; answers for each what was done. */
    dispose: { ask: { tenant: string; originals: OriginalInShare[] }; answer: Disposed[] };
    /** Whether these files of a tenant lie in its share as they were. What cannot be told counts as yes. */
    lie: { ask: { tenant: string; files: FileInShare[] }; answer: boolean[] };
  };
  toChild: {
    /**
     * With a reason nothing is taken; null goes on, with so much room for what the ledger does not know yet. Tenants
     * without a quota are left out.
     */
    hold: { reason: string | null; roomBytes: number; quotas: Record<string, QuotaRoom> };
    /** Exactly these are served from now on; what is known of the others is kept. */
    tenants: { tenants: IntakeTenant[] };
    /** The ledger has the batch: the next one may come. */
    recorded: { id: number };
  };
  toParent: { batch: BatchMessage; polled: PollNews };
}
