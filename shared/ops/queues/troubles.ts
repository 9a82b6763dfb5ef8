/**
 * Reports of a store in trouble, few enough to read: a connection that fails ten times a second is told once, then at
 * most once an interval with the number of times it happened. The last report of a kind is never swallowed.
 */
import { type ErrorCode, SluiceError } from '../../core/errors.js';

export interface Troubles {
  report(code: ErrorCode, detail: string): void;
  /** What was reported under this code is over; nothing happens when nothing was. */
  over(code: ErrorCode): void;
  /** Says nothing from here on, not even what was put off. */
  close(): void;
}

/**
 * @param listen may throw; that is its own affair and does not reach the store
 * @param listenOver told when what was reported is over
 */
export function reportTo(
  listen: ((error: SluiceError) => void) | undefined,
  intervalMs: number,
  listenOver?: ((code: ErrorCode) => void) | undefined,
): Troubles {
  const standing = new Set<ErrorCode>();
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
      standing.add(code);
      const late = waiting.get(code);
      if (late) {
        late.detail = detail;
        late.times++;
        return;
      }
      tell(code, detail);
      quiet(code);
    },
    over(code) {
      if (closed || !standing.delete(code)) return;
      const late = waiting.get(code);
      // What was put off is no longer worth telling.
      if (late) late.times = 0;
      try {
        listenOver?.(code);
      } catch {
        // As above.
      }
    },
    close() {
      closed = true;
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
