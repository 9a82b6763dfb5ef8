/**
 * Everything the sender sends of one transfer, frame by frame, as arithmetic: which block the frame at a place belongs
 * to, and how many frames of each block a burst over any stretch takes. Mirrors `ingress/send/codedPasses.ts`; a test
 * holds the two against each other.
 *
 *   envelope pass 0 | group 0 | group 1 | ...                                   | envelope pass 1
 *   of a small payload:      ... | gap: padding, or what others send | closing repair | envelope pass 1
 *
 * Places count datagrams of the link from the first frame of the envelope; those in the gap are not the transfer's.
 * Frames of others that come between (heartbeats, other payloads' turns) only make a burst take fewer of these.
 */
import { type CodingParameters, Partition } from '../fec/partition.js';
import { envelopeSymbols } from '../wire/envelopeObject.js';
import { closingRepairSymbols, envelopePass, repairSymbols, SMALL_PAYLOAD_SYMBOLS } from './passes.js';

/** What decides how much is sent, and in which order. */
export interface SendRules extends CodingParameters {
  readonly overheadPpm: number;
  /** Repair symbols of a block at least. */
  readonly repairFloor: number;
  /** Blocks of a group. */
  readonly interleave: number;
  /** How the closing pass of a small payload finds the link: idle, it brings more repair. */
  readonly idle: boolean;
  /** Datagrams on the link between a small payload and its closing pass. */
  readonly gapDatagrams: number;
}

/** Bytes of the envelope of one object beside the digests of its blocks, with a path of some hundred bytes. */
const ENVELOPE_BYTES = 1_024;
const DIGEST_BYTES = 32;

/** Bytes of the envelope of a payload that is one object of so many blocks, about. */
export const envelopeEstimateBytes = (blocks: number): number => ENVELOPE_BYTES + DIGEST_BYTES * blocks;

/** Block number of the envelope. */
export const ENVELOPE = -1;

/** `count` blocks from `first` on have `frames` frames each. */
export type OnHit = (first: number, count: number, frames: number) => void;

/** Some blocks whose symbols are sent in turn, one of each in a round, as long as the block has any. */
interface Stretch {
  /** Place of its first frame. */
  readonly at: number;
  readonly frames: number;
  /** The first block, and how many. */
  readonly first: number;
  readonly size: number;
}

export class SentTransfer {
  readonly partition: Partition;
  /** Source symbols of the envelope. */
  readonly envelopeK: number;
  readonly isSmall: boolean;
  /** Groups of blocks of the payload. */
  readonly groups: number;
  /** Places in all, those of the gap included; and frames of the transfer. */
  readonly places: number;
  readonly frames: number;
  /** Blocks that have one symbol more than the others; they come first. */
  readonly largeBlocks: number;
  private readonly payloadFrames: number;

  constructor(
    lengthBytes: number,
    readonly rules: SendRules,
  ) {
    this.partition = new Partition(lengthBytes, rules);
    const { blocks, symbols } = this.partition;
    this.largeBlocks = blocks === 0 ? 0 : symbols - blocks * this.smallK();
    this.envelopeK = envelopeSymbols(envelopeEstimateBytes(blocks), rules.symbolBytes);
    this.isSmall = blocks > 0 && symbols <= SMALL_PAYLOAD_SYMBOLS;
    this.groups = Math.ceil(blocks / rules.interleave);
    this.payloadFrames = this.framesBefore(blocks, (k) => this.sent(k));
    const closing = this.isSmall ? this.framesBefore(blocks, (k) => this.closing(k)) : 0;
    this.frames = this.envelopeFrames(0) + this.payloadFrames + closing + this.envelopeFrames(1);
    this.places = this.frames + this.gap;
  }

  /** Symbols of a block with k source symbols that are sent in all, passes together. */
  sentOfBlock(k: number): number {
    return this.sent(k) + (this.isSmall ? this.closing(k) : 0);
  }

  sentOfEnvelope(): number {
    return this.envelopeFrames(0) + this.envelopeFrames(1);
  }

  /** A group of the payload. */
  group(index: number): Stretch {
    const first = index * this.rules.interleave;
    const size = Math.min(this.rules.interleave, this.partition.blocks - first);
    const at = this.envelopeFrames(0) + this.framesBefore(first, (k) => this.sent(k));
    return { at, frames: this.framesBetween(first, first + size, (k) => this.sent(k)), first, size };
  }

