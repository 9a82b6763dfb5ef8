/**
 * Golden vectors of the wire: a small transfer byte for byte. It is made again and compared, read by the gateway and
 * by a second decoder that follows docs/PROTOCOL.md, and put together to the objects it carries (FAULTS 68).
 */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Verifier } from '../../egress/verify/verifier.js';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { publicKeyOf } from '../../shared/crypto/publicKey.js';
import { BlockDecoder } from '../../shared/fec/decode.js';
import { envelopeOfObject } from '../../shared/wire/envelopeObject.js';
import { emptyHeader, PAYLOAD_OFFSET, plausibleBlockSymbols, readFrameHeader } from '../../shared/wire/frame.js';
import {
  CONSIGNED_TYPE,
  decodeEnvelope,
  decodeHeartbeat,
  decodeManifests,
  encodeEnvelope,
  encodeHeartbeat,
  encodeManifests,
  HEARTBEAT_TYPE,
  MANIFESTS_TYPE,
  type ManifestsType,
  manifestsTypeOf,
  objectIdOf,
} from '../../shared/wire/statements.js';
import { slowDecode } from '../support/fec-reference.js';
import {
  type ReferenceHeartbeat,
  type ReferenceManifests,
  referenceBlocks,
  referenceEnvelope,
  referenceFrame,
  referenceHeartbeat,
  referenceManifests,
} from '../support/wire-reference.js';
import { HELLO, heartbeatOf, hex, manifestsOf, NUMBERS, sha256, signingKey, unhex } from '../support/wire-samples.js';
import { makeVectors, type WireVectors } from '../support/wire-vectors.js';

const text = readFileSync(new URL('../../../test/vectors/wire.json', import.meta.url), 'utf8');
const vectors = JSON.parse(text) as WireVectors;
const [manifestsVector, heartbeatVector, consignedVector] = vectors.envelopes;
const linkKey = unhex(vectors.link_key);
const publicKey = unhex(vectors.public_key);

/** Symbols by coded object and block, as a receiver would sort them. */
function sorted(kind: number): Map<number, Map<number, Uint8Array>> {
  const blocks = new Map<number, Map<number, Uint8Array>>();
  for (const frame of vectors.frames) {
    if (frame.kind !== kind) continue;
    const { payload } = referenceFrame(unhex(frame.hex), linkKey);
    blocks.set(frame.sbn, (blocks.get(frame.sbn) ?? new Map()).set(frame.esi, payload));
  }
  return blocks;
}

