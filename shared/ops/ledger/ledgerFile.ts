/**
 * The SQLite file behind each side's ledger: opened durably, with a marker of its side and numbered migrations. The
 * sides' own tables and sentences are in ingress/ledger/ledger.ts and egress/ledger/ledger.ts.
 */
import Database from 'libsql';
import { SluiceError } from '../../core/errors.js';

export type Row = Record<string, unknown>;
type Value = string | number | bigint | Uint8Array | null;

export class LedgerFile {
  private readonly database: Database.Database;
  private readonly statements = new Map<string, Database.Statement<unknown[]>>();

  /**
   * Opens or makes the file; without a side, a file that is there, whose ever it is.
   * @throws SluiceError STATE_WRONG_SIDE when it belongs to the other side
   */
  constructor(path: string, side: 'low' | 'high' | undefined, migrations: readonly string[]) {
    this.database = new Database(path);
    // First of all: what follows may already meet a side, or another command, that is writing.
    this.database.exec('PRAGMA busy_timeout = 5000');
    // Before anything is written: a ledger of its own first release cannot give room back and reuses it instead.
    this.database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    // WAL with full synchronisation: every transaction that has returned survives a power failure.
    for (const pragma of ['journal_mode = WAL', 'synchronous = FULL']) this.database.exec(`PRAGMA ${pragma}`);
    this.database.exec('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT');
    const owner = this.meta('side');
    if (owner !== undefined && side !== undefined && owner !== side) {
      this.close();
      throw new SluiceError('STATE_WRONG_SIDE', `${path} is the ledger of the ${owner} side.`);
    }
    if (side !== undefined) this.setMeta('side', side);
    this.migrate(migrations);
  }

  get(sql: string, ...values: Value[]): Row | undefined {
    const row = this.statement(sql).get(...values) as Row | undefined;
    return row && withBytes(row);
  }
  all(sql: string, ...values: Value[]): Row[] {
    return (this.statement(sql).all(...values) as Row[]).map(withBytes);
  }
  /**
   * As `all` for many rows of a few bytes each, at a fraction of the price: the binding asks it for every value, so they
   * come as one JSON text. A BLOB is `bytes`; integers are exact up to 2^53.
   */
  gather(columns: Columns, select: string, ...values: Value[]): Row[] {
    const text = this.get(`SELECT ${columns.asJson} AS rows FROM (${select})`, ...values)!.rows as string;
    return (JSON.parse(text) as Value[][]).map((row) => columns.rowOf(row));
  }
  /** Answers the number of rows changed. */
  run(sql: string, ...values: Value[]): number {
    return this.statement(sql).run(...values).changes;
  }

  /** All or nothing, and durable when it returns. Calls inside a transaction join it. */
  transaction<T>(work: () => T): T {
    if (this.database.inTransaction) return work();
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.database.inTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  meta(name: string): string | undefined {
    return this.get('SELECT value FROM meta WHERE name = ?', name)?.value as string | undefined;
  }
  setMeta(name: string, value: string): void {
    this.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value', name, value);
  }

  /** Gives free pages at the end of the file back to the system, at most so many. Row ids stay as they are. */
  shrink(pages: number): void {
    if (this.database.inTransaction) return;
    // The pragma frees one page each time it is stepped.
    this.database.prepare(`PRAGMA incremental_vacuum(${pages})`).all();
  }

  close(): void {
    this.statements.clear();
    this.database.close();
  }

  private statement(sql: string): Database.Statement<unknown[]> {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private migrate(migrations: readonly string[]): void {
    const done = Number(this.meta('version') ?? 0);
    for (let version = done; version < migrations.length; version++) {
      this.transaction(() => {
        this.database.exec(migrations[version]!);
        this.setMeta('version', String(version + 1));
      });
    }
  }
}

/** Columns to be gathered. */
export class Columns {
  /** All rows as a JSON array of arrays. */
  readonly asJson: string;
  private readonly places: readonly { name: string; isBytes: boolean }[];

  constructor(names: readonly string[], bytes: readonly string[] = []) {
    this.places = [
      ...names.map((name) => ({ name, isBytes: false })),
      ...bytes.map((name) => ({ name, isBytes: true })),
    ];
    // hex(NULL) would be an empty text.
    const values = this.places.map(({ name, isBytes }) =>
      isBytes ? `iif(${name} IS NULL, NULL, hex(${name}))` : name,
    );
    this.asJson = `json_group_array(json_array(${values.join(', ')}))`;
  }

  rowOf(values: readonly Value[]): Row {
    const row: Row = {};
    this.places.forEach(({ name, isBytes }, i) => {
      const value = values[i];
      row[name] = isBytes && typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'hex')) : value;
    });
    return row;
  }
}

/** The binding gives a BLOB as ArrayBuffer here and as Buffer there; ours are always Uint8Array. */
function withBytes(row: Row): Row {
  for (const name in row) if (row[name] instanceof ArrayBuffer) row[name] = new Uint8Array(row[name]);
  return row;
}
