/**
 * The low side's ledger: every object that was met, what was decided about it, and the sequence numbers that were given
 * out. What is written here is durable; queues are rebuilt from it at every start.
 *
 *   taken --verdict--> taken (scanned) --payload and sequence--> taken --envelope--> sealed --> sending --> sent
 *      \--> held / refused
 */
import { randomBytes } from 'node:crypto';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Tallies } from '../../shared/ops/health/tallies.js';
import { GroupCommit } from '../../shared/ops/ledger/groupCommit.js';
import { KeptBytes } from '../../shared/ops/ledger/keptBytes.js';
import { type Columns, LedgerFile, type Row } from '../../shared/ops/ledger/ledgerFile.js';
import { OperatorState } from '../../shared/ops/ledger/operatorState.js';
import { DeadLetters } from '../../shared/ops/operators/deadLetters.js';
import { PausedSince } from '../../shared/ops/operators/pausedSince.js';
import { Requests } from '../../shared/ops/operators/requests.js';
import type { OriginalOutcome } from '../../shared/ops/receipts/facts.js';
import { type Needing, needingOf } from '../../shared/ops/receipts/needing.js';
import { CONSIGNMENT_MARK, noteAllDue, ReceiptOutbox } from '../../shared/ops/receipts/outbox.js';
import type { Coding, ObjectId, TransferId, VoidRange } from '../../shared/wire/statements.js';
import type { Finding, Verdict } from '../../shared/wire/verdict.js';
import type { IntakeStart } from '../intake/messages.js';
import { ConsignmentLedger, OF_UNSENT } from './consignments.js';
import { DeadObjects, IS_DEAD } from './deadObjects.js';
import { FinishedLedger } from './finished.js';
import {
  LOW_FINISHED,
  type LowObject,
  type LowState,
  MIGRATIONS,
  OBJECT_COLUMNS,
  type ObjectTold,
  objectOf,
  type Payload,
  payloadOf,
  RECEIPT_COLUMNS,
  type ReceiptSource,
  receiptSourceOf,
  STATE_COLUMNS,
  type TakenObject,
  TOLD_COLUMNS,
  toldOf,
} from './rows.js';

export type { LowObject, LowState, ObjectTold, Payload, ReceiptSource, TakenObject } from './rows.js';

export const newTransferId = (): TransferId => randomBytes(16).toString('hex');

export function newObjectId(): ObjectId {
  const id = randomBytes(8).toString('hex');
  return /^0+$/.test(id) ? newObjectId() : id;
}

/** Pages of 4 KiB given back at once: some milliseconds. */
const SHRINK_PAGES = 500;
/** Objects asked for at once. */
const GATHERED = 1_000;

export class LowLedger {
  private readonly file: LedgerFile;
  /** The series that sequence numbers belong to; made once, with the ledger. */
  readonly history: string;
  readonly tallies: Tallies;
  readonly keptBytes: KeptBytes;
  readonly finished: FinishedLedger;
  readonly receipts: ReceiptOutbox;
  readonly consignments: ConsignmentLedger;
  readonly requests: Requests;
  readonly deadLetters: DeadLetters;
  readonly operator: OperatorState;
  readonly pausedSince: PausedSince;
  readonly dead: DeadObjects;

