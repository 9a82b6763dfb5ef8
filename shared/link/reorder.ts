/**
 * Seeded reordering of the simulated link: each datagram leaves up to `places` places before or after its own.
 *
 * Datagram i is given the key i + r with r drawn from [0, places], and datagrams leave in order of their keys, equal
 * ones in order of arrival. Nobody with i > j + places can have a smaller key than j, so at most `places` others pass
 * any datagram and it passes at most as many. When datagram i arrives no smaller key than i can come any more, so
 * everything with key i leaves: buckets by key, modulo places + 1, are all that is needed.
 */
import { Prng } from '../core/prng.js';

/** After this much silence everything held leaves: a transfer's last datagrams are not kept for ever. */
export const SILENCE_MS = 20;

interface Held {
  readonly datagram: Uint8Array;
  readonly index: number;
}

export class ReorderBuffer {
  /** Datagrams that left after one that had arrived later (RFC 4737 section 3). */
  reordered = 0;
  /** Datagrams waiting. */
  held = 0;
  private readonly prng: Prng;
  private readonly buckets: Held[][];
  private index = 0;
  private highestLeft = -1;
  private lastMs = 0;

  constructor(
    seed: number,
    private readonly places: number,
    private readonly out: (datagram: Uint8Array) => void,
  ) {
    this.prng = new Prng(seed);
    this.buckets = Array.from({ length: places + 1 }, () => []);
  }

  /** Time must not run backwards. */
  push(datagram: Uint8Array, nowMs: number): void {
    this.lastMs = nowMs;
    const index = this.index++;
    const key = index + this.prng.below(this.places + 1);
    this.buckets[key % this.buckets.length]!.push({ datagram, index });
    this.held++;
    this.empty(index % this.buckets.length);
  }

  tick(nowMs: number): void {
    if (this.held > 0 && nowMs - this.lastMs >= SILENCE_MS) this.flush();
  }

  /** Everything held leaves, in order of the keys. */
  flush(): void {
    for (let key = this.index; this.held > 0; key++) this.empty(key % this.buckets.length);
  }

  private empty(slot: number): void {
    const bucket = this.buckets[slot]!;
    for (const { datagram, index } of bucket) {
      if (index < this.highestLeft) this.reordered++;
      else this.highestLeft = index;
      this.out(datagram);
    }
    this.held -= bucket.length;
    bucket.length = 0;
  }
}
