/** What the ledgers of both sides are fed with in tests: objects, envelopes and heartbeats, each with what a test names. */
import { createHash } from 'node:crypto';
import type { VerifiedManifests, VerifiedObject } from '../../egress/verify/messages.js';
import type { TakenObject } from '../../ingress/ledger/ledger.js';
import { newTransferId } from '../../ingress/ledger/ledger.js';
import type { Coding, Heartbeat, ObjectId } from '../../shared/wire/statements.js';
import type { Verdict } from '../../shared/wire/verdict.js';

/** A number as an identifier of so many hexadecimal digits. */
export const id = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
export const objectId = (n: number): ObjectId => id(n, 16);
export const transferId = (n: number): string => id(n, 32);
export const HISTORY = id(7, 32);
export const SYMBOL_BYTES = 512;
export const BLOCK_SYMBOLS = 16;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function coding(object: ObjectId, lengthBytes = 1000): Coding {
  const blocks = Math.ceil(Math.ceil(lengthBytes / SYMBOL_BYTES) / BLOCK_SYMBOLS);
  const blockDigests = new Uint8Array(blocks * 32).fill(1);
  return { object, lengthBytes, symbolBytes: SYMBOL_BYTES, blockSymbols: BLOCK_SYMBOLS, blockDigests };
}

/** One object as intake takes it, in a spool file of its own. */
export function taken(name: string, changes: Partial<TakenObject> = {}): TakenObject {
  return {
    transfer: newTransferId(),
    tenant: 'demo',
    path: name,
    rawPath: Buffer.from(name),
    fingerprint: `1:${name}:3:4:5`,
    sizeBytes: 1000,
    mtimeNs: 5n,
    sha256: '0'.repeat(64),
    blockDigests: new Uint8Array(32),
    spoolFile: name,
    spoolOffset: 0,
    ...changes,
  };
}

export function verdict(outcome: Verdict['verdict'], code?: string): Verdict {
  const findings = code ? [{ code, where: '', detail: 'Made by a test.', filter: 'type' }] : [];
  return { type: 'text/plain', verdict: outcome, filters: [], findings, ms: 1 };
}

export function verified(sequence: number, changes: Partial<VerifiedObject> = {}): VerifiedObject {
  return {
    transfer: transferId(sequence),
    sequence,
    tenant: 'demo',
    path: `file-${sequence}`,
    parts: [`file-${sequence}`],
    offset: 0,
    sizeBytes: 1000,
    mtimeNs: 5n,
    sha256: '0'.repeat(64),
    type: 'text/plain',
    label: 'open',
    submitter: 'demo',
    keyId: '00',
    ...changes,
  };
}

/** A verified envelope of payload `n` with these objects. */
export function manifests(
  n: number,
  objects: VerifiedObject[],
  history = HISTORY,
  lengthBytes = 1000,
): VerifiedManifests {
  return { history, coding: coding(objectId(n), lengthBytes), objects, sealedMs: 0 };
}

export function heartbeat(sequenceDone: number, changes: Partial<Heartbeat> = {}): Heartbeat {
  return {
    history: HISTORY,
    session: id(0xa, 16),
    sequenceDone,
    sequenceLast: sequenceDone,
    voids: [],
    frames: 0,
    parameters: {
      symbolBytes: SYMBOL_BYTES,
      blockSymbols: BLOCK_SYMBOLS,
      overheadPpm: 100_000,
      rateBps: 1_000_000,
      interleave: 1,
      heartbeatMs: 1_000,
    },
    timeMs: 0,
    keyId: new Uint8Array(8),
    ...changes,
  };
}
