/** One payload being assembled: which blocks are done, which are in memory, which have been put aside on disk. */
import { Partition } from '../../shared/fec/partition.js';
import { type Coding, halvesOf, type ObjectId, objectIdOf } from '../../shared/wire/statements.js';
import type { Expectation } from './messages.js';
import type { PayloadStore } from './payloadStore.js';
import type { SourceBlock } from './sourceBlock.js';

/** What the signed manifest adds to a payload. */
export interface Expected {
  coding: Expectation;
  store: PayloadStore;
  /** One flag a block. */
  done: Uint8Array;
  doneCount: number;
  /** Blocks done from the first one on, without a gap. */
  front: number;
  /** How the digest of the whole stands; it holds where there is none to be compared. */
  whole: 'open' | 'asked' | 'holds' | 'contradicts';
}

export class Payload {
  readonly blocks = new Map<number, SourceBlock>();
  expected: Expected | undefined;
  /** True once it is of no interest any more: what still refers to it passes over it. */
  dropped = false;
  /** When it last got a new symbol, or was told what it must be. */
  fedMs = 0;
  partition: Partition;

  constructor(
    readonly high: number,
    readonly low: number,
    readonly symbols: number,
    readonly blockSymbols: number,
    readonly symbolBytes: number,
  ) {
    // Until the manifest tells the length, the last symbol counts as full; k of every block is the same either way.
    this.partition = new Partition(symbols * symbolBytes, { symbolBytes, blockSymbols });
  }

  static of(coding: Coding): Payload {
    const { high, low } = halvesOf(coding.object);
    const symbols = Math.ceil(coding.lengthBytes / coding.symbolBytes);
    return new Payload(high, low, symbols, coding.blockSymbols, coding.symbolBytes);
  }

  get object(): ObjectId {
    return objectIdOf(this.high, this.low);
  }

  /** Whether a frame's (or a manifest's) coding parameters are this payload's. */
  matches(symbols: number, blockSymbols: number, symbolBytes: number): boolean {
    return symbols === this.symbols && blockSymbols === this.blockSymbols && symbolBytes === this.symbolBytes;
  }

  get complete(): boolean {
    return this.expected !== undefined && this.expected.doneCount === this.partition.blocks;
  }

  /** Takes the manifest's word: from now on blocks can be checked and kept. */
  expect(coding: Expectation, store: PayloadStore, done: Uint8Array): void {
    this.partition = new Partition(coding.lengthBytes, coding);
    const whole = coding.sha256 ? 'open' : 'holds';
    this.expected = { coding, store, done, doneCount: 0, front: 0, whole };
  }

  digest(sbn: number): Uint8Array {
    return this.expected!.coding.blockDigests.subarray(sbn * 32, sbn * 32 + 32);
  }
}
