/** The tables of the low side's ledger, and what their rows mean. */

import { talliesMigration } from '../../shared/ops/health/tallies.js';
import { keptBytesMigration } from '../../shared/ops/ledger/keptBytes.js';
import { Columns, type Row } from '../../shared/ops/ledger/ledgerFile.js';
import { DEAD_LETTERS_TABLE } from '../../shared/ops/operators/deadLetters.js';
import { ADD_WHO } from '../../shared/ops/operators/requests.js';
import type { OriginalOutcome } from '../../shared/ops/receipts/facts.js';
import { noteDue, OUTBOX_TABLE, SUMMARIES_TABLE } from '../../shared/ops/receipts/outbox.js';
import type { Coding, ObjectId, TransferId } from '../../shared/wire/statements.js';
import type { Finding, Verdict } from '../../shared/wire/verdict.js';
import {
  CONSIGNMENT_ORIGINALS,
  CONSIGNMENT_RECEIPTS,
  CONSIGNMENTS_TABLE,
  PAYLOADS_OF_CONSIGNMENTS,
} from './consignments.js';
import { DEAD_LETTER_RECEIPTS } from './deadObjects.js';

export type LowState = 'held' | 'refused' | 'withdrawn' | 'taken' | 'sealed' | 'sending' | 'sent';

/** States in which nothing waits any more; `withdrawn` came later, and migrations are made from these. */
export const LOW_FINISHED: readonly LowState[] = ['sent', 'refused'];
/** Names the receipt of a row that is no more. */
const GONE = `json_object('name', OLD.path, 'seenMs', OLD.seen_ms)`;

export const MIGRATIONS = [
  `
  CREATE TABLE objects (
    transfer TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    path TEXT NOT NULL,            -- safe to show
    raw_path BLOB NOT NULL,
    fingerprint TEXT NOT NULL,     -- which file it was, see intake/identity.ts
    size INTEGER NOT NULL,
    mtime_ns TEXT NOT NULL,
    sha256 TEXT,
    block_digests BLOB,
    spool_file TEXT,
    spool_offset INTEGER,
    state TEXT NOT NULL,
    code TEXT,
    detail TEXT,
    verdict TEXT,                  -- JSON, once scanned
    payload TEXT,
    payload_offset INTEGER,
    sequence INTEGER UNIQUE,
    disposed INTEGER NOT NULL DEFAULT 0, -- the original: 0 still to be dealt with, 1 has left the share, 2 stays
    seen_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX objects_by_state ON objects (state);
  CREATE INDEX objects_by_payload ON objects (payload);
  CREATE INDEX objects_by_spool_file ON objects (spool_file);
  CREATE TABLE payloads (
    object TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    length INTEGER NOT NULL,
    symbol_bytes INTEGER NOT NULL,
    block_symbols INTEGER NOT NULL,
    block_digests BLOB NOT NULL,
    envelope TEXT,
    state TEXT NOT NULL,           -- sealing, sealed, sent, dropped
    repair_next INTEGER NOT NULL DEFAULT 0,
    envelope_pass INTEGER NOT NULL DEFAULT 0,
    sent_ms INTEGER
  ) STRICT;
  CREATE INDEX payloads_by_state ON payloads (state);
  CREATE TABLE voids (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;
  CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    argument TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    answer TEXT
  ) STRICT;
  CREATE INDEX requests_open ON requests (answer) WHERE answer IS NULL;
  `,
  talliesMigration('@spool_file IS NOT NULL', LOW_FINISHED),
  `CREATE INDEX objects_to_dispose ON objects (tenant) WHERE state = 'sent' AND disposed = 0;`,
  // Receipts: what they tell beyond the state, and which are due. States that pass by themselves get some time to do so.
  `
  ALTER TABLE objects ADD COLUMN held_ms INTEGER;     -- since when it has been held, if it was taken before
  ALTER TABLE objects ADD COLUMN findings TEXT;       -- JSON, why the scan refused it
  ALTER TABLE objects ADD COLUMN original TEXT;       -- what became of the original, see originals.ts
  ALTER TABLE objects ADD COLUMN original_path TEXT;
  CREATE INDEX objects_by_day ON objects (tenant, seen_ms);
  ${OUTBOX_TABLE}
  CREATE TRIGGER held_since AFTER UPDATE OF state ON objects WHEN NEW.state = 'held' AND OLD.state <> 'held' BEGIN
    UPDATE objects SET held_ms = NEW.changed_ms WHERE transfer = NEW.transfer;
  END;
  CREATE TRIGGER receipt_of_new AFTER INSERT ON objects BEGIN
    ${noteDue('NEW.transfer', 'NEW.tenant', due('NEW'))}
  END;
  CREATE TRIGGER receipt_of_changed AFTER UPDATE OF state, code, original, transfer ON objects
    WHEN NEW.state IS NOT OLD.state OR NEW.code IS NOT OLD.code OR NEW.original IS NOT OLD.original
      OR NEW.transfer IS NOT OLD.transfer BEGIN
    ${noteDue('NEW.transfer', 'NEW.tenant', due('NEW'))}
  END;
  CREATE TRIGGER receipt_of_renamed AFTER UPDATE OF transfer ON objects WHEN NEW.transfer IS NOT OLD.transfer BEGIN
    ${noteDue('OLD.transfer', 'OLD.tenant', '0', GONE)}
  END;
  CREATE TRIGGER receipt_of_replaced AFTER DELETE ON objects WHEN OLD.state = 'held' BEGIN
    ${noteDue('OLD.transfer', 'OLD.tenant', '0', GONE)}
  END;
  `,
  `
  ${CONSIGNMENTS_TABLE}
  CREATE TRIGGER receipt_of_forgotten AFTER DELETE ON objects
    WHEN OLD.consignment IN (SELECT id FROM consignments WHERE state = 'taking') BEGIN
    ${noteDue('OLD.transfer', 'OLD.tenant', '0', GONE)}
  END;
  `,
  ADD_WHO,
  SUMMARIES_TABLE,
  keptBytesMigration('refused'),
  CONSIGNMENT_RECEIPTS,
  // Asked for every object that is taken: what was held under its name before?
  `CREATE INDEX objects_held ON objects (tenant, raw_path) WHERE state = 'held' AND spool_file IS NULL;`,
  PAYLOADS_OF_CONSIGNMENTS,
  DEAD_LETTERS_TABLE,
  CONSIGNMENT_ORIGINALS,
  DEAD_LETTER_RECEIPTS,
] as const;

