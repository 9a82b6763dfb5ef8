/**
 * What a receipt and a daily summary say, as plain values: the two sides' supervisors read them from their ledgers, the
 * receipts process writes them down. Times are wall clock, milliseconds.
 */
import type { LowObjectState } from '../sides.js';
import type { HighReceiptState, OriginalOutcome } from './words/language.js';

/** A folder that travels as one. */
export interface ConsignmentFacts {
  /** How many files belong to it, its marker included. */
  objects: number;
  /** High side: those that are known, by their path in it; the first so many. */
  files?: { path: string; sizeBytes: number; sha256: string }[];
}

interface ObjectFacts<State> {
  tenant: string;
  /** 32 hexadecimal digits: what people quote, by its first digits. */
  transfer: string;
  /** The number both sides count by; null until it is sealed. */
  sequence: number | null;
  state: State;
  /** Since when it has been in this state. */
  sinceMs: number;
  /** When it was first met on this side: decides the day its receipt is filed under. */
  seenMs: number;
  /** Path as the tenant knows it, safe to show. */
  name: string;
  sizeBytes: number;
  /** 64 hexadecimal digits; null when the bytes were never read. */
  sha256: string | null;
  /** Code of the table in shared/core/errors.ts, with its particulars in (English) words. */
  code: string | null;
  detail: string;
  /** What an operator has to do before it goes on: have it tried again, for the gateway gave up; resume what was paused. */
  operator?: { act: 'retry' | 'resume'; sinceMs: number } | null;
  /** This receipt stands for a whole consignment, whose id is its transfer. */
  consignment?: ConsignmentFacts;
  /** A member of a consignment, which has a receipt of its own: this one is only written for what is its own fault. */
  isMember?: boolean;
}

export interface FindingFacts {
  code: string;
  /** Place inside the file, such as the name of an archive entry. Empty: the file as a whole. */
  where: string;
  detail: string;
}

export type { OriginalOutcome };

export interface ArrivalEstimate {
  /** Share of datagrams that the link is assumed to lose, a fraction. */
  assumedLoss: number;
  /** Probability that all of it can be put together again when no more than that is lost, independently. */
  probability: number;
}

export interface LowFacts extends ObjectFacts<LowObjectState> {
  side: 'low';
  /** What was found in a refused file, the reason first. */
  findings: FindingFacts[];
  /** The bytes of a refused file are kept for the operator. */
  inQuarantine: boolean;
  original: OriginalOutcome | null;
  /** Where the original was moved to, below the folder of accepted files. Empty when it was not. */
  originalPath: string;
  /** Of a consignment: how many of its originals each became; `path` is one that was moved. */
  originals?: { outcome: OriginalOutcome; objects: number; path: string }[];
  estimate: ArrivalEstimate | null;
  /** When it was sent before; it is being sent again. */
  sentBeforeMs?: number | null;
  /** Until when a sent file can be sent again without being handed in once more; null when it was not sent. */
  againUntilMs: number | null;
}

export interface HighFacts extends ObjectFacts<HighReceiptState> {
  side: 'high';
  /** Of what waits: all of it is here. */
  isHere?: boolean;
  label: string;
  /** Path below the tenant's storage, once released. */
  publishedAs: string | null;
  /** Key that sealed it, hexadecimal digits, and when the low side says it did. */
  sealedBy: string;
  sealedMs: number | null;
}

export type ReceiptFacts = LowFacts | HighFacts;

/** Which file a receipt is, without what it says. */
export type ReceiptKey = Pick<ReceiptFacts, 'side' | 'transfer' | 'seenMs' | 'name'> & {
  /** It is that of a consignment. */
  consignment?: ConsignmentFacts | true;
};
