/** What an operator has set on a side and what stays so over restarts. Pauses of stages: see pauses.ts. */
import type { LedgerFile } from './ledgerFile.js';

export class OperatorState {
  constructor(private readonly file: LedgerFile) {}

  /** Since when nothing new is taken because an operator said so; null when it is. Milliseconds since 1970. */
  drainedSinceMs(): number | null {
    const since = this.file.meta('drained') ?? '';
    return since === '' ? null : Number(since);
  }

  setDrained(sinceMs: number | null): void {
    this.file.setMeta('drained', sinceMs === null ? '' : String(sinceMs));
  }
}
