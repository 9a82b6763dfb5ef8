/**
 * Many small writes to a ledger as one durable transaction: making it durable takes milliseconds during which a
 * supervisor does nothing else, so what several jobs want written at the same time is written together. Alone,
 * a write is not delayed; the busier it is, the more share one transaction.
 */
interface Waiting {
  work: () => unknown;
  resolve: (value: never) => void;
  reject: (error: unknown) => void;
}

export class GroupCommit {
  private waiting: Waiting[] = [];

  constructor(private readonly transaction: (work: () => void) => void) {}

  /** Resolves with what `work` answers once that is durable. Works are done in their order, none of them by half. */
  do<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.waiting.length === 0) setImmediate(() => this.commit());
      this.waiting.push({ work, resolve: resolve as (value: never) => void, reject });
    });
  }

  private commit(): void {
    const group = this.waiting;
    this.waiting = [];
    try {
      const answers = this.together(group);
      group.forEach(({ resolve }, i) => {
        resolve(answers[i] as never);
      });
    } catch {
      // One of them fails: each alone, so that the others do not fail with it.
      for (const one of group) {
        try {
          one.resolve(this.together([one])[0] as never);
        } catch (error) {
          one.reject(error);
        }
      }
    }
  }

  private together(group: readonly Waiting[]): unknown[] {
    const answers: unknown[] = [];
    this.transaction(() => {
      for (const { work } of group) answers.push(work());
    });
    return answers;
  }
}
