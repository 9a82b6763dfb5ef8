/** What receipts and summaries of the low side say, read from its ledger. */
import type { ErrorCode } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Partition } from '../../shared/fec/partition.js';
import { arrivalProbability } from '../../shared/link/arrival.js';
import { envelopeRepairSymbols, repairSymbols } from '../../shared/link/passes.js';
import { envelopeEstimateBytes } from '../../shared/link/sentTransfer.js';
import { type DayFacts, dayFacts } from '../../shared/ops/receipts/dayFacts.js';
import type { ArrivalEstimate, LowFacts } from '../../shared/ops/receipts/facts.js';
import { CONSIGNMENT_MARK } from '../../shared/ops/receipts/outbox.js';
import { envelopeSymbols } from '../../shared/wire/envelopeObject.js';
import { showName } from '../../shared/wire/names.js';
import type { GivenUp } from '../ledger/deadObjects.js';
import type { LowLedger, LowObject, ReceiptSource } from '../ledger/ledger.js';

export interface LowReceiptRules {
  /** Repair symbols sent for each source symbol, and of a block at least. */
  overhead: number;
  repairFloor: number;
  /** Share of datagrams the link is assumed to lose. */
  assumedLoss: number;
  /** How long what was sent can be sent again, milliseconds. */
  retentionOf: (tenant: string) => number;
}

/** Of what is refused for this, no bytes are kept. */
const NOT_KEPT: ErrorCode = 'TENANT_GIVEN_UP';

export class LowReceiptFacts {
  /** By the length of the payload: storms are made of few sizes, and the arithmetic is not free. */
  private readonly estimates = new Map<string, number>();

  constructor(
    private readonly ledger: Pick<
      LowLedger,
      | 'receiptSource'
      | 'consignments'
      | 'dayCounts'
      | 'needingAttention'
      | 'heldForQuota'
      | 'dead'
      | 'pausedSince'
      | 'operator'
    >,
    private readonly rules: () => LowReceiptRules,
    private readonly inShare?: (tenant: string) => NonNullable<DayFacts['inShare']>,
  ) {}

  /** Of an object, or of a consignment. */
  of(key: string): LowFacts | undefined {
    return key.startsWith(CONSIGNMENT_MARK)
      ? this.ofConsignment(key.slice(CONSIGNMENT_MARK.length))
      : this.ofObject(key);
  }

  private ofObject(transfer: string): LowFacts | undefined {
    const source = this.ledger.receiptSource(transfer);
    if (!source) return undefined;
    const { object, seenMs, sinceMs, findings, original, originalPath, sentMs, sentBeforeMs } = source;
    const { tenant, sequence, state, sizeBytes, code, detail } = object;
    const isOpen = state !== 'sent' && state !== 'refused' && state !== 'withdrawn';
    const dead = isOpen ? this.ledger.dead.ofObject(transfer, object.consignment ? null : object.payload) : undefined;
    const isTaken = object.sha256 !== '';
    return {
      side: 'low',
      tenant,
      transfer,
      sequence,
      state,
      // A resend that was given up leaves it as it was sent.
      sinceMs: state === 'sent' ? (sentMs ?? sinceMs) : sinceMs,
      seenMs,
      name: showName(object.rawPath),
      sizeBytes,
      sha256: isTaken ? object.sha256 : null,
      code,
      detail: detail ?? '',
      operator: isOpen && isTaken ? this.paused(stagesOf(object)) : null,
      sentBeforeMs,
      findings: state === 'refused' ? findings.slice(0, LIMITS.receiptMaxFindings) : [],
      inQuarantine: state === 'refused' && isTaken && code !== NOT_KEPT,
      original: state === 'sent' ? original : null,
      originalPath,
      estimate: state === 'sent' && source.payload ? this.estimate([source.payload]) : null,
      againUntilMs: sentMs === null ? null : sentMs + this.rules().retentionOf(tenant),
      ...(object.consignment ? { isMember: true } : {}),
      ...givenUp(dead),
    };
  }

  private ofConsignment(id: string): LowFacts | undefined {
    const source = this.ledger.consignments.receiptSource(id);
    const state = source && STATES[source.consignment.state];
    if (!source || !state) return undefined;
    const { consignment, seenMs, changedMs, sentMs, payloads, isTaken, culprit, originals } = source;
    const { tenant, root, objects, sizeBytes, code, detail, firstSequence } = consignment;
    const dead = state === 'sent' || state === 'refused' ? undefined : this.ledger.dead.ofConsignment(id);
    const own = culprit && { code: culprit.code, where: showName(culprit.rawPath), detail: culprit.detail };
    return {
      side: 'low',
      tenant,
      transfer: id,
      sequence: firstSequence,
      state,
      sinceMs: sentMs ?? changedMs,
      seenMs,
      name: showName(root),
      sizeBytes,
      sha256: null,
      code,
      detail: own ? '' : (detail ?? ''),
      operator: this.paused(STAGES_OF_CONSIGNMENT[state]),
      findings: state === 'refused' && own ? [{ code: code ?? '', where: '', detail: '' }, own] : [],
      inQuarantine: state === 'refused' && isTaken && code !== NOT_KEPT,
      original: null,
      originalPath: '',
      estimate: state === 'sent' ? this.estimate(payloads) : null,
      againUntilMs: sentMs === null ? null : sentMs + this.rules().retentionOf(tenant),
      consignment: { objects },
      originals: originals.map((one) => ({ ...one, path: showName(one.path) })),
      ...givenUp(dead),
    };
  }

