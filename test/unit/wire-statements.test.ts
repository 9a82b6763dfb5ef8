/** Envelopes, manifests and heartbeats come back as they were written, and have one form only. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import {
  CONSIGNED_TYPE,
  decodeEnvelope,
  decodeHeartbeat,
  decodeManifests,
  encodeEnvelope,
  encodeHeartbeat,
  encodeManifests,
  HEARTBEAT_TYPE,
  type Heartbeat,
  halvesOf,
  MANIFESTS_TYPE,
  type Manifests,
  objectIdOf,
} from '../../shared/wire/statements.js';
import { referenceHeartbeat, referenceManifests } from '../support/wire-reference.js';
import { HEARTBEAT_SAMPLE, heartbeatOf, hex, MANIFESTS_SAMPLE, manifestsOf } from '../support/wire-samples.js';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const hexOf = (length: number) => bytes(length).map(hex);
const whole = fc.maxSafeNat();
const text = fc.oneof(
  fc.constantFrom('', '__proto__', 'constructor', 'length', 'text/plain', 'größe', '文字', '😀'),
  fc.string({ maxLength: 40, unit: fc.constantFrom('a', 'Z', '7', '-', '/', 'é', '漢', '🜁') }),
);

const anyVerdict = (digest: string) =>
  fc.record({
    filter: text,
    version: text,
    configDigest: hexOf(32),
    digest: fc.oneof(fc.constant(digest), hexOf(32)),
  });

const anyObject = hexOf(32).chain((sha256) =>
  fc.record({
    transfer: hexOf(16),
    path: fc.uint8Array({ minLength: 1, maxLength: 60 }),
    sizeBytes: fc.nat(5_000_000),
    mtimeNs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    sha256: fc.constant(sha256),
    type: text,
    label: text,
    submitter: text,
    consignment: fc.oneof(fc.constant(''), hexOf(16)),
    verdicts: fc.uniqueArray(anyVerdict(sha256), { maxLength: 4, selector: ({ filter }) => filter }),
  }),
);

/** Values that belong together, as the low side makes them. */
const anyManifests: fc.Arbitrary<Manifests> = fc
  .record({
    history: hexOf(16),
    object: hexOf(8).filter((id) => /[1-9a-f]/.test(id)),
    symbolBytes: fc.constantFrom(512, 1408, 8960),
    blockSymbols: fc.integer({ min: 1, max: 600 }),
    objects: fc.uniqueArray(anyObject, { minLength: 1, maxLength: 4, selector: ({ transfer }) => transfer }),
    sequence: fc.integer({ min: 1, max: 2 ** 50 }),
    tenant: text,
    sealedMs: whole,
    keyId: bytes(8),
  })
  .filter(({ objects }) => new Set(objects.flatMap(({ verdicts }) => verdicts)).size <= LIMITS.manifestMaxFilters)
  .map(({ objects, object, symbolBytes, blockSymbols, sequence, tenant, ...same }) => {
    let offset = 0;
    const manifests = objects.map((manifest, i) => {
      offset += manifest.sizeBytes;
      return { ...manifest, tenant, sequence: sequence + 3 * i, offset: offset - manifest.sizeBytes };
    });
    const blocks = Math.ceil(Math.ceil(offset / symbolBytes) / blockSymbols);
    const blockDigests = new Uint8Array(blocks * 32).map((_, i) => i);
    return { ...same, coding: { object, lengthBytes: offset, symbolBytes, blockSymbols, blockDigests }, manifests };
  });

const anyHeartbeat: fc.Arbitrary<Heartbeat> = fc
  .record({
    history: hexOf(16),
    session: hexOf(8),
    cuts: fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 53 - 1 }), { maxLength: 2 * LIMITS.heartbeatMaxVoids }),
    position: fc.tuple(whole, whole),
    frames: whole,
    parameters: fc.record({
      symbolBytes: fc.nat(),
      blockSymbols: fc.nat(),
      overheadPpm: fc.nat(),
      rateBps: whole,
      interleave: fc.nat(),
      heartbeatMs: fc.nat(),
    }),
    timeMs: whole,
    keyId: bytes(8),
  })
  .map(({ cuts, position, ...same }) => {
    const ends = cuts.sort((a, b) => a - b);
    const voids = Array.from({ length: ends.length >> 1 }, (_, i) => ({ first: ends[2 * i], last: ends[2 * i + 1] }));
    const [a, b] = position;
    const sequenceLast = Math.max(a, b, voids.at(-1)?.last ?? 0);
    return { ...same, voids, sequenceDone: Math.min(a, b), sequenceLast };
  });

