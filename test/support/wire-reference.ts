/**
 * A second decoder of the wire, slow and word by word as docs/PROTOCOL.md has it: BigInt arithmetic, no library but the
 * system's SHA-256 and Ed25519, and nothing of shared/. Where it and the gateway agree, the document is right too.
 * It reads; what it is given may be taken to be well formed, refusing is the gateway's business.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';

// ---------------------------------------------------------------- frame tag

const MASK = (1n << 64n) - 1n;
const rotl = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & MASK;

export function littleEndian(bytes: Uint8Array, at = 0, count = 8): bigint {
  let value = 0n;
  for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
  return value;
}

/** SipHash-2-4 with 128-bit output of any number of bytes. */
export function slowSipHash128(key: Uint8Array, message: Uint8Array): Uint8Array {
  const k0 = littleEndian(key, 0);
  const k1 = littleEndian(key, 8);
  let [v0, v1, v2, v3] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn ^ 0xeen,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) & MASK;
      v1 = rotl(v1, 13n) ^ v0;
      v0 = rotl(v0, 32n);
      v2 = (v2 + v3) & MASK;
      v3 = rotl(v3, 16n) ^ v2;
      v0 = (v0 + v3) & MASK;
      v3 = rotl(v3, 21n) ^ v0;
      v2 = (v2 + v1) & MASK;
      v1 = rotl(v1, 17n) ^ v2;
      v2 = rotl(v2, 32n);
    }
  };
  const words = Math.floor(message.length / 8);
  for (let i = 0; i <= words; i++) {
    let word = littleEndian(message, 8 * i, Math.min(8, message.length - 8 * i));
    if (i === words) word |= BigInt(message.length & 0xff) << 56n;
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xeen;
  rounds(4);
  const low = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xddn;
  rounds(4);
  const high = v0 ^ v1 ^ v2 ^ v3;
  return Uint8Array.from({ length: 16 }, (_, i) => Number(((i < 8 ? low : high) >> BigInt(8 * (i % 8))) & 0xffn));
}

// ---------------------------------------------------------------- frames

export interface ReferenceFrame {
  kind: number;
  version: number;
  session_low: string;
  number: number;
  object: string;
  symbols: number;
  block_symbols: number;
  sbn: number;
  esi: number;
}

export function referenceFrame(
  frame: Uint8Array,
  linkKey: Uint8Array,
): { fields: ReferenceFrame; payload: Uint8Array } {
  const length = frame.length - 64;
  const tag = slowSipHash128(linkKey, frame.subarray(0, frame.length - 16));
  if (Buffer.compare(tag, frame.subarray(frame.length - 16)) !== 0) throw new Error('the tag does not hold');
  const number = (at: number): number => Number(littleEndian(frame, at, 4));
  const hex = (at: number, bytes: number): string =>
    littleEndian(frame, at, bytes)
      .toString(16)
      .padStart(2 * bytes, '0');
  return {
    fields: {
      kind: frame[3],
      version: frame[4],
      session_low: hex(10, 4),
      number: number(6),
      object: hex(15, 8),
      symbols: number(24),
      block_symbols: number(29),
      sbn: number(34),
      esi: number(39),
    },
    payload: frame.subarray(46, 46 + length),
  };
}

/** RFC 5052, section 9.1: source symbols of each block. */
export function referenceBlocks(symbols: number, blockSymbols: number): number[] {
  const blocks = Math.ceil(symbols / blockSymbols);
  const large = symbols - Math.floor(symbols / blocks) * blocks;
  return Array.from({ length: blocks }, (_, sbn) => Math.floor(symbols / blocks) + (sbn < large ? 1 : 0));
}

// ---------------------------------------------------------------- statements

type Value = bigint | Uint8Array;

