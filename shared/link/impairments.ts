/**
 * What the simulated link does to datagrams, as a pure state machine: the same datagrams at the same times and the
 * same seed give the same result.
 *
 *   arrive -> outage, bursts, loss -> duplicate -> corrupt -> reorder -> rate -> leave
 *
 * Each impairment draws from a stream of its own, and the losing ones are asked about every datagram that arrives, so
 * switching one on does not move the others. The rate comes last: what leaves never exceeds it, duplicates included.
 * A link that does nothing hands the very buffer on.
 */
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { Prng } from '../core/prng.js';
import { GilbertElliott, ObjectBursts } from './lossModels.js';
import { RateLimit } from './rateLimit.js';
import { ReorderBuffer } from './reorder.js';

/** All probabilities are fractions from 0 to 1 and per datagram; what is absent or 0 does not happen. */
export interface ImpairmentOptions {
  /** Any integer; its lower 32 bits count. */
  seed: number;
  /** Probability of being lost, independent of all others. */
  loss?: number | undefined;
  /** Datagrams of the one run that is lost per coded object. */
  burst?: number | undefined;
  /** Gilbert-Elliott: mean length of a burst in datagrams, at least 1, and probability that one begins. Both or none. */
  burstMean?: number | undefined;
  burstRate?: number | undefined;
  /** Places a datagram may be displaced by. */
  reorder?: number | undefined;
  duplicate?: number | undefined;
  /** Probability that one bit is flipped. */
  corrupt?: number | undefined;
  /** A time in which everything is lost, counted from the first datagram the link forwarded. */
  outage?: { startMs: number; lengthMs: number } | undefined;
  /** Bits a second; UDP payload bytes count. */
  rateBps?: number | undefined;
}

/** received + duplicated = forwarded + lost + burstLost + outageLost + rateDropped + what is still held. */
export interface ImpairmentCounters {
  received: number;
  forwarded: number;
  /** Lost independently. */
  lost: number;
  /** Lost in the burst of an object or of the Gilbert-Elliott model. */
  burstLost: number;
  outageLost: number;
  rateDropped: number;
  /** Copies made. */
  duplicated: number;
  corrupted: number;
  /** Datagrams that left after one that had arrived later. */
  reordered: number;
  /** Bytes forwarded. */
  bytes: number;
}

/** Streams of random numbers: four letters each, so that no seed meets another one by a small step. */
const STREAM = {
  loss: 0x6c6f7373,
  burst: 0x62727374,
  gilbert: 0x67696c62,
  reorder: 0x72656f72,
  duplicate: 0x6475706c,
  corrupt: 0x636f7272,
} as const;

function need(holds: boolean, detail: string): void {
  if (!holds) throw new SluiceError('USAGE', detail);
}

function check(options: ImpairmentOptions): void {
  need(Number.isSafeInteger(options.seed), 'The seed of the link must be an integer.');
  for (const key of ['loss', 'burstRate', 'duplicate', 'corrupt'] as const) {
    const value = options[key] ?? 0;
    need(value >= 0 && value <= 1, `"${key}" must be a fraction between 0 and 1, not ${value}.`);
  }
  const { burst = 0, burstMean, burstRate, reorder = 0, outage, rateBps } = options;
  need(Number.isSafeInteger(burst) && burst >= 0, '"burst" must be a whole number of datagrams.');
  need((burstMean === undefined) === (burstRate === undefined), '"burstMean" and "burstRate" only work together.');
  need(burstMean === undefined || (burstMean >= 1 && Number.isFinite(burstMean)), '"burstMean" must be at least 1.');
  need(
    Number.isInteger(reorder) && reorder >= 0 && reorder <= LIMITS.linkReorderPlaces,
    `"reorder" must be a whole number of places, at most ${LIMITS.linkReorderPlaces}.`,
  );
  need(!outage || (outage.startMs >= 0 && outage.lengthMs >= 0), 'An outage needs a start and a length from 0 on.');
  need(rateBps === undefined || (rateBps > 0 && Number.isFinite(rateBps)), 'The rate of the link must be above 0.');
}

export class Impairments {
  private readonly counts = {
    received: 0,
    forwarded: 0,
    lost: 0,
    burstLost: 0,
    outageLost: 0,
    duplicated: 0,
    corrupted: 0,
    bytes: 0,
  };
  private readonly bursts: ObjectBursts | undefined;
  private readonly gilbert: GilbertElliott | undefined;
  private readonly reorder: ReorderBuffer | undefined;
  private readonly rate: RateLimit | undefined;
  private readonly loss: Prng;
  private readonly duplicate: Prng;
  private readonly corrupt: Prng;
  /** Nothing is switched on. */
  private readonly plain: boolean;
  /** Our own time: it passes as the given clock goes forward and stands still while that steps back (FAULTS 22). */
  private timeMs = 0;
  private clockMs: number | undefined;
  private firstForwardMs: number | undefined;

