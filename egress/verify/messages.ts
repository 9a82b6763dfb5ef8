/** What the supervisor asks the verifying process. */
import type { Coding, Heartbeat, ObjectId, TransferId } from '../../shared/wire/statements.js';

/** This side's own rules for a tenant: a verdict or a label in a manifest is evidence, never permission. */
export interface TenantRules {
  name: string;
  labels: string[];
  requiredFilters: string[];
  names: 'posix' | 'portable';
  maxObjectBytes: number;
  /** Media types, as manifests name them. */
  types: string[];
}

export interface VerifierStart {
  trusted: string | string[];
  tenants: TenantRules[];
}

/** One object of a verified envelope, as this side understands it. */
export interface VerifiedObject {
  transfer: TransferId;
  sequence: number;
  tenant: string;
  /** Safe to show. */
  path: string;
  /** Checked path, divided; empty when the object is rejected for its path. */
  parts: string[];
  offset: number;
  sizeBytes: number;
  mtimeNs: bigint;
  sha256: string;
  type: string;
  label: string;
  submitter: string;
  keyId: string;
  /** Why it may not be released. */
  reject?: { code: string; detail: string };
}

/** The consignment that all objects of an envelope are members of. */
export interface VerifiedConsignment {
  /** 32 hexadecimal digits. */
  id: string;
  /** The members have the sequence numbers from here on, without gap. */
  firstSequence: number;
  objects: number;
  sizeBytes: number;
  tenant: string;
  /** Safe to show. */
  root: string;
  /** Checked path of the folder, divided; empty when it is none. */
  parts: string[];
}

export interface VerifiedManifests {
  history: string;
  coding: Coding;
  objects: VerifiedObject[];
  sealedMs: number;
  consignment?: VerifiedConsignment;
}

export type Verified<T> = { ok: true; value: T } | { ok: false; code: string; detail: string };

export interface VerifierProtocol {
  requests: {
    start: { ask: VerifierStart; answer: { trustedKeys: string[] } };
    manifests: { ask: { object: ObjectId; bytes: Uint8Array }; answer: Verified<VerifiedManifests> };
    heartbeat: { ask: Uint8Array; answer: Verified<Heartbeat> };
    /** Other rules, from the next envelope on. */
    tenants: { ask: TenantRules[]; answer: null };
  };
  toChild: Record<never, never>;
  toParent: Record<never, never>;
}
