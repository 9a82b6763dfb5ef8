/**
 * The residual loss of a transfer on a link that loses in bursts (lossModels.ts, GilbertElliott) and datagrams besides,
 * independently. For each block, and for the envelope, exact: the state of the link is followed from one of its frames
 * to the next, over as many datagrams as the sender puts between them, together with how many were lost so far. Blocks
 * that are sent in turn suffer together, so for the whole transfer the sum of them is a bound from above: no more than
 * that, and for small probabilities hardly less.
 */
import type { ResidualLoss } from './residualLoss.js';
import type { SentTransfer } from './sentTransfer.js';

export interface Bursts {
  /** Probability that a burst begins at a datagram. */
  readonly rate: number;
  /** Mean length of a burst, at least 1. */
  readonly meanDatagrams: number;
}

/** Shares of all probability below this are left out: a sum of as many as there are datagrams is still nothing. */
const NEGLIGIBLE = 1e-30;

/** @param enough a residual loss from which on nobody asks how much more it is */
export function burstyResidual(transfer: SentTransfer, loss: number, bursts: Bursts, enough = 1): ResidualLoss {
  const link = new BurstyLink(loss, bursts);
  const envelope = link.moreThanLost(transfer.envelopePlaces(), transfer.sentOfEnvelope() - transfer.envelopeK);
  let blocks = 0;
  for (const { block, count } of transfer.blocksAlike()) {
    if (envelope + blocks > enough) break;
    const places = transfer.placesOf(block);
    blocks += count * link.moreThanLost(places, places.length - transfer.partition.k(block));
  }
  const probability = Math.min(1, envelope + blocks);
  return {
    probability,
    worst: probability,
    worstIsEnvelope: envelope > blocks,
    envelope,
    blocks: Math.min(1, blocks),
  };
}

export class BurstyLink {
  /** Share of datagrams that find the link bad. */
  private readonly bad: number;
  /** What is left, after one datagram, of knowing in which state the link was. */
  private readonly memory: number;

  constructor(
    private readonly loss: number,
    { rate, meanDatagrams }: Bursts,
  ) {
    const ends = (1 - rate) / meanDatagrams;
    this.bad = rate + ends === 0 ? 0 : rate / (rate + ends);
    this.memory = 1 - rate - ends;
  }

  /** Share of all datagrams that are lost. */
  get meanLoss(): number {
    return this.bad + (1 - this.bad) * this.loss;
  }

  /** Probability that of the datagrams at these places, in ascending order, more than `most` are lost. */
  moreThanLost(places: readonly number[], most: number): number {
    if (most < 0) return 1;
    // By how many have been lost: probability of that many and the link good, and bad, at the last place.
    const good = new Float64Array(most + 2);
    const bad = new Float64Array(most + 2);
    good[0] = 1 - this.bad;
    bad[0] = this.bad;
    let tooMany = 0;
    let low = 0;
    let high = 0;
    for (let i = 0; i < places.length; i++) {
      const kept = i === 0 ? 1 : this.memory ** (places[i]! - places[i - 1]!);
      const turnsBad = this.bad * (1 - kept);
      const turnsGood = (1 - this.bad) * (1 - kept);
      for (let lost = high; lost >= low; lost--) {
        const g = good[lost]! * (1 - turnsBad) + bad[lost]! * turnsGood;
        const b = good[lost]! * turnsBad + bad[lost]! * (1 - turnsGood);
        good[lost] = g * (1 - this.loss);
        bad[lost] = 0;
        good[lost + 1] = good[lost + 1]! + g * this.loss;
        bad[lost + 1] = bad[lost + 1]! + b;
      }
      high++;
      if (high > most) {
        tooMany += good[high]! + bad[high]!;
        good[high] = 0;
        bad[high] = 0;
        high = most;
      }
      while (high > low && good[high]! + bad[high]! < NEGLIGIBLE) {
        good[high] = 0;
        bad[high] = 0;
        high--;
      }
      while (low < high && good[low]! + bad[low]! < NEGLIGIBLE) low++;
    }
    return Math.min(1, tooMany);
  }
}
