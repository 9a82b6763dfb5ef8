/**
 * The high side's ledger: every payload and object that was announced, what has become of it, and which sequence
 * numbers of the low side's history have been accounted for.
 *
 *   payload  assembling --all blocks--> assembled --all objects decided--> closed
 *                 \--> incomplete --resend--> assembled
 *   object   assembling --> verifying --> released | quarantined;  assembling <--> incomplete
 */

import { LIMITS } from '../../shared/core/limits.js';
import { Tallies, talliesMigration } from '../../shared/ops/health/tallies.js';
import { GroupCommit } from '../../shared/ops/ledger/groupCommit.js';
import { KeptBytes, keptBytesMigration } from '../../shared/ops/ledger/keptBytes.js';
import { Columns, LedgerFile, type Row } from '../../shared/ops/ledger/ledgerFile.js';
import { OperatorState } from '../../shared/ops/ledger/operatorState.js';
import { DEAD_LETTERS_TABLE, DeadLetters } from '../../shared/ops/operators/deadLetters.js';
import { PausedSince } from '../../shared/ops/operators/pausedSince.js';
import { ADD_WHO, REQUESTS_TABLE, Requests } from '../../shared/ops/operators/requests.js';
import { type Needing, needingOf } from '../../shared/ops/receipts/needing.js';
import {
  CONSIGNMENT_MARK,
  noteDue,
  OUTBOX_TABLE,
  ReceiptOutbox,
  SUMMARIES_TABLE,
} from '../../shared/ops/receipts/outbox.js';
import type { HighReceiptState } from '../../shared/ops/receipts/words/language.js';
import type { Coding, ObjectId, TransferId } from '../../shared/wire/statements.js';
import type { VerifiedManifests } from '../verify/messages.js';
import {
  CONSIGNMENT_COUNTS,
  CONSIGNMENT_RECEIPTS,
  CONSIGNMENTS_BY_NUMBER,
  CONSIGNMENTS_TABLE,
  ConsignmentLedger,
  FOLDERS_BUILT,
  IN_VAIN,
  TO_RELEASE,
} from './consignments.js';
import { EXPIRED_PAYLOADS, FINISHED_TABLE, FinishedLedger } from './finished.js';
import { GAP_COUNT, MissingLedger } from './missing.js';
import { WAITING_RECEIPTS, WAITS, WaitingLedger } from './waiting.js';

export type HighState = 'assembling' | 'verifying' | 'released' | 'quarantined' | 'incomplete';
export type PayloadState = 'assembling' | 'incomplete' | 'assembled' | 'closed';

/** States in which nothing waits any more. */
export const HIGH_FINISHED: readonly HighState[] = ['released', 'quarantined'];

