/** What one filter finds in one object, in a form that is safe to show. */
import { LIMITS } from '../../shared/core/limits.js';
import { showName } from '../../shared/wire/names.js';
import type { Finding, Outcome } from '../../shared/wire/verdict.js';
import { type PolicyFinding, REFUSED_FINDINGS } from './rules.js';

export type FilterFinding = PolicyFinding | (typeof REFUSED_FINDINGS)[number];

/** Collects what one filter finds: names and texts made safe to show, and no more of them than the limit. */
export class Findings {
  readonly #list: Finding[] = [];
  readonly #refused: ReadonlySet<string>;
  #verdict: Outcome = 'pass';
  #left = 0;

  constructor(
    readonly filter: string,
    policy: { readonly refuse: readonly string[] },
  ) {
    this.#refused = new Set([...REFUSED_FINDINGS, ...policy.refuse]);
  }

  /** `where` and `detail` may hold text from the object; it is escaped and cut here. */
  add(code: FilterFinding, where: string, detail: string): void {
    const refuses = this.#refused.has(code);
    if (refuses) this.#verdict = 'refuse';
    // The first of each kind that refuses is always kept: it is the reason somebody will read.
    const reason = refuses && !this.#list.some((finding) => finding.code === code);
    if (this.#list.length < LIMITS.scanMaxFindings || reason) {
      this.#list.push({ code, where: safe(where), detail: safe(detail), filter: this.filter });
    } else this.#left++;
  }

  finish(): { verdict: Outcome; findings: Finding[] } {
    const last = this.#list.at(-1);
    if (this.#left > 0 && last) last.detail = `${last.detail} (and ${this.#left} more findings)`;
    return { verdict: this.#verdict, findings: this.#list };
  }
}

/** Text from anywhere in a form that is safe on a screen, in a log and in a receipt. */
export function safe(text: string): string {
  const short = text.length > LIMITS.scanFindingMaxText ? `${text.slice(0, LIMITS.scanFindingMaxText)}…` : text;
  return showName(short);
}
