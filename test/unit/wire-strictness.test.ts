/**
 * What must be refused of signed parts although a protobuf decoder would take it, and values that cannot be. Statements
 * are built by hand, field by field: the honest one is accepted, then one thing at a time is wrong (FAULTS 11, 12, 17-19).
 */
import { expect } from 'chai';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import {
  decodeEnvelope,
  decodeHeartbeat,
  decodeManifests,
  encodeHeartbeat,
  encodeManifests,
  HEARTBEAT_TYPE,
  MANIFESTS_TYPE,
} from '../../shared/wire/statements.js';
import { bytesOf, delimited, fixed32, fixed64, key, sint, uint, varint } from '../support/wire-bytes.js';
import { HEARTBEAT_SAMPLE, heartbeatOf, hex, MANIFESTS_SAMPLE, manifestsOf, unhex } from '../support/wire-samples.js';

type Bytes = readonly number[];
const bin = (text: string): Uint8Array => unhex(text);
const { coding, filters, manifests, history, sealed_ms, key_id } = MANIFESTS_SAMPLE;

// ---------------------------------------------------------------- the honest statements, in fields

const CODING: Bytes[] = [
  fixed64(1, BigInt(`0x${coding.object}`)),
  uint(2, coding.length),
  uint(3, coding.symbol_size),
  uint(4, coding.block_symbols),
  delimited(5, bin(coding.block_digests.join(''))),
];
const FILTERS: Bytes[] = filters.map(({ name, version, config_digest }) =>
  delimited(3, bytesOf(delimited(1, name), delimited(2, version), delimited(3, bin(config_digest)))),
);
const VERDICTS: Bytes[][] = [
  [uint(2, 1)],
  [uint(1, 1), uint(2, 1)],
  [uint(1, 1), uint(2, 1), delimited(3, bin(manifests[1].verdicts[1].digest))],
];
const verdict = (...fields: Bytes[]): Bytes => delimited(13, fields.flat());
/** Fields 1 to 13 of the first and of the second object; index 4 is the offset, absent where it is 0. */
const OBJECTS: Bytes[][] = manifests.map((manifest, i) => [
  delimited(1, bin(manifest.transfer)),
  uint(2, manifest.sequence),
  delimited(3, manifest.tenant),
  delimited(4, bin(manifest.path)),
  manifest.offset === 0 ? [] : uint(5, manifest.offset),
  uint(6, manifest.size),
  sint(7, BigInt(manifest.mtime_ns)),
  delimited(8, bin(manifest.sha256)),
  delimited(9, manifest.type),
  delimited(10, manifest.label),
  delimited(11, manifest.submitter),
  manifest.consignment === '' ? [] : delimited(12, bin(manifest.consignment)),
  [...verdict(...VERDICTS[0]), ...verdict(...VERDICTS[i === 0 ? 1 : 2])],
]);

interface Parts {
  history: Bytes;
  coding: Bytes[];
  filters: Bytes[];
  objects: Bytes[][];
  sealed: Bytes;
  keyId: Bytes;
  after: Bytes;
}
const honest = (): Parts => ({
  history: delimited(1, bin(history)),
  coding: CODING.slice(),
  filters: FILTERS.slice(),
  objects: OBJECTS.map((fields) => fields.slice()),
  sealed: uint(5, sealed_ms),
  keyId: delimited(6, bin(key_id)),
  after: [],
});
const statementOf = (parts: Parts): Uint8Array =>
  bytesOf(
    parts.history,
    delimited(2, parts.coding.flat()),
    parts.filters.flat(),
    parts.objects.flatMap((fields) => delimited(4, fields.flat())),
    parts.sealed,
    parts.keyId,
    parts.after,
  );
const changed = (change: (parts: Parts) => void): Uint8Array => {
  const parts = honest();
  change(parts);
  return statementOf(parts);
};

const refused = (decode: (bytes: Uint8Array) => unknown, code: string, input: Uint8Array): string => {
  try {
    decode(input);
  } catch (error) {
    expect(error, String(error)).instanceOf(SluiceError).property('code', code);
    return (error as SluiceError).detail;
  }
  return expect.fail('it was accepted');
};

