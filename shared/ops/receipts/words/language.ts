/** What a language must be able to say for receipts and daily summaries. English, French, and room for more. */
import type { HighObjectState, LowObjectState } from '../../sides.js';

/** `waiting`: what is on its way into the storage, or to this side, and cannot go on for now. */
export type HighReceiptState = HighObjectState | 'waiting';
export type ReceiptState = LowObjectState | HighReceiptState;

/** A reason in the words of somebody who knows nothing of the system. */
export interface CodeWords {
  /** What happened. */
  readonly what: string;
  /** What to do now. */
  readonly todo: string;
}

/** How likely something is, as people say it: so many in so many, or "more than" that. */
export interface Odds {
  readonly of: number;
  readonly in: number;
  readonly more: boolean;
}

/** What is known of the file the tenant handed in, once its copy has been sent. */
export type OriginalOutcome = 'moved' | 'deleted' | 'kept' | 'changed' | 'gone' | 'stays';

export interface Language {
  /** BCP 47. */
  readonly tag: string;
  /** Its own name. */
  readonly name: string;
  readonly codes: Readonly<Record<string, CodeWords>>;
  /** For a code nobody has found words for. */
  readonly unknownCode: CodeWords;

  count(n: number): string;
  /** "1.4 MB (1,398,101 bytes)" */
  size(bytes: number): string;
  /** YYYY-MM-DD and HH:MM:SS, local. */
  moment(day: string, clock: string): string;
  /** "UTC+01:00" */
  zone(offset: string): string;

  readonly title: Readonly<Record<ReceiptState, string>>;
  file(name: string, size: string): string;
  consignment(name: string, objects: number, size: string): string;
  handedIn(moment: string): string;
  announced(moment: string): string;
  reference(reference: string, sequence: string | null): string;
  /** The particulars of a reason, which come in English; what a language has no words for stays so. */
  detail(text: string): string;
  where(place: string): string;
  /** The file of a consignment that is the reason. */
  which(path: string, what: string): string;
  why(what: string): string;
  todo(what: string): string;

  /** True also while everything rests: no promise that it moves. */
  readonly inWork: Readonly<Record<'taken' | 'sealed' | 'sending', readonly string[]>>;
  readonly coming: readonly string[];
  held(since: string): string;
  readonly heldGoesOn: string;
  readonly heldAct: string;
  readonly heldWait: string;
  /** The gateway has given up; an operator has to have it tried again. */
  readonly gaveUp: string;
  /** An operator has paused a stage. */
  paused(since: string): string;
  sentBefore(moment: string): string;
  withdrawn(since: string): readonly string[];
  refused(since: string): string;
  readonly refusedStays: string;
  readonly refusedKept: string;
  readonly refusedUnread: string;
  sent(since: string): string;
  readonly unknowable: string;
  estimate(odds: Odds, lossPercent: string): string;
  readonly estimateIsNot: string;
  missing(reference: string, sequence: string, until: string): string;
  readonly original: Readonly<Record<OriginalOutcome, (path: string) => string>>;
  /** The same of the files of a consignment; one of the new paths. */
  readonly originals: Readonly<Record<OriginalOutcome, (n: number, path: string) => string>>;

  /** Cannot go on for now: all of it is here, or nothing can be received of it. */
  waiting(isHere: boolean, since: string): string;
  /** Nobody knows why: others are before it. */
  readonly waitingTurn: string;
  readonly waitingGoesOn: string;
  released(path: string, since: string): string;
  renamed(name: string): string;
  facts(sha256: string, label: string, sealedBy: string, sealed: string | null): readonly string[];
  quarantined(since: string): string;
  readonly quarantinedTodo: string;
  readonly nameWithheld: string;
  incomplete(since: string): string;
  incompleteTodo(reference: string, sequence: string): string;

  readonly summary: SummaryWords;
}

export interface SummaryWords {
  title(side: 'low' | 'high', tenant: string, day: string): string;
  /** Not over yet: how things stood then. */
  soFar(moment: string): string;
  asOf(moment: string): string;
  nothing(side: 'low' | 'high'): string;
  total(side: 'low' | 'high', objects: number, size: string): string;
  state(state: ReceiptState, objects: number, size: string): string;
  readonly attention: string;
  readonly noAttention: string;
  /** What needs attention, up to its reason; `objects`: of a consignment. */
  entry(state: ReceiptState, name: string, objects: number | null, reference: string): string;
  more(n: number): string;
  /** Sequence numbers of the link of which nothing came. */
  gaps(n: number, numbers: string): string;
  /** Files in the share. */
  notTaken(n: number): string;
  overQuota(n: number): string;
  /** Of those that wait for the quota, such as have no receipt. */
  overQuotaUnnamed(n: number): string;
  /** High side: announcements that the gateway gave up reading. */
  unread(n: number): string;
  readonly sentIsNot: string;
}
