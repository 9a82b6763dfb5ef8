/**
 * The bytes of objects that were refused or quarantined are kept for a while, each with a note beside it, and then
 * removed; the ledger goes on knowing of the objects, and when their bytes went. Nothing else removes them.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../core/limits.js';
import { formatDuration } from '../../core/units.js';
import { showName } from '../../wire/names.js';
import type { LedgerFile } from './ledgerFile.js';

/** Part of a migration of both ledgers: never edit it. `state` is the one in which bytes are kept. */
export const keptBytesMigration = (state: 'refused' | 'quarantined'): string => `
  ALTER TABLE objects ADD COLUMN bytes_gone_ms INTEGER;   -- when its bytes in the quarantine were removed for their age
  CREATE INDEX objects_kept ON objects (changed_ms) WHERE state = '${state}' AND bytes_gone_ms IS NULL;
`;

export interface KeptObject {
  readonly transfer: string;
  readonly tenant: string;
  /** Wall clock, milliseconds: since when they are kept. */
  readonly sinceMs: number;
}

/** The ledger's part. */
export class KeptBytes {
  constructor(
    private readonly file: LedgerFile,
    private readonly state: 'refused' | 'quarantined',
  ) {}

  /** Objects in that state since before a time whose bytes have not been removed yet, the oldest first; some at a time. */
  before(ms: number, most: number, offset: number): KeptObject[] {
    return this.file
      .all(
        `SELECT transfer, tenant, changed_ms FROM objects WHERE state = '${this.state}' AND bytes_gone_ms IS NULL
           AND changed_ms <= ? ORDER BY changed_ms LIMIT ? OFFSET ?`,
        ms,
        most,
        offset,
      )
      .map((row) => ({
        transfer: row.transfer as string,
        tenant: row.tenant as string,
        sinceMs: row.changed_ms as number,
      }));
  }

  setGone(objects: readonly KeptObject[], nowMs: number): void {
    this.file.transaction(() => {
      for (const { transfer } of objects) {
        this.file.run('UPDATE objects SET bytes_gone_ms = ? WHERE transfer = ?', nowMs, transfer);
      }
    });
  }
}

export interface QuarantineKeeperTools {
  books: KeptBytes;
  /** Of `TRANSFER.bytes` and `TRANSFER.json`. */
  folder: string;
  /** Milliseconds for which the bytes of a tenant's objects are kept. */
  retentionOf(tenant: string): number;
  /** The shortest there is. */
  shortest(): number;
  alarm(code: string, words: string, about: string): void;
}

const LOOK_MS = 60_000;

export class QuarantineKeeper {
  private nextLookMs = 0;

  constructor(private readonly tools: QuarantineKeeperTools) {}

  /** Removes what has been kept long enough, some at a time. To be called every second or so. */
  look(nowMs: number): void {
    // A look further ahead than the interval was planned before the clock was set back.
    if (nowMs < this.nextLookMs && this.nextLookMs - nowMs <= LOOK_MS) return;
    this.nextLookMs = nowMs + LOOK_MS;
    const { books, retentionOf, shortest } = this.tools;
    const most = LIMITS.quarantineRemovedAtOnce;
    // What a tenant keeps longer stands in front of what others do not: so all that are old are gone through.
    let after = 0;
    const due: KeptObject[] = [];
    for (;;) {
      const old = books.before(nowMs - shortest(), most, after);
      due.push(...old.filter(({ tenant, sinceMs }) => nowMs - sinceMs >= retentionOf(tenant)));
      after += old.length;
      if (old.length < most || due.length >= most) break;
    }
    if (due.length >= most) this.nextLookMs = nowMs;
    if (due.length > 0) this.remove(due, nowMs);
  }

  /** Bytes first: what a crash leaves between the two is removed again. */
  private remove(due: readonly KeptObject[], nowMs: number): void {
    const { books, folder, retentionOf, alarm } = this.tools;
    // Of many there never were any bytes: what intake refuses stays in the share.
    const there = new Set(readdirSync(folder));
    const removed = new Map<string, number>();
    for (const { transfer, tenant } of due) {
      if (there.has(`${transfer}.bytes`)) removed.set(tenant, (removed.get(tenant) ?? 0) + 1);
      for (const kind of ['bytes', 'json']) rmSync(join(folder, `${transfer}.${kind}`), { force: true });
    }
    books.setGone(due, nowMs);
    for (const [tenant, objects] of removed) {
      const words = `${showName(tenant)}: the bytes of ${objects} objects, after ${formatDuration(retentionOf(tenant))}.`;
      alarm('BYTES_EXPIRED', words, showName(tenant));
    }
  }
}
