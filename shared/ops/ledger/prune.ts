/**
 * Keeps a ledger from growing for ever: a round of small steps, with pauses in which the side does its work, and then a
 * long rest. What is free afterwards is given back to the system a little at a time.
 */
export interface PruneTools {
  /** Milliseconds that finished objects stay. */
  retentionMs: () => number;
  /** Whether ages mean something: not after the clock was set (FAULTS 22). */
  isTrusted: () => boolean;
  /** One bounded step for what was finished before a time (wall clock); false when there is nothing more to do. */
  step: (beforeMs: number) => boolean | Promise<boolean>;
  /** Gives free pages of the file back, a bounded number. */
  shrink: () => void;
  trouble: (error: unknown) => void;
}

const BETWEEN_STEPS_MS = 200;
const BETWEEN_ROUNDS_MS = 10 * 60_000;

export class Pruning {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly tools: PruneTools) {}

  start(): void {
    this.later(BETWEEN_STEPS_MS);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private later(ms: number): void {
    if (!this.stopped) this.timer = setTimeout(() => void this.go(), ms);
  }

  private async go(): Promise<void> {
    let more = false;
    try {
      more = this.tools.isTrusted() && (await this.step(Date.now()));
      if (!this.stopped) this.tools.shrink();
    } catch (error) {
      if (!this.stopped) this.tools.trouble(error);
    }
    this.later(more ? BETWEEN_STEPS_MS : BETWEEN_ROUNDS_MS);
  }

  private step(wallMs: number): boolean | Promise<boolean> {
    return this.tools.step(wallMs - this.tools.retentionMs());
  }
}
