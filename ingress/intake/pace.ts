/**
 * When each tenant is polled next: a steady pace, which is the truth; a wake-up may bring a poll forward, never put one
 * off. A share that takes long to walk is walked less often, so that intake at rest leaves half of its time to others.
 */
import type { ShareReport } from './round.js';

export interface PaceOptions {
  readonly pollMs: number;
  readonly holdMs: number;
}

/** Between two polls, whatever happens in the share. */
const LEAST_MS = 20;

/** Milliseconds from the end of a poll to the next one. */
export function delayAfter(
  { waiting, taken, elapsedMs }: Pick<ShareReport, 'waiting' | 'taken' | 'elapsedMs'>,
  options: PaceOptions,
): number {
  const wantedMs = waiting > 0 ? Math.min(options.pollMs, options.holdMs) : options.pollMs;
  return Math.max(Math.min(wantedMs, options.pollMs), taken > 0 ? 0 : elapsedMs, Math.min(LEAST_MS, options.pollMs));
}

/** Sleeps of the tenants' loops, which can be ended early. */
export class Sleepers {
  private readonly sleeping = new Map<
    string,
    { wake: () => void; leastMs: number; sinceMs: number; isWoken: boolean }
  >();

  /** Resolves after the time, or when woken, but then not before `leastMs` are over. */
  sleep(name: string, ms: number, leastMs = 0): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => end(), ms);
      const end = () => {
        clearTimeout(timer);
        this.sleeping.delete(name);
        resolve();
      };
      this.sleeping.set(name, { wake: end, leastMs, sinceMs: performance.now(), isWoken: false });
    });
  }

  wake(name: string): void {
    const sleeper = this.sleeping.get(name);
    if (!sleeper || sleeper.isWoken) return;
    sleeper.isWoken = true;
    // Others may follow in a moment: a burst of events is one wake-up.
    const restMs = Math.max(LEAST_MS, sleeper.leastMs - (performance.now() - sleeper.sinceMs));
    setTimeout(() => sleeper.wake(), restMs);
  }

  wakeAll(): void {
    for (const { wake } of [...this.sleeping.values()]) wake();
  }
}
