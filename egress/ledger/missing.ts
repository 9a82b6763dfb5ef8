/**
 * What the low side has to send again: sequence numbers of which nothing ever came, and objects of which too little came.
 * How many gaps there are is kept by triggers, so that asking costs the same however many there are.
 */
import type { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import type { VoidRange } from '../../shared/wire/statements.js';

/** Part of a migration: never edit it. */
export const GAP_COUNT = `
  CREATE TABLE gap_count (n INTEGER NOT NULL) STRICT;
  INSERT INTO gap_count SELECT count(*) FROM gaps;
  CREATE TRIGGER gap_count_insert AFTER INSERT ON gaps BEGIN UPDATE gap_count SET n = n + 1; END;
  CREATE TRIGGER gap_count_delete AFTER DELETE ON gaps BEGIN UPDATE gap_count SET n = n - 1; END;
`;

/** Numbers that follow each other, of one history of the low side. */
export interface GapRange {
  readonly history: string;
  readonly first: number;
  readonly last: number;
}

export interface IncompleteObject {
  readonly transfer: string;
  readonly tenant: string;
  /** Safe to show. */
  readonly path: string;
  readonly sequence: number;
  readonly code: string | null;
}

export class MissingLedger {
  constructor(private readonly file: LedgerFile) {}

  /** How many sequence numbers there are of which nothing ever came. */
  get gapCount(): number {
    return this.file.get('SELECT n FROM gap_count')!.n as number;
  }

  /** Numbers that the low side has given up are not missing, however late it says so. */
  settle(history: string, voids: readonly VoidRange[]): void {
    if (this.gapCount === 0) return;
    for (const { first, last } of voids)
      this.file.run('DELETE FROM gaps WHERE history = ? AND sequence BETWEEN ? AND ?', history, first, last);
  }

  /**
   * @param most ranges that are answered
   * @param mostNumbers numbers that are looked at for them
   */
  gapRanges(most: number, mostNumbers: number): GapRange[] {
    const sql = `
      SELECT history, min(sequence) AS first, max(sequence) AS last FROM
        (SELECT history, sequence, sequence - row_number() OVER (PARTITION BY history ORDER BY sequence) AS island FROM
          (SELECT history, sequence FROM gaps ORDER BY history, sequence LIMIT ?))
        GROUP BY history, island ORDER BY history, first LIMIT ?`;
    return this.file.all(sql, mostNumbers, most) as never;
  }

  /** Objects that are incomplete, those of a tenant together. */
  incomplete(most: number): IncompleteObject[] {
    return this.file.all(
      `SELECT transfer, tenant, path, sequence, code FROM objects
         WHERE state = 'incomplete' AND state NOT IN ('released', 'quarantined') ORDER BY tenant, sequence LIMIT ?`,
      most,
    ) as never;
  }
}
