/** The frame at fixed offsets is the protobuf message of proto/frame.proto, and nothing else is taken for one. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { LIMITS } from '../../shared/core/limits.js';
import {
  emptyHeader,
  FrameKind,
  frameBytes,
  PAYLOAD_OFFSET,
  readFrameHeader,
  symbolBytesAllowed,
  symbolBytesOfLength,
  TAG_BYTES,
  WIRE_VERSION,
  writeFrameHeader,
} from '../../shared/wire/frame.js';
import { anyFrame, frameOf } from '../support/wire-frames.js';

const proto = new URL('../../../proto/frame.proto', import.meta.url);
const Frame = protobuf.parse(readFileSync(proto, 'utf8')).root.lookupType('sluice.v1.Frame');

/** Its typing does not name the constructors. */
const Long = protobuf.util.Long as unknown as { fromBits(low: number, high: number, unsigned: boolean): unknown };

/** What protobufjs knows about a frame, from the contract alone. */
function asMessage({ header, payload, tag }: { header: ReturnType<typeof emptyHeader>; payload: Buffer; tag: Buffer }) {
  const long = (high: number, low: number) => Long.fromBits(low | 0, high | 0, true);
  return {
    wire: (0x53 | (0x4c << 8) | (header.kind << 16) | (WIRE_VERSION << 24)) >>> 0,
    serial: long(header.session, header.number),
    object: long(header.objectHigh, header.objectLow),
    symbols: header.symbols,
    blockSymbols: header.blockSymbols,
    sbn: header.sbn,
    esi: header.esi,
    payload,
    tag,
  };
}

