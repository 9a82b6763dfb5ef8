/**
 * The bandwidth of the simulated link: a token bucket behind a queue of bounded delay that drops what no longer fits
 * (FAULTS 57). Sizes are UDP payloads, as in the sender's own pacing.
 */
import { LIMITS } from '../core/limits.js';
import { Pacer } from './pacer.js';

/** Saved up while this process does not run: a real line does not stop when a busy machine forgets a timer for a moment. */
const BURST_MS = 20;
/** The bucket and the queue of a slow link still hold a few ordinary datagrams. */
const BURST_MIN_BYTES = 4_096;
const QUEUE_MIN_BYTES = 65_536;
/** What a datagram costs at least, as the smallest Ethernet frame does: so that empty ones fill the queue as well. */
const COST_MIN_BYTES = 64;

const costBytes = (datagram: Uint8Array): number => Math.max(COST_MIN_BYTES, datagram.length);

export class RateLimit {
  /** Datagrams that found the queue full. */
  dropped = 0;
  private readonly burstBytes: number;
  private readonly queueBytes: number;
  private readonly pacer: Pacer;
  private queue: Uint8Array[] = [];
  /** The queue begins here: shifting an array of thousands for each datagram would cost more than sending it. */
  private head = 0;
  private queuedBytes = 0;

  constructor(
    rateBps: number,
    nowMs: number,
    private readonly out: (datagram: Uint8Array) => void,
  ) {
    this.burstBytes = Math.max(BURST_MIN_BYTES, (rateBps / 8000) * BURST_MS);
    this.queueBytes = Math.max(QUEUE_MIN_BYTES, (rateBps / 8000) * LIMITS.linkQueueMs);
    this.pacer = new Pacer(rateBps, this.burstBytes, nowMs);
  }

  /** Datagrams waiting. */
  get held(): number {
    return this.queue.length - this.head;
  }

  push(datagram: Uint8Array, nowMs: number): void {
    this.tick(nowMs);
    const cost = costBytes(datagram);
    if (this.queuedBytes + cost > this.queueBytes) {
      this.dropped++;
      return;
    }
    this.queue.push(datagram);
    this.queuedBytes += cost;
    this.tick(nowMs);
  }

  /** Lets out what the rate allows by now. */
  tick(nowMs: number): void {
    while (this.head < this.queue.length) {
      const datagram = this.queue[this.head]!;
      const cost = costBytes(datagram);
      // A datagram larger than the bucket leaves when the bucket is full, and owes the rest.
      if (this.pacer.waitMs(cost, nowMs) > 0) break;
      this.pacer.spend(cost);
      this.queuedBytes -= cost;
      this.head++;
      this.out(datagram);
    }
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.head = 0;
    } else if (this.head > 1_024 && this.head * 2 > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
  }
}
