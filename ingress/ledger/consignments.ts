/**
 * Consignments in the low side's ledger: folders that travel as a whole or not at all, and how far each has come.
 *
 *   taking --all members taken--> taken --all passed--> sealing --all payloads sent--> sent
 *      \------- one refused --------> refused
 *
 * Members are rows of objects. What one of them may do depends on all, so it is asked here.
 */
import { randomBytes } from 'node:crypto';
import type { ErrorCode } from '../../shared/core/errors.js';
import type { LedgerFile, Row } from '../../shared/ops/ledger/ledgerFile.js';
import type { OriginalOutcome } from '../../shared/ops/receipts/facts.js';
import { CONSIGNMENT_MARK, noteDue } from '../../shared/ops/receipts/outbox.js';
import type { Consignment, ObjectId, TransferId } from '../../shared/wire/statements.js';

export type LowConsignmentState = 'taking' | 'taken' | 'refused' | 'sealing' | 'sent';

export interface LowConsignment {
  /** 32 hexadecimal digits. Sealed anew it is another one, as a transfer is. */
  id: string;
  tenant: string;
  /** Path of the folder below the share. */
  root: string;
  /** Members, and bytes of all of them; 0 while they are being taken. */
  objects: number;
  sizeBytes: number;
  state: LowConsignmentState;
  /** Why its members are refused. */
  code: ErrorCode | null;
  detail: string | null;
  /** Sequence number of its first member, once it is sealed. */
  firstSequence: number | null;
}

export interface ConsignmentReceiptSource {
  consignment: LowConsignment;
  seenMs: number;
  changedMs: number;
  sentMs: number | null;
  payloads: { lengthBytes: number; symbolBytes: number; blockSymbols: number }[];
  /** Bytes of members were taken. */
  isTaken: boolean;
  /** A member that was refused for its own sake. */
  culprit: { rawPath: Uint8Array; code: string; detail: string } | undefined;
  /** What became of its members' originals, by outcome; `path` is one of those that were moved. */
  originals: { outcome: OriginalOutcome; objects: number; path: string }[];
}

export const CONSIGNMENTS_TABLE = `
  ALTER TABLE objects ADD COLUMN consignment TEXT;
  CREATE INDEX objects_by_consignment ON objects (consignment) WHERE consignment IS NOT NULL;
  CREATE INDEX members_not_passed ON objects (consignment) WHERE consignment IS NOT NULL AND verdict IS NULL;
  CREATE INDEX members_refused ON objects (consignment) WHERE consignment IS NOT NULL AND state = 'refused';
  CREATE TABLE consignments (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    root TEXT NOT NULL,
    objects INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,           -- taking, taken, refused, sealing, sent
    code TEXT,
    detail TEXT,
    first_sequence INTEGER,
    changed_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX consignments_open ON consignments (state) WHERE state <> 'sent';
`;

/** Notes which receipts of consignments are due, beside the members' own. Part of a migration: never edit it. */
export const CONSIGNMENT_RECEIPTS = `
  CREATE TRIGGER receipt_of_consignment AFTER UPDATE OF state ON consignments
    WHEN NEW.state IS NOT OLD.state AND NEW.state <> 'taking' BEGIN
    ${noteDue(`'${CONSIGNMENT_MARK}' || NEW.id`, 'NEW.tenant', `CASE WHEN NEW.state IN ('taken', 'sealing') THEN NEW.changed_ms + 2000 ELSE 0 END`)}
  END;
  CREATE TRIGGER receipt_of_consignment_again AFTER UPDATE OF id ON consignments WHEN NEW.id IS NOT OLD.id BEGIN
    ${noteDue(
      `'${CONSIGNMENT_MARK}' || OLD.id`,
      'OLD.tenant',
      '0',
      `json_object('name', OLD.root, 'consignment', json('true'),
         'seenMs', (SELECT min(seen_ms) FROM objects WHERE consignment = OLD.id))`,
    )}
  END;
`;

/** Lets payloads say whose they are: ten thousand of one consignment are asked after at each of them. */
export const PAYLOADS_OF_CONSIGNMENTS = `
  ALTER TABLE payloads ADD COLUMN consignment TEXT;
  UPDATE payloads SET consignment =
    (SELECT consignment FROM objects WHERE payload = payloads.object AND consignment IS NOT NULL LIMIT 1)
    WHERE state <> 'dropped';
  CREATE INDEX payloads_of_consignments ON payloads (consignment, state) WHERE consignment IS NOT NULL;
`;

export const HAS_PAYLOAD = 'SELECT 1 FROM payloads WHERE consignment = ? AND state = ? LIMIT 1';

/** The receipt of a consignment tells where its originals went. Part of a migration: never edit it. */
export const CONSIGNMENT_ORIGINALS = `
  CREATE TRIGGER receipt_of_consignment_originals AFTER UPDATE OF original ON objects
    WHEN NEW.consignment IS NOT NULL AND NEW.original IS NOT OLD.original BEGIN
    ${noteDue(`'${CONSIGNMENT_MARK}' || NEW.consignment`, 'NEW.tenant', '0')}
  END;
`;

