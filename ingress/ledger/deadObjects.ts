/**
 * Objects whose work was given up for good (dead letters): the ledger has them where they stood, so that they go on from
 * there when an operator has it tried again. To people they are held, with the reason and since when.
 */
import type { TenantTally } from '../../shared/ops/health/tallies.js';
import type { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { codeIn } from '../../shared/ops/operators/deadLetters.js';
import { CONSIGNMENT_MARK, noteAllDue } from '../../shared/ops/receipts/outbox.js';

const OWN = (row: string) => `(transfer = ${row}.about OR consignment IS NULL AND payload = ${row}.about)`;
const OF_WHOLE = (row: string) =>
  `consignment IS NOT NULL AND (transfer = ${row}.about OR payload = ${row}.about OR consignment = ${row}.about)`;
const due = (row: string) => `
    ${noteAllDue('transfer', 'tenant', '0', `FROM objects WHERE ${OWN(row)}`)}
    ${noteAllDue(`'${CONSIGNMENT_MARK}' || consignment`, 'tenant', '0', `FROM objects WHERE ${OF_WHOLE(row)}`)}`;

/** Receipts of what was given up, and of what is tried again. Part of a migration: never edit it. */
export const DEAD_LETTER_RECEIPTS = `
  CREATE INDEX dead_letters_by_about ON dead_letters (about);
  CREATE TRIGGER receipt_of_dead AFTER INSERT ON dead_letters BEGIN ${due('NEW')} END;
  CREATE TRIGGER receipt_of_revived AFTER DELETE ON dead_letters BEGIN ${due('OLD')} END;
`;

/** Of a row of objects: its work was given up, its own or that of what it belongs to. */
export const IS_DEAD = `state IN ('taken', 'sealed', 'sending') AND objects.rowid IN (
  SELECT o.rowid FROM dead_letters JOIN objects AS o ON o.transfer = about
  UNION SELECT o.rowid FROM dead_letters JOIN objects AS o ON o.payload = about
  UNION SELECT o.rowid FROM dead_letters JOIN objects AS o ON o.consignment = about)`;

export interface GivenUp {
  /** Of the table of errors. */
  code: string;
  sinceMs: number;
}

export class DeadObjects {
  constructor(private readonly file: LedgerFile) {}

  /** Why and since when nothing is done about an object; undefined when something is. */
  ofObject(transfer: string, payload: string | null): GivenUp | undefined {
    return this.first('about IN (?, ?)', transfer, payload ?? transfer);
  }

  ofConsignment(id: string): GivenUp | undefined {
    if (!this.any()) return undefined;
    return this.first(
      `about = ?1 OR about IN (SELECT object FROM payloads WHERE consignment = ?1)
         OR about IN (SELECT transfer FROM objects WHERE consignment = ?1)`,
      id,
    );
  }

  /** The tallies with what was given up among the held. */
  inTallies(tallies: TenantTally[]): TenantTally[] {
    if (!this.any()) return tallies;
    const dead = this.file.all(
      `SELECT tenant, state, spool_file IS NOT NULL AS spooled, count(*) AS objects, total(size) AS bytes FROM objects
         WHERE ${IS_DEAD} GROUP BY 1, 2, 3`,
    );
    const sums = new Map(tallies.map((one) => [keyOf(one), { ...one }]));
    for (const { tenant, state, spooled, objects, bytes } of dead as never as Dead[]) {
      const from = { tenant, state, isSpooled: spooled === 1, objects, bytes };
      const to = { ...from, state: 'held' };
      const before = sums.get(keyOf(from));
      if (!before) continue;
      const held = sums.get(keyOf(to)) ?? { ...to, objects: 0, bytes: 0 };
      sums.set(keyOf(from), { ...before, objects: before.objects - objects, bytes: before.bytes - bytes });
      sums.set(keyOf(to), { ...held, objects: held.objects + objects, bytes: held.bytes + bytes });
    }
    return [...sums.values()].filter(({ objects }) => objects > 0);
  }

  private any(): boolean {
    return this.file.get('SELECT 1 FROM dead_letters LIMIT 1') !== undefined;
  }

  private first(where: string, ...values: string[]): GivenUp | undefined {
    const sql = `SELECT reason, failed_ms FROM dead_letters WHERE ${where} ORDER BY failed_ms LIMIT 1`;
    const row = this.file.get(sql, ...values);
    return row && { code: codeIn(row.reason as string), sinceMs: row.failed_ms as number };
  }
}

interface Dead {
  tenant: string;
  state: string;
  spooled: number;
  objects: number;
  bytes: number;
}

const keyOf = ({ tenant, state, isSpooled }: TenantTally): string => JSON.stringify([tenant, state, isSpooled]);
