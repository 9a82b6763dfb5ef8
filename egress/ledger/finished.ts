/**
 * What is left of transfers whose rows have been removed for their age: their sequence numbers, as ranges. A recorded
 * envelope of any age still finds that its transfer is over, and releases nothing (FAULTS 5).
 */
import type { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { CONSIGNMENT_MARK } from '../../shared/ops/receipts/outbox.js';
import type { ObjectId } from '../../shared/wire/statements.js';

/** Part of a migration: never edit it. */
export const FINISHED_TABLE = `
  CREATE TABLE finished (
    history TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (history, first)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX payloads_closed ON payloads (changed_ms) WHERE state = 'closed';
`;

/** Incomplete payloads whose bytes were removed for their age. Part of a migration: never edit it. */
export const EXPIRED_PAYLOADS = `
  CREATE INDEX payloads_expired ON payloads (bytes_gone_ms) WHERE state = 'incomplete' AND bytes_gone_ms IS NOT NULL;
`;

/** Payloads looked at, and objects removed, in one transaction. */
const PAYLOADS_AT_ONCE = 100;
const OBJECTS_AT_ONCE = 2_000;

interface Over {
  object: ObjectId;
  history: string;
  consignment: string | null;
}

export class FinishedLedger {
  constructor(private readonly file: LedgerFile) {}

  /** Whether a sequence number belongs to a transfer that is over and no longer in the ledger. */
  has(history: string, sequence: number): boolean {
    return this.count(history, [sequence]) > 0;
  }

  /** How many of these sequence numbers belong to transfers that are over and no longer in the ledger. */
  count(history: string, sequences: readonly number[]): number {
    return this.file.get(
      `SELECT count(*) AS n FROM json_each(?) AS said
         WHERE (SELECT last FROM finished WHERE history = ? AND first <= said.value ORDER BY first DESC LIMIT 1) >= said.value`,
      JSON.stringify(sequences),
      history,
    )!.n as number;
  }

  /**
   * Removes some payloads that were closed before a time, with their objects, and incomplete ones of which nothing is kept
   * since before it: they are over as well, for nobody sends them again that late. What the position has not passed stays, for
   * it would be taken for lost; so does what a receipt is due of, what has bytes in the quarantine, a consignment that is not over as a whole, and the newest
   * object, whose place no other may take.
   * @returns how many objects are gone; 0 when there is nothing left to remove
   */
  prune(beforeMs: number): number {
    return this.file.transaction(() => {
      let gone = 0;
      for (const payload of [...this.closed(beforeMs), ...this.expired(beforeMs)]) {
        gone += this.remove(payload);
        if (gone >= OBJECTS_AT_ONCE) break;
      }
      if (gone > 0) this.file.run('DELETE FROM tallies WHERE objects = 0');
      return gone;
    });
  }

  /** The others of an incomplete consignment have expired as well before any of it goes. */
  private expired(beforeMs: number): Over[] {
    return this.file.all(
      `SELECT object, history, consignment FROM payloads WHERE state = 'incomplete' AND bytes_gone_ms < ?1 AND NOT EXISTS
         (SELECT 1 FROM objects LEFT JOIN histories ON histories.history = objects.history
            WHERE objects.payload = payloads.object
              AND (sequence > coalesce(accounted, 0) OR objects.rowid = (SELECT max(rowid) FROM objects)
                OR (objects.state = 'quarantined' AND objects.bytes_gone_ms IS NULL)
                OR transfer IN (SELECT transfer FROM receipts_due)))
         AND (consignment IS NULL OR '${CONSIGNMENT_MARK}' || consignment NOT IN (SELECT transfer FROM receipts_due) AND EXISTS
           (SELECT 1 FROM consignments JOIN histories ON histories.history = consignments.history
              WHERE id = payloads.consignment AND accounted >= first_sequence + objects - 1
                AND NOT EXISTS (SELECT 1 FROM payloads AS other WHERE other.consignment = id AND other.state <> 'closed'
                  AND NOT (other.state = 'incomplete' AND coalesce(other.bytes_gone_ms < ?1, 0)))))
         ORDER BY bytes_gone_ms LIMIT ?2`,
      beforeMs,
      PAYLOADS_AT_ONCE,
    ) as never;
  }

  private closed(beforeMs: number): Over[] {
    return this.file.all(
      `SELECT object, history, consignment FROM payloads WHERE state = 'closed' AND changed_ms < ?1 AND NOT EXISTS
         (SELECT 1 FROM objects LEFT JOIN histories ON histories.history = objects.history
            WHERE objects.payload = payloads.object
              AND (objects.state NOT IN ('released', 'quarantined') OR sequence > coalesce(accounted, 0)
                OR (objects.state = 'quarantined' AND objects.bytes_gone_ms IS NULL)
                OR objects.rowid = (SELECT max(rowid) FROM objects)
                OR transfer IN (SELECT transfer FROM receipts_due)))
         AND (consignment IS NULL OR '${CONSIGNMENT_MARK}' || consignment NOT IN (SELECT transfer FROM receipts_due) AND EXISTS
           (SELECT 1 FROM consignments JOIN histories ON histories.history = consignments.history
              WHERE id = payloads.consignment AND consignments.state IN ('released', 'quarantined')
                AND consignments.changed_ms < ?1 AND accounted >= first_sequence + objects - 1
                AND NOT EXISTS (SELECT 1 FROM payloads AS other WHERE other.consignment = id AND other.state <> 'closed')))
         ORDER BY changed_ms LIMIT ?2`,
      beforeMs,
      PAYLOADS_AT_ONCE,
    ) as never;
  }

  private remove({ object, history, consignment }: Over): number {
    const sequences = this.file.all('SELECT sequence FROM objects WHERE payload = ? ORDER BY sequence', object);
    for (const { sequence } of sequences) this.note(history, sequence as number);
    this.file.run('DELETE FROM objects WHERE payload = ?', object);
    this.file.run('DELETE FROM payloads WHERE object = ?', object);
    if (consignment !== null) {
      const sql =
        'DELETE FROM consignments WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM payloads WHERE consignment = ?1)';
      this.file.run(sql, consignment);
    }
    return sequences.length;
  }

  /** Neighbours become one range: an undisturbed history is a single one. */
  private note(history: string, sequence: number): void {
    if (this.has(history, sequence)) return;
    const before = this.file.get('SELECT first FROM finished WHERE history = ? AND last = ?', history, sequence - 1);
    const after = this.file.get('SELECT last FROM finished WHERE history = ? AND first = ?', history, sequence + 1);
    this.file.run('DELETE FROM finished WHERE history = ? AND first = ?', history, sequence + 1);
    const last = (after?.last ?? sequence) as number;
    if (before)
      this.file.run(
        'UPDATE finished SET last = ? WHERE history = ? AND first = ?',
        last,
        history,
        before.first as number,
      );
    else this.file.run('INSERT INTO finished VALUES (?, ?, ?)', history, sequence, last);
  }
}