  /** Frames of a group of the payload at least; only the last one, with fewer blocks, may have fewer. */
  get leastGroupFrames(): number {
    const { blocks } = this.partition;
    return blocks === 0 ? 1 : Math.min(this.rules.interleave, blocks) * this.sent(this.smallK());
  }

  /** Where the transfer goes on after the gap, and where the last envelope pass begins. */
  get closingAt(): number {
    return this.envelopeFrames(0) + this.payloadFrames + this.gap;
  }
  get lastEnvelopeAt(): number {
    return this.places - this.envelopeFrames(1);
  }
  /** Place of the first frame of the payload. */
  get payloadAt(): number {
    return this.envelopeFrames(0);
  }
  get payloadEnd(): number {
    return this.envelopeFrames(0) + this.payloadFrames;
  }

  /** Places of the frames of the envelope. */
  envelopePlaces(): number[] {
    const places: number[] = [];
    for (let place = 0; place < this.payloadAt; place++) places.push(place);
    for (let place = this.lastEnvelopeAt; place < this.places; place++) places.push(place);
    return places;
  }

  /** Places of the frames of a block, in the payload and in the closing pass. */
  placesOf(block: number): number[] {
    const { interleave } = this.rules;
    const places = this.placesIn(this.group(Math.floor(block / interleave)), (k) => this.sent(k), block);
    if (!this.isSmall) return places;
    const closing = { at: this.closingAt, frames: 0, first: 0, size: this.partition.blocks };
    return [...places, ...this.placesIn(closing, (k) => this.closing(k), block)];
  }

  /**
   * Blocks whose frames lie alike, one of each kind, with how many there are. In a group with both sizes of a block the
   * distances in the last round, where the larger ones are alone, are the same too.
   */
  *blocksAlike(): Generator<{ block: number; count: number }> {
    const { largeBlocks, groups, partition, rules } = this;
    if (this.isSmall) {
      for (let block = 0; block < partition.blocks; block++) yield { block, count: 1 };
      return;
    }
    const mixed = Math.floor(largeBlocks / rules.interleave);
    const ends = [
      mixed * rules.interleave,
      largeBlocks,
      (mixed + 1) * rules.interleave,
      (groups - 1) * rules.interleave,
    ];
    let from = 0;
    for (const end of [...ends, partition.blocks]) {
      const to = Math.min(end, partition.blocks);
      if (to > from) yield { block: from, count: to - from };
      from = Math.max(from, to);
    }
  }

  /** Tells how many frames of which blocks (or of ENVELOPE) the places from..to-1 hold; each block at most once. */
  eachHit(from: number, to: number, hit: OnHit): void {
    const envelope = overlap(from, to, 0, this.payloadAt) + overlap(from, to, this.lastEnvelopeAt, this.places);
    if (envelope > 0) hit(ENVELOPE, 1, envelope);
    if (this.isSmall) this.eachHitOfSmall(from, to, hit);
    else this.eachHitOfGroups(from, to, hit);
  }

  /** In a small payload a block has frames in two places, and a burst may reach both. */
  private eachHitOfSmall(from: number, to: number, hit: OnHit): void {
    const hits = new Array<number>(this.partition.blocks).fill(0);
    const add: OnHit = (first, count, frames) => {
      for (let block = first; block < first + count; block++) hits[block] = hits[block]! + frames;
    };
    this.eachHitOfGroups(from, to, add);
    const closing = { at: this.closingAt, frames: this.lastEnvelopeAt - this.closingAt };
    this.hitsOf({ ...closing, first: 0, size: this.partition.blocks }, (k) => this.closing(k), from, to, add);
    hits.forEach((frames, block) => {
      if (frames > 0) hit(block, 1, frames);
    });
  }

  private eachHitOfGroups(from: number, to: number, hit: OnHit): void {
    const { payloadAt, payloadEnd, groups } = this;
    if (groups === 0 || to <= payloadAt || from >= payloadEnd) return;
    // No group is longer than the first, so the one at a place is that or a later one.
    const longest = this.group(0).frames;
    let index = Math.min(groups - 1, Math.max(0, Math.floor((from - payloadAt) / longest)));
    for (; index < groups; index++) {
      const group = this.group(index);
      if (group.at >= to) return;
      if (group.at + group.frames > from) this.hitsOf(group, (k) => this.sent(k), from, to, hit);
    }
  }

