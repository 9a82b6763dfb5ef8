/**
 * The frame of one datagram (proto/frame.proto) at fixed offsets.
 *
 *   0   0d wire(4)            kind and version
 *   5   11 serial(8)          session | frame number
 *   14  19 object(8)
 *   23  25 symbols(4)         OTI, a hint
 *   28  2d block_symbols(4)   OTI, a hint
 *   33  35 sbn(4)
 *   38  3d esi(4)
 *   43  42 len len            payload key and its two-byte varint length T
 *   46  payload(T)
 *   46+T  4a 10 tag(16)       the tag covers bytes 0 .. 48+T
 *   total T + 64
 *
 * What is written here is exactly what a protobuf encoder writes for these fields; what is read here is accepted only
 * in exactly that form. The caller checks the tag first (shared/crypto/frameTag.ts).
 */
import { LIMITS } from '../core/limits.js';

export const WIRE_VERSION = 1;
export const FrameKind = { payload: 1, envelope: 2, heartbeat: 3, padding: 4 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

export const PAYLOAD_OFFSET = 46;
export const TAG_BYTES = 16;
/** Bytes the tag covers, counted from the end of the frame. */
export const frameBytes = (symbolBytes: number): number => symbolBytes + LIMITS.frameOverheadBytes;

/** Whether a link may use this symbol size. */
export const symbolBytesAllowed = (symbolBytes: number): boolean =>
  Number.isInteger(symbolBytes) &&
  symbolBytes % LIMITS.symbolMultipleBytes === 0 &&
  symbolBytes >= LIMITS.symbolMinBytes &&
  symbolBytes <= LIMITS.symbolMaxBytes;

export interface FrameHeader {
  kind: FrameKind;
  /** Lower half of the link session id. */
  session: number;
  /** Number of the frame in its session, modulo 2^32. */
  number: number;
  /** Coded object, as two unsigned halves: cheap to compare, no BigInt per frame. */
  objectHigh: number;
  objectLow: number;
  symbols: number;
  blockSymbols: number;
  sbn: number;
  esi: number;
}

const WIRE_S = 0x53;
const WIRE_L = 0x4c;

function put32(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}
function get32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/**
 * Writes everything of a frame but the payload and the tag at `at`.
 * The caller puts T bytes at `at + PAYLOAD_OFFSET` and the tag into the last 16 bytes.
 */
export function writeFrameHeader(out: Uint8Array, at: number, header: FrameHeader, symbolBytes: number): void {
  out[at] = 0x0d;
  out[at + 1] = WIRE_S;
  out[at + 2] = WIRE_L;
  out[at + 3] = header.kind;
  out[at + 4] = WIRE_VERSION;
  out[at + 5] = 0x11;
  put32(out, at + 6, header.number);
  put32(out, at + 10, header.session);
  out[at + 14] = 0x19;
  put32(out, at + 15, header.objectLow);
  put32(out, at + 19, header.objectHigh);
  out[at + 23] = 0x25;
  put32(out, at + 24, header.symbols);
  out[at + 28] = 0x2d;
  put32(out, at + 29, header.blockSymbols);
  out[at + 33] = 0x35;
  put32(out, at + 34, header.sbn);
  out[at + 38] = 0x3d;
  put32(out, at + 39, header.esi);
  out[at + 43] = 0x42;
  out[at + 44] = (symbolBytes & 0x7f) | 0x80;
  out[at + 45] = symbolBytes >>> 7;
  out[at + PAYLOAD_OFFSET + symbolBytes] = 0x4a;
  out[at + PAYLOAD_OFFSET + symbolBytes + 1] = TAG_BYTES;
}

/** Why a datagram is not a frame of ours. */
export type FrameFault = 'FRAME_LENGTH' | 'FRAME_LAYOUT' | 'FRAME_VERSION';

/** The symbol size a datagram of this length carries, or undefined when no frame has that length. */
export function symbolBytesOfLength(datagramBytes: number): number | undefined {
  const symbolBytes = datagramBytes - LIMITS.frameOverheadBytes;
  return symbolBytesAllowed(symbolBytes) ? symbolBytes : undefined;
}

/**
 * Reads a frame header of a datagram of `length` bytes at `at` into `header`.
 * Nothing is allocated; the answer is undefined when the header holds, else the reason to drop it.
 */
export function readFrameHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  header: FrameHeader,
): FrameFault | undefined {
  const symbolBytes = symbolBytesOfLength(length);
  if (symbolBytes === undefined) return 'FRAME_LENGTH';
  if (bytes[at] !== 0x0d || bytes[at + 1] !== WIRE_S || bytes[at + 2] !== WIRE_L) return 'FRAME_LAYOUT';
  const kind = bytes[at + 3]!;
  if (bytes[at + 4] !== WIRE_VERSION || kind < FrameKind.payload || kind > FrameKind.padding) return 'FRAME_VERSION';
  if (
    bytes[at + 5] !== 0x11 ||
    bytes[at + 14] !== 0x19 ||
    bytes[at + 23] !== 0x25 ||
    bytes[at + 28] !== 0x2d ||
    bytes[at + 33] !== 0x35 ||
    bytes[at + 38] !== 0x3d ||
    bytes[at + 43] !== 0x42 ||
    bytes[at + 44] !== ((symbolBytes & 0x7f) | 0x80) ||
    bytes[at + 45] !== symbolBytes >>> 7 ||
    bytes[at + PAYLOAD_OFFSET + symbolBytes] !== 0x4a ||
    bytes[at + PAYLOAD_OFFSET + symbolBytes + 1] !== TAG_BYTES
  ) {
    return 'FRAME_LAYOUT';
  }
  header.kind = kind as FrameKind;
  header.number = get32(bytes, at + 6);
  header.session = get32(bytes, at + 10);
  header.objectLow = get32(bytes, at + 15);
  header.objectHigh = get32(bytes, at + 19);
  header.symbols = get32(bytes, at + 24);
  header.blockSymbols = get32(bytes, at + 29);
  header.sbn = get32(bytes, at + 34);
  header.esi = get32(bytes, at + 39);
  return undefined;
}

export const emptyHeader = (): FrameHeader => ({
  kind: FrameKind.padding,
  session: 0,
  number: 0,
  objectHigh: 0,
  objectLow: 0,
  symbols: 0,
  blockSymbols: 0,
  sbn: 0,
  esi: 0,
});

/**
 * Whether a symbol frame's coding parameters lie within the limits (FAULTS 13). They are only a hint: what they must
 * equal is in the signed manifest. Returns the k of the frame's block, or undefined to drop it.
 */
export function plausibleBlockSymbols(header: FrameHeader, symbolBytes: number): number | undefined {
  const { symbols, blockSymbols, sbn, esi } = header;
  if (symbols === 0 || blockSymbols === 0) return undefined;
  if (symbols > Math.ceil(LIMITS.objectMaxBytes / symbolBytes)) return undefined;
  if (blockSymbols > LIMITS.blockMaxSymbols || blockSymbols * symbolBytes > LIMITS.blockMaxBytes) return undefined;
  const blocks = Math.ceil(symbols / blockSymbols);
  if (sbn >= blocks) return undefined;
  // RFC 5052 section 9.1, as shared/fec/partition.ts: the first blocks are the larger ones.
  const small = Math.floor(symbols / blocks);
  const k = sbn < symbols - small * blocks ? small + 1 : small;
  // Points of the code: K' + r < 65536 with K' < 2k, so esi is bounded by the field.
  const padded = 2 ** (32 - Math.clz32(k - 1));
  if (esi >= k && padded + (esi - k) >= LIMITS.codePoints) return undefined;
  return k;
}
