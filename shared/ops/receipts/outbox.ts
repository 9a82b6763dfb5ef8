/**
 * Which receipts are still to be written: a table of each side's ledger, filled by triggers in the very transaction that
 * changes an object, so that no crash and no new code path can forget one. An object has one row however often it
 * changes, and the row goes once the receipts process has written what it stood for.
 */
import type { LedgerFile } from '../ledger/ledgerFile.js';

/**
 * Part of a migration of both ledgers: never edit it. `change` grows with every change, so that what has been written
 * settles no later one; `after_ms` lets states that pass by themselves pass; `gone` is set when the receipt is to go.
 */
export const OUTBOX_TABLE = `
  CREATE TABLE receipts_due (
    transfer TEXT PRIMARY KEY,
    change INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    after_ms INTEGER NOT NULL,
    gone TEXT                      -- JSON {"name", "seenMs"}: no such object any more
  ) STRICT;
  CREATE INDEX receipts_due_by_tenant ON receipts_due (tenant, after_ms);
  CREATE INDEX receipts_due_by_change ON receipts_due (change);
`;

/** Part of a migration of both ledgers: never edit it. The last day that was summed up for each tenant. */
export const SUMMARIES_TABLE = 'CREATE TABLE summaries (tenant TEXT PRIMARY KEY, day TEXT NOT NULL) STRICT;';

/** The statement of a trigger that notes a receipt; all arguments are SQL. Part of migrations: never edit it. */
export const noteDue = (transfer: string, tenant: string, afterMs: string, gone = 'NULL'): string => `
  INSERT INTO receipts_due
    VALUES (${transfer}, (SELECT coalesce(max(change), 0) + 1 FROM receipts_due), ${tenant}, ${afterMs}, ${gone})
    ON CONFLICT (transfer) DO UPDATE
      SET change = excluded.change, tenant = excluded.tenant, after_ms = excluded.after_ms, gone = excluded.gone;
`;

/**
 * The same for all rows that a query finds; `rows` is SQL from its FROM on, with a WHERE. Part of migrations: never edit it.
 */
export const noteAllDue = (transfer: string, tenant: string, afterMs: string, rows: string): string => `
  INSERT INTO receipts_due (transfer, change, tenant, after_ms, gone)
    SELECT DISTINCT ${transfer}, (SELECT coalesce(max(change), 0) + 1 FROM receipts_due), ${tenant}, ${afterMs}, NULL ${rows}
    ON CONFLICT (transfer) DO UPDATE
      SET change = excluded.change, tenant = excluded.tenant, after_ms = excluded.after_ms, gone = excluded.gone;
`;

/** In front of the id of a consignment, where that of a transfer stands for objects. Part of migrations. */
export const CONSIGNMENT_MARK = 'c:';

export interface DueReceipt {
  /** A transfer id, or the mark and the id of a consignment. */
  transfer: string;
  change: number;
  /** The receipt that is to be taken away, when its object is no more. */
  gone: { name: string; seenMs: number; consignment?: true } | null;
}

export class ReceiptOutbox {
  constructor(private readonly file: LedgerFile) {}

  /** Receipts of a tenant that should be written by now, longest waiting first. */
  due(tenant: string, nowMs: number, most: number): DueReceipt[] {
    return this.file
      .all(
        'SELECT transfer, change, gone FROM receipts_due WHERE tenant = ? AND after_ms <= ? ORDER BY after_ms, change LIMIT ?',
        tenant,
        nowMs,
        most,
      )
      .map(({ transfer, change, gone }) => ({
        transfer: transfer as string,
        change: change as number,
        gone: gone === null ? null : (JSON.parse(gone as string) as DueReceipt['gone']),
      }));
  }

  /** They have been written (or nobody wants them). What has changed since stays due. */
  settle(receipts: readonly DueReceipt[]): void {
    this.file.transaction(() => {
      for (const { transfer, change } of receipts) {
        this.file.run('DELETE FROM receipts_due WHERE transfer = ? AND change = ?', transfer, change);
      }
    });
  }

  /** They could not be written: not before this moment again, so that they keep no other waiting. */
  postpone(receipts: readonly DueReceipt[], untilMs: number): void {
    this.file.transaction(() => {
      for (const { transfer, change } of receipts) {
        this.file.run(
          'UPDATE receipts_due SET after_ms = ? WHERE transfer = ? AND change = ?',
          untilMs,
          transfer,
          change,
        );
      }
    });
  }

  /** The last day this tenant's summary was written of, YYYY-MM-DD. */
  lastSummary(tenant: string): string | undefined {
    return this.file.get('SELECT day FROM summaries WHERE tenant = ?', tenant)?.day as string | undefined;
  }

  summaryWritten(tenant: string, day: string): void {
    this.file.run(
      'INSERT INTO summaries VALUES (?, ?) ON CONFLICT (tenant) DO UPDATE SET day = excluded.day',
      tenant,
      day,
    );
  }

  isWaiting(tenant: string): boolean {
    return this.file.get('SELECT 1 FROM receipts_due WHERE tenant = ? LIMIT 1', tenant) !== undefined;
  }

  /** Tenants with a receipt that is due now or later. */
  tenants(): string[] {
    return this.file.all('SELECT DISTINCT tenant FROM receipts_due').map(({ tenant }) => tenant as string);
  }

  /** Receipts that wait, of all tenants. */
  size(): number {
    return this.file.get('SELECT count(*) AS n FROM receipts_due')!.n as number;
  }
}
