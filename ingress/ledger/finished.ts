/**
 * Removes objects from the low side's ledger that are finished for long. What still lies in its share stays, however old
 * it is: forgotten, it would be taken again.
 */
import type { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { CONSIGNMENT_MARK } from '../../shared/ops/receipts/outbox.js';
import type { TransferId } from '../../shared/wire/statements.js';

export interface FinishedObject {
  readonly position: number;
  readonly transfer: TransferId;
  readonly tenant: string;
  readonly rawPath: Uint8Array;
  readonly fingerprint: string;
  /** Its original was dealt with, and is not in the share any more. */
  readonly hasLeft: boolean;
}

export class FinishedLedger {
  constructor(private readonly file: LedgerFile) {}

  /**
   * Objects after a position that were finished before a time and of which nothing is in the spool, oldest first. Not
   * those a receipt is due of, whose bytes are in the quarantine, members of a consignment that is not finished as a whole, and the newest object, whose
   * place no other may take.
   */
  candidates(after: number, beforeMs: number, most: number): FinishedObject[] {
    return this.file
      .all(
        `SELECT rowid AS position, transfer, tenant, raw_path, fingerprint, disposed FROM objects
           WHERE rowid > ?1 AND rowid < (SELECT max(rowid) FROM objects) AND spool_file IS NULL AND changed_ms < ?2
             AND (state IN ('sent', 'withdrawn') OR (state = 'refused' AND bytes_gone_ms IS NOT NULL)) AND transfer NOT IN (SELECT transfer FROM receipts_due)
             AND (consignment IS NULL OR '${CONSIGNMENT_MARK}' || consignment NOT IN (SELECT transfer FROM receipts_due) AND NOT EXISTS
               (SELECT 1 FROM objects AS other WHERE other.consignment = objects.consignment
                  AND (other.state NOT IN ('sent', 'refused') OR other.spool_file IS NOT NULL OR other.changed_ms >= ?2)))
           ORDER BY rowid LIMIT ?3`,
        after,
        beforeMs,
        most,
      )
      .map((row) => ({
        position: row.position as number,
        transfer: row.transfer as string,
        tenant: row.tenant as string,
        rawPath: row.raw_path as Uint8Array,
        fingerprint: row.fingerprint as string,
        hasLeft: row.disposed === 1,
      }));
  }

  /** Removes them, with payloads and consignments that have no object left. */
  remove(objects: readonly FinishedObject[]): void {
    this.file.transaction(() => {
      for (const { transfer } of objects) {
        const row = this.file.get('SELECT payload, consignment FROM objects WHERE transfer = ?', transfer);
        this.file.run('DELETE FROM objects WHERE transfer = ?', transfer);
        if (row?.payload) this.removeEmpty('payloads', 'object', 'payload', row.payload as string);
        if (row?.consignment) this.removeEmpty('consignments', 'id', 'consignment', row.consignment as string);
      }
      this.file.run(
        `DELETE FROM payloads WHERE state = 'dropped' AND NOT EXISTS (SELECT 1 FROM objects WHERE payload = object)`,
      );
      this.file.run('DELETE FROM tallies WHERE objects = 0');
    });
  }

  private removeEmpty(table: string, key: string, column: string, value: string): void {
    const sql = `DELETE FROM ${table} WHERE ${key} = ? AND NOT EXISTS (SELECT 1 FROM objects WHERE ${column} = ?)`;
    this.file.run(sql, value, value);
  }
}
