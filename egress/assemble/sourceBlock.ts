/** The symbols of one source block that have arrived: at most k of them, for any k rebuild the block. */
import type { SharedMemory } from './sharedMemory.js';

/** Repair symbols are kept in slabs of at most this many, so that a block without loss costs nothing for them. */
const SLAB_SYMBOLS = 32;

export type AddResult = 'new' | 'duplicate' | 'conflicting' | 'noRoom';

export interface HeldRepair {
  index: number;
  slab: SharedArrayBuffer;
  at: number;
}

export class SourceBlock {
  readonly have: Uint8Array;
  readonly repair: HeldRepair[] = [];
  sourceCount = 0;
  /** Position in the order of feeding; the smallest is put on disk first. */
  fed = 0;
  /** True while a decoding thread owns the memory. */
  away = false;
  /** True once it stands in the line for one. */
  queued = false;
  private readonly repairAt = new Map<number, HeldRepair>();
  private readonly slabs: SharedArrayBuffer[] = [];
  private readonly slabSymbols: number;
  private readonly bytes: Uint8Array;

  private constructor(
    readonly sbn: number,
    readonly k: number,
    readonly symbolBytes: number,
    readonly source: SharedArrayBuffer,
    private memory: SharedMemory,
  ) {
    this.have = new Uint8Array(k);
    // Never more than k symbols are held, so a small block needs no more room than that.
    this.slabSymbols = Math.min(SLAB_SYMBOLS, k);
    this.bytes = new Uint8Array(source);
  }

  /** Undefined when the memory cap is reached. */
  static open(sbn: number, k: number, symbolBytes: number, memory: SharedMemory): SourceBlock | undefined {
    const source = memory.take(k * symbolBytes);
    return source && new SourceBlock(sbn, k, symbolBytes, source, memory);
  }

  get symbols(): number {
    return this.sourceCount + this.repair.length;
  }

  /** Enough to rebuild. */
  get ready(): boolean {
    return this.symbols >= this.k;
  }

  add(esi: number, from: Uint8Array, at: number): AddResult {
    const symbol = from.subarray(at, at + this.symbolBytes);
    if (esi < this.k) {
      const place = esi * this.symbolBytes;
      if (this.have[esi]) return this.compare(this.bytes, place, symbol);
      this.bytes.set(symbol, place);
      this.have[esi] = 1;
      this.sourceCount++;
      return 'new';
    }
    const index = esi - this.k;
    const held = this.repairAt.get(index);
    if (held) return this.compare(new Uint8Array(held.slab), held.at, symbol);
    const inSlab = this.repair.length % this.slabSymbols;
    if (inSlab === 0) {
      const slab = this.memory.take(this.slabSymbols * this.symbolBytes);
      if (!slab) return 'noRoom';
      this.slabs.push(slab);
    }
    const repair = { index, slab: this.slabs.at(-1)!, at: inSlab * this.symbolBytes };
    new Uint8Array(repair.slab).set(symbol, repair.at);
    this.repair.push(repair);
    this.repairAt.set(index, repair);
    return 'new';
  }

  /** Every symbol held, source first: its ESI and where its bytes are. */
  *held(): Generator<{ esi: number; bytes: Uint8Array }> {
    for (let esi = 0; esi < this.k; esi++) {
      if (this.have[esi]) {
        yield { esi, bytes: this.bytes.subarray(esi * this.symbolBytes, (esi + 1) * this.symbolBytes) };
      }
    }
    for (const { index, slab, at } of this.repair) {
      yield { esi: this.k + index, bytes: new Uint8Array(slab, at, this.symbolBytes) };
    }
  }

  /** Its memory counts under another cap from now on. */
  moveTo(memory: SharedMemory): void {
    for (const buffer of [this.source, ...this.slabs]) this.memory.handOver(buffer, memory);
    this.memory = memory;
  }

  /** Gives the memory back; the block must not be used any more. */
  close(): void {
    this.memory.give(this.source);
    for (const slab of this.slabs) this.memory.give(slab);
  }

  private compare(bytes: Uint8Array, at: number, symbol: Uint8Array): AddResult {
    return Buffer.compare(bytes.subarray(at, at + this.symbolBytes), symbol) === 0 ? 'duplicate' : 'conflicting';
  }
}