/** The same objects as members of a consignment, with some members elsewhere. */
const anyConsigned: fc.Arbitrary<Manifests> = fc
  .record({
    manifests: anyManifests,
    id: hexOf(16),
    root: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    before: fc.nat(1000),
    after: fc.nat(1000),
    moreBytes: fc.nat(),
  })
  .map(({ manifests: value, id, root, before, after, moreBytes }) => {
    const firstSequence = Math.max(1, value.manifests[0].sequence - before);
    const objects = value.manifests.at(-1)!.sequence - firstSequence + 1 + after;
    const isAll = objects === value.manifests.length;
    const sizeBytes = value.coding.lengthBytes + (isAll ? 0 : moreBytes);
    const members = value.manifests.map((manifest) => ({
      ...manifest,
      tenant: value.manifests[0].tenant,
      path: Uint8Array.from([...root, 0x2f, ...manifest.path]),
      consignment: '',
    }));
    return { ...value, manifests: members, consignment: { id, firstSequence, objects, sizeBytes, root } };
  });

describe('wire statements', () => {
  it('members of a consignment come back as they were written, and the second decoder reads the same', () => {
    fc.assert(
      fc.property(anyConsigned, (manifests) => {
        const written = encodeManifests(manifests);
        expect(decodeManifests(written, CONSIGNED_TYPE)).deep.equal(manifests);
        expect(manifestsOf(referenceManifests(written))).deep.equal(manifests);
        expect(() => decodeManifests(written), 'an old receiver').to.throw(/canonical/);
      }),
      { numRuns: 200, seed: 5 },
    );
  });

  it('manifests come back as they were written, and the second decoder reads the same', () => {
    fc.assert(
      fc.property(anyManifests, (manifests) => {
        const written = encodeManifests(manifests);
        expect(decodeManifests(written)).deep.equal(manifests);
        expect(manifestsOf(referenceManifests(written))).deep.equal(manifests);
        expect(hex(encodeManifests(decodeManifests(written)))).equal(hex(written));
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it('heartbeats come back as they were written, and the second decoder reads the same', () => {
    fc.assert(
      fc.property(anyHeartbeat, (heartbeat) => {
        const written = encodeHeartbeat(heartbeat);
        expect(decodeHeartbeat(written)).deep.equal(heartbeat);
        expect(heartbeatOf(referenceHeartbeat(written))).deep.equal(heartbeat);
      }),
      { numRuns: 400, seed: 2 },
    );
  });

  it('envelopes come back as they were written; nothing of them is looked into', () => {
    const anyEnvelope = fc.record({
      statementType: fc.constantFrom<typeof MANIFESTS_TYPE | typeof HEARTBEAT_TYPE>(MANIFESTS_TYPE, HEARTBEAT_TYPE),
      statement: fc.uint8Array({ maxLength: 300 }),
      keyId: bytes(8),
      signature: bytes(64),
    });
    fc.assert(
      fc.property(anyEnvelope, (envelope) => {
        expect(decodeEnvelope(encodeEnvelope(envelope))).deep.equal(envelope);
      }),
      { numRuns: 300, seed: 3 },
    );
  });

  it('reads the same from a Buffer, wherever it lies, as from a plain array', () => {
    const written = encodeManifests(manifestsOf(MANIFESTS_SAMPLE));
    const inside = Buffer.concat([Buffer.alloc(5, 0xff), written, Buffer.alloc(5, 0xff)]).subarray(5, -5);
    for (const read of [decodeManifests(inside), decodeManifests(Uint8Array.from(written))]) {
      expect(read).deep.equal(manifestsOf(MANIFESTS_SAMPLE));
      for (const field of [read.keyId, read.coding.blockDigests, read.manifests[0].path])
        expect(Object.getPrototypeOf(field)).equal(Uint8Array.prototype);
    }
  });

  it('FAULTS 31: a payload of nothing but empty objects has no blocks, and its fields are still bytes', () => {
    const sample = manifestsOf(MANIFESTS_SAMPLE);
    const manifests = sample.manifests.map((manifest) => ({ ...manifest, offset: 0, sizeBytes: 0 }));
    const coding = { ...sample.coding, lengthBytes: 0, blockDigests: new Uint8Array(0) };
    const read = decodeManifests(encodeManifests({ ...sample, coding, manifests }));
    expect(read.coding.blockDigests).instanceOf(Uint8Array);
    expect(read.coding.blockDigests.length).equal(0);
    expect(read.manifests.map(({ offset }) => offset)).deep.equal([0, 0]);
    const empty = encodeEnvelope({
      statementType: MANIFESTS_TYPE,
      statement: new Uint8Array(0),
      keyId: new Uint8Array(8),
      signature: new Uint8Array(64),
    });
    expect(decodeEnvelope(empty).statement).instanceOf(Uint8Array);
  });

  it('a modification time beyond 64 bits becomes the nearest there is', () => {
    const sample = manifestsOf(MANIFESTS_SAMPLE);
    for (const [mtimeNs, kept] of [
      [2n ** 63n, 2n ** 63n - 1n],
      [16_725_225_600_000_000_000n, 2n ** 63n - 1n],
      [-(2n ** 63n) - 1n, -(2n ** 63n)],
      [2n ** 63n - 1n, 2n ** 63n - 1n],
    ]) {
      const manifests = [{ ...sample.manifests[0], mtimeNs: mtimeNs! }, sample.manifests[1]];
      expect(decodeManifests(encodeManifests({ ...sample, manifests })).manifests[0].mtimeNs).equal(kept);
    }
  });

  it('FAULTS 11, 12: every changed bit is refused, or read as what those very bytes say', () => {
    const tables = [
      [encodeManifests(manifestsOf(MANIFESTS_SAMPLE)), decodeManifests, encodeManifests],
      [encodeHeartbeat(heartbeatOf(HEARTBEAT_SAMPLE)), decodeHeartbeat, encodeHeartbeat],
    ] as const;
    for (const [written, decode, encode] of tables) {
      const changed = Uint8Array.from(written);
      for (let bit = 0; bit < changed.length * 8; bit++) {
        changed[bit >> 3]! ^= 1 << (bit & 7);
        try {
          expect(hex((encode as (value: unknown) => Uint8Array)(decode(changed)))).equal(hex(changed));
        } catch (error) {
          expect(error, `bit ${bit}: ${error}`).instanceOf(SluiceError).property('code', 'MANIFEST_INVALID');
        }
        changed[bit >> 3]! ^= 1 << (bit & 7);
      }
    }
  });

  it('FAULTS 12: random bytes are refused with the code, never otherwise', () => {
    const attempt = (decode: (bytes: Uint8Array) => unknown, code: string, input: Uint8Array) => {
      try {
        decode(input);
      } catch (error) {
        expect(error).instanceOf(SluiceError).property('code', code);
        return;
      }
      expect.fail(`accepted ${hex(input)}`);
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (input) => {
        attempt(decodeManifests, 'MANIFEST_INVALID', input);
        attempt(decodeHeartbeat, 'MANIFEST_INVALID', input);
        attempt(decodeEnvelope, 'ENVELOPE_MALFORMED', input);
      }),
      { numRuns: 2000, seed: 4 },
    );
  });

  it('writes ids of objects with all their digits', () => {
    for (const [high, low, id] of [
      [0, 1, '0000000000000001'],
      [0xffffffff, 0x80000000, 'ffffffff80000000'],
      [0x01234567, 0x89abcdef, '0123456789abcdef'],
    ] as const) {
      expect(objectIdOf(high, low)).equal(id);
      expect(halvesOf(id)).deep.equal({ high, low });
    }
  });
});