/** A name, what to do to the honest statement, and the words of the refusal. */
type Case = [string, (parts: Parts) => void, RegExp];
const FORM = /canonical|protobuf/;

const FORMS: Case[] = [
  ['an unknown field', (p) => (p.after = uint(15, 7)), FORM],
  ['an unknown field of length 0', (p) => (p.after = delimited(99, [])), FORM],
  ['a field number of 2^29 - 1', (p) => (p.after = [...varint(((2n ** 29n - 1n) << 3n) | 0n), 1]), FORM],
  ['field number 0', (p) => (p.after = [0, 0]), FORM],
  ['a singular field twice, the same', (p) => (p.sealed = [...p.sealed, ...p.sealed]), FORM],
  ['a singular field twice, honest first', (p) => (p.sealed = [...p.sealed, ...uint(5, 1)]), FORM],
  ['a singular field twice, honest last', (p) => (p.sealed = [...uint(5, 1), ...p.sealed]), FORM],
  [
    'a singular message twice',
    (p) => (p.history = [...p.history, ...delimited(2, p.coding.flat())]),
    /Too many: coding/,
  ],
  ['a default written out', (p) => (p.objects[0][4] = uint(5, 0)), FORM],
  ['an empty text written out', (p) => (p.objects[1][11] = delimited(12, [])), FORM],
  ['a verdict that names filter 0', (p) => (p.objects[0][12] = verdict(uint(1, 0), uint(2, 1))), FORM],
  ['an over-long varint', (p) => (p.sealed = [...key(5, 0), ...varint(sealed_ms, 8)]), FORM],
  ['an over-long length', (p) => (p.keyId = [...key(6, 2), ...varint(8, 3), ...bin(key_id)]), FORM],
  ['an over-long key', (p) => (p.keyId = [...varint((6 << 3) | 2, 3), ...varint(8), ...bin(key_id)]), FORM],
  ['a varint of eleven bytes', (p) => (p.sealed = [...key(5, 0), ...varint(1, 11)]), FORM],
  ['a varint that does not end', (p) => (p.after = [...key(5, 0), 0xff, 0xff]), FORM],
  ['a 32-bit number with more bits', (p) => (p.coding[2] = uint(3, 2n ** 32n + 512n)), FORM],
  ['a number as a fixed one', (p) => (p.sealed = fixed64(5, BigInt(sealed_ms))), FORM],
  ['a fixed number as a varint', (p) => (p.coding[0] = uint(1, BigInt(`0x${coding.object}`))), /object id/],
  ['a fixed number of half the width', (p) => (p.coding[0] = fixed32(1, 0x89abcdef)), /object id/],
  ['bytes as a varint', (p) => (p.history = uint(1, 7)), /history/],
  [
    'a message as a group',
    (p) => (p.coding = [...key(2, 3), ...CODING.flat(), ...key(2, 4)].map((byte) => [byte])),
    /object id/,
  ],
  ['a group of unknown number', (p) => (p.after = [...key(15, 3), ...uint(1, 1), ...key(15, 4)]), FORM],
  ['a group that does not end', (p) => (p.after = key(15, 3)), FORM],
  ['the end of a group', (p) => (p.after = key(15, 4)), FORM],
  ['100 000 groups in each other', (p) => (p.after = new Array(100_000).fill(key(15, 3)[0])), FORM],
  ['wire type 6', (p) => (p.after = [...key(5, 6), 0]), FORM],
  ['wire type 7', (p) => (p.after = [...key(5, 7), 0]), FORM],
  ['fields in another order', (p) => ([p.sealed, p.keyId] = [p.keyId, p.sealed]), FORM],
  ['fields of a message within in another order', (p) => p.coding.reverse(), FORM],
  ['objects between filters', (p) => (p.after = p.filters.pop()!), FORM],
  ['junk behind a message within', (p) => p.objects[0].push([0x0f]), FORM],
  ['an unknown field in a message within', (p) => p.objects[0].push(delimited(14, '__proto__')), FORM],
  ['a byte behind the end', (p) => (p.after = [0x28]), FORM],
  ['a length of 2^31', (p) => (p.after = [...key(6, 2), ...varint(2n ** 31n)]), FORM],
  ['a length of 2^31 - 1', (p) => (p.after = [...key(6, 2), ...varint(2n ** 31n - 1n)]), FORM],
  [
    'a length of 2^32 + 8, which is 8 in 32 bits',
    (p) => (p.keyId = [...key(6, 2), ...varint(2n ** 32n + 8n), ...bin(key_id)]),
    FORM,
  ],
  ['a length of 2^64 - 1', (p) => (p.after = [...key(6, 2), ...varint(2n ** 64n - 1n)]), FORM],
  ['a message within that is longer than what holds it', (p) => (p.after = [...key(4, 2), ...varint(200), 0]), FORM],
  [
    'a filter that no verdict names',
    (p) =>
      p.filters.push(delimited(3, bytesOf(delimited(1, 'x'), delimited(2, '1'), delimited(3, new Uint8Array(32))))),
    FORM,
  ],
  ['a filter named twice in the list', (p) => p.filters.push(FILTERS[0]), FORM],
  [
    'filters not in the order of their use',
    (p) => (p.objects[0][12] = [...verdict(...VERDICTS[1]), ...verdict(...VERDICTS[0])]),
    FORM,
  ],
  [
    'a digest of a verdict that is the object’s own',
    (p) =>
      (p.objects[0][12] = [
        ...verdict(...VERDICTS[0]),
        ...verdict(...VERDICTS[1], delimited(3, bin(manifests[0].sha256))),
      ]),
    FORM,
  ],
];

