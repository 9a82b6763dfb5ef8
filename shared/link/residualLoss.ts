/**
 * The residual loss of a transfer: the probability that it cannot be put together from what one sending of it brings
 * over a link that loses each datagram with a given probability, independently, and besides one burst: a run of
 * consecutive datagrams that begins at one of the transfer's frames, all of them alike likely.
 *
 * Exact for that link. A block of k symbols of which n are sent, h of them inside the burst, is lost when of the other
 * n - h more than n - k - h are, which is a tail of the binomial distribution; blocks, and the envelope, are lost
 * independently of each other once the place of the burst is given. For a block lost with probability q we keep
 * -log(1 - q), which adds up over blocks and keeps its digits however small q is.
 *
 * A burst takes most of this transfer when nothing else is on the link, so what is said holds for a busy link too.
 */
import { moreThanLost } from './arrival.js';
import { ENVELOPE, type SentTransfer } from './sentTransfer.js';

export interface OneBurst {
  /** Probability that a datagram is lost, independently of all others. */
  readonly loss: number;
  /** Length of the one burst, in datagrams; 0 for none. */
  readonly burstDatagrams: number;
}

/** Probabilities that a transfer is not recovered. */
export interface ResidualLoss {
  /** The burst anywhere. */
  readonly probability: number;
  /** The burst where it does most harm, and whether that is to the envelope. */
  readonly worst: number;
  readonly worstIsEnvelope: boolean;
  /** That the envelope alone is not; and that one of the blocks is not. The burst anywhere. */
  readonly envelope: number;
  readonly blocks: number;
}

/** Probabilities with the burst at one place. */
interface AtPlace {
  readonly envelope: number;
  readonly blocks: number;
  readonly all: number;
}

/** A burst that reaches further takes a whole group: the transfer is lost, whatever else it reaches. */
const GROUPS_REACHED_MOST = 3;

export class TransferLoss {
  /** By source symbols and frames in the burst: what a block is short of certain. */
  private readonly blockRisks = new Map<number, number[]>();
  private readonly envelopeRisks: number[] = [];

  constructor(
    private readonly transfer: SentTransfer,
    private readonly losses: OneBurst,
  ) {}

  residual(): ResidualLoss {
    if (this.losses.burstDatagrams === 0) {
      const { envelope, blocks, all } = this.at(undefined);
      return { probability: all, worst: all, worstIsEnvelope: envelope > blocks, envelope, blocks };
    }
    const sum = { envelope: 0, blocks: 0, all: 0 };
    let worst = this.at(undefined);
    let places = 0;
    for (const { place, count } of this.places()) {
      const here = this.at(place);
      sum.envelope += count * here.envelope;
      sum.blocks += count * here.blocks;
      sum.all += count * here.all;
      if (here.all > worst.all) worst = here;
      places += count;
    }
    return {
      probability: sum.all / places,
      worst: worst.all,
      worstIsEnvelope: worst.envelope > worst.blocks,
      envelope: sum.envelope / places,
      blocks: sum.blocks / places,
    };
  }

  /** With the burst beginning at a place of the transfer; without one for undefined. */
  at(place: number | undefined): AtPlace {
    const { transfer } = this;
    const { blocks, symbols } = transfer.partition;
    const smallK = blocks === 0 ? 0 : (symbols - transfer.largeBlocks) / blocks;
    let smallUntouched = blocks - transfer.largeBlocks;
    let largeUntouched = transfer.largeBlocks;
    let envelope = this.envelopeRisk(0);
    let touched = 0;
    if (place !== undefined) {
      transfer.eachHit(place, place + this.losses.burstDatagrams, (first, count, frames) => {
        if (first === ENVELOPE) {
          envelope = this.envelopeRisk(frames);
          return;
        }
        const large = Math.min(count, Math.max(0, transfer.largeBlocks - first));
        const small = count - large;
        largeUntouched -= large;
        smallUntouched -= small;
        if (large > 0) touched += large * this.blockRisk(smallK + 1, frames);
        if (small > 0) touched += small * this.blockRisk(smallK, frames);
      });
    }
    const large = largeUntouched > 0 ? largeUntouched * this.blockRisk(smallK + 1, 0) : 0;
    const small = smallUntouched > 0 ? smallUntouched * this.blockRisk(smallK, 0) : 0;
    const payload = touched + large + small;
    return { envelope: lost(envelope), blocks: lost(payload), all: lost(envelope + payload) };
  }

  /**
   * Places at which a burst may begin, each with how many places are like it. Groups in a row that are alike are looked
   * at once, as long as the burst does not leave them, and so are places in one group that differ by whole rounds.
   */
  private *places(): Generator<{ place: number; count: number }> {
    const { transfer } = this;
    const { payloadAt, closingAt, places } = transfer;
    yield* each(0, payloadAt);
    for (const { index, count } of this.startGroups()) {
      const { at, frames, size, first } = transfer.group(index);
      const shortest = transfer.sentOfBlock(transfer.partition.k(first + size - 1));
      const inside = transfer.isSmall ? 0 : Math.max(0, shortest * size - this.losses.burstDatagrams + 1);
      for (let offset = 0; offset < Math.min(size, inside); offset++) {
        const like = Math.floor((inside - offset - 1) / size) + 1;
        yield { place: at + offset, count: like * count };
      }
      for (let offset = inside; offset < frames; offset++) yield { place: at + offset, count };
    }
    yield* each(closingAt, places);
  }

  private *startGroups(): Generator<{ index: number; count: number }> {
    const { groups, largeBlocks, rules } = this.transfer;
    // All blocks large; the group with both sizes; all small; the last group, which may have fewer blocks.
    const mixed = Math.min(Math.floor(largeBlocks / rules.interleave), Math.max(0, groups - 1));
    const ends = [mixed, Math.min(mixed + 1, groups - 1), groups - 1, groups];
    const reached = Math.ceil(this.losses.burstDatagrams / this.transfer.leastGroupFrames);
    const more = Math.min(reached, GROUPS_REACHED_MOST);
    let from = 0;
    for (const end of ends) {
      const alike = Math.max(0, end - from - more);
      if (alike > 0) yield { index: from, count: alike };
      for (let index = from + alike; index < end; index++) yield { index, count: 1 };
      from = Math.max(from, end);
    }
  }

  private blockRisk(k: number, hits: number): number {
    let risks = this.blockRisks.get(k);
    if (!risks) {
      risks = [];
      this.blockRisks.set(k, risks);
    }
    risks[hits] ??= risk(this.transfer.sentOfBlock(k), k, hits, this.losses.loss);
    return risks[hits]!;
  }

  private envelopeRisk(hits: number): number {
    const { transfer, losses } = this;
    this.envelopeRisks[hits] ??= risk(transfer.sentOfEnvelope(), transfer.envelopeK, hits, losses.loss);
    return this.envelopeRisks[hits]!;
  }
}

/** -log of the probability that a block of k symbols is recovered when n were sent and `hits` of them fell into a burst. */
const risk = (n: number, k: number, hits: number, loss: number): number =>
  -Math.log1p(-moreThanLost(n - hits, n - k - hits, loss));

/** The probability that belongs to a risk. */
const lost = (risk: number): number => -Math.expm1(-risk);

function* each(from: number, to: number): Generator<{ place: number; count: number }> {
  for (let place = from; place < to; place++) yield { place, count: 1 };
}
