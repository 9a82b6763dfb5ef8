/** What a ledger says of a tenant's day, in the form a summary has it. */
import { LIMITS } from '../../core/limits.js';
import type { ReceiptFacts } from './facts.js';
import type { Needing } from './needing.js';
import type { SummaryFacts } from './summary.js';
import { isProblem } from './words/catalogue.js';

/** What the ledger knows of a span of time. */
export type DayFacts = Pick<
  SummaryFacts,
  'states' | 'attention' | 'attentionMore' | 'gaps' | 'inShare' | 'pausedMs' | 'unread'
>;

export interface DaySource {
  states: SummaryFacts['states'];
  /** Whether what was first met then is in these states. */
  isOfDay: (seenMs: number) => boolean;
  /** Objects and consignments somebody should look at. */
  needing: Needing;
  factsOf: (transfer: string) => ReceiptFacts | undefined;
  gaps: SummaryFacts['gaps'];
}

export function dayFacts({ states, isOfDay, needing, factsOf, gaps }: DaySource): DayFacts {
  const named = needing.first.slice(0, LIMITS.summaryMaxNamed);
  /** Files of this day that the entries stand for. */
  let told = 0;
  const attention = named.flatMap((key) => {
    const facts = factsOf(key);
    if (!facts) return [];
    const { side, transfer, seenMs, name, state, code, sequence, consignment } = facts;
    if (isOfDay(seenMs)) told += consignment?.objects ?? 1;
    return [{ side, transfer, seenMs, name, state, code, sequence, ...(consignment ? { consignment } : {}) }];
  });
  // Those of earlier days that still wait are not in the figures of this one.
  const problems = states.filter(({ state }) => isProblem(state)).reduce((sum, { objects }) => sum + objects, 0);
  const attentionMore = Math.max(needing.count - named.length, problems - told);
  return { states, attention, attentionMore, gaps };
}