const VALUES: Case[] = [
  ['no coding parameters', (p) => p.coding.splice(0), /object id|coding/],
  ['object id 0', (p) => (p.coding[0] = []), /object id/],
  ['a symbol size that is no multiple of 64', (p) => (p.coding[2] = uint(3, 513)), /symbol size/],
  ['a symbol size beyond the limit', (p) => (p.coding[2] = uint(3, 16_384)), /symbol size/],
  ['symbols of nothing', (p) => (p.coding[2] = []), /symbol size/],
  ['blocks of nothing', (p) => (p.coding[3] = []), /block size/],
  ['blocks of too many symbols', (p) => (p.coding[3] = uint(4, 4097)), /block size/],
  ['a length of 2^64 - 1', (p) => (p.coding[1] = uint(2, 2n ** 64n - 1n)), /length/],
  ['a length of 2^53', (p) => (p.coding[1] = uint(2, 2n ** 53n)), /length/],
  ['a length beyond the limit', (p) => (p.coding[1] = uint(2, LIMITS.objectMaxBytes + 1)), /length/],
  ['a digest too few', (p) => (p.coding[4] = delimited(5, new Uint8Array(32))), /block digests/],
  ['a digest too many', (p) => (p.coding[4] = delimited(5, new Uint8Array(96))), /block digests/],
  ['a digest cut short', (p) => (p.coding[4] = delimited(5, new Uint8Array(63))), /block digests/],
  ['a length that the objects do not fill', (p) => (p.coding[1] = uint(2, coding.length + 1)), /length of the payload/],
  ['no object', (p) => p.objects.splice(0), /number of manifests/],
  ['a gap between objects', (p) => (p.objects[1][4] = uint(5, 19)), /offset/],
  ['objects that overlap', (p) => (p.objects[1][4] = uint(5, 17)), /offset/],
  ['a first object that does not begin at 0', (p) => (p.objects[0][4] = uint(5, 1)), /offset/],
  ['objects in another order', (p) => p.objects.reverse(), /offset|order/],
  ['an object of 2^53 bytes', (p) => (p.objects[0][5] = uint(6, 2n ** 53n)), /size/],
  ['an object of 2^64 - 1 bytes', (p) => (p.objects[0][5] = uint(6, 2n ** 64n - 1n)), /size/],
  ['sequence number 0', (p) => (p.objects[0][1] = []), /sequence/],
  ['a sequence number of 2^53', (p) => (p.objects[0][1] = uint(2, 2n ** 53n)), /sequence/],
  ['a sequence number twice', (p) => (p.objects[1][1] = uint(2, 8)), /sequence/],
  ['sequence numbers that descend', (p) => (p.objects[1][1] = uint(2, 7)), /sequence/],
  ['a transfer id twice', (p) => (p.objects[1][0] = p.objects[0][0]), /transfer/],
  ['a transfer id of 15 bytes', (p) => (p.objects[0][0] = delimited(1, new Uint8Array(15))), /transfer/],
  ['no transfer id', (p) => (p.objects[0][0] = []), /transfer/],
  ['a SHA-256 of 31 bytes', (p) => (p.objects[0][7] = delimited(8, new Uint8Array(31))), /sha256/],
  ['no path', (p) => (p.objects[0][3] = []), /path/],
  ['a path beyond the limit', (p) => (p.objects[0][3] = delimited(4, new Uint8Array(4097).fill(97))), /path/],
  ['a consignment id of 15 bytes', (p) => (p.objects[0][11] = delimited(12, new Uint8Array(15))), /consignment/],
  ['a history of 15 bytes', (p) => (p.history = delimited(1, new Uint8Array(15))), /history/],
  ['no history', (p) => (p.history = []), /history/],
  ['a key id of 9 bytes', (p) => (p.keyId = delimited(6, new Uint8Array(9))), /key_id/],
  ['a time of 2^64 - 1', (p) => (p.sealed = uint(5, 2n ** 64n - 1n)), /sealed_ms/],
  ['a verdict that names no filter there is', (p) => (p.objects[0][12] = verdict(uint(1, 2), uint(2, 1))), /verdict/],
  [
    'a verdict that names filter 2^32 - 1',
    (p) => (p.objects[0][12] = verdict(uint(1, 2 ** 32 - 1), uint(2, 1))),
    /verdict/,
  ],
  ['a verdict without outcome', (p) => (p.objects[0][12] = verdict()), /verdict/],
  ['a verdict that is no pass', (p) => (p.objects[0][12] = verdict(uint(2, 2))), /verdict/],
  ['a verdict with a negative outcome', (p) => (p.objects[0][12] = verdict(uint(2, 2n ** 64n - 1n))), /verdict/],
  [
    'a verdict with a digest of 31 bytes',
    (p) => (p.objects[0][12] = verdict(uint(2, 1), delimited(3, new Uint8Array(31)))),
    /digest/,
  ],
  [
    'two verdicts of one filter',
    (p) => (p.objects[0][12] = [...verdict(uint(2, 1)), ...verdict(uint(2, 1))]),
    /two verdicts/,
  ],
  [
    'a filter configuration of 31 bytes',
    (p) =>
      (p.filters[0] = delimited(3, bytesOf(delimited(1, 'type'), delimited(2, '1'), delimited(3, new Uint8Array(31))))),
    /configuration/,
  ],
];

