/** SipHash-2-4 with 128-bit output: the authors' vectors, a slow twin, and the tag of frames made of it. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Prng } from '../../shared/core/prng.js';
import { newPageMemory } from '../../shared/core/webAssembly.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { sipHash128 } from '../../shared/crypto/siphash.js';
import { slowSipHash128 } from '../support/wire-reference.js';
import { hex, LINK_KEY, unhex } from '../support/wire-samples.js';

const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

function fastSipHash128(key: Uint8Array, message: Uint8Array, wordsBefore = 0): Uint8Array {
  const words = new Uint32Array(wordsBefore + message.length / 4);
  new Uint8Array(words.buffer).set(message, wordsBefore * 4);
  const out = new Uint32Array(4);
  sipHash128(new Uint32Array(Uint8Array.from(key).buffer), words, wordsBefore, message.length / 4, out);
  return new Uint8Array(out.buffer);
}

/** `vectors_sip128` of the authors' reference: key 00 .. 0f, message 00, 01, ... of so many bytes. */
const PUBLISHED: [number, string][] = [
  [0, 'a3817f04ba25a8e66df67214c7550293'],
  [1, 'da87c1d86b99af44347659119b22fc45'],
  [7, 'a1f1ebbed8dbc153c0b84aa61ff08239'],
  [8, '3b62a9ba6258f5610f83e264f31497b4'],
  [15, '5493e99933b0a8117e08ec0f97cfc3d9'],
  [16, '6ee2a4ca67b054bbfd3315bf85230577'],
  [24, '2db479ae78bd50d8882a8a178a6132ad'],
  [32, '7c3956ca5eeafc3e363e9d556546eb68'],
  [40, 'df6a301e95c95dad97ae0cc8c6913bd8'],
  [48, 'f7e5aef549f782cf379055a608269b16'],
  [56, '1938f2cf72d54ee97e94166fa91d2a36'],
  [63, '5150d1772f50834a503e069a973fbd7c'],
];

describe('SipHash-2-4-128', () => {
  for (const [length, expected] of PUBLISHED) {
    it(`gives the published value for ${length} bytes${length % 8 === 0 ? '' : ' (the slow twin only)'}`, () => {
      expect(hex(slowSipHash128(LINK_KEY, counting(length)))).equal(expected);
      if (length % 8 === 0) expect(hex(fastSipHash128(LINK_KEY, counting(length)))).equal(expected);
    });
  }

  it('agrees with the slow twin for every multiple of 8 bytes up to 2 KiB, where the length byte wraps many times', () => {
    const random = new Prng(7);
    for (let length = 0; length <= 2048; length += 8) {
      const key = random.fill(new Uint8Array(16));
      const message = random.fill(new Uint8Array(length));
      expect(hex(fastSipHash128(key, message)), `${length}`).equal(hex(slowSipHash128(key, message)));
    }
  });

  it('agrees with the slow twin where the lower halves add up to 2^32 - 1, which no chance would find', () => {
    // Low words of the initial state without key, and the key and message words that make a sum of the first round so.
    const [v0, v1, v2, v3] = [0x70736575, 0x6e646f6d ^ 0xee, 0x6e657261, 0x79746573];
    const v1High = ~(9 ^ v2) - (3 ^ 0x736f6d65);
    const cases = {
      'v0 + v1': { k0: ~v0, k1: v1, word: 7 },
      'v2 + v3': { k0: ~v2, k1: 5, word: 5 ^ v3 },
      // With v1 = 0 the second v1 is v0, to which v2 + v3 is added.
      'v2 + v1': { k0: 9, k1: v1, word: (~(9 ^ v0) - (9 ^ v2)) ^ v1 ^ v3, k1High: 0x646f7261 },
      // With v3 = 0 the second v3 is v2, and the halves of v0 have changed places: its upper one is made to fit.
      'v0 + v3': {
        k0: 9,
        k1: v1,
        word: v1 ^ v3,
        k1High: v1High ^ 0x646f7261,
        wordHigh: v1High ^ 0x646f7261 ^ 0x74656462,
      },
    };
    for (const [what, words] of Object.entries(cases)) {
      const {
        k0,
        k1,
        word,
        k1High = 4,
        wordHigh = 11,
      } = words as typeof words & { k1High?: number; wordHigh?: number };
      const key = new Uint8Array(Int32Array.of(k0, 3, k1, k1High).buffer);
      const message = new Uint8Array(Int32Array.of(word, wordHigh).buffer);
      expect(hex(fastSipHash128(key, message)), what).equal(hex(slowSipHash128(key, message)));
    }
  });

  it('agrees with the slow twin on extreme words, wherever in the buffer they lie', () => {
    const word = fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 12 }), fc.nat(5), (pairs, before) => {
        const message = new Uint8Array(Uint32Array.from(pairs.flat()).buffer);
        const key = fc.sample(fc.uint8Array({ minLength: 16, maxLength: 16 }), { numRuns: 1, seed: before })[0];
        expect(hex(fastSipHash128(key, message, before))).equal(hex(slowSipHash128(key, message)));
      }),
      { numRuns: 300, seed: 8 },
    );
  });
});

