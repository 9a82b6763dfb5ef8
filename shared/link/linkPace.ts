/**
 * How fast a sender may be from moment to moment. Two token buckets, both of which must agree:
 *
 *   over 100 ms   2 % above the rate plus 6 ms of it: never ahead by more than one burst, 8 ms of the rate
 *   over 1 s      the rate plus 16 ms of it: within 2 %
 *
 * So a thread that was held up for some milliseconds makes up for it within half a second or so, and a receiver never has to
 * take more at once than its buffer holds. Pure: time is an argument.
 */
import { Pacer } from './pacer.js';

const AT_ONCE_MS = 6;
const CATCH_UP = 1.02;
const SAVED_MS = 16;
/** A slow link sends whole datagrams too. */
const LEAST_DATAGRAMS = 2;

export class LinkPace {
  private readonly short: Pacer;
  private readonly long: Pacer;

  /** @param datagramBytes the longest datagram, headers included */
  constructor(rateBps: number, datagramBytes: number, nowMs: number) {
    const bytesPerMs = rateBps / 8_000;
    const least = LEAST_DATAGRAMS * datagramBytes;
    this.short = new Pacer(rateBps * CATCH_UP, Math.max(least, bytesPerMs * AT_ONCE_MS), nowMs);
    this.long = new Pacer(rateBps, Math.max(least, bytesPerMs * SAVED_MS), nowMs);
  }

  /** Whole bytes that may be sent now. */
  available(nowMs: number): number {
    return Math.min(this.short.available(nowMs), this.long.available(nowMs));
  }

  spend(bytes: number): void {
    this.short.spend(bytes);
    this.long.spend(bytes);
  }
}
