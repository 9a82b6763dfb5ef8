/** What is not ours never gets past length, layout and tag, and never throws; hints are held against the limits. */
import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../shared/core/limits.js';
import { Prng } from '../../shared/core/prng.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { maxRepairSymbols } from '../../shared/fec/blockShape.js';
import { Partition } from '../../shared/fec/partition.js';
import {
  emptyHeader,
  type FrameHeader,
  FrameKind,
  plausibleBlockSymbols,
  readFrameHeader,
  symbolBytesOfLength,
} from '../../shared/wire/frame.js';
import { taggedFrame } from '../support/wire-frames.js';
import { LINK_KEY } from '../support/wire-samples.js';

const tagger = new FrameTagger(LINK_KEY);
const ring = new Uint8Array(18_000);
const header = emptyHeader();

/** The gate of the high side: undefined for a frame of ours, else why it is dropped. */
function gate(datagram: Uint8Array): string | undefined {
  ring.set(datagram);
  return (
    readFrameHeader(ring, 0, datagram.length, header) ??
    (tagger.holds(ring, 0, datagram.length) ? undefined : 'FRAME_TAG')
  );
}

const genuine = (symbolBytes: number, random: Prng): Buffer =>
  taggedFrame(
    LINK_KEY,
    { ...emptyHeader(), kind: FrameKind.payload, session: random.uint32(), number: random.uint32(), symbols: 100 },
    symbolBytes,
    random.fill(new Uint8Array(symbolBytes)),
  );

