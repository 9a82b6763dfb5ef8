/** How long objects take from one state to the next, told from the news about them. What began before a start is not known. */
import { LIMITS } from '../../core/limits.js';
import type { SideName } from './status.js';

interface Seen {
  state: string;
  atMs: number;
  firstMs: number;
}

/** Names of the ways from one state to the next. */
const STEPS: Readonly<Record<SideName, Readonly<Record<string, string>>>> = {
  low: {
    // An object stays "taken" when it has passed the scan.
    'taken taken': 'scan',
    'held taken': 'scan',
    'taken sealed': 'seal',
    'sealed sending': 'wait',
    'sending sent': 'send',
  },
  high: {
    'assembling verifying': 'assemble',
    'incomplete verifying': 'assemble',
    'verifying released': 'release',
  },
};
const LAST: Readonly<Record<SideName, string>> = { low: 'sent', high: 'released' };
/** Nothing follows these for now; a resend begins anew. */
const ENDS = new Set(['sent', 'refused', 'withdrawn', 'released', 'quarantined']);

export class StageTimes {
  private readonly seen = new Map<string, Seen>();

  /** @param took is told a step ("scan", or "total" for the whole way) and its milliseconds */
  constructor(
    private readonly side: SideName,
    private readonly took: (step: string, ms: number) => void,
  ) {}

  /** @returns the state it was in, as far as it is followed */
  note(transfer: string, state: string, nowMs: number): string | undefined {
    const before = this.seen.get(transfer);
    if (before) {
      const step = STEPS[this.side][`${before.state} ${state}`];
      if (step) this.took(step, nowMs - before.atMs);
      if (state === LAST[this.side]) this.took('total', nowMs - before.firstMs);
    }
    if (ENDS.has(state)) this.seen.delete(transfer);
    // Beyond the bound nothing new is followed: a storm is measured by its first objects.
    else if (before || this.seen.size < LIMITS.objectsTimed)
      this.seen.set(transfer, { state, atMs: nowMs, firstMs: before?.firstMs ?? nowMs });
    return before?.state;
  }

  get size(): number {
    return this.seen.size;
  }
}