  /** The stages it has to pass next: whether an operator has paused one of them. */
  private paused(stages: readonly string[]): NonNullable<LowFacts['operator']> | null {
    for (const stage of stages) {
      const sinceMs = this.ledger.pausedSince.of(stage);
      if (sinceMs !== undefined) return { act: 'resume', sinceMs };
    }
    return null;
  }

  day(tenant: string, fromMs: number, untilMs: number): DayFacts {
    const { ledger, inShare } = this;
    const facts = dayFacts({
      states: ledger.dayCounts(tenant, fromMs, untilMs),
      isOfDay: (seenMs) => seenMs >= fromMs && seenMs < untilMs,
      needing: ledger.needingAttention(tenant, fromMs, untilMs, LIMITS.summaryMaxNamed),
      factsOf: (transfer) => this.of(transfer),
      gaps: { count: 0, first: [] },
    });
    const pauses = [ledger.pausedSince.longest(), ledger.operator.drainedSinceMs()].filter(
      (ms) => typeof ms === 'number',
    );
    const now = pauses.length > 0 ? { ...facts, pausedMs: Math.min(...pauses) } : facts;
    if (!inShare) return now;
    const { overQuota, notTaken } = inShare(tenant);
    const unnamed = overQuota === 0 ? 0 : Math.max(0, overQuota - ledger.heldForQuota(tenant));
    return { ...now, inShare: { overQuota, notTaken, unnamed } };
  }

  /** Of the payloads it travels in, and of the envelopes that describe them, which are sent twice. */
  private estimate(payloads: readonly PayloadSize[]): ArrivalEstimate {
    const { assumedLoss } = this.rules();
    return { assumedLoss, probability: payloads.reduce((all, payload) => all * this.probability(payload), 1) };
  }

  private probability(payload: PayloadSize): number {
    const { overhead, repairFloor, assumedLoss } = this.rules();
    const { lengthBytes, symbolBytes, blockSymbols } = payload;
    const key = [lengthBytes, symbolBytes, blockSymbols, overhead, repairFloor, assumedLoss].join('/');
    const known = this.estimates.get(key);
    if (known !== undefined) return known;
    const probability = arrivalProbability(sentBlocks(payload, overhead, repairFloor), assumedLoss);
    if (this.estimates.size >= ESTIMATES_KEPT) this.estimates.clear();
    this.estimates.set(key, probability);
    return probability;
  }
}

const STAGES_OF_CONSIGNMENT = {
  taken: ['scan', 'seal'],
  sealed: ['seal', 'send'],
  refused: [],
  sent: [],
} as const;

function stagesOf({ state, verdict }: LowObject): string[] {
  if (state === 'sealed' || state === 'sending') return ['send'];
  return [verdict ? 'seal' : 'scan'];
}

/** Nothing more is done about it by itself, whatever the ledger says of where it stands. */
const givenUp = (dead: GivenUp | undefined) =>
  dead && {
    state: 'held' as const,
    sinceMs: dead.sinceMs,
    code: dead.code,
    detail: '',
    operator: { act: 'retry' as const, sinceMs: dead.sinceMs },
  };

type PayloadSize = NonNullable<ReceiptSource['payload']>;

/** A consignment in the states of receipts; one that is still being taken has none. */
const STATES = { taking: undefined, taken: 'taken', refused: 'refused', sealing: 'sealed', sent: 'sent' } as const;

const ESTIMATES_KEPT = 4_096;

function sentBlocks(payload: PayloadSize, overhead: number, repairFloor: number) {
  const { lengthBytes, ...coding } = payload;
  const partition = new Partition(lengthBytes, coding);
  const block = (count: number, k: number) => {
    const repair = repairSymbols(k, Math.round(overhead * 1_000_000), repairFloor);
    return { count, needed: k, symbols: k + repair };
  };
  const envelopeK = envelopeSymbols(envelopeEstimateBytes(partition.blocks), coding.symbolBytes);
  const envelope = { count: 1, needed: envelopeK, symbols: 2 * (envelopeK + envelopeRepairSymbols(envelopeK)) };
  if (partition.blocks === 0) return [envelope];
  const small = partition.k(partition.blocks - 1);
  const large = partition.symbols - small * partition.blocks;
  return [envelope, block(large, small + 1), block(partition.blocks - large, small)];
}