/** Text fields: what is refused of them, and what is a name like any other. */
const TEXT_FIELDS: [string, number, number][] = [
  ['tenant', 2, 3],
  ['type', 8, 9],
  ['label', 9, 10],
  ['submitter', 10, 11],
];
const BAD_TEXTS: [string, Bytes | string][] = [
  ['NUL', 'a\u0000b'],
  ['a line end', 'a\nb'],
  ['an escape sequence', '\u001b[2J'],
  ['a C1 control', 'a\u0085b'],
  ['a turn of direction', 'abc\u202egpj'],
  ['a zero-width space', 'a\u200bb'],
  ['a line separator', 'a\u2028b'],
  ['a private character', 'a\ue000b'],
  ['a lone surrogate', [0xed, 0xa0, 0x80]],
  ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ['an over-long slash', [0xc0, 0xaf]],
  ['a byte that is not UTF-8', [0x61, 0xff]],
  ['UTF-8 that is cut', [0x61, 0xe2, 0x82]],
  ['257 bytes', 'a'.repeat(257)],
  ['86 characters of three bytes', '漢'.repeat(86)],
];

describe('wire strictness: manifests', () => {
  it('the statement built by hand is the one the encoder writes, and is accepted', () => {
    const statement = statementOf(honest());
    expect(hex(statement)).equal(hex(encodeManifests(manifestsOf(MANIFESTS_SAMPLE))));
    expect(decodeManifests(statement)).deep.equal(manifestsOf(MANIFESTS_SAMPLE));
  });

  for (const [what, change, words] of FORMS) {
    it(`FAULTS 11, 12: refuses ${what}`, () => {
      expect(refused(decodeManifests, 'MANIFEST_INVALID', changed(change))).match(words);
    });
  }

  for (const [what, change, words] of VALUES) {
    it(`FAULTS 17: refuses ${what}`, () => {
      expect(refused(decodeManifests, 'MANIFEST_INVALID', changed(change))).match(words);
    });
  }

  for (const [what, content] of BAD_TEXTS) {
    it(`FAULTS 24, 63: refuses ${what} in every text field`, () => {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      for (const [, index, field] of TEXT_FIELDS) {
        refused(
          decodeManifests,
          'MANIFEST_INVALID',
          changed((p) => (p.objects[0][index] = delimited(field, bytes))),
        );
      }
      for (const field of [1, 2]) {
        const texts = [delimited(1, 'type'), delimited(2, '1'), delimited(3, bin(filters[0].config_digest))];
        texts[field - 1] = delimited(field, bytes);
        refused(
          decodeManifests,
          'MANIFEST_INVALID',
          changed((p) => (p.filters[0] = delimited(3, texts.flat()))),
        );
      }
    });
  }

  it('FAULTS 11: __proto__ and its kin are words like any other, and 256 bytes of text are allowed', () => {
    for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '漢'.repeat(85), 'a'.repeat(256)]) {
      for (const [name, index, field] of TEXT_FIELDS) {
        const read = decodeManifests(
          changed((p) => {
            for (const object of p.objects) object[index] = delimited(field, word);
          }),
        );
        expect(read.manifests[0]).property(name, word);
      }
    }
    expect(({} as Record<string, unknown>).polluted).equal(undefined);
  });

  it('FAULTS 12: too many manifests, filters or verdicts are refused before anything is made of them', () => {
    const most = { 3: LIMITS.manifestMaxFilters, 4: LIMITS.envelopeMaxManifests };
    for (const [field, limit] of Object.entries(most)) {
      const one = delimited(Number(field), []);
      refused(decodeManifests, 'MANIFEST_INVALID', bytesOf(new Array(limit).fill(one).flat()));
      const detail = refused(decodeManifests, 'MANIFEST_INVALID', bytesOf(new Array(limit + 1).fill(one).flat()));
      expect(detail).match(/Too many/);
    }
    const verdicts = new Array(LIMITS.manifestMaxFilters + 1).fill(verdict(uint(2, 1))).flat();
    expect(
      refused(
        decodeManifests,
        'MANIFEST_INVALID',
        changed((p) => (p.objects[0][12] = verdicts)),
      ),
    ).match(/Too many: verdicts/);
    // Two million messages of two bytes: an object for each would take some 200 MB.
    const flood = new Uint8Array(LIMITS.envelopeMaxBytes).map((_, i) => (i % 2 === 0 ? 0x22 : 0));
    const before = process.memoryUsage().heapUsed;
    expect(refused(decodeManifests, 'MANIFEST_INVALID', flood)).match(/Too many: manifests/);
    expect(process.memoryUsage().heapUsed - before).lessThan(20e6);
  });

  it('accepts the most manifests, filters and verdicts there may be', () => {
    const sample = manifestsOf(MANIFESTS_SAMPLE);
    const verdicts = Array.from({ length: LIMITS.manifestMaxFilters }, (_, i) => ({
      ...sample.manifests[0].verdicts[0],
      filter: `filter-${i}`,
    }));
    const objects = Array.from({ length: LIMITS.envelopeMaxManifests }, (_, i) => ({
      ...sample.manifests[0],
      transfer: i.toString(16).padStart(32, '0'),
      sequence: i + 1,
      offset: 0,
      sizeBytes: 0,
      verdicts: i === 0 ? verdicts : [],
    }));
    const empty = { ...sample.coding, lengthBytes: 0, blockDigests: new Uint8Array(0) };
    const value = { ...sample, coding: empty, manifests: objects };
    expect(decodeManifests(encodeManifests(value)).manifests.length).equal(LIMITS.envelopeMaxManifests);
  });

  it('FAULTS 12, 14: is refused by its size alone beyond 4 MiB', () => {
    const large = new Uint8Array(LIMITS.envelopeMaxBytes + 1);
    for (const decode of [decodeManifests, decodeHeartbeat])
      expect(refused(decode, 'MANIFEST_INVALID', large)).match(/larger/);
    expect(refused(decodeEnvelope, 'ENVELOPE_MALFORMED', large)).match(/larger/);
  });
});

