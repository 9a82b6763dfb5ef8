/**
 * Slows down whoever tries tokens: each failure of an address, and of all together, makes the next answer come later.
 * The right token is never refused for the failures of others, only a little late.
 */
import { LIMITS } from '../../core/limits.js';

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 3_000;
/** Failures are forgotten when none came for this long. */
const FORGET_MS = 15 * 60_000;
/** Failures of all addresses together weigh less: an operator is not to suffer for a stranger. */
const OVERALL_SHARE = 10;
/** Failures from which on they are an alarm; then at every multiple. */
const ALARM_EVERY = 10;

export class Throttle {
  private readonly failures = new Map<string, { times: number; lastMs: number }>();
  private overall = { times: 0, lastMs: Number.NEGATIVE_INFINITY };

  constructor(
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    private readonly alarm: (times: number, address: string) => void,
  ) {}

  /** How long an answer to this address is put off. */
  delayMs(address: string): number {
    const own = this.recent(this.failures.get(address));
    const all = Math.floor(this.recent(this.overall) / OVERALL_SHARE);
    const weight = Math.max(own, all);
    return weight === 0 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(weight - 1, 10));
  }

  failed(address: string): void {
    const lastMs = this.now();
    const times = this.recent(this.failures.get(address)) + 1;
    this.failures.delete(address);
    this.failures.set(address, { times, lastMs });
    for (const oldest of this.failures.keys()) {
      if (this.failures.size <= LIMITS.consoleMaxAddresses) break;
      this.failures.delete(oldest);
    }
    this.overall = { times: this.recent(this.overall) + 1, lastMs };
    if (this.overall.times % ALARM_EVERY === 0) this.alarm(this.overall.times, address);
  }

  succeeded(address: string): void {
    this.failures.delete(address);
  }

  private recent(failures: { times: number; lastMs: number } | undefined): number {
    return failures && this.now() - failures.lastMs < FORGET_MS ? failures.times : 0;
  }
}
