/** What a ledger says of a tenant's day, in the form a summary has it. */
import { LIMITS } from '../../core/limits.js';
import type { ReceiptFacts } from './facts.js';
import type { SummaryFacts } from './summary.js';
import { isProblem } from './words/catalogue.js';

/** What the ledger knows of a span of time. */
export type DayFacts = Pick<SummaryFacts, 'states' | 'attention' | 'attentionMore' | 'gaps'>;

export interface DaySource {
  states: SummaryFacts['states'];
  /** Transfers somebody should look at: one more than are named, so that it can be told that there are more. */
  needing: readonly string[];
  factsOf: (transfer: string) => ReceiptFacts | undefined;
  gaps: SummaryFacts['gaps'];
}

export function dayFacts({ states, needing, factsOf, gaps }: DaySource): DayFacts {
  const named = needing.slice(0, LIMITS.summaryMaxNamed);
  const attention = named.flatMap((transfer) => {
    const facts = factsOf(transfer);
    if (!facts) return [];
    const { side, seenMs, name, state, code, sequence } = facts;
    return [{ side, transfer, seenMs, name, state, code, sequence }];
  });
  // Those of earlier days that still wait are not in the figures of this one: "at least so many".
  const problems = states.filter(({ state }) => isProblem(state)).reduce((sum, { objects }) => sum + objects, 0);
  const attentionMore = needing.length > named.length ? Math.max(1, problems - named.length) : 0;
  return { states, attention, attentionMore, gaps };
}