describe('wire strictness: heartbeats', () => {
  const range = (first: number | bigint, last: number | bigint): Bytes =>
    delimited(5, [...(first === 0 ? [] : uint(1, first)), ...(last === 0 ? [] : uint(2, last))]);
  const PARAMETERS = [uint(1, 512), uint(2, 2), uint(3, 100_000), uint(4, 200_000_000), uint(5, 2), uint(6, 1000)];
  const fields = (): Bytes[] => [
    delimited(1, bin(history)),
    fixed64(2, BigInt(`0x${HEARTBEAT_SAMPLE.session}`)),
    uint(3, 7),
    uint(4, 9),
    [...range(3, 3), ...range(5, 6)],
    uint(6, 1),
    delimited(7, PARAMETERS.flat()),
    uint(8, HEARTBEAT_SAMPLE.time_ms),
    delimited(9, bin(key_id)),
  ];
  const with_ = (index: number, field: Bytes): Uint8Array => bytesOf(...fields().with(index, field));

  it('the statement built by hand is the one the encoder writes', () => {
    expect(hex(bytesOf(...fields()))).equal(hex(encodeHeartbeat(heartbeatOf(HEARTBEAT_SAMPLE))));
  });

  const CASES: [string, Uint8Array, RegExp][] = [
    ['no history', with_(0, []), /history/],
    ['a session as a varint', with_(1, uint(2, 7)), FORM],
    ['a position beyond the last number', with_(2, uint(3, 10)), /sequence position/],
    ['a position of 2^64 - 1', with_(2, uint(3, 2n ** 64n - 1n)), /sequence_done/],
    ['a last number of 2^53', with_(3, uint(4, 2n ** 53n)), /sequence_last/],
    ['a void range from 0', with_(4, range(0, 3)), /void/],
    ['a void range that ends before it begins', with_(4, range(3, 2)), /void/],
    ['a void range beyond the last number', with_(4, range(9, 10)), /void/],
    ['void ranges that overlap', with_(4, [...range(3, 5), ...range(5, 6)]), /void/],
    ['void ranges that descend', with_(4, [...range(5, 6), ...range(3, 3)]), /void/],
    ['a void range of 2^53', with_(4, range(1, 2n ** 53n)), /void/],
    ['an empty void range', with_(4, delimited(5, [])), /void/],
    ['too many void ranges', with_(4, new Array(17).fill(range(3, 3)).flat()), /Too many: voids/],
    ['no link parameters', with_(6, []), /link parameters/],
    [
      'link parameters twice',
      with_(6, [...delimited(7, PARAMETERS.flat()), ...delimited(7, PARAMETERS.flat())]),
      /Too many/,
    ],
    ['a parameter written as 0', with_(6, delimited(7, [...PARAMETERS.slice(0, 5).flat(), ...uint(6, 0)])), FORM],
    ['a rate of 2^53', with_(6, delimited(7, uint(4, 2n ** 53n))), /rate_bps/],
    ['a time of 2^64 - 1', with_(7, uint(8, 2n ** 64n - 1n)), /time_ms/],
    ['a key id of 7 bytes', with_(8, delimited(9, new Uint8Array(7))), /key_id/],
    ['an unknown field', bytesOf(...fields(), uint(10, 1)), FORM],
    ['a field twice', bytesOf(...fields(), delimited(9, bin(key_id))), FORM],
    ['manifests', statementOf(honest()), /./],
    ['nothing', new Uint8Array(0), /link parameters|history/],
  ];
  for (const [what, statement, words] of CASES) {
    it(`FAULTS 11, 12, 20: refuses ${what}`, () => {
      expect(refused(decodeHeartbeat, 'MANIFEST_INVALID', statement)).match(words);
    });
  }

  it('refuses a heartbeat where manifests are wanted', () => {
    refused(decodeManifests, 'MANIFEST_INVALID', bytesOf(...fields()));
  });

  it('accepts empty parameters and a history that has just begun', () => {
    const young = bytesOf(delimited(1, bin(history)), delimited(7, []), delimited(9, bin(key_id)));
    expect(decodeHeartbeat(young)).deep.include({ sequenceDone: 0, sequenceLast: 0, voids: [], frames: 0 });
  });
});

