/**
 * Turns one send order into frames. Each pass is a generator that yields after a group of interleaved blocks, so that
 * the encoder thread can take turns between payloads and look at its messages in between.
 */
import { readFileSync } from 'node:fs';
import { BlockEncoder } from '../../shared/fec/encode.js';
import { Partition } from '../../shared/fec/partition.js';
import { envelopeMaxSymbols, envelopeObjectBytes } from '../../shared/wire/envelopeObject.js';
import { FrameKind } from '../../shared/wire/frame.js';
import type { LinkParameters } from '../../shared/wire/statements.js';
import type { FrameWriter } from './frameWriter.js';
import type { SendOrder } from './orders.js';
import { closingRepairSymbols, envelopePass, repairSymbols, SMALL_PAYLOAD_SYMBOLS, wrapRepair } from './passes.js';
import { SpoolReader } from './spoolReader.js';

export interface PassSettings {
  parameters: LinkParameters;
  repairFloor: number;
  guardSymbols: number;
}

/** One encoder for all payloads of a thread: its buffers are reused from group to group. */
export class PayloadCoder {
  private readonly encoder: BlockEncoder;
  private readonly symbolBytes: number;
  private sources: Uint8Array[] = [];
  private repairs: Uint8Array[] = [];

  constructor(private readonly settings: PassSettings) {
    const { symbolBytes, blockSymbols } = settings.parameters;
    this.symbolBytes = symbolBytes;
    this.encoder = new BlockEncoder(Math.max(blockSymbols, envelopeMaxSymbols(symbolBytes)), symbolBytes);
  }

  partition(order: SendOrder): Partition {
    const { symbolBytes, blockSymbols } = this.settings.parameters;
    return new Partition(order.lengthBytes, { symbolBytes, blockSymbols });
  }

  /** Whether the closing pass of this payload is sent later and with further repair. */
  isSmall(order: SendOrder): boolean {
    return this.partition(order).symbols <= SMALL_PAYLOAD_SYMBOLS;
  }

  /** The envelope, as its n-th pass. */
  sendEnvelope(writer: FrameWriter, order: SendOrder, pass: number): void {
    const { symbolBytes } = this;
    const source = envelopeObjectBytes(readFileSync(order.envelopeFile), symbolBytes);
    const k = source.length / symbolBytes;
    const { first, count } = envelopePass(k, pass);
    writer.begin({ kind: FrameKind.envelope, object: order.envelope, symbols: k, blockSymbols: k });
    this.encoder.load(source, k);
    const repairFrom = Math.max(first, k);
    const repair = this.repairBuffer(0, first + count - repairFrom);
    this.encoder.repair(repairFrom - k, first + count - repairFrom, repair);
    for (let esi = first; esi < k; esi++) writer.symbol(0, esi, source, esi * symbolBytes);
    for (let esi = repairFrom; esi < first + count; esi++)
      writer.symbol(0, esi, repair, (esi - repairFrom) * symbolBytes);
    writer.flush();
  }

  /**
   * Source and repair symbols of every block, a group of `interleave` blocks at a time. Yields the fraction done between
   * groups. Answers the first repair symbol that has not been used.
   */
  *payload(writer: FrameWriter, order: SendOrder): Generator<number, number> {
    const partition = this.partition(order);
    const reader = new SpoolReader(order.ranges);
    const { interleave, overheadPpm } = this.settings.parameters;
    let next = partition.blocks === 0 ? order.repairFirst : 0;
    try {
      for (let group = 0; group < partition.blocks; group += interleave) {
        const size = Math.min(interleave, partition.blocks - group);
        this.loadGroup(reader, partition, group, size);
        const used = this.sendGroup(writer, order, partition, group, size, (k) => ({
          source: true,
          repair: repairSymbols(k, overheadPpm, this.settings.repairFloor),
        }));
        // The last blocks may be smaller and get less repair: what the first ones used must not be sent again as new.
        next = Math.max(next, used);
        writer.flush();
        if (group + size < partition.blocks) yield (group + size) / partition.blocks;
      }
    } finally {
      reader.close();
    }
    return next;
  }

