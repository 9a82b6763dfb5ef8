/** The machine's clocks, for whatever does not get a clock from a test. */
import type { Clock } from '../core/clock.js';

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
