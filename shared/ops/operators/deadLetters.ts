/**
 * Jobs that failed for good, with the reason (FAULTS 55): a table of the side's ledger, for a queue store forgets its
 * failed jobs at a restart or when it is flushed, while spool and ledger would put their work into it again for ever.
 * What stands here is left out then, until an operator has it tried again.
 *
 * A failure that may pass is none of these: its job is tried again without end.
 */
import { ERRORS } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { LedgerFile, Row } from '../ledger/ledgerFile.js';
import type { DeadJob, DeadJobs } from '../queues/types.js';

/** One row for each identifier a job was about: what is left out are those, however they are grouped the next time. */
export const DEAD_LETTERS_TABLE = `
  CREATE TABLE dead_letters (
    stage TEXT NOT NULL,
    about TEXT NOT NULL,
    key TEXT NOT NULL,             -- of the job
    title TEXT NOT NULL,
    reason TEXT NOT NULL,          -- code and sentence
    attempts INTEGER NOT NULL,
    failed_ms INTEGER NOT NULL,
    PRIMARY KEY (stage, about)
  ) STRICT;
`;

export class DeadLetters {
  constructor(private readonly file: LedgerFile) {}

  /** The part that the queue of a stage needs. */
  of(stage: string): DeadJobs {
    return { bury: (job) => this.bury(stage, job), count: () => this.count(stage) };
  }

  bury(stage: string, { key, data, title, reason, attempts, failedMs }: DeadJob): void {
    const { transfers } = data as { transfers?: unknown };
    const about = Array.isArray(transfers) ? transfers.map(String) : [key];
    this.file.transaction(() => {
      for (const one of about) {
        this.file.run(
          `INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stage, about) DO UPDATE SET
             key = excluded.key, title = excluded.title, reason = excluded.reason, attempts = excluded.attempts,
             failed_ms = excluded.failed_ms`,
          stage,
          one,
          key,
          title,
          reason,
          attempts,
          failedMs,
        );
      }
      // Those that are forgotten are tried once more, and stand here again if they fail again.
      this.file.run(
        `DELETE FROM dead_letters WHERE rowid IN
           (SELECT rowid FROM dead_letters ORDER BY failed_ms DESC, rowid DESC LIMIT -1 OFFSET ?)`,
        LIMITS.deadLetters,
      );
    });
  }

  has(stage: string, about: string): boolean {
    return this.file.get('SELECT 1 FROM dead_letters WHERE stage = ? AND about = ?', stage, about) !== undefined;
  }

  /** Of what is to be done in a stage, what has not failed for good. What is not to be done any more is forgotten. */
  leaveOut(stage: string, toDo: readonly string[]): string[] {
    const rows = this.file.all('SELECT about FROM dead_letters WHERE stage = ?', stage);
    if (rows.length === 0) return [...toDo];
    const dead = new Set(rows.map(({ about }) => about as string));
    const left = toDo.filter((about) => !dead.has(about));
    for (const about of toDo) dead.delete(about);
    this.file.transaction(() => {
      for (const about of dead) this.file.run('DELETE FROM dead_letters WHERE stage = ? AND about = ?', stage, about);
    });
    return left;
  }

  /** To be tried again: the job with this key, or all of the stage. @returns keys of the jobs */
  revive(stage: string, key?: string): string[] {
    const keys = this.list(stage, LIMITS.deadLetters).map((job) => job.key);
    const revived = key === undefined ? keys : keys.filter((one) => one === key);
    this.file.transaction(() => {
      for (const one of revived) this.file.run('DELETE FROM dead_letters WHERE stage = ? AND key = ?', stage, one);
    });
    return revived;
  }

  /** Jobs, not what they were about. */
  count(stage: string): number {
    const row = this.file.get('SELECT count(DISTINCT key) AS jobs FROM dead_letters WHERE stage = ?', stage)!;
    return row.jobs as number;
  }

  /** Latest first. */
  list(stage: string, most: number): Omit<DeadJob, 'data'>[] {
    return this.file
      .all(
        `SELECT key, title, reason, attempts, max(failed_ms) AS failed_ms FROM dead_letters WHERE stage = ?
           GROUP BY key ORDER BY failed_ms DESC LIMIT ?`,
        stage,
        most,
      )
      .map(jobOf);
  }
}

/** The code that a reason begins with. */
export function codeIn(reason: string): string {
  const [word = ''] = reason.split(/[^A-Z0-9_]/, 1);
  return Object.hasOwn(ERRORS, word) ? word : 'INTERNAL';
}

function jobOf(row: Row): Omit<DeadJob, 'data'> {
  return {
    key: row.key as string,
    title: row.title as string,
    reason: row.reason as string,
    attempts: row.attempts as number,
    failedMs: row.failed_ms as number,
  };
}

/** Says as long as it is so that jobs of a stage have failed for good: an operator may have been away when they did. */
export function tellDeadLetters(
  letters: DeadLetters,
  stages: Iterable<string>,
  alarm: (code: string, words: string, about: string) => void,
  over: (code: string, about: string) => void,
): void {
  for (const stage of stages) {
    const [latest] = letters.list(stage, 1);
    if (!latest) over('QUEUE_JOB_FAILED', stage);
    else {
      const words = `Stage ${stage}, ${letters.count(stage)} not tried again by itself; the latest: ${latest.title}: ${latest.reason}`;
      alarm('QUEUE_JOB_FAILED', words, stage);
    }
  }
}