/** Where frames lie: in a memory of their own, or in one of WebAssembly that the tagger was given. */
const PLACES = {
  scalar: (bytes: number) => ({ bytes: new Uint8Array(bytes), newTagger: (key: Uint8Array) => new FrameTagger(key) }),
  WebAssembly: (bytes: number) => {
    const memory = newPageMemory(128 * 1024);
    // Not at the beginning, and not at a multiple of 8, as in a ring.
    const place = new Uint8Array(memory.buffer, 1002, bytes);
    return { bytes: place, newTagger: (key: Uint8Array) => new FrameTagger(key, memory) };
  },
};

for (const [name, place] of Object.entries(PLACES)) {
  describe(`frame tag, ${name}`, () => {
    const frame = (seed: number, length = 576) => {
      const { bytes, newTagger } = place(length);
      new Prng(seed).fill(bytes);
      return { bytes, newTagger };
    };

    it('is what it says it is', () => {
      expect(frame(1).newTagger(LINK_KEY).fast).equal(name === 'WebAssembly');
    });

    it('is SipHash-2-4-128 of everything in front of it, for every length a frame can have', () => {
      for (let length = 576; length <= 16_384; length += 64) {
        const { bytes, newTagger } = frame(length, length);
        newTagger(LINK_KEY).write(bytes, 0, length);
        const tag = hex(bytes.slice(-16));
        expect(tag, `${length}`).equal(hex(fastSipHash128(LINK_KEY, bytes.slice(0, -16))));
        if (length % 4096 === 0) expect(tag).equal(hex(slowSipHash128(LINK_KEY, bytes.slice(0, -16))));
        expect(newTagger(LINK_KEY).holds(bytes, 0, length)).equal(true);
      }
    });

    it('is written and found at any slot of a ring, and nothing around it is touched', () => {
      const { bytes, newTagger } = frame(2, 3 * 640);
      const before = bytes.slice();
      const tagger = newTagger(LINK_KEY);
      tagger.write(bytes, 640, 576);
      expect([...bytes.subarray(0, 640 + 560)]).deep.equal([...before.subarray(0, 640 + 560)]);
      expect([...bytes.subarray(640 + 576)]).deep.equal([...before.subarray(640 + 576)]);
      expect(tagger.holds(bytes, 640, 576)).equal(true);
      expect(tagger.holds(bytes, 644, 576)).equal(false);
      expect(tagger.holds(bytes, 640, 640)).equal(false);
    });

    it('two taggers with different keys over the same memory do not disturb each other', () => {
      const { bytes, newTagger } = frame(5);
      const [one, other] = [newTagger(LINK_KEY), newTagger(new Uint8Array(16).fill(9))];
      one.write(bytes, 0, 576);
      expect([one.holds(bytes, 0, 576), other.holds(bytes, 0, 576)]).deep.equal([true, false]);
    });

    it('four at once are what each is by itself, and each bit of each of the four tags counts', () => {
      for (const [length, stride] of [
        [576, 576],
        [1472, 1472],
        [9024, 9032],
      ] as const) {
        const { bytes, newTagger } = frame(length, 4 * stride);
        const tagger = newTagger(LINK_KEY);
        const single = bytes.slice();
        for (let n = 0; n < 4; n++) newTagger(LINK_KEY).write(single, n * stride, length);
        tagger.writeFour(bytes, 0, stride, length);
        expect(Buffer.compare(bytes.slice(), single), `${length}`).equal(0);
        expect(tagger.holdsFour(bytes, 0, stride, length)).equal(15);
        for (let n = 0; n < 4; n++) {
          for (let bit = 0; bit < 128; bit++) {
            const at = n * stride + length - 16 + (bit >> 3);
            bytes[at]! ^= 1 << (bit & 7);
            expect(tagger.holdsFour(bytes, 0, stride, length)).equal(15 & ~(1 << n));
            bytes[at]! ^= 1 << (bit & 7);
          }
        }
      }
    });

    it('FAULTS 3: each of the 128 bits of the tag counts', () => {
      const { bytes, newTagger } = frame(3);
      const tagger = newTagger(LINK_KEY);
      tagger.write(bytes, 0, 576);
      for (let bit = 0; bit < 128; bit++) {
        bytes[560 + (bit >> 3)]! ^= 1 << (bit & 7);
        expect(tagger.holds(bytes, 0, 576), `bit ${bit}`).equal(false);
        bytes[560 + (bit >> 3)]! ^= 1 << (bit & 7);
      }
      expect(tagger.holds(bytes, 0, 576)).equal(true);
    });

    it('takes the key from any kind of array, a Buffer in its pool too, and keeps a copy', () => {
      const pooled = Buffer.concat([Buffer.from([9, 9, 9]), LINK_KEY]).subarray(3);
      const tags = [LINK_KEY, pooled, unhex(hex(LINK_KEY))].map((key) => {
        const { bytes, newTagger } = frame(4);
        const tagger = newTagger(key);
        if (key === pooled) pooled.fill(0);
        tagger.write(bytes, 0, 576);
        return hex(bytes.slice(560));
      });
      expect(new Set(tags).size).equal(1);
    });

    it('needs 16 bytes of key', () => {
      for (const length of [0, 15, 17, 32]) {
        expect(() => frame(6).newTagger(new Uint8Array(length)))
          .throw()
          .property('code', 'KEY_UNREADABLE');
      }
    });
  });
}
