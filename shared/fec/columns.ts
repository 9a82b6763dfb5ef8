/**
 * Wide symbols are coded a few columns at a time: no word depends on words of other columns, and a group of narrow symbols
 * and its accumulator stay in the cache. So the workspace does not grow with T beyond the width of a column.
 */
import { CauchySum } from './cauchySum.js';
import { paddedLog } from './field.js';
import type { Kernel, KernelKind } from './kernel.js';

/** Wide enough for what a constant costs to make no difference. */
export const COLUMN_MAX_BYTES = 2048;

export class Column {
  constructor(
    /** Of its first byte in the symbol. */
    private readonly offset: number,
    readonly bytes: number,
    private readonly symbolBytes: number,
    readonly sum: CauchySum,
  ) {}

  /** Copies this column of `count` symbols, which lie in `block` from number `first` on, to byte `at` on. */
  load(kernel: Kernel, block: Uint8Array, first: number, count: number, at: number): void {
    const { offset, bytes, symbolBytes } = this;
    const from = first * symbolBytes;
    if (bytes === symbolBytes) {
      kernel.memory.set(block.subarray(from, from + count * bytes), at);
      return;
    }
    for (let i = 0; i < count; i++) {
      const place = from + i * symbolBytes + offset;
      kernel.memory.set(block.subarray(place, place + bytes), at + i * bytes);
    }
  }

  /** Copies the column at byte `at` into the symbol that begins at byte `symbol` of `block`. */
  store(kernel: Kernel, at: number, block: Uint8Array, symbol: number): void {
    block.set(kernel.memory.subarray(at, at + this.bytes), symbol + this.offset);
  }
}

/** The columns of a symbol, as equal as multiples of 64 bytes can be, a widest one first: the workspace is made for it. */
export function columnsOf(maxK: number, symbolBytes: number, kind: KernelKind): Column[] {
  const groups = symbolBytes / 64;
  const count = Math.ceil(symbolBytes / COLUMN_MAX_BYTES);
  const edge = (i: number): number => 64 * Math.ceil((i * groups) / count);
  return Array.from({ length: count }, (_, i) => {
    const bytes = edge(i + 1) - edge(i);
    return new Column(edge(i), bytes, symbolBytes, new CauchySum(paddedLog(maxK), bytes, kind));
  });
}