  /** The closing pass: further repair for a small payload, then the envelope again. Answers as `payload` does. */
  sendClosing(writer: FrameWriter, order: SendOrder, repairFirst: number, idle: boolean): number {
    let next = repairFirst;
    const partition = this.partition(order);
    if (this.isSmall(order) && partition.blocks > 0) {
      if (idle) writer.padding(this.settings.guardSymbols);
      const reader = new SpoolReader(order.ranges);
      try {
        this.loadGroup(reader, partition, 0, partition.blocks);
        next = this.sendGroup(writer, { ...order, repairFirst }, partition, 0, partition.blocks, (k) => ({
          source: false,
          repair: closingRepairSymbols(k, this.settings.repairFloor, idle),
        }));
      } finally {
        reader.close();
      }
    }
    this.sendEnvelope(writer, order, order.envelopePass + 1);
    return next;
  }

  private loadGroup(reader: SpoolReader, partition: Partition, group: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const sbn = group + i;
      const bytes = partition.k(sbn) * this.symbolBytes;
      if ((this.sources[i]?.length ?? 0) < bytes) this.sources[i] = new Uint8Array(bytes);
      const source = this.sources[i]!;
      const objectBytes = partition.byteLength(sbn);
      reader.read(source.subarray(0, objectBytes), partition.byteOffset(sbn));
      source.fill(0, objectBytes, bytes);
    }
  }

  /**
   * All symbols of a loaded group, round robin over its blocks: a burst on the link is shared by all of them. Repair is
   * computed block by block while source symbols leave: all at once would take longer than the ring lasts.
   */
  private sendGroup(
    writer: FrameWriter,
    order: SendOrder,
    partition: Partition,
    group: number,
    size: number,
    share: (k: number) => { source: boolean; repair: number },
  ): number {
    const { symbolBytes } = this;
    const plan = Array.from({ length: size }, (_, i) => {
      const k = partition.k(group + i);
      const { source, repair } = share(k);
      const repairFirst = wrapRepair(k, order.repairFirst, repair);
      return { k, source: source ? k : 0, repair, repairFirst, repairs: this.repairBuffer(i, repair) };
    });
    writer.begin({
      kind: FrameKind.payload,
      object: order.object,
      symbols: partition.symbols,
      blockSymbols: this.settings.parameters.blockSymbols,
    });
    // Rounds in which nothing but source symbols leaves.
    const sourceRounds = Math.min(...plan.map((block) => block.source));
    const rounds = Math.max(...plan.map((block) => block.source + block.repair));
    let encoded = 0;
    for (let round = 0; round < rounds; round++) {
      const due = round < sourceRounds ? Math.floor((round * size) / sourceRounds) : size;
      for (; encoded < due; encoded++) {
        const { k, repairFirst, repair, repairs } = plan[encoded]!;
        this.encoder.load(this.sources[encoded]!.subarray(0, k * symbolBytes), k);
        this.encoder.repair(repairFirst, repair, repairs);
      }
      for (let i = 0; i < size; i++) {
        const block = plan[i]!;
        if (round < block.source) {
          writer.symbol(group + i, round, this.sources[i]!, round * symbolBytes);
        } else if (round < block.source + block.repair) {
          const r = round - block.source;
          writer.symbol(group + i, block.k + block.repairFirst + r, block.repairs, r * symbolBytes);
        }
      }
    }
    return Math.max(...plan.map((block) => block.repairFirst + block.repair));
  }

  private repairBuffer(index: number, symbols: number): Uint8Array {
    const bytes = symbols * this.symbolBytes;
    if ((this.repairs[index]?.length ?? 0) < bytes) this.repairs[index] = new Uint8Array(bytes);
    return this.repairs[index]!;
  }
}
