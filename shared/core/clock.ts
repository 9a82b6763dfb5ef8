/** Time as an argument: pure modules never ask the machine, tests own it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. For records only: it may step (FAULTS 22). */
  wallMs(): number;
  /** Monotonic milliseconds from an arbitrary origin. For every interval and timeout. */
  monotonicMs(): number;
}

/** A clock that only moves when told to. */
export class ManualClock implements Clock {
  constructor(private ms = 0) {}
  wallMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  advance(ms: number): void {
    this.ms += ms;
  }
}