describe('wire golden vectors', () => {
  it('are what is made today, byte for byte', () => {
    expect(`${JSON.stringify(makeVectors(), null, 2)}\n`).equal(text);
  });

  for (const vector of vectors.frames) {
    it(`frame ${vector.number}, ${vector.what}, is read as it was written`, () => {
      const bytes = unhex(vector.hex);
      expect(new FrameTagger(linkKey).holds(bytes, 0, bytes.length)).equal(true);
      const header = emptyHeader();
      expect(readFrameHeader(bytes, 0, bytes.length, header)).equal(undefined);
      const { kind, number, symbols, block_symbols: blockSymbols, sbn, esi } = vector;
      expect(header).deep.include({ kind, number, symbols, blockSymbols, sbn, esi });
      expect(objectIdOf(header.objectHigh, header.objectLow)).equal(vector.object);
      expect(header.session).equal(Number.parseInt(vector.session_low, 16));
      if (kind <= 2) expect(plausibleBlockSymbols(header, 512)).equal(referenceBlocks(symbols, blockSymbols)[sbn]);
      const { what, hex: _, ...fields } = vector;
      expect(referenceFrame(bytes, linkKey).fields, what).deep.equal(fields);
    });
  }

  for (const vector of vectors.envelopes) {
    it(`${vector.statement_type} is read and written as it stands`, () => {
      const bytes = unhex(vector.hex);
      const envelope = decodeEnvelope(bytes);
      expect(envelope.statementType).equal(vector.statement_type);
      expect(hex(envelope.signature)).equal(vector.signature);
      expect(hex(encodeEnvelope(envelope))).equal(vector.hex);
      expect(sha256(bytes).slice(0, 16)).equal(vector.object);
      const reference = referenceEnvelope(bytes, publicKey);
      expect(reference.statement_type).equal(vector.statement_type);
      expect(hex(reference.statement)).equal(hex(envelope.statement));
    });
  }

  for (const [what, vector, type] of [
    ['manifests', manifestsVector, MANIFESTS_TYPE],
    ['members of a consignment', consignedVector, CONSIGNED_TYPE],
  ] as const) {
    it(`the ${what} are read and written as they stand, by both decoders`, () => {
      const sample = vector.statement as ReferenceManifests;
      const { statement } = decodeEnvelope(unhex(vector.hex));
      expect(referenceManifests(statement)).deep.equal(sample);
      expect(decodeManifests(statement, type)).deep.equal(manifestsOf(sample));
      expect(hex(encodeManifests(manifestsOf(sample)))).equal(hex(statement));
      expect(manifestsTypeOf(manifestsOf(sample))).equal(type);
    });
  }

  it('FAULTS 68: neither type is taken for the other', () => {
    const refused = (vector: typeof manifestsVector, type: ManifestsType) => {
      const { statement } = decodeEnvelope(unhex(vector.hex));
      expect(() => decodeManifests(statement, type))
        .to.throw()
        .with.property('code', 'MANIFEST_INVALID');
    };
    refused(manifestsVector, CONSIGNED_TYPE);
    refused(consignedVector, MANIFESTS_TYPE);
  });

  it('the heartbeat is read and written as it stands, by both decoders', () => {
    const sample = heartbeatVector.statement as ReferenceHeartbeat;
    const { statement } = decodeEnvelope(unhex(heartbeatVector.hex));
    expect(referenceHeartbeat(statement)).deep.equal(sample);
    expect(decodeHeartbeat(statement)).deep.equal(heartbeatOf(sample));
    expect(hex(encodeHeartbeat(heartbeatOf(sample)))).equal(hex(statement));
  });

  it('the verifier believes both', () => {
    const key = publicKeyOf(signingKey(unhex(vectors.signing_seed)));
    const verifier = new Verifier([key], []);
    expect(verifier.manifests(unhex(manifestsVector.hex))).property('ok', true);
    expect(verifier.manifests(unhex(consignedVector.hex))).property('ok', true);
    expect(verifier.heartbeat(unhex(heartbeatVector.hex))).property('ok', true);
    expect(manifestsVector.statement_type).equal(MANIFESTS_TYPE);
    expect(heartbeatVector.statement_type).equal(HEARTBEAT_TYPE);
  });

  it('the heartbeat frame carries the heartbeat', () => {
    const payload = sorted(3).get(0)!.get(0)!;
    expect(hex(envelopeOfObject(payload)!)).equal(heartbeatVector.hex);
    expect(hex(unhex(vectors.frames[1].hex).subarray(PAYLOAD_OFFSET, PAYLOAD_OFFSET + 512))).equal(hex(payload));
  });

  it('the second decoder puts the transfer together from the frames that were not lost', () => {
    const [symbols] = [...sorted(2).values()];
    const source = Buffer.concat(slowDecode(symbols, 2)!);
    const length = source.readUInt32LE(0);
    const envelope = source.subarray(4, 4 + length);
    expect(hex(envelope)).equal(manifestsVector.hex);
    expect(source.subarray(4 + length).every((byte) => byte === 0)).equal(true);
    const { coding, manifests } = referenceManifests(referenceEnvelope(envelope, publicKey).statement);
    const k = referenceBlocks(Math.ceil(coding.length / coding.symbol_size), coding.block_symbols);
    const blocks = [...sorted(1)].sort(([a], [b]) => a - b);
    const payload = Buffer.concat(blocks.flatMap(([sbn, held]) => slowDecode(held, k[sbn])!)).subarray(
      0,
      coding.length,
    );
    const at = [0, k[0] * coding.symbol_size, coding.length];
    coding.block_digests.forEach((digest, sbn) => {
      expect(sha256(payload.subarray(at[sbn], at[sbn + 1]))).equal(digest);
    });
    expect(sha256(payload)).equal(vectors.payload.sha256);
    const objects = manifests.map(({ offset, size }) => payload.subarray(offset, offset + size));
    expect(objects.map(sha256)).deep.equal(manifests.map(({ sha256: digest }) => digest));
    expect(objects.map(hex)).deep.equal([hex(HELLO), hex(NUMBERS)]);
  });

  it('so does the gateway', () => {
    const [held] = [...sorted(2).values()];
    const block = new Uint8Array(2 * 512);
    block.set(held.get(0)!);
    const repair = [{ index: 0, data: held.get(2)! }];
    expect(new BlockDecoder(2, 512).decode(block, 2, Uint8Array.of(1, 0), repair)).equal(true);
    expect(hex(envelopeOfObject(block)!)).equal(manifestsVector.hex);
    const first = new Uint8Array(2 * 512);
    const symbols = sorted(1).get(0)!;
    first.set(symbols.get(1)!, 512);
    const other = [{ index: 0, data: symbols.get(2)! }];
    expect(new BlockDecoder(2, 512).decode(first, 2, Uint8Array.of(0, 1), other)).equal(true);
    expect(hex(first)).equal(hex(Uint8Array.from([...HELLO, ...NUMBERS].slice(0, 1024))));
  });
});