const MIGRATIONS = [
  `
  CREATE TABLE payloads (
    object TEXT PRIMARY KEY,
    envelope TEXT NOT NULL,
    history TEXT NOT NULL,
    length INTEGER NOT NULL,
    symbol_bytes INTEGER NOT NULL,
    block_symbols INTEGER NOT NULL,
    block_digests BLOB NOT NULL,
    state TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX payloads_by_state ON payloads (state);
  CREATE TABLE objects (
    transfer TEXT PRIMARY KEY,
    payload TEXT NOT NULL,
    history TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    path TEXT NOT NULL,            -- safe to show
    parts TEXT NOT NULL,           -- JSON
    offset INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    type TEXT NOT NULL,
    label TEXT NOT NULL,
    submitter TEXT NOT NULL,
    key_id TEXT NOT NULL,
    reject_code TEXT,
    reject_detail TEXT,
    state TEXT NOT NULL,
    code TEXT,
    detail TEXT,
    published_as TEXT,
    seen_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX objects_by_payload ON objects (payload);
  CREATE INDEX objects_by_sequence ON objects (history, sequence);
  CREATE TABLE gaps (
    history TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    noticed_ms INTEGER NOT NULL,
    PRIMARY KEY (history, sequence)
  ) STRICT;
  CREATE TABLE histories (
    history TEXT PRIMARY KEY,
    accounted INTEGER NOT NULL,    -- every number up to here is known, void or noted as a gap
    last INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE sessions (session TEXT PRIMARY KEY, ended INTEGER NOT NULL, seen_ms INTEGER NOT NULL) STRICT;
  `,
  talliesMigration('0', HIGH_FINISHED),
  // Receipts: when it was sealed, and which are due. There is none of what is on its way.
  `
  ALTER TABLE payloads ADD COLUMN sealed_ms INTEGER;
  CREATE INDEX objects_by_day ON objects (tenant, seen_ms);
  ${OUTBOX_TABLE}
  CREATE TRIGGER receipt_of_changed AFTER UPDATE OF state, code, published_as ON objects
    WHEN NEW.state IN ('released', 'quarantined', 'incomplete')
      AND (NEW.state IS NOT OLD.state OR NEW.code IS NOT OLD.code OR NEW.published_as IS NOT OLD.published_as) BEGIN
    ${noteDue('NEW.transfer', 'NEW.tenant', '0')}
  END;
  `,
  REQUESTS_TABLE + ADD_WHO,
  SUMMARIES_TABLE,
  CONSIGNMENTS_TABLE,
  // When what had arrived of an incomplete payload was removed for its age.
  `${keptBytesMigration('quarantined')} ALTER TABLE payloads ADD COLUMN bytes_gone_ms INTEGER;`,
  CONSIGNMENT_RECEIPTS,
  FINISHED_TABLE,
  CONSIGNMENTS_BY_NUMBER,
  DEAD_LETTERS_TABLE,
  GAP_COUNT,
  CONSIGNMENT_COUNTS,
  EXPIRED_PAYLOADS,
  FOLDERS_BUILT,
  WAITING_RECEIPTS,
] as const;

export interface HighObject {
  transfer: TransferId;
  payload: ObjectId;
  history: string;
  sequence: number;
  tenant: string;
  path: string;
  parts: string[];
  offset: number;
  sizeBytes: number;
  mtimeNs: bigint;
  sha256: string;
  reject: { code: string; detail: string } | null;
  state: HighState;
  code: string | null;
  detail: string | null;
  publishedAs: string | null;
}

/** An object with what only its receipt tells. Times are wall clock, milliseconds. */
export interface ReceiptSource {
  object: HighObject;
  seenMs: number;
  /** Since when it has been in its state. */
  sinceMs: number;
  label: string;
  keyId: string;
  sealedMs: number | null;
  /** Of a consignment. */
  isMember: boolean;
}

export interface HighPayload {
  object: ObjectId;
  envelope: ObjectId;
  history: string;
  coding: Coding;
  state: PayloadState;
  /** Id of the consignment that its objects are members of. */
  consignment: string | null;
  /** Wall clock, milliseconds. */
  changedMs: number;
  /** What had arrived of it was removed for its age; it may come again. */
  isExpired: boolean;
}

/** What an envelope turned out to be. */
export type Admission = 'new' | 'known' | 'over' | 'conflict' | 'consignmentConflict';

/** Pages of 4 KiB given back at once: some milliseconds. */
const SHRINK_PAGES = 500;

export class HighLedger {
  private readonly file: LedgerFile;
  readonly tallies: Tallies;
  readonly keptBytes: KeptBytes;
  readonly finished: FinishedLedger;
  readonly missing: MissingLedger;
  readonly receipts: ReceiptOutbox;
  readonly consignments: ConsignmentLedger;
  readonly requests: Requests;
  readonly deadLetters: DeadLetters;
  readonly operator: OperatorState;
  readonly pausedSince: PausedSince;
  readonly waiting: WaitingLedger;

