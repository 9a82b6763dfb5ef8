/** The tables of the low side's ledger, and what their rows mean. */
import type { Row } from '../shared/ops/ledgerFile.js';
import { talliesMigration } from '../shared/ops/tallies.js';
import type { Coding, ObjectId, TransferId } from '../shared/wire/statements.js';
import type { Verdict } from '../shared/wire/verdict.js';

export type LowState = 'held' | 'refused' | 'taken' | 'sealed' | 'sending' | 'sent';

/** States in which nothing waits any more. */
export const LOW_FINISHED: readonly LowState[] = ['sent', 'refused'];

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
] as const;

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
}

export interface LowObject extends TakenObject {
  state: LowState;
  code: string | null;
  detail: string | null;
  verdict: Verdict | null;
  payload: ObjectId | null;
  payloadOffset: number;
  sequence: number | null;
}

export interface Payload {
  object: ObjectId;
  tenant: string;
  coding: Coding;
  envelope: ObjectId | null;
  state: 'sealing' | 'sealed' | 'sent' | 'dropped';
  repairNext: number;
  envelopePass: number;
}

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
    blockDigests: (row.block_digests as Uint8Array | null) ?? new Uint8Array(0),
    spoolFile: (row.spool_file as string | null) ?? '',
    spoolOffset: (row.spool_offset as number | null) ?? 0,
    state: row.state as LowState,
    code: row.code as string | null,
    detail: row.detail as string | null,
    verdict: row.verdict === null ? null : (JSON.parse(row.verdict as string) as Verdict),
    payload: row.payload as string | null,
    payloadOffset: (row.payload_offset as number | null) ?? 0,
    sequence: row.sequence as number | null,
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
  };
}
