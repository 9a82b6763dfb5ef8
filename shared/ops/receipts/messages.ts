/** What a side's supervisor asks its receipts process. */
import type { ReceiptFacts, ReceiptKey } from './facts.js';
import type { SummaryFacts } from './summary.js';

export interface ReceiptTenant {
  name: string;
  /** Its folder of receipts, absolute. */
  folder: string;
}

export interface ReceiptsStart {
  tenants: ReceiptTenant[];
  /** IANA name; that of the machine when it is not given. */
  timeZone?: string;
}

/** A receipt is written, or taken away. */
export type ReceiptOrder = { write: ReceiptFacts } | { remove: ReceiptKey };

export interface WriteAnswer {
  /** Orders, by their index, that could not be carried out: to be tried again. */
  failed: number[];
  /** Nothing can be written into this folder at the moment. */
  away: boolean;
  /** What went wrong, in words; empty when nothing did. */
  words: string;
}

export interface ReceiptsProtocol {
  requests: {
    start: { ask: ReceiptsStart; answer: null };
    /** For one tenant. Nothing is synced to disk: the ledger knows what is still to be written. */
    write: { ask: { tenant: string; orders: ReceiptOrder[] }; answer: WriteAnswer };
    summary: { ask: SummaryFacts; answer: WriteAnswer };
    /** Takes receipts and summaries of days before this one away. */
    sweep: { ask: { beforeDay: string }; answer: null };
  };
  toChild: { tenants: ReceiptTenant[] };
  toParent: Record<never, never>;
}