/** Fields of a protobuf message by number, each with its values in order. */
function fieldsOf(message: Uint8Array): Map<number, Value[]> {
  const fields = new Map<number, Value[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    let value: Value;
    if ((key & 7) === 0) value = varint();
    else if ((key & 7) === 1) {
      value = littleEndian(message, at);
      at += 8;
    } else {
      const length = Number(varint());
      value = message.subarray(at, at + length);
      at += length;
    }
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

class Message {
  private readonly fields: Map<number, Value[]>;
  constructor(bytes: Uint8Array) {
    this.fields = fieldsOf(bytes);
  }
  bytes = (field: number): Uint8Array => (this.fields.get(field)?.[0] as Uint8Array) ?? new Uint8Array(0);
  hex = (field: number): string => Buffer.from(this.bytes(field)).toString('hex');
  text = (field: number): string => Buffer.from(this.bytes(field)).toString('utf8');
  big = (field: number): bigint => (this.fields.get(field)?.[0] as bigint) ?? 0n;
  number = (field: number): number => Number(this.big(field));
  id = (field: number): string => this.big(field).toString(16).padStart(16, '0');
  one = (field: number): Message => new Message(this.bytes(field));
  all = (field: number): Message[] => (this.fields.get(field) ?? []).map((bytes) => new Message(bytes as Uint8Array));
}

const SPKI_PREFIX = '302a300506032b6570032100';

/** Opens an envelope with the public key (32 bytes) and answers its statement. */
export function referenceEnvelope(envelope: Uint8Array, publicKey: Uint8Array) {
  const message = new Message(envelope);
  const type = message.text(1);
  const statement = message.bytes(2);
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${statement.length} `),
    statement,
  ]);
  const spki = Buffer.concat([Buffer.from(SPKI_PREFIX, 'hex'), publicKey]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  if (!verify(null, signed, key, message.bytes(4))) throw new Error('the signature does not hold');
  const keyId = createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
  if (keyId !== message.hex(3)) throw new Error('the key id is not that of the key');
  return { statement_type: type, statement, key_id: keyId };
}

export interface ReferenceConsignment {
  id: string;
  first_sequence: number;
  objects: number;
  size: number;
  /** Hexadecimal. */
  root: string;
}

/** Of both types: `consignment` is there in type v2 alone. */
export function referenceManifests(statement: Uint8Array) {
  const message = new Message(statement);
  const coding = message.one(2);
  const consignments: ReferenceConsignment[] = message.all(7).map((consignment) => ({
    id: consignment.hex(1),
    first_sequence: consignment.number(2),
    objects: consignment.number(3),
    size: consignment.number(4),
    root: consignment.hex(5),
  }));
  const digests = coding.hex(5);
  return {
    history: message.hex(1),
    coding: {
      object: coding.id(1),
      length: coding.number(2),
      symbol_size: coding.number(3),
      block_symbols: coding.number(4),
      block_digests: digests.match(/.{64}/g) ?? [],
    },
    filters: message.all(3).map((filter) => ({
      name: filter.text(1),
      version: filter.text(2),
      config_digest: filter.hex(3),
    })),
    manifests: message.all(4).map((manifest) => ({
      transfer: manifest.hex(1),
      sequence: manifest.number(2),
      tenant: manifest.text(3),
      path: manifest.hex(4),
      offset: manifest.number(5),
      size: manifest.number(6),
      mtime_ns: ((manifest.big(7) >> 1n) ^ -(manifest.big(7) & 1n)).toString(),
      sha256: manifest.hex(8),
      type: manifest.text(9),
      label: manifest.text(10),
      submitter: manifest.text(11),
      consignment: manifest.hex(12),
      verdicts: manifest.all(13).map((verdict) => ({
        filter: verdict.number(1),
        outcome: verdict.number(2),
        digest: verdict.hex(3),
      })),
    })),
    sealed_ms: message.number(5),
    key_id: message.hex(6),
    ...(consignments.length > 0 ? { consignment: consignments[0] } : {}),
  };
}

export function referenceHeartbeat(statement: Uint8Array) {
  const message = new Message(statement);
  const parameters = message.one(7);
  return {
    history: message.hex(1),
    session: message.id(2),
    sequence_done: message.number(3),
    sequence_last: message.number(4),
    voids: message.all(5).map((range) => ({ first: range.number(1), last: range.number(2) })),
    frames: message.number(6),
    parameters: {
      symbol_size: parameters.number(1),
      block_symbols: parameters.number(2),
      overhead_ppm: parameters.number(3),
      rate_bps: parameters.number(4),
      interleave: parameters.number(5),
      heartbeat_ms: parameters.number(6),
    },
    time_ms: message.number(8),
    key_id: message.hex(9),
  };
}

export type ReferenceManifests = ReturnType<typeof referenceManifests>;
export type ReferenceHeartbeat = ReturnType<typeof referenceHeartbeat>;
