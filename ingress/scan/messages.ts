/** What the scanner and a scan process say to each other. */
import type { Verdict } from '../../shared/wire/verdict.js';
import type { Snapshot } from './filter.js';
import type { Policy } from './rules.js';

/** An object to scan, under the policy of its tenant. */
export interface ScanRequest extends Snapshot {
  tenant: string;
}

export type ScanProtocol = {
  requests: {
    /** At the start, and when they have changed: the policy of every tenant. */
    policies: { ask: Record<string, Policy>; answer: null };
    /** Scans one after the other; answers when every result has been told. */
    scan: { ask: ScanRequest[]; answer: null };
  };
  toChild: Record<never, never>;
  toParent: {
    /** Results of the running request, in its order, as they are ready. */
    results: Verdict[];
  };
};