describe('wire frame', () => {
  it('is exactly what protobufjs encodes for sluice.v1.Frame, and protobufjs decodes it back', () => {
    fc.assert(
      fc.property(anyFrame(), ({ header, symbolBytes, fill }) => {
        const payload = Buffer.alloc(symbolBytes, fill);
        const tag = Buffer.alloc(TAG_BYTES, fill ^ 0xff);
        const written = frameOf(header, symbolBytes, payload, tag);
        const message = asMessage({ header, payload, tag });
        expect(written.equals(Frame.encode(Frame.create(message)).finish())).equal(true);
        expect({ ...Frame.decode(written) }).deep.equal(message);
        const read = emptyHeader();
        expect(readFrameHeader(written, 0, written.length, read)).equal(undefined);
        expect(read).deep.equal(header);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('has T + 64 bytes for every symbol size, whatever it says', () => {
    for (let symbolBytes = 512; symbolBytes <= 16_320; symbolBytes += 64) {
      const largest = { ...emptyHeader(), number: 0xffffffff, session: 0xffffffff, objectHigh: 0xffffffff };
      for (const header of [emptyHeader(), { ...largest, objectLow: 0xffffffff, esi: 0xffffffff, sbn: 0xffffffff }]) {
        const bytes = frameOf(header, symbolBytes);
        expect(Buffer.compare(Frame.encode(Frame.decode(bytes)).finish(), bytes)).equal(0);
        expect(frameBytes(symbolBytes)).equal(symbolBytes + 64);
      }
    }
  });

  it('is written and read at any place of a larger buffer, and nothing around it is touched', () => {
    const around = Buffer.alloc(64 + frameBytes(512) + 64, 0xa5);
    const header = { ...emptyHeader(), kind: FrameKind.payload, number: 7, esi: 9 };
    writeFrameHeader(around, 64, header, 512);
    expect(around.subarray(0, 64).every((byte) => byte === 0xa5)).equal(true);
    expect(around.subarray(64 + PAYLOAD_OFFSET, 64 + PAYLOAD_OFFSET + 512).every((byte) => byte === 0xa5)).equal(true);
    expect(around.subarray(-64 - TAG_BYTES).every((byte) => byte === 0xa5)).equal(true);
    const read = emptyHeader();
    expect(readFrameHeader(around, 64, frameBytes(512), read)).equal(undefined);
    expect(read).deep.equal(header);
  });

  it('FAULTS 2: only lengths of T + 64 bytes are frames (0 to 2000 bytes, 16 KB)', () => {
    const bytes = Buffer.alloc(17_000);
    const header = emptyHeader();
    const allowed = new Set(Array.from({ length: 248 }, (_, i) => 576 + 64 * i));
    for (let length = 0; length <= 17_000; length = length === 2000 ? 16_000 : length + 1) {
      const symbolBytes = allowed.has(length) ? length - 64 : undefined;
      expect(symbolBytesOfLength(length), `${length}`).equal(symbolBytes);
      const fault = readFrameHeader(bytes, 0, length, header);
      expect(fault, `${length}`).equal(symbolBytes === undefined ? 'FRAME_LENGTH' : 'FRAME_LAYOUT');
    }
    expect(symbolBytesOfLength(16_384)).equal(16_320);
    expect(symbolBytesOfLength(16_448)).equal(undefined);
  });

  it('refuses a genuine frame that is cut or has bytes behind it', () => {
    const bytes = Buffer.concat([frameOf({ ...emptyHeader(), kind: FrameKind.payload }, 1408), Buffer.alloc(128)]);
    const header = emptyHeader();
    for (let length = 0; length <= bytes.length; length++) {
      const fault = readFrameHeader(bytes, 0, length, header);
      const expected = length === 1472 ? undefined : symbolBytesOfLength(length) ? 'FRAME_LAYOUT' : 'FRAME_LENGTH';
      expect(fault, `${length}`).equal(expected);
    }
  });

  it('FAULTS 12: every value of every byte of the fixed layout but the right one is a fault', () => {
    for (const symbolBytes of [512, 1408, 16_320]) {
      const frame = frameOf({ ...emptyHeader(), kind: FrameKind.payload }, symbolBytes);
      const tagKey = PAYLOAD_OFFSET + symbolBytes;
      const keys = [5, 14, 23, 28, 33, 38, 43, 44, 45, tagKey, tagKey + 1];
      const faultAt = new Map<number, string>([
        [0, 'FRAME_LAYOUT'],
        [1, 'FRAME_LAYOUT'],
        [2, 'FRAME_LAYOUT'],
        [3, 'FRAME_VERSION'],
        [4, 'FRAME_VERSION'],
        ...keys.map((at): [number, string] => [at, 'FRAME_LAYOUT']),
      ]);
      const header = emptyHeader();
      for (let at = 0; at < frame.length; at++) {
        const right = frame[at]!;
        for (let value = 0; value < 256; value++) {
          if (value === right || (!faultAt.has(at) && value > 1)) continue;
          frame[at] = value;
          const known = at === 3 && value >= FrameKind.payload && value <= FrameKind.padding;
          expect(readFrameHeader(frame, 0, frame.length, header), `byte ${at} = ${value}`).equal(
            known ? undefined : faultAt.get(at),
          );
        }
        frame[at] = right;
      }
    }
  });

  it('FAULTS 68: every kind and version but 1 to 4 of version 1 is refused by name', () => {
    const frame = frameOf(emptyHeader(), 512);
    const header = emptyHeader();
    for (let kind = 0; kind < 256; kind++) {
      for (let version = 0; version < 256; version++) {
        frame[3] = kind;
        frame[4] = version;
        const known = version === WIRE_VERSION && kind >= 1 && kind <= 4;
        expect(readFrameHeader(frame, 0, frame.length, header)).equal(known ? undefined : 'FRAME_VERSION');
        if (known) expect(header.kind).equal(kind);
      }
    }
  });

  it('a refused frame leaves the header as it was', () => {
    const before = { ...emptyHeader(), number: 77, kind: FrameKind.payload };
    const header = { ...before };
    const frame = frameOf({ ...emptyHeader(), number: 5 }, 512);
    frame[43] = 0;
    expect(readFrameHeader(frame, 0, frame.length, header)).equal('FRAME_LAYOUT');
    expect(header).deep.equal(before);
  });

  it('allows symbol sizes that are multiples of 64 from 512 to 16320', () => {
    for (const right of [512, 576, 1408, 8960, 16_320]) expect(symbolBytesAllowed(right), `${right}`).equal(true);
    for (const wrong of [0, 64, 448, 511, 513, 1400, 16_321, 16_384, -512, 512.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(symbolBytesAllowed(wrong), `${wrong}`).equal(false);
    expect(LIMITS.symbolMaxBytes >>> 7, 'the length is a two-byte varint').lessThan(128);
  });
});
