/** What receipts and summaries of the high side say, read from its ledger. */
import { LIMITS } from '../shared/core/limits.js';
import { type DayFacts, dayFacts } from '../shared/ops/receipts/dayFacts.js';
import type { HighFacts } from '../shared/ops/receipts/facts.js';
import { showName } from '../shared/wire/names.js';
import type { HighLedger, HighObject } from './ledger.js';

/** Numbers of the link a summary names. */
const GAPS_NAMED = 20;
/** Refused for these, the very name may be more than the tenant should read. */
const NAME_WITHHELD: ReadonlySet<string> = new Set(['VERIFY_LABEL_NOT_ALLOWED']);

export class HighReceiptFacts {
  constructor(
    private readonly ledger: Pick<HighLedger, 'receiptSource' | 'dayCounts' | 'needingAttention' | 'gapsNoticed'>,
  ) {}

  of(transfer: string): HighFacts | undefined {
    const source = this.ledger.receiptSource(transfer);
    if (!source) return undefined;
    const { object, seenMs, sinceMs, label, keyId, sealedMs } = source;
    const { tenant, sequence, state, sizeBytes, sha256, code, publishedAs } = object;
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
      label: showName(label),
      publishedAs: publishedAs === null ? null : showName(publishedAs),
      sealedBy: keyId,
      sealedMs,
    };
  }

  day(tenant: string, fromMs: number, untilMs: number): DayFacts {
    const { ledger } = this;
    return dayFacts({
      states: ledger.dayCounts(tenant, fromMs, untilMs),
      needing: ledger.needingAttention(tenant, fromMs, untilMs, LIMITS.summaryMaxNamed + 1),
      factsOf: (transfer) => this.of(transfer),
      gaps: ledger.gapsNoticed(fromMs, untilMs, GAPS_NAMED),
    });
  }
}

function nameOf({ parts, path, reject, code }: HighObject): string {
  if (NAME_WITHHELD.has(reject?.code ?? '') || NAME_WITHHELD.has(code ?? '')) return '';
  // Of a path that was rejected only the safe form was kept.
  return parts.length > 0 ? showName(parts.join('/')) : path;
}
