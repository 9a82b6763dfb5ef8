/**
 * The coded object an envelope travels as: its length in 4 bytes, little endian, the envelope, zeros up to whole
 * symbols. It is always a single source block.
 */
import { LIMITS } from '../core/limits.js';

const PREFIX_BYTES = 4;

/** Source symbols of the coded object of an envelope. */
export const envelopeSymbols = (envelopeBytes: number, symbolBytes: number): number =>
  Math.ceil((envelopeBytes + PREFIX_BYTES) / symbolBytes);

/** The most source symbols an envelope may have on a link with this symbol size. */
export const envelopeMaxSymbols = (symbolBytes: number): number =>
  Math.min(envelopeSymbols(LIMITS.envelopeMaxBytes, symbolBytes), LIMITS.blockMaxSymbols);

/** Bytes of the largest envelope that travels with this symbol size. */
export const envelopeMaxBytes = (symbolBytes: number): number =>
  Math.min(LIMITS.envelopeMaxBytes, envelopeMaxSymbols(symbolBytes) * symbolBytes - PREFIX_BYTES);

/** Bytes of the largest heartbeat envelope: it has one symbol to itself. */
export const heartbeatMaxBytes = (symbolBytes: number): number => symbolBytes - PREFIX_BYTES;

/** The source block: k * T bytes. */
export function envelopeObjectBytes(envelope: Uint8Array, symbolBytes: number): Uint8Array {
  const block = new Uint8Array(envelopeSymbols(envelope.length, symbolBytes) * symbolBytes);
  new DataView(block.buffer).setUint32(0, envelope.length, true);
  block.set(envelope, PREFIX_BYTES);
  return block;
}

/** The envelope inside a rebuilt source block (or heartbeat payload), or undefined when the length does not fit. */
export function envelopeOfObject(block: Uint8Array): Uint8Array | undefined {
  if (block.length < PREFIX_BYTES) return undefined;
  const length = new DataView(block.buffer, block.byteOffset).getUint32(0, true);
  if (length === 0 || length > block.length - PREFIX_BYTES) return undefined;
  return block.subarray(PREFIX_BYTES, PREFIX_BYTES + length);
}