/** Members whose consignment is still on its way: their originals and snapshots are needed until it is not. */
export const OF_UNSENT = `consignment IN (SELECT id FROM consignments WHERE state <> 'sent')`;

export class ConsignmentLedger {
  constructor(
    private readonly file: LedgerFile,
    private readonly now: () => number,
  ) {}

  get(id: string): LowConsignment | undefined {
    const row = this.file.get('SELECT * FROM consignments WHERE id = ?', id);
    return row && consignmentOf(row);
  }

  /** What its receipt says beside that: times in milliseconds, how its payloads are coded, who is to blame. */
  receiptSource(id: string): ConsignmentReceiptSource | undefined {
    const row = this.file.get(
      `SELECT changed_ms, (SELECT min(seen_ms) FROM objects WHERE consignment = id) AS seen_ms,
         EXISTS (SELECT 1 FROM objects WHERE consignment = consignments.id AND sha256 <> '') AS is_taken,
         (SELECT max(sent_ms) FROM payloads WHERE payloads.consignment = consignments.id) AS sent_ms FROM consignments WHERE id = ?`,
      id,
    );
    const consignment = this.get(id);
    // Of members that are not (yet, any more) in the ledger there is nothing to say.
    if (!row || !consignment || row.seen_ms === null) return undefined;
    const payloads = this.file.all(
      'SELECT length, symbol_bytes, block_symbols FROM payloads WHERE consignment = ?',
      id,
    );
    const culprit = this.file.get(
      `SELECT raw_path, code, detail FROM objects WHERE consignment = ? AND state = 'refused'
         AND code <> 'CONSIGNMENT_REFUSED' LIMIT 1`,
      id,
    );
    const originals = this.file.all(
      `SELECT original AS outcome, count(*) AS objects, coalesce(min(original_path), '') AS path FROM objects
         WHERE consignment = ? AND original IS NOT NULL GROUP BY original ORDER BY original`,
      id,
    );
    return {
      // One that was refused before all of it was taken was never counted.
      consignment: consignment.objects === 0 ? { ...consignment, ...this.counted(id) } : consignment,
      originals: originals as never,
      seenMs: row.seen_ms as number,
      changedMs: row.changed_ms as number,
      sentMs: consignment.state === 'sent' ? (row.sent_ms as number | null) : null,
      payloads: payloads.map((payload) => ({
        lengthBytes: payload.length as number,
        symbolBytes: payload.symbol_bytes as number,
        blockSymbols: payload.block_symbols as number,
      })),
      isTaken: row.is_taken === 1,
      culprit: culprit && {
        rawPath: culprit.raw_path as Uint8Array,
        code: culprit.code as string,
        detail: (culprit.detail as string | null) ?? '',
      },
    };
  }

  /** The only one whose id begins with these hexadecimal digits, eight at least. */
  beginning(digits: string): LowConsignment | undefined {
    if (!/^[0-9a-f]{8,32}$/.test(digits)) return undefined;
    const rows = this.file.all('SELECT * FROM consignments WHERE id >= ? AND id < ? LIMIT 2', digits, `${digits}g`);
    return rows.length === 1 ? consignmentOf(rows[0]!) : undefined;
  }

  /** What envelopes of its members say about it. */
  signed(id: string): Consignment | undefined {
    const known = this.get(id);
    if (known?.firstSequence === null || known?.firstSequence === undefined) return undefined;
    const { firstSequence, objects, sizeBytes, root } = known;
    return { id, firstSequence, objects, sizeBytes, root: Buffer.from(root) };
  }

  /** Those that are neither sent nor wholly refused. */
  open(): LowConsignment[] {
    return this.file
      .all(
        `SELECT * FROM consignments WHERE state <> 'sent' AND (state <> 'refused' OR EXISTS
           (SELECT 1 FROM objects WHERE consignment = id AND state <> 'refused')) ORDER BY rowid`,
      )
      .map(consignmentOf);
  }

  // ------------------------------------------------------------ taking

  /** A member was met. */
  begin(id: string, tenant: string, root: string): void {
    this.file.run(
      `INSERT OR IGNORE INTO consignments (id, tenant, root, state, changed_ms) VALUES (?, ?, ?, 'taking', ?)`,
      id,
      tenant,
      root,
      this.now(),
    );
  }

  /** All members have been taken. */
  taken(id: string, objects: number, sizeBytes: number): void {
    this.file.run('UPDATE consignments SET objects = ?, size = ? WHERE id = ?', objects, sizeBytes, id);
    this.file.run(
      `UPDATE consignments SET state = 'taken', changed_ms = ? WHERE id = ? AND state = 'taking'`,
      this.now(),
      id,
    );
  }

