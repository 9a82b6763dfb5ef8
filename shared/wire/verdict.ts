/**
 * What the scan says about an object, and the proof that it is complete. Pure, because it is asked again where the key
 * is: the scan stage, and then the sealing process for itself, refuse a verdict in which a required filter is missing,
 * did not pass, or saw other bytes than those that are sealed.
 */
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';

/** refuse: it must not pass. hold: a check could not run, so nobody knows yet. */
export type Outcome = 'pass' | 'refuse' | 'hold';

export interface FilterVerdict {
  name: string;
  version: string;
  /** SHA-256 of the filter's canonical configuration, 64 hexadecimal digits. */
  configDigest: string;
  verdict: Outcome;
  /** SHA-256 of the bytes the filter saw, 64 hexadecimal digits. */
  digest: string;
}

export interface Finding {
  /** A code of the table in shared/core/errors.ts. */
  code: string;
  /** Place inside the object, such as the name of an archive entry; empty for the object as a whole. Safe to show. */
  where: string;
  /** The particulars in words. Safe to show. */
  detail: string;
  /** Filter that found it, or "scanner" for what concerns the scan itself. */
  filter: string;
}

export interface Verdict {
  /** Media type by content. */
  type: string;
  verdict: Outcome;
  /** In the order in which they ran. */
  filters: FilterVerdict[];
  findings: Finding[];
  /** Time the scan took, milliseconds. */
  ms: number;
}

/** The outcome of several: one refusal refuses, else one hold holds; nothing at all is not a pass. */
export function worstOf(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes('refuse')) return 'refuse';
  return outcomes.length === 0 || outcomes.some((outcome) => outcome !== 'pass') ? 'hold' : 'pass';
}

/**
 * Throws SEAL_VERDICT_INCOMPLETE unless the object with this SHA-256 (64 hexadecimal digits) passed every required
 * filter, and every further one that is named, on exactly these bytes. Believes nothing about the verdict's shape
 * beyond its type: what comes from another process is looked at field by field.
 */
export function assertComplete(
  policy: { readonly requiredFilters: readonly string[] },
  verdict: Verdict,
  sha256: string,
): void {
  const { filters } = verdict;
  if (!SHA256.test(sha256)) incomplete('The digest of the object is not a SHA-256.');
  if (policy.requiredFilters.length === 0) incomplete('The policy requires no filter at all.');
  if (verdict.verdict !== 'pass') incomplete(`The verdict is ${shown(verdict.verdict)}.`);
  if (typeof verdict.type !== 'string' || verdict.type === '') incomplete('The verdict names no type.');
  if (!Array.isArray(filters)) incomplete('The verdict names no filters.');
  if (filters.length > LIMITS.manifestMaxFilters) incomplete(`It names ${filters.length} filters.`);
  const seen = new Set<string>();
  for (const filter of filters) {
    const name = shown(filter.name);
    if (typeof filter.name !== 'string' || filter.name === '') incomplete('A filter has no name.');
    if (seen.has(filter.name)) incomplete(`The filter ${name} is named twice.`);
    if (typeof filter.version !== 'string' || filter.version === '') incomplete(`The filter ${name} has no version.`);
    if (!SHA256.test(filter.configDigest)) incomplete(`The filter ${name} does not name its configuration.`);
    if (filter.verdict !== 'pass') incomplete(`The filter ${name} says ${shown(filter.verdict)}.`);
    if (filter.digest !== sha256) incomplete(`The filter ${name} saw other bytes than the object's.`);
    seen.add(filter.name);
  }
  for (const required of policy.requiredFilters) {
    if (!seen.has(required)) incomplete(`The required filter ${shown(required)} did not run.`);
  }
}

const SHA256 = /^[0-9a-f]{64}$/;
const shown = (text: unknown): string => JSON.stringify(String(text).slice(0, 64));

function incomplete(why: string): never {
  throw new SluiceError('SEAL_VERDICT_INCOMPLETE', why);
}