describe('wire strictness: envelopes', () => {
  const statement = statementOf(honest());
  const fields = (): Bytes[] => [
    delimited(1, MANIFESTS_TYPE),
    delimited(2, statement),
    delimited(3, bin(key_id)),
    delimited(4, new Uint8Array(64).fill(5)),
  ];
  const with_ = (index: number, field: Bytes): Uint8Array => bytesOf(...fields().with(index, field));

  it('the honest one is accepted', () => {
    expect(decodeEnvelope(bytesOf(...fields())).statement).deep.equal(statement);
  });

  const CASES: [string, Uint8Array][] = [
    ['an unknown type', with_(0, delimited(1, 'application/vnd.sluice.other.v1'))],
    ['FAULTS 68: the type of another version', with_(0, delimited(1, 'application/vnd.sluice.manifests.v3'))],
    ['a type in other letters', with_(0, delimited(1, MANIFESTS_TYPE.toUpperCase()))],
    ['a type with something behind it', with_(0, delimited(1, `${MANIFESTS_TYPE} `))],
    ['no type', with_(0, [])],
    ['a key id of 7 bytes', with_(2, delimited(3, new Uint8Array(7)))],
    ['no key id', with_(2, [])],
    ['a signature of 63 bytes', with_(3, delimited(4, new Uint8Array(63)))],
    ['a signature of 65 bytes', with_(3, delimited(4, new Uint8Array(65)))],
    ['no signature', with_(3, [])],
    [
      'FAULTS 19: two statements, the signed one last',
      with_(1, [...delimited(2, [1, 2, 3]), ...delimited(2, statement)]),
    ],
    [
      'FAULTS 19: two statements, the signed one first',
      with_(1, [...delimited(2, statement), ...delimited(2, [1, 2, 3])]),
    ],
    ['FAULTS 19: two types', with_(0, [...delimited(1, HEARTBEAT_TYPE), ...delimited(1, MANIFESTS_TYPE)])],
    ['two signatures', bytesOf(...fields(), delimited(4, new Uint8Array(64).fill(5)))],
    ['an unknown field', bytesOf(...fields(), uint(5, 1))],
    ['an unknown field in front', bytesOf(delimited(5, '__proto__'), ...fields())],
    ['another order', bytesOf(...fields().reverse())],
    ['an over-long length', with_(2, [...key(3, 2), ...varint(8, 2), ...bin(key_id)])],
    ['a byte behind the end', bytesOf(...fields(), [0])],
    ['the last byte cut off', bytesOf(...fields()).subarray(0, -1)],
    ['a length of 2^31', with_(1, [...key(2, 2), ...varint(2n ** 31n), ...statement])],
    ['a length of 2^64 - 1', with_(1, [...key(2, 2), ...varint(2n ** 64n - 1n), ...statement])],
    ['a statement as a group', with_(1, [...key(2, 3), ...statement, ...key(2, 4)])],
    ['nothing', new Uint8Array(0)],
  ];
  for (const [what, bytes] of CASES) {
    it(`FAULTS 11, 12, 18: refuses ${what}`, () => {
      refused(decodeEnvelope, 'ENVELOPE_MALFORMED', bytes);
    });
  }
});
