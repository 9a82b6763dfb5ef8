/**
 * How many objects of each tenant are in each state, and their bytes: kept by the ledger's own triggers, so that every
 * change of a row is counted in the transaction that makes it, and asking costs the same after a million objects.
 */
import type { LedgerFile } from '../ledger/ledgerFile.js';
import type { Tally } from './status.js';

export interface TenantTally extends Tally {
  readonly tenant: string;
  readonly state: string;
  /** Their bytes lie in the spool. */
  readonly isSpooled: boolean;
}

/** One sparse file may claim more than a sum can hold; it is refused, and counts with at most this. */
const LARGEST = 2 ** 40;

/**
 * A migration for a ledger whose objects have tenant, state, size and seen_ms.
 * @param spooled SQL condition on a row, with `@` in front of its columns
 * @param finished states in which nothing waits any more
 */
export function talliesMigration(spooled: string, finished: readonly string[]): string {
  const key = (row: string) => `${row}tenant, ${row}state, (${spooled.replaceAll('@', row)})`;
  const bytes = (row: string) => `min(${row}size, ${LARGEST})`;
  const add = `INSERT INTO tallies VALUES (${key('new.')}, 1, ${bytes('new.')})
      ON CONFLICT (tenant, state, spooled) DO UPDATE SET objects = objects + 1, bytes = bytes + excluded.bytes;`;
  const take = `UPDATE tallies SET objects = objects - 1, bytes = bytes - ${bytes('old.')}
      WHERE (tenant, state, spooled) = (${key('old.')});`;
  return `
  CREATE TABLE tallies (
    tenant TEXT NOT NULL,
    state TEXT NOT NULL,
    spooled INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    bytes REAL NOT NULL,
    PRIMARY KEY (tenant, state, spooled)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO tallies SELECT ${key('')}, count(*), total(${bytes('')}) FROM objects GROUP BY 1, 2, 3;
  CREATE TRIGGER tallies_insert AFTER INSERT ON objects BEGIN ${add} END;
  CREATE TRIGGER tallies_delete AFTER DELETE ON objects BEGIN ${take} END;
  CREATE TRIGGER tallies_update AFTER UPDATE ON objects
    WHEN (${key('old.')}, old.size) IS NOT (${key('new.')}, new.size) BEGIN ${take} ${add} END;
  CREATE INDEX objects_waiting ON objects (tenant, state, seen_ms) WHERE ${waiting(finished)};
  `;
}

const waiting = (finished: readonly string[]): string => `state NOT IN (${finished.map((s) => `'${s}'`).join(', ')})`;

export class Tallies {
  constructor(
    private readonly file: LedgerFile,
    private readonly finished: readonly string[],
  ) {}

  /** Tenants and states that have objects. */
  all(): TenantTally[] {
    return this.file.all('SELECT * FROM tallies WHERE objects > 0').map((row) => ({
      tenant: row.tenant as string,
      state: row.state as string,
      isSpooled: row.spooled === 1,
      objects: row.objects as number,
      bytes: row.bytes as number,
    }));
  }

  /** Objects of all tenants by state. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { state, objects } of this.all()) counts[state] = (counts[state] ?? 0) + objects;
    return counts;
  }

  /** Bytes that lie in the spool. */
  spooledBytes(): number {
    return this.file.get('SELECT total(bytes) AS n FROM tallies WHERE spooled = 1')!.n as number;
  }

  /** When the oldest object of a tenant in an unfinished state was first seen, wall clock. */
  oldestMs(tenant: string, state: string): number | undefined {
    const sql = `SELECT min(seen_ms) AS ms FROM objects WHERE tenant = ? AND state = ? AND ${waiting(this.finished)}`;
    return (this.file.get(sql, tenant, state)?.ms as number | null) ?? undefined;
  }
}
