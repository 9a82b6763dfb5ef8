/** What a ledger says needs somebody's attention: a bounded number of it by name, and how much there is. */
import type { LedgerFile } from '../ledger/ledgerFile.js';

export interface Needing {
  /** Of all of them. */
  readonly count: number;
  /** Transfer ids, and consignments by their mark; the one that changed last in front. */
  readonly first: readonly string[];
}

/**
 * @param select SQL that answers `key` and `changed_ms` of each, with numbered parameters
 * @param most keys that are answered
 */
export function needingOf(file: LedgerFile, select: string, values: (string | number)[], most: number): Needing {
  const { n } = file.get(`SELECT count(*) AS n FROM (${select})`, ...values) as { n: number };
  const rows = file.all(`${select} ORDER BY changed_ms DESC, key LIMIT ?${values.length + 1}`, ...values, most);
  return { count: n, first: rows.map((row) => row.key as string) };
}