  constructor(
    path: string,
    private readonly now: () => number,
  ) {
    this.file = new LedgerFile(path, 'high', MIGRATIONS);
    this.keptBytes = new KeptBytes(this.file, 'quarantined');
    this.tallies = new Tallies(this.file, HIGH_FINISHED);
    this.finished = new FinishedLedger(this.file);
    this.missing = new MissingLedger(this.file);
    this.receipts = new ReceiptOutbox(this.file);
    this.consignments = new ConsignmentLedger(this.file, now);
    this.requests = new Requests(this.file, now);
    this.deadLetters = new DeadLetters(this.file);
    this.operator = new OperatorState(this.file);
    this.pausedSince = new PausedSince(this.file);
    this.waiting = new WaitingLedger(this.file, now);
  }

  /** Small writes of many jobs at once, made durable together. */
  readonly commits = new GroupCommit((work) => this.transaction(work));

  transaction<T>(work: () => T): T {
    return this.file.transaction(work);
  }
  /** Gives room that removed rows have left back to the system, a little. */
  shrink(): void {
    this.file.shrink(SHRINK_PAGES);
  }
  close(): void {
    this.file.close();
  }

  /** Stages that an operator has paused (shared/ops/operators/pauses.ts). */
  pausedStages(): string[] {
    return JSON.parse(this.file.meta('paused') ?? '[]') as string[];
  }
  rememberPaused(stages: string[]): void {
    this.transaction(() => {
      this.file.setMeta('paused', JSON.stringify(stages));
      if (this.pausedSince.remember(stages, this.now()).includes('release')) this.waiting.tellPause();
    });
  }

  // ------------------------------------------------------------ payloads

  /**
   * Records a verified envelope. A second one for the same payload, transfer or sequence number is `known` when it is the
   * very same, else a `conflict`: then nothing is recorded (FAULTS 17). Nor is it when the consignment is not what the
   * first envelope of it said. `over`: it was finished so long ago that nothing but its numbers is known any more.
   */
  admit(envelope: ObjectId, manifests: VerifiedManifests): Admission {
    return this.transaction(() => {
      const { coding, history, objects, consignment } = manifests;
      const earlier = this.payload(coding.object);
      if (earlier) return earlier.envelope === envelope ? 'known' : 'conflict';
      const over = this.finished.count(
        history,
        objects.map(({ sequence }) => sequence),
      );
      if (over > 0) return over === objects.length ? 'over' : 'conflict';
      if (this.isTaken(history, objects)) return 'conflict';
      if (consignment && !this.consignments.admit(history, consignment, objects)) return 'consignmentConflict';
      this.file.run(
        `INSERT INTO payloads (object, envelope, history, length, symbol_bytes, block_symbols, block_digests, state,
           changed_ms, sealed_ms, consignment) VALUES (?, ?, ?, ?, ?, ?, ?, 'assembling', ?, ?, ?)`,
        coding.object,
        envelope,
        history,
        coding.lengthBytes,
        coding.symbolBytes,
        coding.blockSymbols,
        coding.blockDigests,
        this.now(),
        manifests.sealedMs,
        consignment?.id ?? null,
      );
      for (const object of objects) {
        this.file.run(
          `INSERT INTO objects (transfer, payload, history, sequence, tenant, path, parts, offset, size, mtime_ns, sha256,
             type, label, submitter, key_id, reject_code, reject_detail, state, seen_ms, changed_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'assembling', ?, ?)`,
          object.transfer,
          coding.object,
          history,
          object.sequence,
          object.tenant,
          object.path,
          JSON.stringify(object.parts),
          object.offset,
          object.sizeBytes,
          object.mtimeNs.toString(),
          object.sha256,
          object.type,
          object.label,
          object.submitter,
          object.keyId,
          object.reject?.code ?? null,
          object.reject?.detail ?? null,
          this.now(),
          this.now(),
        );
      }
      this.file.run(
        'DELETE FROM gaps WHERE history = ? AND sequence IN (SELECT value FROM json_each(?))',
        history,
        JSON.stringify(objects.map(({ sequence }) => sequence)),
      );
      return 'new';
    });
  }

