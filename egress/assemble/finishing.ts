/**
 * The line of blocks with k symbols in front of the finishers, and what each finisher holds. Every request carries a
 * ticket: an answer belongs to exactly the block it was asked for, whatever has become of the payload meanwhile.
 */
import type { FinishBlock, ToFinisher } from './messages.js';
import type { Payload } from './payload.js';
import type { SourceBlock } from './sourceBlock.js';

export interface Asked {
  payload: Payload;
  sbn: number;
  /** The block whose memory the finisher uses; absent when it only hashes again what is on disk. */
  block?: SourceBlock;
  /** Present when it compares the digest of the whole payload. */
  whole?: true;
}

const SMALL_BLOCK_SYMBOLS = 512;
const SMALL_IN_ROW = 16;

interface Waiting {
  payload: Payload;
  sbn: number;
}

export class Finishing {
  /** Blocks of letters go first: a large one takes tens of milliseconds (FAULTS 60). But not for ever. */
  private readonly small: Waiting[] = [];
  private readonly large: Waiting[] = [];
  private smallInRow = 0;
  private retries: (Waiting & { dueMs: number })[] = [];
  private readonly asked = new Map<number, Asked>();
  private lastTicket = 0;
  private blocksAway = 0;

  constructor(
    /** Blocks the finishers may hold at once. */
    private readonly most: number,
    private readonly send: (message: ToFinisher) => void,
    /** The block in memory, fetched from disk if it was put aside; undefined when there is no room for it now. */
    private readonly blockOf: (payload: Payload, sbn: number) => SourceBlock | undefined,
  ) {}

  /** Blocks that have all they need and are not finished, those that are hashed again included. */
  get waiting(): number {
    return this.small.length + this.large.length + this.retries.length + this.asked.size;
  }

  /** Puts a block in the line. What turns out to be done or gone when its turn comes is passed over. */
  queue(payload: Payload, sbn: number): void {
    this.lineOf(payload, sbn).push({ payload, sbn });
  }

  retryAt(payload: Payload, sbn: number, dueMs: number): void {
    this.retries.push({ payload, sbn, dueMs });
  }

  /** Gives the finishers as much as they may hold. */
  offer(): void {
    while (this.blocksAway < this.most && this.small.length + this.large.length > 0) {
      const { payload, sbn } = this.next();
      if (payload.dropped || payload.expected!.done[sbn]) continue;
      const block = this.blockOf(payload, sbn);
      if (!block) {
        // All memory is with the finishers: their answers make room.
        this.lineOf(payload, sbn).unshift({ payload, sbn });
        return;
      }
      if (block.away || !block.ready) continue;
      block.away = true;
      this.blocksAway++;
      this.send({ finish: request(this.ticketFor({ payload, sbn, block }), payload, block) });
    }
  }

  /** Has a block that is on disk from an earlier run hashed again. */
  recheck(payload: Payload, sbn: number): void {
    const { partition, expected } = payload;
    this.send({
      recheck: {
        ticket: this.ticketFor({ payload, sbn }),
        object: payload.object,
        sbn,
        digest: payload.digest(sbn),
        byteLength: partition.byteLength(sbn),
        byteOffset: partition.byteOffset(sbn),
        dataFile: expected!.store.dataFile,
      },
    });
  }

  /** All blocks are done: has the digest of the whole compared with the signed one. */
  compare(payload: Payload, sha256: Uint8Array): void {
    const { coding, store } = payload.expected!;
    const ticket = this.ticketFor({ payload, sbn: 0, whole: true });
    const { object } = payload;
    this.send({ compare: { ticket, object, uptoBytes: coding.lengthBytes, dataFile: store.dataFile, sha256 } });
  }

  /** What an answer is about; its memory is ours again. */
  takeBack(ticket: number): Asked | undefined {
    const asked = this.asked.get(ticket);
    this.asked.delete(ticket);
    if (asked?.block) {
      asked.block.away = false;
      this.blocksAway--;
    }
    return asked;
  }

  tick(nowMs: number): void {
    const due = this.retries.filter((retry) => retry.dueMs <= nowMs);
    if (due.length > 0) {
      this.retries = this.retries.filter((retry) => retry.dueMs > nowMs);
      for (const { payload, sbn } of due) this.queue(payload, sbn);
    }
    this.offer();
  }

  private lineOf(payload: Payload, sbn: number): Waiting[] {
    return payload.partition.k(sbn) <= SMALL_BLOCK_SYMBOLS ? this.small : this.large;
  }

  private next(): Waiting {
    const small = this.small.length > 0 && (this.large.length === 0 || this.smallInRow < SMALL_IN_ROW);
    this.smallInRow = small ? this.smallInRow + 1 : 0;
    return (small ? this.small : this.large).shift()!;
  }

  private ticketFor(asked: Asked): number {
    this.asked.set(++this.lastTicket, asked);
    return this.lastTicket;
  }
}

function request(ticket: number, payload: Payload, block: SourceBlock): FinishBlock {
  const { partition, expected } = payload;
  return {
    ticket,
    object: payload.object,
    sbn: block.sbn,
    k: block.k,
    symbolBytes: block.symbolBytes,
    source: block.source,
    have: block.have,
    repair: block.repair,
    digest: payload.digest(block.sbn),
    byteLength: partition.byteLength(block.sbn),
    byteOffset: partition.byteOffset(block.sbn),
    dataFile: expected!.store.dataFile,
    doneFile: expected!.store.doneFile,
  };
}
