/** Since when stages are paused, kept in a ledger beside which are: whoever waits is told (shared/ops/receipts). */
import type { LedgerFile } from '../ledger/ledgerFile.js';

export class PausedSince {
  constructor(private readonly file: LedgerFile) {}

  /** Wall clock, milliseconds; undefined while the stage is not paused. */
  of(stage: string): number | undefined {
    const since = this.all();
    return Object.hasOwn(since, stage) ? since[stage] : undefined;
  }

  /** Of the stages that are, the one that has been paused for longest. */
  longest(): number | undefined {
    const all = Object.values(this.all());
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /** These are paused now. @returns stages that were not before, and those that go on */
  remember(stages: readonly string[], nowMs: number): string[] {
    const before = this.all();
    const after = Object.fromEntries(stages.map((stage) => [stage, this.of(stage) ?? nowMs]));
    this.file.setMeta('pausedSince', JSON.stringify(after));
    return [...new Set([...Object.keys(before), ...stages])].filter(
      (stage) => Object.hasOwn(before, stage) !== Object.hasOwn(after, stage),
    );
  }

  private all(): Record<string, number> {
    return JSON.parse(this.file.meta('pausedSince') ?? '{}') as Record<string, number>;
  }
}