describe('wire frame, hostile', () => {
  it('FAULTS 1: 20 000 random datagrams of every length, none passes and none throws', () => {
    const random = new Prng(101);
    const datagram = new Uint8Array(2000);
    for (let n = 0; n < 20_000; n++) {
      random.fill(datagram.subarray(0, 64));
      // Half of them have the length of a frame, so that more than the length is tried.
      const length = n % 2 === 0 ? random.below(2001) : 576 + 64 * random.below(22);
      expect(gate(datagram.subarray(0, length))).not.equal(undefined);
    }
  });

  it('FAULTS 1, 3: 10 000 frames with the right layout and an invented tag, all refused for the tag', () => {
    const random = new Prng(102);
    const strange = new FrameTagger(random.fill(new Uint8Array(16)));
    for (let n = 0; n < 10_000; n++) {
      const frame = genuine(512, random);
      // Zeros, noise, and the honest tag of another key.
      if (n % 3 === 0) frame.fill(0, frame.length - 16);
      else if (n % 3 === 1) random.fill(frame.subarray(-16));
      else strange.write(frame, 0, frame.length);
      expect(gate(frame)).equal('FRAME_TAG');
    }
  });

  it('FAULTS 1: a genuine frame with any one bit flipped is refused', () => {
    const frame = genuine(512, new Prng(103));
    expect(gate(frame)).equal(undefined);
    for (let bit = 0; bit < frame.length * 8; bit++) {
      frame[bit >> 3]! ^= 1 << (bit & 7);
      expect(gate(frame), `bit ${bit}`).not.equal(undefined);
      frame[bit >> 3]! ^= 1 << (bit & 7);
    }
    expect(gate(frame)).equal(undefined);
  });

  it('FAULTS 1, 2, 11, 12: 10 000 mutations of genuine frames are refused', () => {
    const mutation = fc.record({
      seed: fc.nat(),
      symbolBytes: fc.constantFrom(512, 576, 1408),
      how: fc.constantFrom('bits', 'cut', 'grow', 'splice', 'swap'),
      where: fc.nat(),
      what: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(mutation, ({ seed, symbolBytes, how, where, what }) => {
        const frame = genuine(symbolBytes, new Prng(seed));
        const at = where % frame.length;
        let mutated = Uint8Array.from(frame);
        if (how === 'bits') mutated[at]! ^= what;
        else if (how === 'cut') mutated = mutated.subarray(0, at);
        else if (how === 'grow') mutated = Uint8Array.from([...frame, ...new Uint8Array(what)]);
        // A protobuf decoder would take these: a field twice, an unknown one, another order.
        else if (how === 'splice') mutated = Uint8Array.from([...frame.subarray(0, at), what, ...frame.subarray(at)]);
        else {
          mutated.set(frame.subarray(28, 33), 33);
          mutated.set(frame.subarray(33, 38), 28);
        }
        expect(gate(mutated)).not.equal(undefined);
      }),
      { numRuns: 10_000, seed: 104 },
    );
  });

  it('FAULTS 4: frames of one link key are not frames of another, bit by bit of the key', () => {
    const frame = genuine(512, new Prng(105));
    for (let bit = 0; bit < 128; bit++) {
      const other = Uint8Array.from(LINK_KEY);
      other[bit >> 3]! ^= 1 << (bit & 7);
      expect(new FrameTagger(other).holds(frame, 0, frame.length), `bit ${bit}`).equal(false);
    }
  });
});

describe('wire frame, coding parameters', () => {
  const T = 1408;
  const most = Math.ceil(LIMITS.objectMaxBytes / T);
  const hint = (symbols: number, blockSymbols: number, sbn = 0, esi = 0): FrameHeader => ({
    ...emptyHeader(),
    kind: FrameKind.payload,
    symbols,
    blockSymbols,
    sbn,
    esi,
  });

  /** FAULTS 13 line by line: symbols, block symbols, SBN, ESI, symbol size; then k, or undefined for a frame to drop. */
  const table: [string, FrameHeader, number, number | undefined][] = [
    ['no source symbol', hint(0, 4096), T, undefined],
    ['no source symbol in a block', hint(1, 0), T, undefined],
    ['the smallest object', hint(1, 1), T, 1],
    ['one symbol in a large block', hint(1, 4096), T, 1],
    ['the largest block', hint(4096, 4096), T, 4096],
    ['a block of one symbol too many', hint(4097, 4097), T, undefined],
    ['a block of 2^32 - 1 symbols', hint(0xffffffff, 0xffffffff), T, undefined],
    ['the largest block of jumbo symbols', hint(385, 385), 16_320, 385],
    ['a block of more than 6 MiB', hint(386, 386), 16_320, undefined],
    ['6 MiB exactly', hint(12, 702), 8960, 12],
    ['two blocks, the first is larger', hint(4097, 4096, 0), T, 2049],
    ['two blocks, the second', hint(4097, 4096, 1), T, 2048],
    ['a block beyond the last', hint(4097, 4096, 2), T, undefined],
    ['a block beyond the only one', hint(4096, 4096, 1), T, undefined],
    ['the last block of the largest object', hint(most, 4096, Math.ceil(most / 4096) - 1), T, 4095],
    ['a block beyond the largest object', hint(most, 4096, Math.ceil(most / 4096)), T, undefined],
    ['an object of one symbol too many', hint(most + 1, 4096), T, undefined],
    ['an object of 2^32 - 1 symbols', hint(0xffffffff, 4096), T, undefined],
    ['SBN 2^32 - 1', hint(4096, 4096, 0xffffffff), T, undefined],
    ['the last source symbol', hint(4096, 4096, 0, 4095), T, 4096],
    ['the first repair symbol', hint(4096, 4096, 0, 4096), T, 4096],
    ['the last point of the field, k a power of two', hint(4096, 4096, 0, 65_535), T, 4096],
    ['one point beyond the field', hint(4096, 4096, 0, 65_536), T, undefined],
    // k = 2049 is padded to 4096: the last repair symbol is 65535 - 4096, its ESI 2049 + 61439.
    ['the last point of the field, k padded', hint(4097, 4096, 0, 2049 + 61_439), T, 2049],
    ['one point beyond the field, k padded', hint(4097, 4096, 0, 2049 + 61_440), T, undefined],
    ['k = 1: the last repair symbol', hint(1, 1, 0, 65_535), T, 1],
    ['k = 1: one beyond', hint(1, 1, 0, 65_536), T, undefined],
    ['ESI 2^32 - 1', hint(1, 1, 0, 0xffffffff), T, undefined],
  ];
  for (const [what, frame, symbolBytes, k] of table) {
    it(`FAULTS 13: ${what} is ${k === undefined ? 'dropped' : `a block of ${k}`}`, () => {
      expect(plausibleBlockSymbols(frame, symbolBytes)).equal(k);
    });
  }

  it('FAULTS 13: k and the last ESI are those of the partition and of the code', () => {
    const parameters = fc.record({
      symbols: fc.integer({ min: 1, max: 100_000 }),
      blockSymbols: fc.integer({ min: 1, max: 4096 }),
      sbn: fc.nat(),
      esi: fc.oneof(fc.nat(70_000), fc.integer({ min: 65_000, max: 66_000 })),
    });
    fc.assert(
      fc.property(parameters, ({ symbols, blockSymbols, sbn: anySbn, esi }) => {
        const partition = new Partition(symbols * T, { symbolBytes: T, blockSymbols });
        const sbn = anySbn % (partition.blocks + 1);
        const k = sbn < partition.blocks ? partition.k(sbn) : undefined;
        const inCode = k !== undefined && esi < k + maxRepairSymbols(k);
        expect(plausibleBlockSymbols(hint(symbols, blockSymbols, sbn, esi), T)).equal(inCode ? k : undefined);
      }),
      { numRuns: 5000, seed: 106 },
    );
  });

  it('FAULTS 14: any 32-bit values at all are answered with a k within the limits, or dropped', () => {
    const random = new Prng(107);
    for (let n = 0; n < 50_000; n++) {
      const shift = () => random.uint32() >>> random.below(32);
      const frame = hint(shift(), shift(), shift(), shift());
      const symbolBytes = symbolBytesOfLength(576 + 64 * random.below(248))!;
      const k = plausibleBlockSymbols(frame, symbolBytes);
      if (k === undefined) continue;
      expect(k).within(1, LIMITS.blockMaxSymbols);
      expect(k * symbolBytes).most(LIMITS.blockMaxBytes);
    }
  });
});
