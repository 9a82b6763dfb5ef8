/** The one interface of all filters. They run in the scan process only, in the order that the policy declares. */
import type { Finding, Outcome } from '../../shared/wire/verdict.js';
import type { Policy } from './rules.js';
import type { Subject } from './subject.js';

/** Where the bytes of one object lie: a file of its own in the spool, or a range of a file that holds many. */
export interface Snapshot {
  /** Absolute path of the spool file. */
  file: string;
  offset: number;
  /** Bytes. */
  size: number;
  /** SHA-256 of the object as it was taken, 64 hexadecimal digits. */
  sha256: string;
  /** Path in the share, as far as it can be shown; filters may only compare its ending with the content. */
  name: string;
}

/** What filters know beside the bytes, and pass on to those behind them. */
export interface FilterContext {
  readonly policy: Policy;
  /** Media type by content, once the type filter has run. */
  type: string;
}

export interface Filter {
  readonly name: string;
  /** Changes whenever the filter may judge the same bytes differently. */
  readonly version: string;
  /** The part of the policy that this filter acts on; its digest goes into the verdict. */
  configuration(policy: Policy): unknown;
  /**
   * Judges the object. A SluiceError that is retryable means that the check could not run (hold); anything else that is
   * thrown counts as a crash on this object (refuse).
   */
  inspect(
    subject: Subject,
    context: FilterContext,
  ): Promise<{ verdict: Outcome; findings: Finding[] }> | { verdict: Outcome; findings: Finding[] };
}
