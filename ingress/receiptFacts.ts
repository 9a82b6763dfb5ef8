/** What receipts and summaries of the low side say, read from its ledger. */
import { LIMITS } from '../shared/core/limits.js';
import { Partition } from '../shared/fec/partition.js';
import { arrivalProbability } from '../shared/link/arrival.js';
import { type DayFacts, dayFacts } from '../shared/ops/receipts/dayFacts.js';
import type { ArrivalEstimate, LowFacts } from '../shared/ops/receipts/facts.js';
import { showName } from '../shared/wire/names.js';
import type { LowLedger, ReceiptSource } from './ledger.js';
import { envelopeRepairSymbols, repairSymbols } from './send/passes.js';

export interface LowReceiptRules {
  /** Repair symbols sent for each source symbol, and of a block at least. */
  overhead: number;
  repairFloor: number;
  /** Share of datagrams the link is assumed to lose. */
  assumedLoss: number;
  /** How long what was sent can be sent again, milliseconds. */
  retentionOf: (tenant: string) => number;
}

export class LowReceiptFacts {
  /** By the length of the payload: storms are made of few sizes, and the arithmetic is not free. */
  private readonly estimates = new Map<string, number>();

  constructor(
    private readonly ledger: Pick<LowLedger, 'receiptSource' | 'dayCounts' | 'needingAttention'>,
    private readonly rules: () => LowReceiptRules,
  ) {}

  of(transfer: string): LowFacts | undefined {
    const source = this.ledger.receiptSource(transfer);
    if (!source) return undefined;
    const { object, seenMs, sinceMs, findings, original, originalPath, sentMs } = source;
    const { tenant, sequence, state, sizeBytes, code, detail } = object;
    const isTaken = object.sha256 !== '';
    return {
      side: 'low',
      tenant,
      transfer,
      sequence,
      state,
      sinceMs,
      seenMs,
      name: showName(object.rawPath),
      sizeBytes,
      sha256: isTaken ? object.sha256 : null,
      code,
      detail: detail ?? '',
      findings: state === 'refused' ? findings.slice(0, LIMITS.receiptMaxFindings) : [],
      inQuarantine: state === 'refused' && isTaken,
      original: state === 'sent' ? original : null,
      originalPath,
      estimate: state === 'sent' ? this.estimate(source) : null,
      againUntilMs: sentMs === null ? null : sentMs + this.rules().retentionOf(tenant),
    };
  }

  day(tenant: string, fromMs: number, untilMs: number): DayFacts {
    const { ledger } = this;
    return dayFacts({
      states: ledger.dayCounts(tenant, fromMs, untilMs),
      needing: ledger.needingAttention(tenant, fromMs, untilMs, LIMITS.summaryMaxNamed + 1),
      factsOf: (transfer) => this.of(transfer),
      gaps: { count: 0, first: [] },
    });
  }

  /** Of the payload it travels in, and of the envelope that describes it, which is sent twice. */
  private estimate({ payload }: ReceiptSource): ArrivalEstimate | null {
    if (!payload) return null;
    const { overhead, repairFloor, assumedLoss } = this.rules();
    const key = `${payload.lengthBytes}/${payload.symbolBytes}/${payload.blockSymbols}/${overhead}/${repairFloor}/${assumedLoss}`;
    let probability = this.estimates.get(key);
    if (probability === undefined) {
      probability = arrivalProbability(sentBlocks(payload, overhead, repairFloor), assumedLoss);
      if (this.estimates.size >= ESTIMATES_KEPT) this.estimates.clear();
      this.estimates.set(key, probability);
    }
    return { assumedLoss, probability };
  }
}

const ESTIMATES_KEPT = 4_096;
/** Bytes of an envelope beside the digests of blocks. */
const ENVELOPE_BYTES = 1_024;
const DIGEST_BYTES = 32;

function sentBlocks(payload: NonNullable<ReceiptSource['payload']>, overhead: number, repairFloor: number) {
  const { lengthBytes, ...coding } = payload;
  const partition = new Partition(lengthBytes, coding);
  const block = (count: number, k: number) => {
    const repair = repairSymbols(k, Math.round(overhead * 1_000_000), repairFloor);
    return { count, needed: k, symbols: k + repair };
  };
  const envelopeK = Math.ceil((ENVELOPE_BYTES + DIGEST_BYTES * partition.blocks) / coding.symbolBytes);
  const envelope = { count: 1, needed: envelopeK, symbols: 2 * (envelopeK + envelopeRepairSymbols(envelopeK)) };
  if (partition.blocks === 0) return [envelope];
  const small = partition.k(partition.blocks - 1);
  const large = partition.symbols - small * partition.blocks;
  return [envelope, block(large, small + 1), block(partition.blocks - large, small)];
}
