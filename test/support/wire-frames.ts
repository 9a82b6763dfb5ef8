/** Frames for tests: made from a header, tagged or not, and chosen at random. */
import fc from 'fast-check';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import {
  type FrameHeader,
  type FrameKind,
  frameBytes,
  PAYLOAD_OFFSET,
  writeFrameHeader,
} from '../../shared/wire/frame.js';

/** A whole frame in a buffer of its own; payload and tag are zeros unless given. */
export function frameOf(header: FrameHeader, symbolBytes: number, payload?: Uint8Array, tag?: Uint8Array): Buffer {
  const bytes = Buffer.from(new ArrayBuffer(frameBytes(symbolBytes)));
  writeFrameHeader(bytes, 0, header, symbolBytes);
  if (payload) bytes.set(payload, PAYLOAD_OFFSET);
  if (tag) bytes.set(tag, bytes.length - tag.length);
  return bytes;
}

/** The same with its tag. */
export function taggedFrame(
  linkKey: Uint8Array,
  header: FrameHeader,
  symbolBytes: number,
  payload?: Uint8Array,
): Buffer {
  const bytes = frameOf(header, symbolBytes, payload);
  new FrameTagger(linkKey).write(bytes, 0, bytes.length);
  return bytes;
}

const uint32 = () => fc.oneof(fc.constantFrom(0, 1, 127, 128, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff));

/** Any header, and a symbol size. */
export const anyFrame = () =>
  fc.record({
    header: fc.record({
      kind: fc.constantFrom<FrameKind>(1, 2, 3, 4),
      session: uint32(),
      number: uint32(),
      objectHigh: uint32(),
      objectLow: uint32(),
      symbols: uint32(),
      blockSymbols: uint32(),
      sbn: uint32(),
      esi: uint32(),
    }),
    symbolBytes: fc.constantFrom(512, 576, 1408, 8960, 16_320),
    fill: fc.nat(255),
  });
