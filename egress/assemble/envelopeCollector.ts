/**
 * Collects the symbols of envelopes. An envelope is one small source block without a manifest of its own; its id is
 * derived from its content, its truth from its signature, which another process checks.
 */
import { createHash } from 'node:crypto';
import { toHex } from '../../shared/core/bytes.js';
import { LIMITS } from '../../shared/core/limits.js';
import { BlockDecoder } from '../../shared/fec/decode.js';
import { kernelChoice } from '../../shared/fec/simd/kernelChoice.js';
import { envelopeMaxSymbols, envelopeOfObject } from '../../shared/wire/envelopeObject.js';
import { type FrameHeader, PAYLOAD_OFFSET, plausibleBlockSymbols } from '../../shared/wire/frame.js';
import { halvesOf, type ObjectId, objectIdOf } from '../../shared/wire/statements.js';
import type { AssemblyCounters } from './messages.js';
import { ObjectMap, RecentObjects } from './objectMap.js';
import { SharedMemory } from './sharedMemory.js';
import { SourceBlock } from './sourceBlock.js';

/** Envelopes in progress together never hold more than this. */
const MEMORY_BYTES = 4 * LIMITS.envelopeMaxBytes;

interface Collecting {
  high: number;
  low: number;
  block: SourceBlock;
}

export class EnvelopeCollector {
  private readonly memory = new SharedMemory(MEMORY_BYTES);
  private readonly collecting = new ObjectMap<Collecting>();
  /** The same, the least recently fed first. */
  private readonly order = new Set<Collecting>();
  private readonly finished = new RecentObjects(LIMITS.finishedPayloads);
  /** For the symbol size that came last: a link has one. */
  private decoder: { symbolBytes: number; decoder: BlockDecoder } | undefined;

  constructor(
    private readonly counters: AssemblyCounters,
    private readonly deliver: (object: ObjectId, bytes: Uint8Array) => void,
  ) {}

  /** An envelope symbol whose tag held. `bytes` holds the frame at `at`. */
  symbol(header: FrameHeader, bytes: Uint8Array, at: number, symbolBytes: number): void {
    const { counters } = this;
    const { objectHigh: high, objectLow: low } = header;
    if (this.finished.has(high, low)) {
      counters.late++;
      return;
    }
    const k = plausibleBlockSymbols(header, symbolBytes);
    if (k === undefined || k !== header.symbols || k > envelopeMaxSymbols(symbolBytes)) {
      counters.badParameters++;
      return;
    }
    const entry = this.collecting.get(high, low) ?? this.begin(high, low, k, symbolBytes);
    this.order.delete(entry);
    this.order.add(entry);
    if (entry.block.k !== k || entry.block.symbolBytes !== symbolBytes) {
      counters.badParameters++;
      return;
    }
    let result = entry.block.add(header.esi, bytes, at + PAYLOAD_OFFSET);
    while (result === 'noRoom' && this.order.size > 1) {
      this.dropOldest();
      result = entry.block.add(header.esi, bytes, at + PAYLOAD_OFFSET);
    }
    if (result === 'new') counters.accepted++;
    else counters[result]++;
    if (entry.block.ready) this.finish(entry);
  }

  /** The envelope was delivered and could not be kept, or is wanted once more. */
  collectAgain(object: ObjectId): void {
    const { high, low } = halvesOf(object);
    this.finished.delete(high, low);
  }

  private begin(high: number, low: number, k: number, symbolBytes: number): Collecting {
    if (this.order.size >= LIMITS.envelopeAssemblies) this.dropOldest();
    let block = SourceBlock.open(0, k, symbolBytes, this.memory);
    while (!block) {
      this.dropOldest();
      block = SourceBlock.open(0, k, symbolBytes, this.memory);
    }
    const entry = { high, low, block };
    this.collecting.set(high, low, entry);
    this.order.add(entry);
    return entry;
  }

  private decoderFor(symbolBytes: number): BlockDecoder {
    if (this.decoder?.symbolBytes !== symbolBytes) {
      const decoder = new BlockDecoder(envelopeMaxSymbols(symbolBytes), symbolBytes, kernelChoice().kind);
      this.decoder = { symbolBytes, decoder };
    }
    return this.decoder.decoder;
  }

  private finish(entry: Collecting): void {
    const { block } = entry;
    const object = objectIdOf(entry.high, entry.low);
    const source = new Uint8Array(block.source, 0, block.k * block.symbolBytes);
    const repair = block.repair.map(({ index, slab, at }) => ({
      index,
      data: new Uint8Array(slab, at, block.symbolBytes),
    }));
    const rebuilt =
      block.sourceCount === block.k || this.decoderFor(block.symbolBytes).decode(source, block.k, block.have, repair);
    // Copied out of the shared buffer: that one is reused.
    const envelope = rebuilt ? envelopeOfObject(source)?.slice() : undefined;
    this.remove(entry);
    if (!envelope || toHex(createHash('sha256').update(envelope).digest().subarray(0, 8)) !== object) {
      this.counters.badEnvelopes++;
      return;
    }
    this.finished.add(entry.high, entry.low);
    this.counters.envelopes++;
    this.deliver(object, envelope);
  }

  private dropOldest(): void {
    for (const entry of this.order) {
      this.remove(entry);
      return;
    }
  }

  private remove(entry: Collecting): void {
    this.collecting.delete(entry.high, entry.low);
    this.order.delete(entry);
    entry.block.close();
  }
}
