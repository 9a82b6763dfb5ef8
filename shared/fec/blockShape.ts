/** Which blocks the code can have, and where their symbols live. */
import { SluiceError } from '../core/errors.js';
import { MAX_SOURCE_SYMBOLS, POINTS, paddedLog } from './field.js';

/** How many repair symbols a block of k source symbols can have: 65536 - K'. */
export const maxRepairSymbols = (k: number): number => POINTS - 2 ** paddedLog(k);

/** The points of `count` neighbouring symbols. */
export const pointRange = (first: number, count: number): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => first + i);

/** Throws FRAME_PARAMETERS for sizes no block can have. */
export function checkBlockShape(maxK: number, symbolBytes: number): void {
  if (!Number.isInteger(symbolBytes) || symbolBytes < 64 || symbolBytes % 64 !== 0) {
    throw new SluiceError('FRAME_PARAMETERS', `Symbol size ${symbolBytes} is not a multiple of 64.`);
  }
  checkK(maxK, MAX_SOURCE_SYMBOLS);
}

export function checkK(k: number, maxK: number): void {
  if (!Number.isInteger(k) || k < 1 || k > maxK) {
    throw new SluiceError('FRAME_PARAMETERS', `A block cannot have ${k} source symbols; 1 to ${maxK} are possible.`);
  }
}
