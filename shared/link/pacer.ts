/**
 * A token bucket: what keeps a sender, or the simulated link, at its rate (FAULTS 57). Pure: time is an argument.
 *
 * Over any stretch of the clock it was given, no more than `rate x time + burst` bytes are available. A clock that
 * steps forward earns one burst at most; one that steps back earns nothing and time goes on from there, because
 * waiting for it to catch up could mean waiting for years (FAULTS 22).
 */
import { SluiceError } from '../core/errors.js';

export class Pacer {
  private readonly bytesPerMs: number;
  /** Bytes saved up; below zero when more was spent than there was, to be paid off first. */
  private tokens: number;

  /**
   * @param rateBps bits a second, above 0
   * @param burstBytes what may be saved up while idle. Less than one wake-up interval of the rate, or less than one
   *   datagram, and the rate is not reached.
   * @throws SluiceError CONFIG_INVALID
   */
  constructor(
    rateBps: number,
    private readonly burstBytes: number,
    private lastMs: number,
  ) {
    if (!(rateBps > 0 && Number.isFinite(rateBps))) {
      throw new SluiceError('CONFIG_INVALID', `A rate of ${rateBps} bit/s is not a rate.`);
    }
    if (!(burstBytes >= 1 && Number.isFinite(burstBytes))) {
      throw new SluiceError('CONFIG_INVALID', `A burst of ${burstBytes} bytes is not a burst.`);
    }
    this.bytesPerMs = rateBps / 8000;
    this.tokens = burstBytes;
  }

  /** Whole bytes that may be sent now; 0 while a debt is being paid off. */
  available(nowMs: number): number {
    this.refill(nowMs);
    return this.tokens > 0 ? Math.floor(this.tokens) : 0;
  }

  /** Takes bytes out. More than `available` makes a debt: that is for the one datagram larger than the burst. */
  spend(bytes: number): void {
    this.tokens -= bytes;
  }

  /** Milliseconds, not rounded, until `bytes` (or the burst, if that is less) are available; 0 when they are now. */
  waitMs(bytes: number, nowMs: number): number {
    this.refill(nowMs);
    const missing = Math.min(bytes, this.burstBytes) - this.tokens;
    return missing > 0 ? missing / this.bytesPerMs : 0;
  }

  private refill(nowMs: number): void {
    const elapsedMs = nowMs - this.lastMs;
    if (elapsedMs > 0) this.tokens = Math.min(this.burstBytes, this.tokens + elapsedMs * this.bytesPerMs);
    // A time that is no number would stay for ever; it counts as no time at all.
    if (Number.isFinite(nowMs)) this.lastMs = nowMs;
  }
}
