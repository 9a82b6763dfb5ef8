/** What the supervisor asks the sealing process to do. */
import type { Coding, Consignment, Heartbeat, Manifest, ObjectId } from '../../shared/wire/statements.js';
import type { Verdict } from '../../shared/wire/verdict.js';

/** One object to be sealed: its manifest without verdicts, and the whole verdict of the scan. */
export interface SealEntry {
  manifest: Omit<Manifest, 'verdicts'>;
  verdict: Verdict;
}

export interface SealRequest {
  history: string;
  coding: Coding;
  entries: SealEntry[];
  sealedMs: number;
  /** When all entries are members of one. */
  consignment?: Consignment;
}

export interface SealedEnvelope {
  /** Derived from the content: first 8 bytes of its SHA-256. */
  object: ObjectId;
  bytes: Uint8Array;
}

export interface SealerProtocol {
  requests: {
    /** Reads the key. `required` names the filters each tenant's objects must have passed. */
    start: { ask: { keyFile: string; required: Record<string, string[]> }; answer: { keyId: string } };
    seal: { ask: SealRequest; answer: SealedEnvelope };
    heartbeat: { ask: Omit<Heartbeat, 'keyId'>; answer: SealedEnvelope };
    /** Other filters that each tenant's objects must have passed. */
    require: { ask: Record<string, string[]>; answer: null };
  };
  toChild: Record<never, never>;
  toParent: Record<never, never>;
}
