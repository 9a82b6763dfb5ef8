/** What receipts and summaries of the high side say, read from its ledger. */
import { LIMITS } from '../../shared/core/limits.js';
import { codeIn } from '../../shared/ops/operators/deadLetters.js';
import { type DayFacts, dayFacts } from '../../shared/ops/receipts/dayFacts.js';
import type { HighFacts } from '../../shared/ops/receipts/facts.js';
import { CONSIGNMENT_MARK } from '../../shared/ops/receipts/outbox.js';
import { showName } from '../../shared/wire/names.js';
import type { HighLedger, HighObject } from '../ledger/ledger.js';

/** Numbers of the link a summary names. */
const GAPS_NAMED = 20;
/** Refused for these, the very name may be more than the tenant should read. */
const NAME_WITHHELD: ReadonlySet<string> = new Set(['VERIFY_LABEL_NOT_ALLOWED']);

export class HighReceiptFacts {
  constructor(
    private readonly ledger: Pick<
      HighLedger,
      | 'receiptSource'
      | 'consignments'
      | 'dayCounts'
      | 'needingAttention'
      | 'gapsNoticed'
      | 'waiting'
      | 'pausedSince'
      | 'deadLetters'
    >,
  ) {}

  /** Of an object, or of a consignment. */
  of(key: string): HighFacts | undefined {
    return key.startsWith(CONSIGNMENT_MARK)
      ? this.ofConsignment(key.slice(CONSIGNMENT_MARK.length))
      : this.ofObject(key);
  }

  private ofConsignment(id: string): HighFacts | undefined {
    const source = this.ledger.consignments.receiptSource(id);
    const state = source && STATES[source.consignment.state];
    if (!source || !state) return undefined;
    const { consignment, seenMs, changedMs, sealedMs, keyId, label, members, rejectCodes } = source;
    const { tenant, root, parts, objects, sizeBytes, firstSequence, reason } = consignment;
    const published = members.find(({ publishedAs }) => publishedAs !== null)?.publishedAs;
    const withheld = rejectCodes.some((code) => NAME_WITHHELD.has(code));
    return {
      side: 'high',
      tenant,
      transfer: id,
      sequence: firstSequence,
      state,
      sinceMs: changedMs,
      seenMs,
      name: withheld ? '' : root,
      sizeBytes,
      sha256: null,
      code: state === 'incomplete' ? 'CONSIGNMENT_INCOMPLETE' : state === 'released' ? null : (reason?.code ?? null),
      detail: '',
      ...(state === 'waiting' ? this.whyWaiting({ consignment: id }) : {}),
      label: showName(label),
      publishedAs: published ? showName(published.split('/').slice(0, parts.length).join('/')) : null,
      sealedBy: keyId,
      sealedMs,
      consignment: {
        objects,
        files: withheld
          ? []
          : members.map((member) => ({
              path: member.parts.length > 0 ? showName(member.parts.slice(parts.length).join('/')) : member.path,
              sizeBytes: member.sizeBytes,
              sha256: member.sha256,
            })),
      },
    };
  }

  private ofObject(transfer: string): HighFacts | undefined {
    const source = this.ledger.receiptSource(transfer);
    if (!source) return undefined;
    const { object, seenMs, sinceMs, label, keyId, sealedMs, isMember } = source;
    const { tenant, sequence, sizeBytes, sha256, code, publishedAs } = object;
    const waits = !isMember && (object.state === 'verifying' || (object.state === 'assembling' && code !== null));
    const state = waits ? 'waiting' : object.state;
    return {
      side: 'high',
      tenant,
      transfer,
      sequence,
      state,
      sinceMs,
      seenMs,
      name: nameOf(object),
      sizeBytes,
      sha256,
      code,
      // What a check found is for the operator: it would tell whoever sent it how to get past.
      detail: '',
      ...(object.state === 'verifying' && waits ? this.whyWaiting({ payload: object.payload }) : {}),
      label: showName(label),
      publishedAs: publishedAs === null ? null : showName(publishedAs),
      sealedBy: keyId,
      sealedMs,
      ...(isMember ? { isMember } : {}),
    };
  }

  /** Of what is complete: who has to do something before it is released. */
  private whyWaiting(of: { payload: string } | { consignment: string }): Partial<HighFacts> {
    const { waiting, pausedSince } = this.ledger;
    const dead = waiting.givenUp(of);
    const isHere = true;
    if (dead) {
      const operator = { act: 'retry' as const, sinceMs: dead.sinceMs };
      return { isHere, code: codeIn(dead.reason), sinceMs: dead.sinceMs, operator };
    }
    const pausedMs = pausedSince.of('release');
    return { isHere, operator: pausedMs === undefined ? null : { act: 'resume', sinceMs: pausedMs } };
  }

  day(tenant: string, fromMs: number, untilMs: number): DayFacts {
    const { ledger } = this;
    const pausedMs = ledger.pausedSince.longest();
    const unread = ledger.deadLetters.count('verify');
    const facts = dayFacts({
      states: ledger.dayCounts(tenant, fromMs, untilMs),
      isOfDay: (seenMs) => seenMs >= fromMs && seenMs < untilMs,
      needing: ledger.needingAttention(tenant, fromMs, untilMs, LIMITS.summaryMaxNamed),
      factsOf: (transfer) => this.of(transfer),
      gaps: ledger.gapsNoticed(fromMs, untilMs, GAPS_NAMED),
    });
    return { ...facts, ...(pausedMs === undefined ? {} : { pausedMs }), ...(unread > 0 ? { unread } : {}) };
  }
}

/** A consignment in the states of receipts; one that is on its way has none. */
const STATES = {
  open: undefined,
  whole: 'waiting',
  incomplete: 'incomplete',
  quarantined: 'quarantined',
  released: 'released',
} as const;

function nameOf({ parts, path, reject, code }: HighObject): string {
  if (NAME_WITHHELD.has(reject?.code ?? '') || NAME_WITHHELD.has(code ?? '')) return '';
  // Of a path that was rejected only the safe form was kept.
  return parts.length > 0 ? showName(parts.join('/')) : path;
}