/** Milliseconds that an object may stay in a passing state before a receipt says so. */
function due(row: string): string {
  return `CASE WHEN ${row}.state IN ('taken', 'sealed', 'sending') THEN ${row}.changed_ms + 2000 ELSE 0 END`;
}

export interface TakenObject {
  transfer: TransferId;
  tenant: string;
  path: string;
  rawPath: Uint8Array;
  fingerprint: string;
  sizeBytes: number;
  mtimeNs: bigint;
  sha256: string;
  blockDigests: Uint8Array;
  spoolFile: string;
  spoolOffset: number;
  /** Id of the consignment it is a member of. */
  consignment?: string | null;
}

/** What is known of one; its block digests may be many and are asked for by themselves. */
export interface LowObject extends Omit<TakenObject, 'blockDigests'> {
  consignment: string | null;
  state: LowState;
  code: string | null;
  detail: string | null;
  verdict: Verdict | null;
  payload: ObjectId | null;
  payloadOffset: number;
  sequence: number | null;
}

/** An object with what only its receipt tells. Times are wall clock, milliseconds. */
export interface ReceiptSource {
  object: LowObject;
  seenMs: number;
  /** Since when it has been in its state. */
  sinceMs: number;
  findings: Finding[];
  original: OriginalOutcome | null;
  originalPath: string;
  sentMs: number | null;
  /** When it was sent the last time, of what is being sent again. */
  sentBeforeMs: number | null;
  /** How its payload is coded; null before it is sealed. */
  payload: { lengthBytes: number; symbolBytes: number; blockSymbols: number } | null;
}

export interface Payload {
  object: ObjectId;
  tenant: string;
  coding: Coding;
  envelope: ObjectId | null;
  state: 'sealing' | 'sealed' | 'sent' | 'dropped';
  repairNext: number;
  envelopePass: number;
  /** All its frames have left at least once. */
  wasSent: boolean;
}