  /** Whether any of these transfers or sequence numbers is known already. */
  private isTaken(history: string, objects: VerifiedManifests['objects']): boolean {
    const row = this.file.get(
      `SELECT 1 FROM json_each(?) AS said
         WHERE EXISTS (SELECT 1 FROM objects WHERE transfer = said.value ->> 0)
           OR EXISTS (SELECT 1 FROM objects WHERE history = ? AND sequence = said.value ->> 1) LIMIT 1`,
      JSON.stringify(objects.map(({ transfer, sequence }) => [transfer, sequence])),
      history,
    );
    return row !== undefined;
  }

  payload(object: ObjectId): HighPayload | undefined {
    const row = this.file.get('SELECT * FROM payloads WHERE object = ?', object);
    return row && payloadOf(row);
  }

  payloadsIn(state: PayloadState): HighPayload[] {
    return this.file.all('SELECT * FROM payloads WHERE state = ? ORDER BY rowid', state).map(payloadOf);
  }

  /** Assembled payloads that can go on; those of an incomplete consignment wait until another one of it is assembled. */
  payloadsToRelease(): ObjectId[] {
    return this.file
      .all(`SELECT object FROM payloads WHERE ${TO_RELEASE} ORDER BY rowid`)
      .map((row) => row.object as ObjectId);
  }

  /** Incomplete since before a time, they or their consignment, and not removed yet; the oldest first. */
  incompleteBefore(ms: number): HighPayload[] {
    return this.file
      .all(
        `SELECT * FROM payloads WHERE (state = 'incomplete' OR ${IN_VAIN}) AND bytes_gone_ms IS NULL AND changed_ms <= ?
           ORDER BY changed_ms`,
        ms,
      )
      .map(payloadOf);
  }

  setExpired(object: ObjectId, isExpired: boolean): void {
    this.file.run('UPDATE payloads SET bytes_gone_ms = ? WHERE object = ?', isExpired ? this.now() : null, object);
  }

  /** A payload and those of its objects that are not decided yet move on together. */
  setPayload(object: ObjectId, state: PayloadState, objects: HighState, code?: string): void {
    this.transaction(() => {
      this.file.run('UPDATE payloads SET state = ?, changed_ms = ? WHERE object = ?', state, this.now(), object);
      this.file.run(
        `UPDATE objects SET state = ?, code = ?, changed_ms = ? WHERE payload = ? AND state NOT IN ('released', 'quarantined')`,
        objects,
        code ?? null,
        this.now(),
        object,
      );
    });
  }

  /**
   * Decides that nothing of a tenant is released: its objects are rejected, its consignments quarantined.
   * @returns payloads that are there, those that are not, and how many objects of theirs were not decided before
   */
  giveUp(
    tenant: string,
    why: { code: string; detail: string },
  ): { assembled: ObjectId[]; open: HighPayload[]; objects: number } {
    const payloads = this.file
      .all(
        `SELECT * FROM payloads WHERE state <> 'closed' AND
           (SELECT tenant FROM objects WHERE payload = payloads.object LIMIT 1) = ? ORDER BY rowid`,
        tenant,
      )
      .map(payloadOf);
    let objects = 0;
    for (const { object, consignment } of payloads) {
      objects += this.file.run(
        `UPDATE objects SET reject_code = coalesce(reject_code, ?), reject_detail = coalesce(reject_detail, ?)
           WHERE payload = ? AND state NOT IN ('released', 'quarantined')`,
        why.code,
        why.detail,
        object,
      );
      if (consignment) this.consignments.setQuarantined(consignment, why);
    }
    const isThere = ({ state }: HighPayload) => state === 'assembled';
    return {
      assembled: payloads.filter(isThere).map(({ object }) => object),
      open: payloads.filter((payload) => !isThere(payload)),
      objects,
    };
  }

  /** An object turned out not to be what it should be. */
  reject(transfer: TransferId, { code, detail }: { code: string; detail: string }): void {
    this.file.run('UPDATE objects SET reject_code = ?, reject_detail = ? WHERE transfer = ?', code, detail, transfer);
  }

