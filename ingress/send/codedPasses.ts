/**
 * Turns one send order into frames. Each pass is a generator that yields after so many frames, so that the encoder thread
 * can take turns between payloads and look at its messages in between: frames name their object, so those of others may
 * go out between them. What a pass keeps from one turn to the next is its group of blocks: each is read once, in one go,
 * sent and encoded from where it lies. Those that find no buffers, because many large payloads are under way, keep only
 * the repair: they read what a turn sends, and the block once more when its repair is made.
 */
import { readFileSync } from 'node:fs';
import { LIMITS } from '../../shared/core/limits.js';
import { BlockEncoder } from '../../shared/fec/encode.js';
import { Partition } from '../../shared/fec/partition.js';
import { kernelChoice } from '../../shared/fec/simd/kernelChoice.js';
import {
  closingRepairSymbols,
  envelopePass,
  repairSymbols,
  SMALL_PAYLOAD_SYMBOLS,
  wrapRepair,
} from '../../shared/link/passes.js';
import { envelopeMaxSymbols, envelopeObjectBytes } from '../../shared/wire/envelopeObject.js';
import { FrameKind } from '../../shared/wire/frame.js';
import type { LinkParameters } from '../../shared/wire/statements.js';
import type { FrameWriter } from './frameWriter.js';
import type { SendOrder } from './orders.js';
import { SpoolReader } from './spoolReader.js';

export interface PassSettings {
  parameters: LinkParameters;
  repairFloor: number;
  guardSymbols: number;
  /** Frames of one turn. */
  turnFrames: number;
  /** For source blocks that are kept while they are sent; default LIMITS.sendingSourceBytes. */
  sourceBytes?: number;
}

/** How far a pass has come at the end of a turn. */
export interface Pause {
  /** Of the payload, 0 to 1. */
  fraction: number;
  /** Between two groups of blocks, where nothing is kept. */
  between: boolean;
}

/** A group of blocks whose symbols are sent in turn. */
interface Group {
  order: SendOrder;
  reader: SpoolReader;
  partition: Partition;
  /** SBN of the first block, and how many there are. */
  first: number;
  size: number;
  /** Buffers for the repair of each block; kept from group to group. */
  repairs: Uint8Array[];
  /** A buffer for each block; absent where there were not enough. */
  sources: Uint8Array[] | undefined;
}

interface BlockPlan {
  k: number;
  /** Source symbols sent; 0 when only repair is. */
  source: number;
  repairFirst: number;
  repair: number;
}

/** One encoder and one set of reading buffers for all payloads of a thread. */
export class PayloadCoder {
  private readonly encoder: BlockEncoder;
  private readonly symbolBytes: number;
  /** Source symbols of one turn, and a whole block while its repair is made. */
  private turn: Uint8Array = new Uint8Array(0);
  private block: Uint8Array = new Uint8Array(0);
  private readonly buffers: BlockBuffers;
  /** Bytes read from the spool so far. */
  readBytes = 0;

  constructor(private readonly settings: PassSettings) {
    const { symbolBytes, blockSymbols } = settings.parameters;
    this.symbolBytes = symbolBytes;
    const blockBytes = blockSymbols * symbolBytes;
    this.buffers = new BlockBuffers(
      Math.floor((settings.sourceBytes ?? LIMITS.sendingSourceBytes) / blockBytes),
      blockBytes,
    );
    this.encoder = new BlockEncoder(
      Math.max(blockSymbols, envelopeMaxSymbols(symbolBytes)),
      symbolBytes,
      kernelChoice().kind,
    );
  }

  partition(order: SendOrder): Partition {
    const { symbolBytes, blockSymbols } = this.settings.parameters;
    return new Partition(order.lengthBytes, { symbolBytes, blockSymbols });
  }

  /** Whether the closing pass of this payload is sent later and with further repair. */
  isSmall(order: SendOrder): boolean {
    return this.partition(order).symbols <= SMALL_PAYLOAD_SYMBOLS;
  }

  /** Bytes a payload keeps from turn to turn. */
  memoryBytes(order: SendOrder): number {
    const { interleave, overheadPpm } = this.settings.parameters;
    const partition = this.partition(order);
    if (partition.blocks === 0) return 0;
    const repair = repairSymbols(partition.k(0), overheadPpm, this.settings.repairFloor);
    return Math.min(interleave, partition.blocks) * repair * this.symbolBytes;
  }