  private hitsOf(
    { at, frames, first, size }: Stretch,
    symbolsOf: (k: number) => number,
    from: number,
    to: number,
    hit: OnHit,
  ): void {
    const begin = Math.max(0, from - at);
    const end = Math.min(frames, to - at);
    if (end <= begin) return;
    // The last block has the fewest symbols.
    const even = symbolsOf(this.partition.k(first + size - 1)) * size;
    if (end <= even) hitsInRounds(first, size, begin, end, hit);
    else {
      const counts = Array.from({ length: size }, (_, i) => symbolsOf(this.partition.k(first + i)));
      const before = roundRobin(counts, begin);
      roundRobin(counts, end).forEach((until, i) => {
        if (until > before[i]!) hit(first + i, 1, until - before[i]!);
      });
    }
  }

  private placesIn({ at, first, size }: Stretch, symbolsOf: (k: number) => number, block: number): number[] {
    const counts = Array.from({ length: size }, (_, i) => symbolsOf(this.partition.k(first + i)));
    const symbols = counts[block - first]!;
    const even = Math.min(...counts);
    const places = Array.from({ length: Math.min(symbols, even) }, (_, round) => at + round * size + (block - first));
    // Then only the larger blocks are left, which come first.
    for (let round = even, place = at + even * size; round < symbols; round++) {
      places.push(place + (block - first));
      place += counts.filter((count) => count > round).length;
    }
    return places;
  }

  private get gap(): number {
    return this.isSmall ? this.rules.gapDatagrams : 0;
  }
  private smallK(): number {
    return this.partition.k(this.partition.blocks - 1);
  }
  private sent(k: number): number {
    return k + repairSymbols(k, this.rules.overheadPpm, this.rules.repairFloor);
  }
  private closing(k: number): number {
    return closingRepairSymbols(k, this.rules.repairFloor, this.rules.idle);
  }
  private envelopeFrames(pass: number): number {
    return envelopePass(this.envelopeK, pass).count;
  }
  /** Frames of the first so many blocks, of each as many as `symbolsOf` says. */
  private framesBefore(blocks: number, symbolsOf: (k: number) => number): number {
    if (blocks === 0) return 0;
    const large = Math.min(blocks, this.largeBlocks);
    const k = this.smallK();
    return large * symbolsOf(k + 1) + (blocks - large) * symbolsOf(k);
  }
  private framesBetween(from: number, to: number, symbolsOf: (k: number) => number): number {
    return this.framesBefore(to, symbolsOf) - this.framesBefore(from, symbolsOf);
  }
}

const overlap = (from: number, to: number, begin: number, end: number): number =>
  Math.max(0, Math.min(to, end) - Math.max(from, begin));

/** Hits of a burst over the frames begin..end-1 of rounds in which every block has a frame: three runs of blocks at most. */
function hitsInRounds(first: number, size: number, begin: number, end: number, hit: OnHit): void {
  const rounds = Math.floor(end / size) - Math.floor(begin / size);
  const began = begin % size;
  const ended = end % size;
  const least = Math.min(began, ended);
  const most = Math.max(began, ended);
  const between = ended > began ? rounds + 1 : rounds - 1;
  const run = (from: number, to: number, frames: number) => {
    if (to > from && frames > 0) hit(first + from, to - from, frames);
  };
  run(0, least, rounds);
  run(least, most, between);
  run(most, size, rounds);
}

/** Frames of each block among the first `frames` of a stretch whose blocks have so many frames each. */
function roundRobin(counts: readonly number[], frames: number): number[] {
  const size = counts.length;
  const rounds = Math.min(Math.floor(frames / size), ...counts);
  const hits = new Array<number>(size).fill(rounds);
  // Blocks differ by a symbol or two: few rounds are left.
  let left = frames - rounds * size;
  for (let round = rounds; left > 0 && counts.some((count) => count > round); round++) {
    for (let i = 0; i < size && left > 0; i++) {
      if (counts[i]! <= round) continue;
      hits[i] = hits[i]! + 1;
      left--;
    }
  }
  return hits;
}