  closePayload(object: ObjectId): void {
    this.file.run(`UPDATE payloads SET state = 'closed', changed_ms = ? WHERE object = ?`, this.now(), object);
  }

  /** Bytes of payloads that are on their way or waiting to be released. */
  openBytes(): number {
    return this.file.get(`SELECT total(length) AS n FROM payloads WHERE state <> 'closed'`)!.n as number;
  }

  // ------------------------------------------------------------ objects

  objectsOfPayload(payload: ObjectId): HighObject[] {
    return this.file
      .gather(OBJECT_COLUMNS, 'SELECT * FROM objects WHERE payload = ? ORDER BY offset, sequence', payload)
      .map(objectOf);
  }

  /** What a receipt says of an object; undefined when there is no such object. */
  receiptSource(transfer: TransferId): ReceiptSource | undefined {
    const [row] = this.file.gather(
      RECEIPT_COLUMNS,
      `SELECT objects.*, payloads.sealed_ms, payloads.consignment FROM objects JOIN payloads ON payloads.object = objects.payload
         WHERE transfer = ?`,
      transfer,
    );
    return (
      row && {
        object: objectOf(row),
        seenMs: row.seen_ms as number,
        sinceMs: row.changed_ms as number,
        label: row.label as string,
        keyId: row.key_id as string,
        sealedMs: row.sealed_ms as number | null,
        isMember: row.consignment !== null,
      }
    );
  }

  /** How the objects of a tenant stand that were first met in a span of time. */
  dayCounts(
    tenant: string,
    fromMs: number,
    untilMs: number,
  ): { state: HighReceiptState; objects: number; bytes: number }[] {
    return this.file.all(
      `SELECT CASE WHEN ${WAITS} THEN 'waiting' ELSE state END AS state, count(*) AS objects, total(size) AS bytes
         FROM objects WHERE tenant = ?2 AND seen_ms >= ?3 AND seen_ms < ?4 GROUP BY 1 ORDER BY 1`,
      this.now() - LIMITS.waitingNamedAfterMs,
      tenant,
      fromMs,
      untilMs,
    ) as never;
  }

  /**
   * Incomplete ones of a tenant, those that wait for more than a few seconds, and those quarantined that were first met in
   * a span of time: how many there are, and the first so many, the newest in front. What has been incomplete for long
   * hides nothing of today. A consignment that is one of these stands for its members.
   */
  needingAttention(tenant: string, fromMs: number, untilMs: number, most: number): Needing {
    const single = `payload NOT IN (SELECT object FROM payloads WHERE consignment IN
      (SELECT id FROM consignments WHERE state IN ('incomplete', 'quarantined')))`;
    return needingOf(
      this.file,
      `SELECT '${CONSIGNMENT_MARK}' || id AS key, changed_ms FROM consignments WHERE tenant = ?2 AND (state = 'incomplete'
           OR state = 'whole' AND changed_ms <= ?1
           OR state = 'quarantined' AND EXISTS (SELECT 1 FROM objects JOIN payloads ON payloads.object = payload
             WHERE payloads.consignment = id AND seen_ms >= ?3 AND seen_ms < ?4)) UNION ALL
       SELECT transfer, changed_ms FROM objects
         WHERE tenant = ?2 AND state = 'incomplete' AND state NOT IN ('released', 'quarantined') AND ${single} UNION ALL
       SELECT transfer, changed_ms FROM objects
         WHERE tenant = ?2 AND state IN ('verifying', 'assembling') AND ${WAITS} AND state NOT IN ('released', 'quarantined')
           AND payload NOT IN (SELECT object FROM payloads WHERE consignment IS NOT NULL) UNION ALL
       SELECT transfer, changed_ms FROM objects
         WHERE tenant = ?2 AND state = 'quarantined' AND seen_ms >= ?3 AND seen_ms < ?4 AND ${single}`,
      [this.now() - LIMITS.waitingNamedAfterMs, tenant, fromMs, untilMs],
      most,
    );
  }