  /** The envelope, as its n-th pass. */
  *envelope(writer: FrameWriter, order: SendOrder, pass: number): Generator<Pause, void> {
    const { symbolBytes } = this;
    const source = envelopeObjectBytes(readFileSync(order.envelopeFile), symbolBytes);
    const k = source.length / symbolBytes;
    const { first, count } = envelopePass(k, pass);
    const repairFrom = Math.max(first, k);
    const repair = new Uint8Array((first + count - repairFrom) * symbolBytes);
    this.encoder.load(source, k);
    this.encoder.repair(repairFrom - k, first + count - repairFrom, repair);
    const begin = () => writer.begin({ kind: FrameKind.envelope, object: order.envelope, symbols: k, blockSymbols: k });
    begin();
    for (let esi = first; esi < first + count; esi++) {
      if (esi < k) writer.symbol(0, esi, source, esi * symbolBytes);
      else writer.symbol(0, esi, repair, (esi - repairFrom) * symbolBytes);
      if ((esi - first + 1) % this.settings.turnFrames !== 0) continue;
      writer.flush();
      yield { fraction: 0, between: false };
      begin();
    }
    writer.flush();
  }

  /**
   * Source and repair symbols of every block, a group of `interleave` blocks at a time. Answers the first repair symbol
   * that has not been used.
   */
  *payload(writer: FrameWriter, order: SendOrder): Generator<Pause, number> {
    const partition = this.partition(order);
    const reader = new SpoolReader(order.ranges);
    const { interleave, overheadPpm } = this.settings.parameters;
    const repairs: Uint8Array[] = [];
    const sources = this.buffers.take(Math.min(interleave, partition.blocks));
    let next = partition.blocks === 0 ? order.repairFirst : 0;
    try {
      for (let first = 0; first < partition.blocks; first += interleave) {
        const size = Math.min(interleave, partition.blocks - first);
        const used = yield* this.group(writer, { order, reader, partition, first, size, repairs, sources }, (k) => ({
          source: true,
          repair: repairSymbols(k, overheadPpm, this.settings.repairFloor),
        }));
        // The last blocks may be smaller and get less repair: what the first ones used must not be sent again as new.
        next = Math.max(next, used);
        if (first + size < partition.blocks) yield { fraction: (first + size) / partition.blocks, between: true };
      }
    } finally {
      reader.close();
      if (sources) this.buffers.give(sources);
    }
    return next;
  }

  /** The closing pass: further repair for a small payload, then the envelope again. Answers as `payload` does. */
  *closing(writer: FrameWriter, order: SendOrder, repairFirst: number, idle: boolean): Generator<Pause, number> {
    let next = repairFirst;
    const partition = this.partition(order);
    if (this.isSmall(order) && partition.blocks > 0) {
      if (idle) writer.padding(this.settings.guardSymbols);
      const reader = new SpoolReader(order.ranges);
      const whole = {
        order: { ...order, repairFirst },
        reader,
        partition,
        first: 0,
        size: partition.blocks,
        repairs: [],
        sources: undefined,
      };
      try {
        next = yield* this.group(writer, whole, (k) => ({
          source: false,
          repair: closingRepairSymbols(k, this.settings.repairFloor, idle),
        }));
      } finally {
        reader.close();
      }
    }
    yield* this.envelope(writer, order, order.envelopePass + 1);
    return next;
  }

  /**
   * All symbols of a group, round robin over its blocks: a burst on the link is shared by all of them. Repair is
   * computed block by block while source symbols leave: all at once would take longer than the ring lasts.
   */
  private *group(
    writer: FrameWriter,
    group: Group,
    share: (k: number) => { source: boolean; repair: number },
  ): Generator<Pause, number> {
    const { order, partition, first, size } = group;
    const plan = Array.from({ length: size }, (_, i): BlockPlan => {
      const k = partition.k(first + i);
      const { source, repair } = share(k);
      return { k, source: source ? k : 0, repair, repairFirst: wrapRepair(k, order.repairFirst, repair) };
    });
    // Rounds in which nothing but source symbols leaves.
    const sourceRounds = Math.min(...plan.map(({ source }) => source));
    const rounds = Math.max(...plan.map(({ source, repair }) => source + repair));
    const turnRounds = Math.max(1, Math.floor(this.settings.turnFrames / size));
    for (let i = 0; group.sources && i < size; i++) this.readBlock(group, i, plan[i]!.k, group.sources[i]!);
    let encoded = 0;
    for (let round = 0; round < rounds; round += turnRounds) {
      if (round > 0) yield { fraction: (first + (size * round) / rounds) / partition.blocks, between: false };
      const end = Math.min(rounds, round + turnRounds);
      const due = end <= sourceRounds ? Math.floor(((end - 1) * size) / sourceRounds) : size;
      for (; encoded < due; encoded++) this.encode(group, encoded, plan[encoded]!);
      this.writeRounds(writer, group, plan, round, end);
    }
    return Math.max(...plan.map(({ repairFirst, repair }) => repairFirst + repair));
  }

