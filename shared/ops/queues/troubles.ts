/**
 * Reports of a store in trouble, few enough to read: a connection that fails ten times a second is told once, then at
 * most once an interval with the number of times it happened. The last report of a kind is never swallowed.
 */
import { type ErrorCode, SluiceError } from '../../core/errors.js';

export interface Troubles {
  report(code: ErrorCode, detail: string): void;
  /** Says nothing from here on, not even what was put off. */
  close(): void;
}

/** @param listen may throw; that is its own affair and does not reach the store */
export function reportTo(listen: ((error: SluiceError) => void) | undefined, intervalMs: number): Troubles {
  const waiting = new Map<ErrorCode, { detail: string; times: number; timer: NodeJS.Timeout }>();
  let closed = false;

  const tell = (code: ErrorCode, detail: string) => {
    try {
      listen?.(new SluiceError(code, detail));
    } catch {
      // A listener that fails must not take the queues with it.
    }
  };
  const quiet = (code: ErrorCode) => {
    const timer = setTimeout(() => {
      const late = waiting.get(code);
      waiting.delete(code);
      if (!late || late.times === 0 || closed) return;
      tell(code, late.times === 1 ? late.detail : `${late.detail} (${late.times} times)`);
      quiet(code);
    }, intervalMs);
    timer.unref();
    waiting.set(code, { detail: '', times: 0, timer });
  };

  return {
    report(code, detail) {
      if (closed) return;
      const late = waiting.get(code);
      if (late) {
        late.detail = detail;
        late.times++;
        return;
      }
      tell(code, detail);
      quiet(code);
    },
    close() {
      closed = true;
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