  constructor(
    path: string,
    private readonly now: () => number,
  ) {
    this.file = new LedgerFile(path, 'low', MIGRATIONS);
    this.keptBytes = new KeptBytes(this.file, 'refused');
    this.tallies = new Tallies(this.file, LOW_FINISHED);
    this.finished = new FinishedLedger(this.file);
    this.requests = new Requests(this.file, now);
    this.deadLetters = new DeadLetters(this.file);
    this.operator = new OperatorState(this.file);
    this.pausedSince = new PausedSince(this.file);
    this.dead = new DeadObjects(this.file);
    this.history = this.file.meta('history') ?? randomBytes(16).toString('hex');
    this.file.setMeta('history', this.history);
    this.receipts = new ReceiptOutbox(this.file);
    this.consignments = new ConsignmentLedger(this.file, now);
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
      for (const stage of this.pausedSince.remember(stages, this.now())) this.tellWaiting(stage);
    });
  }

  /** A stage has been paused or goes on: receipts of the first that wait in it say so. */
  private tellWaiting(stage: string): void {
    const soon = String(this.now() + 2_000);
    const waiting = Object.hasOwn(WAIT_IN, stage) ? WAIT_IN[stage as keyof typeof WAIT_IN] : undefined;
    if (!waiting) return;
    const most = `LIMIT ${LIMITS.pauseNamed}`;
    this.file.run(noteAllDue('transfer', 'tenant', soon, `FROM objects WHERE ${waiting.objects} ${most}`));
    const whole = `'${CONSIGNMENT_MARK}' || id`;
    this.file.run(noteAllDue(whole, 'tenant', soon, `FROM consignments WHERE ${waiting.consignments} ${most}`));
  }

  // ------------------------------------------------------------ objects

  addTaken(objects: readonly TakenObject[]): void {
    this.transaction(() => {
      if (this.holdsAny()) for (const { tenant, rawPath } of objects) this.dropHeld(tenant, rawPath);
      for (const object of objects) {
        this.file.run(
          `INSERT INTO objects (transfer, tenant, path, raw_path, fingerprint, size, mtime_ns, sha256, block_digests,
             spool_file, spool_offset, consignment, state, seen_ms, changed_ms)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'taken', ?, ?)`,
          object.transfer,
          object.tenant,
          object.path,
          object.rawPath,
          object.fingerprint,
          object.sizeBytes,
          object.mtimeNs.toString(),
          object.sha256,
          object.blockDigests,
          object.spoolFile,
          object.spoolOffset,
          object.consignment ?? null,
          this.now(),
          this.now(),
        );
      }
    });
  }

  /** An entry that was not taken: refused for good, or held for now. */
  addNotTaken(
    entry: {
      transfer: TransferId;
      tenant: string;
      path: string;
      rawPath: Uint8Array;
      fingerprint: string;
      sizeBytes: number;
      consignment?: string | null;
    },
    state: 'refused' | 'held',
    code: ErrorCode,
    detail: string,
  ): void {
    this.transaction(() => {
      if (state === 'held' && this.staysHeld(entry, code, detail)) return;
      this.dropHeld(entry.tenant, entry.rawPath);
      this.file.run(
        `INSERT INTO objects (transfer, tenant, path, raw_path, fingerprint, size, mtime_ns, consignment, state, code,
           detail, seen_ms, changed_ms) VALUES (?, ?, ?, ?, ?, ?, '0', ?, ?, ?, ?, ?, ?)`,
        entry.transfer,
        entry.tenant,
        entry.path,
        entry.rawPath,
        entry.fingerprint,
        // A sparse file may claim more than a ledger's integer holds safely; it is refused either way.
        Math.min(entry.sizeBytes, Number.MAX_SAFE_INTEGER),
        entry.consignment ?? null,
        state,
        code,
        detail,
        this.now(),
        this.now(),
      );
    });
  }

  /** Held again for the same reason: it has been waiting since the first time. False when it was not. */
  private staysHeld(
    entry: { tenant: string; rawPath: Uint8Array; fingerprint: string; sizeBytes: number },
    code: ErrorCode,
    detail: string,
  ): boolean {
    const changed = this.file.run(
      `UPDATE objects SET fingerprint = ?, size = ?, detail = ?, changed_ms = ?
         WHERE state = 'held' AND spool_file IS NULL AND tenant = ? AND raw_path = ? AND code = ?`,
      entry.fingerprint,
      Math.min(entry.sizeBytes, Number.MAX_SAFE_INTEGER),
      detail,
      this.now(),
      entry.tenant,
      entry.rawPath,
      code,
    );
    return changed > 0;
  }

  /** Whether there is a held entry that was never taken at all. */
  private holdsAny(): boolean {
    return this.file.get(`SELECT 1 FROM objects WHERE state = 'held' AND spool_file IS NULL LIMIT 1`) !== undefined;
  }

  /** A held entry that was never taken is replaced by what has become of it. */
  dropHeld(tenant: string, rawPath: Uint8Array): void {
    this.file.run(
      `DELETE FROM objects WHERE state = 'held' AND spool_file IS NULL AND tenant = ? AND raw_path = ?`,
      tenant,
      rawPath,
    );
  }

  /** A held entry that was never taken does not lie in the share any more. @returns what it was called here, if there was one */
  withdraw(tenant: string, rawPath: Uint8Array): TransferId[] {
    const held = `state = 'held' AND spool_file IS NULL AND tenant = ? AND raw_path = ?`;
    const rows = this.file.all(`SELECT transfer FROM objects WHERE ${held}`, tenant, rawPath);
    this.file.run(
      `UPDATE objects SET state = 'withdrawn', code = NULL, detail = NULL, disposed = 1, changed_ms = ? WHERE ${held}`,
      this.now(),
      tenant,
      rawPath,
    );
    return rows.map(({ transfer }) => transfer as TransferId);
  }

  object(transfer: TransferId): LowObject | undefined {
    return this.objects([transfer])[0];
  }

  /** Those of these that there are, in this order. */
  objects(transfers: readonly TransferId[]): LowObject[] {
    return this.gather(OBJECT_COLUMNS, transfers).map(objectOf);
  }

  /** The same, with no more than what is told of them. */
  told(transfers: readonly TransferId[]): ObjectTold[] {
    return this.gather(TOLD_COLUMNS, transfers).map(toldOf);
  }

  states(transfers: readonly TransferId[]): Map<TransferId, LowState> {
    const rows = this.gather(STATE_COLUMNS, transfers);
    return new Map(rows.map(({ transfer, state }) => [transfer as TransferId, state as LowState]));
  }

  private gather(columns: Columns, transfers: readonly TransferId[]): Row[] {
    const select =
      'SELECT objects.* FROM json_each(?) AS asked JOIN objects ON transfer = asked.value ORDER BY asked.key';
    const found: Row[] = [];
    for (let first = 0; first < transfers.length; first += GATHERED) {
      found.push(...this.file.gather(columns, select, JSON.stringify(transfers.slice(first, first + GATHERED))));
    }
    return found;
  }

  /** SHA-256 of the source blocks of an object as it was taken, one after the other; empty when they are not known. */
  blockDigests(transfer: TransferId): Uint8Array {
    const row = this.file.get('SELECT block_digests FROM objects WHERE transfer = ?', transfer);
    return (row?.block_digests as Uint8Array | null | undefined) ?? new Uint8Array(0);
  }

  /** What a receipt says of an object; undefined when there is no such object (any more). */
  receiptSource(transfer: TransferId): ReceiptSource | undefined {
    const [row] = this.file.gather(RECEIPT_COLUMNS, `${RECEIPT_SOURCE} WHERE transfer = ?`, transfer);
    return row && receiptSourceOf(row);
  }

  /** How the objects of a tenant stand that were first met in a span of time. */
  dayCounts(tenant: string, fromMs: number, untilMs: number): { state: LowState; objects: number; bytes: number }[] {
    return this.file.all(
      `SELECT CASE WHEN ${IS_DEAD} THEN 'held' ELSE state END AS state, count(*) AS objects, total(size) AS bytes
         FROM objects WHERE tenant = ? AND seen_ms >= ? AND seen_ms < ? GROUP BY 1 ORDER BY 1`,
      tenant,
      fromMs,
      untilMs,
    ) as never;
  }

  /**
   * Held ones of a tenant, those that were given up, and those refused that were first met in a span of time: how many there are, and the first so
   * many, the newest in front. A refused consignment stands for its members.
   */
  needingAttention(tenant: string, fromMs: number, untilMs: number, most: number): Needing {
    return needingOf(
      this.file,
      `SELECT transfer AS key, changed_ms FROM objects
         WHERE tenant = ?1 AND state = 'held' AND state NOT IN (${LOW_FINISHED.map((state) => `'${state}'`).join(', ')})
       UNION ALL
       SELECT coalesce('${CONSIGNMENT_MARK}' || consignment, transfer), max(changed_ms) FROM objects
         WHERE tenant = ?1 AND ${IS_DEAD} GROUP BY 1
       UNION ALL
       SELECT '${CONSIGNMENT_MARK}' || id, changed_ms FROM consignments WHERE tenant = ?1 AND state = 'refused' AND EXISTS
         (SELECT 1 FROM objects WHERE consignment = id AND seen_ms >= ?2 AND seen_ms < ?3) UNION ALL
       SELECT transfer, changed_ms FROM objects
         WHERE tenant = ?1 AND state = 'refused' AND seen_ms >= ?2 AND seen_ms < ?3
           AND (consignment IS NULL OR consignment NOT IN (SELECT id FROM consignments WHERE state = 'refused'))`,
      [tenant, fromMs, untilMs],
      most,
    );
  }

  /** Files of a tenant that are held because its quota is used up. */
  heldForQuota(tenant: string): number {
    return this.file.get(
      `SELECT count(*) AS n FROM objects WHERE tenant = ? AND state = 'held' AND spool_file IS NULL
         AND code = 'QUOTA_EXCEEDED'`,
      tenant,
    )!.n as number;
  }

  objectBySequence(sequence: number): LowObject | undefined {
    const row = this.file.get('SELECT * FROM objects WHERE sequence = ?', sequence);
    return row && objectOf(row);
  }

  /** The only object whose transfer id begins with these hexadecimal digits, eight at least. */
  objectBeginning(digits: string): LowObject | undefined {
    if (!/^[0-9a-f]{8,32}$/.test(digits)) return undefined;
    const rows = this.file.all(
      `SELECT * FROM objects WHERE transfer >= ? AND transfer < ? LIMIT 2`,
      digits,
      `${digits}g`,
    );
    return rows.length === 1 ? objectOf(rows[0]!) : undefined;
  }

  objectsOfPayload(payload: ObjectId): LowObject[] {
    return this.file
      .gather(OBJECT_COLUMNS, 'SELECT * FROM objects WHERE payload = ? ORDER BY payload_offset, sequence', payload)
      .map(objectOf);
  }

  /**
   * Transfers in a state, oldest first; `scanned` chooses between objects without and with a verdict. Those with one are
   * to be sealed, so members of consignments are not among them: their gate says when.
   */
  waiting(state: LowState, scanned: boolean): { transfer: TransferId; tenant: string }[] {
    const rows = this.file.all(
      `SELECT transfer, tenant FROM objects WHERE state = ? AND spool_file IS NOT NULL AND payload IS NULL
         AND (verdict IS NOT NULL) = ? AND (verdict IS NULL OR consignment IS NULL) ORDER BY rowid`,
      state,
      scanned ? 1 : 0,
    );
    return rows as { transfer: TransferId; tenant: string }[];
  }

  setVerdict(transfer: TransferId, verdict: Verdict): void {
    this.setVerdicts([{ transfer, verdict }]);
  }

  setVerdicts(given: readonly { transfer: TransferId; verdict: Verdict }[]): void {
    if (given.length === 0) return;
    this.file.run(
      `UPDATE objects SET verdict = given.value ->> 1, state = 'taken', code = NULL, detail = NULL, changed_ms = ?
         FROM json_each(?) AS given WHERE transfer = given.value ->> 0`,
      this.now(),
      JSON.stringify(given.map(({ transfer, verdict }) => [transfer, JSON.stringify(verdict)])),
    );
  }

  /** Refused by the scan; its findings are kept for the receipt. */
  refuse(transfer: TransferId, findings: readonly Finding[], code: string, detail: string): void {
    this.file.run('UPDATE objects SET findings = ? WHERE transfer = ?', JSON.stringify(findings), transfer);
    this.setState(transfer, 'refused', code, detail);
  }

  setState(transfer: TransferId, state: LowState, code: string | null = null, detail: string | null = null): void {
    this.file.run(
      'UPDATE objects SET state = ?, code = ?, detail = ?, changed_ms = ? WHERE transfer = ?',
      state,
      code,
      detail,
      this.now(),
      transfer,
    );
  }

  /** Forgets the verdict and holds the object until it has been scanned again. */
  holdForScan(transfer: TransferId, code: string, detail: string): void {
    this.file.run('UPDATE objects SET verdict = NULL WHERE transfer = ?', transfer);
    this.setState(transfer, 'held', code, detail);
  }

  setStateOfPayload(payload: ObjectId, state: LowState): void {
    this.file.run('UPDATE objects SET state = ?, changed_ms = ? WHERE payload = ?', state, this.now(), payload);
  }

  counts(): Record<string, number> {
    return this.tallies.counts();
  }

  /** Everything intake need not look at again, and what it holds. */
  known(): IntakeStart['known'] {
    return this.file
      .all(
        `SELECT tenant, raw_path, fingerprint, code,
             CASE WHEN sha256 IS NULL AND state IN ('refused', 'held') THEN state ELSE 'taken' END AS state
           FROM objects WHERE disposed <> 1`,
      )
      .map((row) => ({
        tenant: row.tenant as string,
        rawPath: row.raw_path as Uint8Array,
        fingerprint: row.fingerprint as string,
        // What the scan refused or holds was taken all the same.
        state: row.state as 'taken' | 'refused' | 'held',
        ...(row.state === 'held' ? { code: row.code as ErrorCode } : {}),
      }));
  }

  /** Objects in the order they were met, so many after a position; its own position goes on with the last of them. */
  page(after: number, most: number): { position: number; object: LowObject }[] {
    return this.file
      .all('SELECT rowid AS position, * FROM objects WHERE rowid > ? ORDER BY rowid LIMIT ?', after, most)
      .map((row) => ({ position: row.position as number, object: objectOf(row) }));
  }

  // ------------------------------------------------------------ payloads and sequence numbers

  /** Groups objects into a payload and gives each its sequence number, all at once. */
  addPayload(tenant: string, coding: Coding, members: readonly { transfer: TransferId; offset: number }[]): void {
    this.transaction(() => {
      this.file.run(
        `INSERT INTO payloads (object, tenant, length, symbol_bytes, block_symbols, block_digests, state, consignment)
           VALUES (?, ?, ?, ?, ?, ?, 'sealing', (SELECT consignment FROM objects WHERE transfer = ?))`,
        coding.object,
        tenant,
        coding.lengthBytes,
        coding.symbolBytes,
        coding.blockSymbols,
        coding.blockDigests,
        members[0]?.transfer ?? null,
      );
      let sequence = this.sequenceLast();
      for (const member of members) {
        sequence++;
        const changed = this.file.run(
          'UPDATE objects SET payload = ?, payload_offset = ?, sequence = ? WHERE transfer = ? AND payload IS NULL',
          coding.object,
          member.offset,
          sequence,
          member.transfer,
        );
        if (changed !== 1) throw new SluiceError('INTERNAL', `${member.transfer} already belongs to a payload.`);
      }
      this.file.setMeta('sequence', String(sequence));
    });
  }

  payload(object: ObjectId): Payload | undefined {
    const row = this.file.get('SELECT * FROM payloads WHERE object = ?', object);
    return row && payloadOf(row);
  }

  payloadsIn(state: Payload['state']): Payload[] {
    return this.file.all('SELECT * FROM payloads WHERE state = ? ORDER BY rowid', state).map(payloadOf);
  }

  payloadSealed(object: ObjectId, envelope: ObjectId): void {
    this.transaction(() => {
      this.file.run(`UPDATE payloads SET state = 'sealed', envelope = ? WHERE object = ?`, envelope, object);
      this.setStateOfPayload(object, 'sealed');
    });
  }

  payloadSent(object: ObjectId, repairNext: number, envelopePass: number): void {
    this.transaction(() => {
      this.file.run(
        `UPDATE payloads SET state = 'sent', repair_next = ?, envelope_pass = ?, sent_ms = ? WHERE object = ?`,
        repairNext,
        envelopePass,
        this.now(),
        object,
      );
      this.setStateOfPayload(object, 'sent');
    });
  }

  /** A payload is to be sent again. */
  payloadAgain(object: ObjectId): void {
    this.transaction(() => {
      this.file.run(`UPDATE payloads SET state = 'sealed' WHERE object = ?`, object);
      this.setStateOfPayload(object, 'sealed');
    });
  }

  /** A payload that was to be sent again stays as it was sent. */
  payloadNotAgain(object: ObjectId): void {
    this.transaction(() => {
      const sql = `UPDATE payloads SET state = 'sent' WHERE object = ? AND sent_ms IS NOT NULL`;
      if (this.file.run(sql, object) > 0) this.setStateOfPayload(object, 'sent');
    });
  }

  /**
   * Gives a payload up: its sequence numbers become void, its objects are fresh transfers again, to be sealed anew.
   * For payloads coded for a link that has other parameters now. A consignment travels as it was sealed or not at all:
   * with one of its payloads all are given up, also those that were sent.
   */
  dropPayload(object: ObjectId): TransferId[] {
    return this.transaction(() => {
      const consignment = this.objectsOfPayload(object)[0]?.consignment;
      if (!consignment) return this.dropOnly(object);
      const payloads = this.consignments.payloads(consignment);
      const fresh = payloads.flatMap((payload) => this.dropOnly(payload.object));
      this.consignments.again(consignment);
      return fresh;
    });
  }

  private dropOnly(object: ObjectId): TransferId[] {
    return this.transaction(() => {
      const members = this.objectsOfPayload(object);
      const fresh = members.map((member) => {
        const transfer = newTransferId();
        this.file.run(
          `UPDATE objects SET transfer = ?, payload = NULL, sequence = NULL, state = 'taken' WHERE transfer = ?`,
          transfer,
          member.transfer,
        );
        this.addVoid(member.sequence!);
        return transfer;
      });
      this.file.run(`UPDATE payloads SET state = 'dropped', consignment = NULL WHERE object = ?`, object);
      return fresh;
    });
  }

  /** Notes how objects are coded from now on. Block digests made for another coding are forgotten: they are made anew. */
  setCoding(coding: { symbolBytes: number; blockSymbols: number }): void {
    const text = `${coding.symbolBytes}/${coding.blockSymbols}`;
    if (this.file.meta('coding') !== text) this.file.run('UPDATE objects SET block_digests = NULL');
    this.file.setMeta('coding', text);
  }

  /** Neighbours become one range: a heartbeat has room for few. */
  addVoid(sequence: number): void {
    this.transaction(() => {
      if (this.file.get('SELECT 1 FROM voids WHERE first <= ? AND last >= ?', sequence, sequence)) return;
      const before = this.file.get('SELECT first FROM voids WHERE last = ?', sequence - 1);
      const after = this.file.get('SELECT last FROM voids WHERE first = ?', sequence + 1);
      this.file.run('DELETE FROM voids WHERE first = ?', sequence + 1);
      const last = (after?.last ?? sequence) as number;
      if (before) this.file.run('UPDATE voids SET last = ? WHERE first = ?', last, before.first as number);
      else this.file.run('INSERT INTO voids VALUES (?, ?)', sequence, last);
    });
  }

  /** The most recent void ranges, oldest of them first. */
  voids(most: number): VoidRange[] {
    const rows = this.file.all('SELECT first, last FROM voids ORDER BY first DESC LIMIT ?', most);
    return (rows as unknown as VoidRange[]).reverse();
  }

  /** Highest sequence number given out. */
  sequenceLast(): number {
    return Number(this.file.meta('sequence') ?? 0);
  }

  /** Every number up to this one has been sent completely or is void. */
  sequenceDone(): number {
    // A payload that is being sent again has been sent before: the position never goes back.
    const open = this.file.get(
      `SELECT min(sequence) AS first FROM payloads JOIN objects ON objects.payload = payloads.object
         WHERE payloads.state IN ('sealing', 'sealed') AND sent_ms IS NULL
           AND objects.state IN ('taken', 'sealed', 'sending')`,
    )?.first as number | null;
    return open === null || open === undefined ? this.sequenceLast() : open - 1;
  }

  /**
   * Refuses all of a tenant that is taken and not sealed, and forgets what was held in its share. Numbers that were given
   * out for payloads that are still to be sealed become void.
   * @returns what is refused now
   */
  giveUp(tenant: string, code: ErrorCode, detail: string): TransferId[] {
    return this.transaction(() => {
      for (const { object } of this.payloadsIn('sealing').filter((payload) => payload.tenant === tenant)) {
        // A consignment's others went with the first of them.
        if (this.payload(object)?.state === 'sealing') this.dropPayload(object);
      }
      this.consignments.giveUp(tenant, code, detail);
      this.file.run(
        `DELETE FROM objects WHERE tenant = ? AND state = 'held' AND spool_file IS NULL AND consignment IS NULL`,
        tenant,
      );
      const which = `tenant = ? AND state IN ('taken', 'held') AND payload IS NULL`;
      const given = this.file.all(`SELECT transfer FROM objects WHERE ${which} ORDER BY rowid`, tenant);
      this.file.run(
        `UPDATE objects SET state = 'refused', code = ?, detail = ?, changed_ms = ? WHERE ${which}`,
        code,
        detail,
        this.now(),
        tenant,
      );
      return given.map(({ transfer }) => transfer as TransferId);
    });
  }

  // ------------------------------------------------------------ spool

  /** Bytes the spool holds. */
  spoolBytes(): number {
    return this.tallies.spooledBytes();
  }

  /** Spool files that are still needed. */
  spoolFiles(): Set<string> {
    return new Set(
      this.file
        .all('SELECT DISTINCT spool_file FROM objects WHERE spool_file IS NOT NULL')
        .map((row) => row.spool_file as string),
    );
  }

  /**
   * Spool files of which no object is needed any more: all sent before `beforeMs` (with all of their consignments), or
   * refused then. Oldest first.
   */
  expiredSpoolFiles(
    beforeMs: number,
  ): { spoolFile: string; tenant: string; changedMs: number; payloads: ObjectId[] }[] {
    const files = this.file.all(
      `SELECT spool_file, tenant, max(changed_ms) AS changed_ms FROM objects WHERE spool_file IS NOT NULL GROUP BY spool_file
         HAVING sum(state IN ('sent', 'refused') AND changed_ms < ? AND NOT (consignment IS NOT NULL AND state = 'sent'
           AND ${OF_UNSENT})) = count(*) ORDER BY max(changed_ms)`,
      beforeMs,
    );
    return files.map(({ spool_file, tenant, changed_ms }) => ({
      spoolFile: spool_file as string,
      tenant: tenant as string,
      changedMs: changed_ms as number,
      payloads: this.file
        .all('SELECT DISTINCT payload FROM objects WHERE spool_file = ? AND payload IS NOT NULL', spool_file as string)
        .map((row) => row.payload as string),
    }));
  }

  /** Spool files of a tenant in which nothing lies but what was refused, and their bytes. */
  refusedSpoolFiles(tenant: string): { spoolFile: string; sizeBytes: number }[] {
    return this.file
      .all(
        `SELECT spool_file, total(size) AS size FROM objects WHERE tenant = ? AND spool_file IS NOT NULL
           GROUP BY spool_file HAVING sum(state = 'refused') = count(*)`,
        tenant,
      )
      .map((row) => ({ spoolFile: row.spool_file as string, sizeBytes: row.size as number }));
  }

  spoolFileRemoved(spoolFile: string): void {
    this.file.run('UPDATE objects SET spool_file = NULL WHERE spool_file = ?', spoolFile);
  }

  /** The original of a sent object has been dealt with: it has left the share, or it stays there for good. */
  setDisposed(transfer: TransferId, stays: boolean, original: OriginalOutcome = 'gone', path = ''): void {
    this.file.run(
      'UPDATE objects SET disposed = ?, original = ?, original_path = ? WHERE transfer = ?',
      stays ? 2 : 1,
      original,
      path,
      transfer,
    );
  }

  /** Some sent objects of these tenants whose original has not been dealt with, oldest first. */
  toDispose(tenants: readonly string[], most: number): LowObject[] {
    const marks = tenants.map(() => '?').join(', ');
    const sql = `SELECT * FROM objects WHERE state = 'sent' AND disposed = 0 AND tenant IN (${marks})
      AND (consignment IS NULL OR NOT ${OF_UNSENT}) ORDER BY rowid LIMIT ?`;
    return this.file.all(sql, ...tenants, most).map(objectOf);
  }
}

/** What waits in a stage, or will. */
const WAIT_IN = {
  scan: {
    objects: `state IN ('taken', 'held') AND spool_file IS NOT NULL AND verdict IS NULL AND consignment IS NULL`,
    consignments: `state = 'taken'`,
  },
  seal: {
    objects: `state = 'taken' AND verdict IS NOT NULL AND consignment IS NULL`,
    consignments: `state IN ('taken', 'sealing')`,
  },
  send: { objects: `state IN ('sealed', 'sending') AND consignment IS NULL`, consignments: `state = 'sealing'` },
} as const;

const RECEIPT_SOURCE = `
  SELECT objects.*, payloads.length AS p_length, payloads.symbol_bytes AS p_symbol_bytes,
         payloads.block_symbols AS p_block_symbols, payloads.sent_ms AS p_sent_ms
    FROM objects LEFT JOIN payloads ON payloads.object = objects.payload`;