  private writeRounds(writer: FrameWriter, group: Group, plan: readonly BlockPlan[], from: number, to: number): void {
    const { symbolBytes } = this;
    const { order, partition, first, repairs, sources } = group;
    const turnBytes = (to - from) * symbolBytes;
    if (!sources) this.readTurn(group, plan, from, to);
    writer.begin({
      kind: FrameKind.payload,
      object: order.object,
      symbols: partition.symbols,
      blockSymbols: this.settings.parameters.blockSymbols,
    });
    for (let round = from; round < to; round++) {
      plan.forEach(({ k, source, repair, repairFirst }, i) => {
        if (round < source && sources) {
          writer.symbol(first + i, round, sources[i]!, round * symbolBytes);
        } else if (round < source) {
          writer.symbol(first + i, round, this.turn, i * turnBytes + (round - from) * symbolBytes);
        } else if (round < source + repair) {
          const r = round - source;
          writer.symbol(first + i, k + repairFirst + r, repairs[i]!, r * symbolBytes);
        }
      });
    }
    writer.flush();
  }

  private encode(group: Group, i: number, { k, repairFirst, repair }: BlockPlan): void {
    let source = group.sources?.[i];
    if (!source) {
      source = this.block = atLeast(this.block, k * this.symbolBytes);
      this.readBlock(group, i, k, source);
    }
    group.repairs[i] = atLeast(group.repairs[i], repair * this.symbolBytes);
    this.encoder.load(source, k);
    this.encoder.repair(repairFirst, repair, group.repairs[i]);
  }

  /** The source symbols that rounds `from` to `to` send, one block behind the other. */
  private readTurn(group: Group, plan: readonly BlockPlan[], from: number, to: number): void {
    const { symbolBytes } = this;
    const turnBytes = (to - from) * symbolBytes;
    this.turn = atLeast(this.turn, plan.length * turnBytes);
    plan.forEach(({ source }, i) => {
      if (from >= source) return;
      const into = this.turn.subarray(i * turnBytes, i * turnBytes + (Math.min(to, source) - from) * symbolBytes);
      this.read(group, group.first + i, from, into);
    });
  }

  /** All k symbols of the i-th block of a group. */
  private readBlock(group: Group, i: number, k: number, into: Uint8Array): void {
    this.read(group, group.first + i, 0, into.subarray(0, k * this.symbolBytes));
  }

  /** Source symbols of a block from one on, as many as `into` holds; the last one of an object is filled up with zeros. */
  private read({ reader, partition }: Group, sbn: number, symbol: number, into: Uint8Array): void {
    const at = symbol * this.symbolBytes;
    const there = Math.min(into.length, partition.byteLength(sbn) - at);
    reader.read(into.subarray(0, there), partition.byteOffset(sbn) + at);
    this.readBytes += there;
    into.fill(0, there);
  }
}

/** Buffers for whole source blocks, so many and no more, for all payloads under way together. */
class BlockBuffers {
  private readonly idle: Uint8Array[] = [];
  private made = 0;

  constructor(
    private readonly most: number,
    private readonly bytes: number,
  ) {}

  /** All of them, or none. */
  take(count: number): Uint8Array[] | undefined {
    if (this.idle.length + this.most - this.made < count) return undefined;
    return Array.from({ length: count }, () => this.idle.pop() ?? this.make());
  }

  give(buffers: readonly Uint8Array[]): void {
    this.idle.push(...buffers);
  }

  private make(): Uint8Array {
    this.made++;
    return new Uint8Array(this.bytes);
  }
}

const atLeast = (buffer: Uint8Array | undefined, bytes: number): Uint8Array =>
  buffer && buffer.length >= bytes ? buffer : new Uint8Array(bytes);