  /** Numbers that were found missing in a span of time, and are. */
  gapsNoticed(fromMs: number, untilMs: number, most: number): { count: number; first: number[] } {
    const span = 'FROM gaps WHERE noticed_ms >= ? AND noticed_ms < ?';
    const { n } = this.file.get(`SELECT count(*) AS n ${span}`, fromMs, untilMs) as { n: number };
    const rows = this.file.all(`SELECT sequence ${span} ORDER BY rowid LIMIT ?`, fromMs, untilMs, most);
    return { count: n, first: rows.map((row) => row.sequence as number) };
  }

  /** Objects in the order they were met, so many after a position. */
  page(after: number, most: number): { position: number; object: HighObject }[] {
    return this.file
      .all('SELECT rowid AS position, * FROM objects WHERE rowid > ? ORDER BY rowid LIMIT ?', after, most)
      .map((row) => ({ position: row.position as number, object: objectOf(row) }));
  }

  setReleased(transfer: TransferId, publishedAs: string): void {
    this.setAllReleased([{ transfer, publishedAs }]);
  }

  setAllReleased(released: readonly { transfer: TransferId; publishedAs: string }[]): void {
    if (released.length === 0) return;
    this.file.run(
      `UPDATE objects SET state = 'released', code = NULL, detail = NULL, published_as = said.value ->> 1, changed_ms = ?
         FROM json_each(?) AS said WHERE transfer = said.value ->> 0`,
      this.now(),
      JSON.stringify(released.map(({ transfer, publishedAs }) => [transfer, publishedAs])),
    );
  }

  setState(transfer: TransferId, state: HighState, code: string | null, detail: string | null): void {
    this.file.run(
      'UPDATE objects SET state = ?, code = ?, detail = ?, changed_ms = ? WHERE transfer = ?',
      state,
      code,
      detail,
      this.now(),
      transfer,
    );
  }

  counts(): Record<string, number> {
    return { ...this.tallies.counts(), unseen: this.gapCount() };
  }

  /** How many sequence numbers there are of which nothing ever came. */
  gapCount(): number {
    return this.missing.gapCount;
  }

  /** Sequence numbers of which nothing ever came, oldest first. */
  gaps(most: number): number[] {
    return this.file.all('SELECT sequence FROM gaps ORDER BY rowid LIMIT ?', most).map((row) => row.sequence as number);
  }

  // ------------------------------------------------------------ the low side's history

  /** Numbers up to here have been accounted for; 0 for a history never heard of. */
  accounted(history: string): number {
    return (this.file.get('SELECT accounted FROM histories WHERE history = ?', history)?.accounted as number) ?? 0;
  }

  /** Highest position of any history; there is one, unless the low side was set up anew. */
  sequencesAccounted(): number {
    return (this.file.get('SELECT max(accounted) AS n FROM histories')!.n as number | null) ?? 0;
  }

  isKnownHistory(history: string): boolean {
    return this.file.get('SELECT 1 FROM histories WHERE history = ?', history) !== undefined;
  }

  /** Payloads still on their way although the position has passed every object of theirs. */
  overdue(): HighPayload[] {
    return this.file
      .all(
        `SELECT payloads.* FROM payloads JOIN histories ON histories.history = payloads.history
           WHERE state = 'assembling' AND NOT EXISTS
             (SELECT 1 FROM objects WHERE objects.payload = payloads.object AND sequence > accounted)`,
      )
      .map(payloadOf);
  }

  /** Begins a history in its middle: what it says about earlier numbers is not asked. */
  beginHistory(history: string, accounted: number, last: number): void {
    this.file.run('INSERT OR IGNORE INTO histories VALUES (?, ?, ?)', history, accounted, last);
  }