const OF_OBJECT = [
  ...['transfer', 'tenant', 'path', 'fingerprint', 'size', 'mtime_ns', 'sha256', 'spool_file', 'spool_offset'],
  ...['state', 'code', 'detail', 'verdict', 'payload', 'payload_offset', 'sequence', 'consignment'],
];
export const STATE_COLUMNS = new Columns(['transfer', 'state']);
/** What `objectOf` needs. */
export const OBJECT_COLUMNS = new Columns(OF_OBJECT, ['raw_path']);
/** What is told of an object whenever it changes: five times on its way, so no more of it is read than that. */
export type ObjectTold = Pick<
  LowObject,
  'transfer' | 'sequence' | 'tenant' | 'path' | 'rawPath' | 'sizeBytes' | 'state' | 'code' | 'detail' | 'consignment'
>;
export const TOLD_COLUMNS = new Columns(
  ['transfer', 'sequence', 'tenant', 'path', 'size', 'state', 'code', 'detail', 'consignment'],
  ['raw_path'],
);
export function toldOf(row: Row): ObjectTold {
  return {
    transfer: row.transfer as string,
    sequence: row.sequence as number | null,
    tenant: row.tenant as string,
    path: row.path as string,
    rawPath: row.raw_path as Uint8Array,
    sizeBytes: row.size as number,
    state: row.state as LowState,
    code: row.code as string | null,
    detail: row.detail as string | null,
    consignment: row.consignment as string | null,
  };
}
/** What `receiptSourceOf` needs. */
export const RECEIPT_COLUMNS = new Columns(
  [
    ...OF_OBJECT,
    ...['held_ms', 'seen_ms', 'changed_ms', 'findings', 'original', 'original_path'],
    ...['p_sent_ms', 'p_length', 'p_symbol_bytes', 'p_block_symbols'],
  ],
  ['raw_path'],
);

export function objectOf(row: Row): LowObject {
  return {
    transfer: row.transfer as string,
    tenant: row.tenant as string,
    path: row.path as string,
    rawPath: row.raw_path as Uint8Array,
    fingerprint: row.fingerprint as string,
    sizeBytes: row.size as number,
    mtimeNs: BigInt(row.mtime_ns as string),
    sha256: (row.sha256 as string | null) ?? '',
    spoolFile: (row.spool_file as string | null) ?? '',
    spoolOffset: (row.spool_offset as number | null) ?? 0,
    state: row.state as LowState,
    code: row.code as string | null,
    detail: row.detail as string | null,
    verdict: row.verdict === null ? null : (JSON.parse(row.verdict as string) as Verdict),
    payload: row.payload as string | null,
    payloadOffset: (row.payload_offset as number | null) ?? 0,
    sequence: row.sequence as number | null,
    consignment: row.consignment as string | null,
  };
}

/** Of a row of objects, with the columns of its payload as p_... */
export function receiptSourceOf(row: Row): ReceiptSource {
  const object = objectOf(row);
  const heldMs = object.state === 'held' ? ((row.held_ms ?? row.seen_ms) as number) : null;
  const sentMs = object.state === 'sent' ? (row.p_sent_ms as number | null) : null;
  return {
    object,
    seenMs: row.seen_ms as number,
    sinceMs: heldMs ?? sentMs ?? (row.changed_ms as number),
    findings: row.findings === null ? [] : (JSON.parse(row.findings as string) as Finding[]),
    original: row.original as OriginalOutcome | null,
    originalPath: (row.original_path as string | null) ?? '',
    sentMs,
    sentBeforeMs: object.state === 'sent' ? null : (row.p_sent_ms as number | null),
    payload:
      row.p_length === null
        ? null
        : {
            lengthBytes: row.p_length as number,
            symbolBytes: row.p_symbol_bytes as number,
            blockSymbols: row.p_block_symbols as number,
          },
  };
}

export function payloadOf(row: Row): Payload {
  return {
    object: row.object as string,
    tenant: row.tenant as string,
    coding: {
      object: row.object as string,
      lengthBytes: row.length as number,
      symbolBytes: row.symbol_bytes as number,
      blockSymbols: row.block_symbols as number,
      blockDigests: row.block_digests as Uint8Array,
    },
    envelope: row.envelope as string | null,
    state: row.state as Payload['state'],
    repairNext: row.repair_next as number,
    envelopePass: row.envelope_pass as number,
    wasSent: row.sent_ms !== null,
  };
}
