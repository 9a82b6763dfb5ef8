/**
 * The two ways a simulated link loses datagrams in runs. Pure and seeded; each is asked once about every datagram that
 * arrives, so a pattern does not depend on what else happens to the datagrams.
 */
import { LIMITS } from '../core/limits.js';
import { Prng } from '../core/prng.js';
import { emptyHeader, FrameKind, readFrameHeader } from '../wire/frame.js';

/** State of an object whose burst lies behind it. */
const DONE = -1;

/**
 * One run of consecutive losses per coded object, at a seeded place among the object's own payload frames.
 *
 * The place is drawn from [0, source symbols), in the order in which objects first appear, and counted in payload
 * frames of that object; from that frame on the next `length` datagrams, whatever they carry, are lost. Frames sent
 * again later belong to an object that has had its burst. Runs of two objects that meet become one.
 */
export class ObjectBursts {
  private readonly prng: Prng;
  private readonly header = emptyHeader();
  /** Object -> payload frames still to pass before its burst, or DONE. */
  private readonly objects = new Map<number, number>();
  private remaining = 0;

  constructor(
    seed: number,
    private readonly lengthDatagrams: number,
  ) {
    this.prng = new Prng(seed);
  }

  /** Whether this datagram is lost. */
  loses(datagram: Uint8Array): boolean {
    const { header } = this;
    if (readFrameHeader(datagram, 0, datagram.length, header) === undefined && header.kind === FrameKind.payload) {
      // The lower 53 bits of the 64-bit id fit a number, which a Map finds faster than a text. Ids that differ in the
      // rest alone would share one burst; they are random, so there are none.
      const object = (header.objectHigh & 0x1f_ffff) * 0x1_0000_0000 + header.objectLow;
      const toPass = this.objects.get(object) ?? this.enter(object, header.symbols);
      if (toPass === 0) this.remaining = this.lengthDatagrams;
      if (toPass !== DONE) this.objects.set(object, toPass - 1);
    }
    if (this.remaining === 0) return false;
    this.remaining--;
    return true;
  }

  private enter(object: number, symbols: number): number {
    if (this.objects.size >= LIMITS.linkObjects) {
      // The one seen first; if it comes again it counts as new.
      this.objects.delete(this.objects.keys().next().value!);
    }
    const toPass = this.prng.below(Math.max(1, symbols));
    this.objects.set(object, toPass);
    return toPass;
  }
}

/**
 * Losses in bursts (Gilbert 1960, Elliott 1963): a link that is either good or bad, and loses everything while bad.
 * Long-run loss = mean / (mean + (1 - rate) / rate).
 */
export class GilbertElliott {
  private readonly prng: Prng;
  private readonly staysBad: number;
  private bad = false;

  /** @param rate probability that a burst begins at a datagram; @param meanDatagrams mean burst length, at least 1 */
  constructor(
    seed: number,
    private readonly rate: number,
    meanDatagrams: number,
  ) {
    this.prng = new Prng(seed);
    this.staysBad = 1 - 1 / meanDatagrams;
  }

  /** Whether the next datagram is lost. */
  loses(): boolean {
    this.bad = this.bad && this.prng.unit() < this.staysBad;
    // A burst may begin right behind another; one draw decides for each datagram that finds the link good.
    if (!this.bad) this.bad = this.prng.unit() < this.rate;
    return this.bad;
  }
}
