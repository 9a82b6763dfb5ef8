/**
 * What has arrived and is not released, or is announced and cannot be received, and the receipts that say so: when it has
 * been so for some seconds, for most of it passes by itself.
 */
import { LIMITS } from '../../shared/core/limits.js';
import type { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { CONSIGNMENT_MARK, noteAllDue, noteDue } from '../../shared/ops/receipts/outbox.js';
import type { ObjectId, TransferId } from '../../shared/wire/statements.js';

const dead = (row: string) => `
    ${noteAllDue('transfer', 'tenant', '0', `FROM objects WHERE payload = ${row}.about AND state = 'verifying'`)}
    ${noteAllDue(
      `'${CONSIGNMENT_MARK}' || id`,
      'tenant',
      '0',
      `FROM consignments WHERE state = 'whole' AND id = (SELECT consignment FROM payloads WHERE object = ${row}.about)`,
    )}`;

/** Milliseconds; as LIMITS.waitingNamedAfterMs was when the migration was made. */
const NAMED_AFTER_MS = 5_000;

/** Part of a migration: never edit it. */
export const WAITING_RECEIPTS = `
  CREATE TRIGGER receipt_of_waiting AFTER UPDATE OF code ON objects
    WHEN NEW.state IN ('verifying', 'assembling') AND NEW.code IS NOT OLD.code BEGIN
    ${noteDue('NEW.transfer', 'NEW.tenant', `NEW.changed_ms + ${NAMED_AFTER_MS}`)}
  END;
  CREATE TRIGGER receipt_of_waiting_consignment AFTER UPDATE OF state, code ON consignments
    WHEN NEW.state = 'whole' AND (NEW.state IS NOT OLD.state OR NEW.code IS NOT OLD.code) BEGIN
    ${noteDue(`'${CONSIGNMENT_MARK}' || NEW.id`, 'NEW.tenant', `NEW.changed_ms + ${NAMED_AFTER_MS}`)}
  END;
  CREATE TRIGGER receipt_of_dead AFTER INSERT ON dead_letters BEGIN ${dead('NEW')} END;
  CREATE TRIGGER receipt_of_revived AFTER DELETE ON dead_letters BEGIN ${dead('OLD')} END;
`;

/** Of a row of objects, with the time now minus LIMITS.waitingNamedAfterMs as ?1. Members wait as a whole. */
export const WAITS = `(state = 'assembling' AND code IS NOT NULL OR state = 'verifying' AND changed_ms <= ?1
  AND payload NOT IN (SELECT object FROM payloads WHERE consignment IN (SELECT id FROM consignments WHERE state = 'open')))`;

export class WaitingLedger {
  /** Payloads that were complete up to here have been looked at. */
  private toldUntilMs = Number.MIN_SAFE_INTEGER;

  constructor(
    private readonly file: LedgerFile,
    private readonly now: () => number,
  ) {}

  /** It is here and could not be put into the storage. It waits since it was complete. */
  release(transfer: TransferId, code: string, detail: string): void {
    const sql = `UPDATE objects SET code = ?, detail = ? WHERE transfer = ? AND state = 'verifying' AND code IS NOT ?`;
    this.file.run(sql, code, detail, transfer, code);
  }

  releaseOfConsignment(id: string, code: string, detail: string): void {
    const sql = `UPDATE consignments SET code = ?, detail = ? WHERE id = ? AND state = 'whole' AND code IS NOT ?`;
    this.file.run(sql, code, detail, id, code);
  }

  /** There is no room to receive a payload; null when there is. */
  room(payload: ObjectId, code: string | null): void {
    const sql = `UPDATE objects SET code = ? WHERE payload = ? AND state = 'assembling' AND code IS NOT ?`;
    this.file.run(sql, code, payload, code);
  }

  /** At a start: who waits for room is asked anew. */
  forgetRoom(): void {
    this.file.run(
      `UPDATE objects SET code = NULL WHERE state = 'assembling' AND state NOT IN ('released', 'quarantined')
         AND code IS NOT NULL`,
    );
  }

  /** Notes receipts of what is complete and not released after some seconds, whatever the reason. To be called now and then. */
  tell(): void {
    const untilMs = this.now() - LIMITS.waitingNamedAfterMs;
    const rows = `FROM objects WHERE state = 'verifying' AND payload IN (SELECT object FROM payloads
      WHERE state = 'assembled' AND consignment IS NULL AND changed_ms > ? AND changed_ms <= ?) LIMIT ${LIMITS.pauseNamed}`;
    this.file.run(noteAllDue('transfer', 'tenant', '0', rows), this.toldUntilMs, untilMs);
    this.toldUntilMs = untilMs;
  }

  /** Releasing has been paused or goes on. */
  tellPause(): void {
    const soon = String(this.now() + LIMITS.waitingNamedAfterMs);
    const rows = `FROM objects WHERE state = 'verifying' AND payload IN (SELECT object FROM payloads
      WHERE state = 'assembled' AND consignment IS NULL) LIMIT ${LIMITS.pauseNamed}`;
    this.file.run(noteAllDue('transfer', 'tenant', soon, rows));
    this.file.run(noteAllDue(`'${CONSIGNMENT_MARK}' || id`, 'tenant', soon, `FROM consignments WHERE state = 'whole'`));
  }

  /** Since when nothing is done about releasing a payload, or any of a consignment, because it was given up. */
  givenUp(of: { payload: ObjectId } | { consignment: string }): { reason: string; sinceMs: number } | undefined {
    const [which, value] =
      'payload' in of
        ? ['about = ?', of.payload]
        : ['about IN (SELECT object FROM payloads WHERE consignment = ?)', of.consignment];
    const sql = `SELECT reason, failed_ms FROM dead_letters WHERE stage = 'release' AND ${which} ORDER BY failed_ms LIMIT 1`;
    const row = this.file.get(sql, value);
    return row && { reason: row.reason as string, sinceMs: row.failed_ms as number };
  }
}
