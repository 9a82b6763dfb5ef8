/**
 * How an object falls into source blocks: RFC 5052 section 9.1. The symbols are spread over as few blocks as the
 * largest allowed k permits, and no two blocks differ by more than one symbol; the larger blocks come first.
 */
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { MAX_SOURCE_SYMBOLS } from './field.js';

export interface CodingParameters {
  /** T, bytes of a symbol. */
  readonly symbolBytes: number;
  /** Source symbols a block has at most. */
  readonly blockSymbols: number;
}

const whole = (value: number, from: number, to: number): boolean =>
  Number.isSafeInteger(value) && value >= from && value <= to;

/** Whether the code works with these parameters. What a link may use is narrower: shared/core/limits.ts. */
export const codingParametersAllowed = ({ symbolBytes, blockSymbols }: CodingParameters): boolean =>
  whole(symbolBytes, LIMITS.symbolMultipleBytes, LIMITS.symbolMaxBytes) &&
  symbolBytes % LIMITS.symbolMultipleBytes === 0 &&
  whole(blockSymbols, 1, MAX_SOURCE_SYMBOLS);

export class Partition {
  /** Source symbols of the whole object. */
  readonly symbols: number;
  /** Source blocks; none for an empty object. */
  readonly blocks: number;
  private readonly smallK: number;
  /** How many blocks, the first ones, have one symbol more than `smallK`. */
  private readonly largeBlocks: number;

  /** Throws FRAME_PARAMETERS for a length that is not a whole number of bytes or parameters the code cannot have. */
  constructor(
    readonly lengthBytes: number,
    readonly params: CodingParameters,
  ) {
    if (!codingParametersAllowed(params)) {
      throw new SluiceError(
        'FRAME_PARAMETERS',
        `Symbols of ${params.symbolBytes} bytes, ${params.blockSymbols} to a block, are not possible.`,
      );
    }
    if (!whole(lengthBytes, 0, Number.MAX_SAFE_INTEGER)) {
      throw new SluiceError('FRAME_PARAMETERS', `An object cannot have ${lengthBytes} bytes.`);
    }
    // Remainders keep the divisions exact; a quotient of large numbers alone may round up.
    this.symbols = quotientUp(lengthBytes, params.symbolBytes);
    this.blocks = quotientUp(this.symbols, params.blockSymbols);
    this.largeBlocks = this.blocks === 0 ? 0 : this.symbols % this.blocks;
    this.smallK = this.blocks === 0 ? 0 : (this.symbols - this.largeBlocks) / this.blocks;
  }

  /** Source symbols of a block. */
  k(sbn: number): number {
    this.check(sbn);
    return this.smallK + (sbn < this.largeBlocks ? 1 : 0);
  }

  /** Number, in the object, of a block's first source symbol. */
  firstSymbol(sbn: number): number {
    this.check(sbn);
    return sbn * this.smallK + Math.min(sbn, this.largeBlocks);
  }

  /** Where a block starts in the object. */
  byteOffset(sbn: number): number {
    return this.firstSymbol(sbn) * this.params.symbolBytes;
  }

  /** Object bytes in a block: k * T, less in the last block when the object ends inside its last symbol. */
  byteLength(sbn: number): number {
    return Math.min(this.k(sbn) * this.params.symbolBytes, this.lengthBytes - this.byteOffset(sbn));
  }

  private check(sbn: number): void {
    if (!whole(sbn, 0, this.blocks - 1)) {
      throw new SluiceError('FRAME_PARAMETERS', `There is no block ${sbn}; the object has ${this.blocks}.`);
    }
  }
}

function quotientUp(value: number, divisor: number): number {
  const rest = value % divisor;
  return (value - rest) / divisor + (rest > 0 ? 1 : 0);
}
