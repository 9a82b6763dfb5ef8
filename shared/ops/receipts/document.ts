/** A receipt for programs: the same facts as the text, with stable names and codes. Described in docs/RECEIPTS.md. */
import type { ConsignmentFacts, ReceiptFacts } from './facts.js';
import { harmless } from './harmless.js';

export const RECEIPT_FORMAT = 'sluice-receipt/1';

export function documentOf(facts: ReceiptFacts): string {
  const { side, tenant, transfer, sequence, state, sinceMs, seenMs, name, sizeBytes, sha256, code, detail } = facts;
  const document = {
    format: RECEIPT_FORMAT,
    side,
    tenant,
    transfer,
    sequence,
    state,
    since: isoTime(sinceMs),
    firstSeen: isoTime(seenMs),
    name: harmless(name),
    sizeBytes,
    sha256,
    code,
    detail: harmless(detail),
    operator: facts.operator ? { act: facts.operator.act, since: isoTime(facts.operator.sinceMs) } : null,
    ...(facts.consignment ? { consignment: consignmentOf(facts.consignment) } : {}),
    ...(facts.side === 'low' ? lowOf(facts) : highOf(facts)),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function consignmentOf({ objects, files }: ConsignmentFacts) {
  return { objects, ...(files ? { files: files.map((file) => ({ ...file, path: harmless(file.path) })) } : {}) };
}

/** UTC, to the millisecond; null for what is no time at all (a clock may say anything). */
export function isoTime(ms: number | null): string | null {
  return ms !== null && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}

function lowOf(facts: Extract<ReceiptFacts, { side: 'low' }>) {
  return {
    findings: facts.findings.map(({ code, where, detail }) => ({
      code: harmless(code),
      where: harmless(where),
      detail: harmless(detail),
    })),
    inQuarantine: facts.inQuarantine,
    original: facts.original && { outcome: facts.original, path: harmless(facts.originalPath) },
    // Whatever the state is: this side cannot know.
    arrival: { known: false, ...(facts.estimate ?? {}) },
    sentBefore: isoTime(facts.sentBeforeMs ?? null),
    resendableUntil: isoTime(facts.againUntilMs),
  };
}

function highOf(facts: Extract<ReceiptFacts, { side: 'high' }>) {
  return {
    ...(facts.state === 'waiting' ? { isHere: facts.isHere === true } : {}),
    label: harmless(facts.label),
    publishedAs: facts.publishedAs === null ? null : harmless(facts.publishedAs),
    sealedBy: facts.sealedBy,
    sealedAt: isoTime(facts.sealedMs),
  };
}
