/**
 * Makes the golden vectors of the wire. They are frozen: test/unit/wire-vectors.test.ts compares what is made here with
 * the file. To look at them after a change that is meant to change the wire (and its version):
 *
 *   npm run build && node dist/test/support/wire-vectors.js > test/vectors/wire.json
 */
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { FrameTagger } from '../../shared/crypto/frameTag.js';
import { signStatement } from '../../shared/crypto/signature.js';
import { BlockEncoder } from '../../shared/fec/encode.js';
import { envelopeObjectBytes } from '../../shared/wire/envelopeObject.js';
import { FrameKind, frameBytes, PAYLOAD_OFFSET, writeFrameHeader } from '../../shared/wire/frame.js';
import {
  CONSIGNED_TYPE,
  encodeEnvelope,
  encodeHeartbeat,
  encodeManifests,
  HEARTBEAT_TYPE,
  halvesOf,
  MANIFESTS_TYPE,
  type StatementType,
} from '../../shared/wire/statements.js';
import {
  BLOCK_SYMBOLS,
  CONSIGNED_SAMPLE,
  HEARTBEAT_SAMPLE,
  heartbeatOf,
  hex,
  KEY_ID,
  LINK_KEY,
  MANIFESTS_SAMPLE,
  manifestsOf,
  PAYLOAD,
  PUBLIC_KEY,
  SEED,
  SYMBOL_BYTES,
  sha256,
  signingKey,
  unhex,
} from './wire-samples.js';

const ABOUT = [
  'Golden vectors of the wire format (docs/PROTOCOL.md), frozen with it: they change only with the wire version.',
  'One link session that sends a heartbeat and a payload of two objects; frames 3 and 5 were lost on the link. A third',
  'envelope, of type v2, describes two of the three members of a consignment; its frames are not shown.',
  'Integers are JSON numbers, 64-bit times decimal text, identifiers and bytes hexadecimal. Ids of objects and sessions',
  'are written as numbers, most significant digit first; on the wire they are little endian.',
  'Made by test/support/wire-vectors.ts from test/support/wire-samples.ts, and read back there by a second decoder that',
  'shares no code with the gateway (test/support/wire-reference.ts). The keys are known to everybody: never use them.',
].join(' ');

interface Coded {
  what: string;
  number: number;
  kind: FrameKind;
  object?: string;
  symbols?: number;
  blockSymbols?: number;
  sbn?: number;
  esi?: number;
  payload?: Uint8Array;
}

function frameOf({ what, number, kind, payload, ...coded }: Coded) {
  const object = coded.object ?? '0'.repeat(16);
  const { symbols = 0, blockSymbols = 0, sbn = 0, esi = 0 } = coded;
  const { high, low } = halvesOf(object);
  const session = halvesOf(HEARTBEAT_SAMPLE.session).low;
  const bytes = new Uint8Array(frameBytes(SYMBOL_BYTES));
  const header = { kind, session, number, objectHigh: high, objectLow: low, symbols, blockSymbols, sbn, esi };
  writeFrameHeader(bytes, 0, header, SYMBOL_BYTES);
  bytes.set(payload ?? [], PAYLOAD_OFFSET);
  new FrameTagger(LINK_KEY).write(bytes, 0, bytes.length);
  return {
    what,
    kind,
    version: bytes[4],
    session_low: HEARTBEAT_SAMPLE.session.slice(8),
    number,
    object,
    symbols,
    block_symbols: blockSymbols,
    sbn,
    esi,
    hex: hex(bytes),
  };
}

function envelopeOf(type: StatementType, statement: Uint8Array) {
  const signature = signStatement(signingKey(SEED), type, statement);
  const bytes = encodeEnvelope({ statementType: type, statement, keyId: unhex(KEY_ID), signature });
  return { statement_type: type, object: sha256(bytes).slice(0, 16), signature: hex(signature), hex: hex(bytes) };
}

