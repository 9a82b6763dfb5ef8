/** What follows from configured values by arithmetic alone; both sides derive the same from the same MTU. */
import { LIMITS } from '../../core/limits.js';
import { envelopeMaxBytes } from '../../wire/envelopeObject.js';

/** Bytes of every datagram that are not symbol: IPv4 and UDP headers, then the frame around its symbol. */
const AROUND_SYMBOL_BYTES = LIMITS.udpHeaderBytes + LIMITS.frameOverheadBytes;

/** Largest symbol, in bytes, whose frame fits an IP MTU of `mtuBytes`: a multiple of 64, 1408 for 1500. */
export function symbolBytesForMtu(mtuBytes: number): number {
  const multiple = LIMITS.symbolMultipleBytes;
  return Math.floor((mtuBytes - AROUND_SYMBOL_BYTES) / multiple) * multiple;
}

/** Smallest MTU whose symbol is within the limits. */
export const MTU_MIN_BYTES = LIMITS.symbolMinBytes + AROUND_SYMBOL_BYTES;
/** Largest MTU that may be configured: the jumbo frames switches agree on. */
export const MTU_MAX_BYTES = 9_216;

/** Source symbols a block may have at most with symbols of this size, by count and by memory. */
export function blockSymbolsMax(symbolBytes: number): number {
  return Math.min(LIMITS.blockMaxSymbols, Math.floor(LIMITS.blockMaxBytes / symbolBytes));
}

/** Source symbols in a block: what is configured, never more than the limits allow. */
export function blockSymbolsFor(symbolBytes: number, configured: number): number {
  return Math.min(configured, blockSymbolsMax(symbolBytes));
}

/** What a manifest and its envelope need beside the digests of blocks: a path, texts, verdicts, a signature. */
const AROUND_DIGESTS_BYTES = 64 * 1024;
const DIGEST_BYTES = 32;

/** Largest object, in bytes, that can be described on a link: the digests of all its blocks travel in one envelope. */
export function objectMaxBytes(symbolBytes: number, blockSymbols: number): number {
  const digests = Math.floor((envelopeMaxBytes(symbolBytes) - AROUND_DIGESTS_BYTES) / DIGEST_BYTES);
  return Math.min(LIMITS.objectMaxBytes, digests * symbolBytes * blockSymbols);
}

/** 127.0.0.0/8, as text of an IPv4 address. */
export const isLoopback = (host: string): boolean => host.startsWith('127.');
