/**
 * Notices that the machine's clock was changed (FAULTS 22). Intervals here are monotonic, so transfers do not care; what
 * is removed for its age waits until the new time has held for a while, because it may be years off.
 */
import type { Clock } from '../../core/clock.js';
import { formatDuration } from '../../core/units.js';

/** Smaller steps are a time source at work. */
const STEP_MS = 5_000;
/** How long nothing is removed for its age after a step. */
const DISTRUST_MS = 3_600_000;

export class ClockWatch {
  private aheadMs: number;
  private steppedMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly clock: Clock,
    private readonly stepped: (words: string) => void,
  ) {
    this.aheadMs = this.measure();
  }

  /** To be called every second or so. */
  look(): void {
    const aheadMs = this.measure();
    const stepMs = aheadMs - this.aheadMs;
    this.aheadMs = aheadMs;
    if (Math.abs(stepMs) < STEP_MS) return;
    this.steppedMs = this.clock.monotonicMs();
    this.stepped(`It was set ${stepMs > 0 ? 'forward' : 'back'} by ${formatDuration(Math.abs(stepMs))}.`);
  }

  /** Whether ages measured by the wall clock mean something. */
  get isTrusted(): boolean {
    return this.clock.monotonicMs() - this.steppedMs >= DISTRUST_MS;
  }

  private measure(): number {
    return this.clock.wallMs() - this.clock.monotonicMs();
  }
}
