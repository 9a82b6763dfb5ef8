/**
 * What operators ask of a side, and the record of it: a table of the side's ledger. The command line writes a request
 * whether the side runs or not; the console's are written by the supervisor. A request is recorded, with who and why,
 * before it is carried out, and one that cannot be recorded is not carried out.
 */
import type { LedgerFile, Row } from '../ledger/ledgerFile.js';

/** The table as the low side's ledger began with it had no `who`; see ADD_WHO. */
export const REQUESTS_TABLE = `
  CREATE TABLE requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    argument TEXT NOT NULL,
    asked_ms INTEGER NOT NULL,
    answer TEXT
  ) STRICT;
  CREATE INDEX requests_open ON requests (answer) WHERE answer IS NULL;
`;
/** Later: who asked, why, from where, and when it was answered. */
export const ADD_WHO = `
  ALTER TABLE requests ADD COLUMN who TEXT NOT NULL DEFAULT '';
  ALTER TABLE requests ADD COLUMN why TEXT NOT NULL DEFAULT '';
  ALTER TABLE requests ADD COLUMN origin TEXT NOT NULL DEFAULT '';
  ALTER TABLE requests ADD COLUMN answered_ms INTEGER;
`;

/** A request as it is made. */
export interface Asked {
  /** "pause", "resend" ... */
  kind: string;
  /** What it is about: a stage, a transfer. */
  argument: string;
  who: string;
  why: string;
  /** Where it came from: "command line", "console". */
  origin: string;
}

export interface Request extends Asked {
  id: number;
  askedMs: number;
  /** Begins with "yes:" or "no:"; null while it waits. */
  answer: string | null;
  answeredMs: number | null;
}

/** Questions change nothing: they are asked the same way, answered, and forgotten. */
export const isQuestion = (kind: string): boolean => kind.startsWith('?');

export class Requests {
  constructor(
    private readonly file: LedgerFile,
    private readonly now: () => number,
  ) {}

  /** Durable when it returns. */
  add({ kind, argument, who, why, origin }: Asked): number {
    return this.file.transaction(() => {
      this.file.run(
        'INSERT INTO requests (kind, argument, asked_ms, who, why, origin) VALUES (?, ?, ?, ?, ?, ?)',
        kind,
        argument,
        this.now(),
        who,
        why,
        origin,
      );
      return this.file.get('SELECT max(id) AS id FROM requests')!.id as number;
    });
  }

  open(): Request[] {
    return this.file.all('SELECT * FROM requests WHERE answer IS NULL ORDER BY id').map(requestOf);
  }

  answer(id: number, answer: string): void {
    this.file.run('UPDATE requests SET answer = ?, answered_ms = ? WHERE id = ?', answer, this.now(), id);
  }

  answerOf(id: number): string | null {
    return (this.file.get('SELECT answer FROM requests WHERE id = ?', id)?.answer as string | null) ?? null;
  }

  /** For questions only: what was asked for is on record for good. */
  forget(id: number): void {
    this.file.run(`DELETE FROM requests WHERE id = ? AND kind LIKE '?%'`, id);
  }

  /** The latest acts, oldest of them first. */
  acts(most: number): Request[] {
    return this.file
      .all(`SELECT * FROM requests WHERE kind NOT LIKE '?%' ORDER BY id DESC LIMIT ?`, most)
      .map(requestOf)
      .reverse();
  }
}

function requestOf(row: Row): Request {
  return {
    id: row.id as number,
    kind: row.kind as string,
    argument: row.argument as string,
    who: row.who as string,
    why: row.why as string,
    origin: row.origin as string,
    askedMs: row.asked_ms as number,
    answer: row.answer as string | null,
    answeredMs: row.answered_ms as number | null,
  };
}