  /**
   * @param out called for each datagram that leaves, within `push`, `tick` or `flush`; it must not call back in
   * @throws SluiceError USAGE
   */
  constructor(
    private readonly options: ImpairmentOptions,
    private readonly out: (datagram: Uint8Array) => void,
  ) {
    check(options);
    const { seed, burst, burstMean, burstRate, reorder, rateBps } = options;
    this.loss = new Prng(seed ^ STREAM.loss);
    this.duplicate = new Prng(seed ^ STREAM.duplicate);
    this.corrupt = new Prng(seed ^ STREAM.corrupt);
    // Built from the output backwards: each stage hands on to the one behind it.
    const leave = (datagram: Uint8Array) => this.leave(datagram);
    const rate = rateBps === undefined ? undefined : new RateLimit(rateBps, this.timeMs, leave);
    const limit = rate ? (datagram: Uint8Array) => rate.push(datagram, this.timeMs) : leave;
    this.rate = rate;
    this.reorder = reorder ? new ReorderBuffer(seed ^ STREAM.reorder, reorder, limit) : undefined;
    this.gilbert = burstRate && burstMean ? new GilbertElliott(seed ^ STREAM.gilbert, burstRate, burstMean) : undefined;
    this.bursts = burst ? new ObjectBursts(seed ^ STREAM.burst, burst) : undefined;
    const stages = [this.rate, this.reorder, this.gilbert, this.bursts, options.outage];
    this.plain = !stages.some(Boolean) && !options.loss && !options.duplicate && !options.corrupt;
  }

  get counters(): ImpairmentCounters {
    return { ...this.counts, rateDropped: this.rate?.dropped ?? 0, reordered: this.reorder?.reordered ?? 0 };
  }

  /** Datagrams waiting for a later one, for silence or for the rate; while above 0, `tick` must be called. */
  get held(): number {
    return (this.reorder?.held ?? 0) + (this.rate?.held ?? 0);
  }

  /** A datagram arrives. Its buffer belongs to the link from now on, and is not changed. */
  push(datagram: Uint8Array, nowMs: number): void {
    this.counts.received++;
    if (this.plain) {
      this.leave(datagram);
      return;
    }
    this.advance(nowMs);
    // No short cuts: every model sees every datagram.
    const inObjectBurst = this.bursts?.loses(datagram) ?? false;
    const inBurst = this.gilbert?.loses() ?? false;
    const alone = this.draw(this.loss, this.options.loss);
    if (this.inOutage()) this.counts.outageLost++;
    else if (inObjectBurst || inBurst) this.counts.burstLost++;
    else if (alone) this.counts.lost++;
    else this.survive(datagram);
  }

  /** Time passes: lets out what has waited long enough. Call it every millisecond or so while `held` is above 0. */
  tick(nowMs: number): void {
    this.advance(nowMs);
    this.reorder?.tick(this.timeMs);
    this.rate?.tick(this.timeMs);
  }

  /** No more datagrams will come: nothing waits for a later one any more. What waits for the rate still does. */
  flush(): void {
    this.reorder?.flush();
  }

  private advance(nowMs: number): void {
    if (this.clockMs !== undefined && nowMs > this.clockMs) this.timeMs += nowMs - this.clockMs;
    this.clockMs = nowMs;
  }

  private draw(prng: Prng, probability: number | undefined): boolean {
    return probability ? prng.unit() < probability : false;
  }

  private inOutage(): boolean {
    const { outage } = this.options;
    if (!outage || this.firstForwardMs === undefined) return false;
    const sinceMs = this.timeMs - this.firstForwardMs;
    return sinceMs >= outage.startMs && sinceMs < outage.startMs + outage.lengthMs;
  }

  private survive(datagram: Uint8Array): void {
    const twice = this.draw(this.duplicate, this.options.duplicate);
    this.pass(datagram);
    if (!twice) return;
    this.counts.duplicated++;
    this.pass(datagram);
  }

  /** Each copy may be corrupted on its own. */
  private pass(datagram: Uint8Array): void {
    let passed = datagram;
    if (this.draw(this.corrupt, this.options.corrupt) && datagram.length > 0) {
      this.counts.corrupted++;
      // A copy: the same buffer may be on its way as a duplicate.
      passed = new Uint8Array(datagram);
      const bit = this.corrupt.below(passed.length * 8);
      passed[bit >>> 3]! ^= 1 << (bit & 7);
    }
    if (this.reorder) this.reorder.push(passed, this.timeMs);
    else if (this.rate) this.rate.push(passed, this.timeMs);
    else this.leave(passed);
  }

  private leave(datagram: Uint8Array): void {
    this.firstForwardMs ??= this.timeMs;
    this.counts.forwarded++;
    this.counts.bytes += datagram.length;
    this.out(datagram);
  }
}