/** Symbols `esis` of a source block of k symbols. */
function symbolsOf(source: Uint8Array, k: number): (esi: number) => Uint8Array {
  const encoder = new BlockEncoder(k, SYMBOL_BYTES);
  encoder.load(source, k);
  return (esi) => {
    if (esi < k) return source.subarray(esi * SYMBOL_BYTES, (esi + 1) * SYMBOL_BYTES);
    const repair = new Uint8Array(SYMBOL_BYTES);
    encoder.repair(esi - k, 1, repair);
    return repair;
  };
}

export function makeVectors() {
  const manifests = envelopeOf(MANIFESTS_TYPE, encodeManifests(manifestsOf(MANIFESTS_SAMPLE)));
  const heartbeat = envelopeOf(HEARTBEAT_TYPE, encodeHeartbeat(heartbeatOf(HEARTBEAT_SAMPLE)));
  const consigned = envelopeOf(CONSIGNED_TYPE, encodeManifests(manifestsOf(CONSIGNED_SAMPLE)));
  const envelope = envelopeObjectBytes(unhex(manifests.hex), SYMBOL_BYTES);
  const k = envelope.length / SYMBOL_BYTES;
  const ofEnvelope = symbolsOf(envelope, k);
  const blocks = [new Uint8Array(2 * SYMBOL_BYTES), new Uint8Array(SYMBOL_BYTES)];
  blocks[0].set(PAYLOAD.subarray(0, 1024));
  blocks[1].set(PAYLOAD.subarray(1024));
  const ofBlock = [symbolsOf(blocks[0], 2), symbolsOf(blocks[1], 1)];
  const envelopeSymbol = (number: number, esi: number, what: string) =>
    frameOf({
      what,
      number,
      kind: FrameKind.envelope,
      object: manifests.object,
      symbols: k,
      blockSymbols: k,
      esi,
      payload: ofEnvelope(esi),
    });
  const payloadSymbol = (number: number, sbn: number, esi: number, what: string) =>
    frameOf({
      what,
      number,
      kind: FrameKind.payload,
      object: MANIFESTS_SAMPLE.coding.object,
      symbols: 3,
      blockSymbols: BLOCK_SYMBOLS,
      sbn,
      esi,
      payload: ofBlock[sbn](esi),
    });
  return {
    about: ABOUT,
    link_key: hex(LINK_KEY),
    signing_seed: hex(SEED),
    public_key: hex(PUBLIC_KEY),
    symbol_size: SYMBOL_BYTES,
    payload: { length: PAYLOAD.length, sha256: createHash('sha256').update(PAYLOAD).digest('hex') },
    envelopes: [
      { ...manifests, statement: MANIFESTS_SAMPLE },
      { ...heartbeat, statement: HEARTBEAT_SAMPLE },
      { ...consigned, statement: CONSIGNED_SAMPLE },
    ],
    frames: [
      frameOf({ what: 'padding', number: 0, kind: FrameKind.padding }),
      frameOf({
        what: 'heartbeat',
        number: 1,
        kind: FrameKind.heartbeat,
        payload: envelopeObjectBytes(unhex(heartbeat.hex), SYMBOL_BYTES),
      }),
      envelopeSymbol(2, 0, 'envelope, source symbol 0'),
      envelopeSymbol(4, 2, 'envelope, repair symbol 0'),
      payloadSymbol(6, 1, 0, 'payload, block 1, source symbol 0: the end of the payload and zeros'),
      payloadSymbol(7, 0, 1, 'payload, block 0, source symbol 1'),
      payloadSymbol(8, 1, 1, 'payload, block 1, repair symbol 0'),
      payloadSymbol(9, 0, 2, 'payload, block 0, repair symbol 0'),
    ],
  };
}

export type WireVectors = ReturnType<typeof makeVectors>;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(`${JSON.stringify(makeVectors(), null, 2)}\n`);
}