  /**
   * Forgets the members of consignments that were not taken to their end: the intake process of these tenants has been
   * started again, and takes the whole folder anew. Those of others are still being taken.
   */
  forgetHalfTaken(serves: (tenant: string) => boolean): void {
    this.file.transaction(() => {
      const half = this.file.all(`SELECT id, tenant FROM consignments WHERE state = 'taking'`);
      for (const { id, tenant } of half) {
        if (!serves(tenant as string)) continue;
        this.file.run('DELETE FROM objects WHERE consignment = ?', id as string);
        this.file.run('DELETE FROM consignments WHERE id = ?', id as string);
      }
    });
  }

  // ------------------------------------------------------------ members

  members(id: string, state?: string): TransferId[] {
    const which = state === undefined ? '' : ` AND state = '${state}'`;
    return this.file
      .all(`SELECT transfer FROM objects WHERE consignment = ?${which} ORDER BY rowid`, id)
      .map((row) => row.transfer as TransferId);
  }

  /** How many there are in the ledger, and their bytes. */
  counted(id: string): { objects: number; sizeBytes: number } {
    const row = this.file.get('SELECT count(*) AS n, total(size) AS bytes FROM objects WHERE consignment = ?', id)!;
    return { objects: row.n as number, sizeBytes: row.bytes as number };
  }

  /** A member that was refused for its own sake, undefined when there is none. */
  culprit(id: string): { path: string; code: string } | undefined {
    const row = this.file.get(
      `SELECT path, code FROM objects WHERE consignment = ? AND state = 'refused' AND consignment IS NOT NULL
         AND code <> 'CONSIGNMENT_REFUSED' LIMIT 1`,
      id,
    );
    return row as { path: string; code: string } | undefined;
  }

  allPassed(id: string): boolean {
    return !this.file.get('SELECT 1 FROM objects WHERE consignment = ? AND verdict IS NULL LIMIT 1', id);
  }

  // ------------------------------------------------------------ decisions

  refuse(id: string, code: ErrorCode, detail: string): void {
    this.file.run(
      `UPDATE consignments SET state = 'refused', code = ?, detail = ?, changed_ms = ? WHERE id = ?`,
      code,
      detail,
      this.now(),
      id,
    );
  }

  /** Refuses those of a tenant of which nothing is sealed. */
  giveUp(tenant: string, code: ErrorCode, detail: string): void {
    this.file.run(
      `UPDATE consignments SET state = 'refused', code = ?, detail = ?, changed_ms = ? WHERE tenant = ? AND
         (state IN ('taking', 'taken') OR state = 'sealing' AND id NOT IN
           (SELECT consignment FROM payloads WHERE consignment IS NOT NULL))`,
      code,
      detail,
      this.now(),
      tenant,
    );
  }

  /** From now on its members may be sealed. */
  approve(id: string): void {
    this.file.run(`UPDATE consignments SET state = 'sealing', changed_ms = ? WHERE id = ?`, this.now(), id);
  }

  setFirstSequence(id: string, sequence: number): void {
    this.file.run('UPDATE consignments SET first_sequence = ? WHERE id = ?', sequence, id);
  }

  // ------------------------------------------------------------ payloads

  payloads(id: string): { object: ObjectId; state: string }[] {
    return this.file.all('SELECT object, state FROM payloads WHERE consignment = ? ORDER BY rowid', id) as never;
  }

  /** Nothing of it is sent before all of it is sealed: what the sealer refuses could not be called back. */
  isSealed(id: string): boolean {
    return this.hasPayload(id, ['sealed', 'sent']) && !this.hasPayload(id, ['sealing']);
  }

  /** To be called when a payload has been sent. True once: with the last one. */
  sent(id: string): boolean {
    if (this.hasPayload(id, ['sealing', 'sealed'])) return false;
    const sql = `UPDATE consignments SET state = 'sent', changed_ms = ? WHERE id = ? AND state = 'sealing'`;
    return this.file.run(sql, this.now(), id) > 0;
  }

  /** Asked at every payload: it must not grow with how many there are. */
  private hasPayload(id: string, states: readonly ('sealing' | 'sealed' | 'sent')[]): boolean {
    return states.some((state) => this.file.get(HAS_PAYLOAD, id, state) !== undefined);
  }

  /** Its payloads have been given up, all of them: it is sealed again under another id, for this one may be known. */
  again(id: string): void {
    const fresh = randomBytes(16).toString('hex');
    this.file.run(
      `UPDATE consignments SET id = ?, state = 'taken', first_sequence = NULL, changed_ms = ? WHERE id = ?`,
      fresh,
      this.now(),
      id,
    );
    this.file.run('UPDATE objects SET consignment = ? WHERE consignment = ?', fresh, id);
  }
}

function consignmentOf(row: Row): LowConsignment {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    root: row.root as string,
    objects: row.objects as number,
    sizeBytes: row.size as number,
    state: row.state as LowConsignmentState,
    code: row.code as ErrorCode | null,
    detail: row.detail as string | null,
    firstSequence: row.first_sequence as number | null,
  };
}