  /**
   * Moves the position to `done` and answers the numbers up to it of which nothing is known: they are noted as gaps.
   * `isVoid` tells which ones were given up.
   */
  account(history: string, done: number, last: number, isVoid: (sequence: number) => boolean): number[] {
    return this.transaction(() => {
      const from = this.accounted(history);
      const known = new Set(
        this.file
          .all('SELECT sequence FROM objects WHERE history = ? AND sequence > ? AND sequence <= ?', history, from, done)
          .map((row) => row.sequence as number),
      );
      const gaps: number[] = [];
      for (let sequence = from + 1; sequence <= done; sequence++) {
        if (known.has(sequence) || isVoid(sequence)) continue;
        gaps.push(sequence);
        this.file.run('INSERT OR IGNORE INTO gaps VALUES (?, ?, ?)', history, sequence, this.now());
      }
      this.file.run(
        `INSERT INTO histories VALUES (?, ?, ?) ON CONFLICT (history) DO UPDATE SET
           accounted = max(accounted, excluded.accounted), last = max(last, excluded.last)`,
        history,
        done,
        last,
      );
      return gaps;
    });
  }

  /** Notes a link session that was heard of; answers the others that have not ended. */
  noteSession(session: string): string[] {
    if (!this.file.get('SELECT 1 FROM sessions WHERE session = ?', session)) {
      this.file.run('INSERT INTO sessions VALUES (?, 0, ?)', session, this.now());
    }
    return this.file
      .all('SELECT session FROM sessions WHERE ended = 0 AND session <> ? ORDER BY rowid', session)
      .map((row) => row.session as string);
  }

  endSession(session: string): void {
    this.file.run('UPDATE sessions SET ended = 1 WHERE session = ?', session);
  }

  hasEnded(session: string): boolean {
    return this.file.get('SELECT 1 FROM sessions WHERE session = ? AND ended = 1', session) !== undefined;
  }

  /** The most recent sessions that have ended. */
  endedSessions(most: number): string[] {
    return this.file
      .all('SELECT session FROM sessions WHERE ended = 1 ORDER BY seen_ms DESC LIMIT ?', most)
      .map((row) => row.session as string);
  }
}

const OF_OBJECT = [
  ...['transfer', 'payload', 'history', 'sequence', 'tenant', 'path', 'parts', 'offset', 'size', 'mtime_ns', 'sha256'],
  ...['reject_code', 'reject_detail', 'state', 'code', 'detail', 'published_as'],
];
/** What `objectOf` needs. */
const OBJECT_COLUMNS = new Columns(OF_OBJECT);
/** What `receiptSource` needs. */
const RECEIPT_COLUMNS = new Columns([
  ...OF_OBJECT,
  ...['seen_ms', 'changed_ms', 'label', 'key_id', 'sealed_ms', 'consignment'],
]);

function objectOf(row: Row): HighObject {
  return {
    transfer: row.transfer as string,
    payload: row.payload as string,
    history: row.history as string,
    sequence: row.sequence as number,
    tenant: row.tenant as string,
    path: row.path as string,
    parts: JSON.parse(row.parts as string) as string[],
    offset: row.offset as number,
    sizeBytes: row.size as number,
    mtimeNs: BigInt(row.mtime_ns as string),
    sha256: row.sha256 as string,
    reject: row.reject_code === null ? null : { code: row.reject_code as string, detail: row.reject_detail as string },
    state: row.state as HighState,
    code: row.code as string | null,
    detail: row.detail as string | null,
    publishedAs: row.published_as as string | null,
  };
}

function payloadOf(row: Row): HighPayload {
  return {
    object: row.object as string,
    envelope: row.envelope as string,
    history: row.history as string,
    coding: {
      object: row.object as string,
      lengthBytes: row.length as number,
      symbolBytes: row.symbol_bytes as number,
      blockSymbols: row.block_symbols as number,
      blockDigests: row.block_digests as Uint8Array,
    },
    state: row.state as PayloadState,
    consignment: row.consignment as string | null,
    changedMs: row.changed_ms as number,
    isExpired: row.bytes_gone_ms !== null,
  };
}
