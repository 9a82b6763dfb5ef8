/**
 * Codec of what is signed: envelopes, manifests and heartbeats (proto/manifest.proto), with every value checked against
 * the limits and against the others. Their bytes have one form only: canonical.ts.
 */
import { toHex } from '../core/bytes.js';
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { type Fields, Long, type LongLike, Messages, read, sameAsWritten, write } from './canonical.js';
import { type Consignment, checkConsignment, consignmentFields, decodeConsignment } from './consignment.js';
import { symbolBytesAllowed } from './frame.js';
import { bytesField, bytesOf, hexBytes, hexOf, invalid, numberOf, textOf } from './values.js';

export type { Consignment } from './consignment.js';

export const MANIFESTS_TYPE = 'application/vnd.sluice.manifests.v1';
export const HEARTBEAT_TYPE = 'application/vnd.sluice.heartbeat.v1';
/** The manifests of members of a consignment. */
export const CONSIGNED_TYPE = 'application/vnd.sluice.manifests.v2';
export type ManifestsType = typeof MANIFESTS_TYPE | typeof CONSIGNED_TYPE;
export type StatementType = ManifestsType | typeof HEARTBEAT_TYPE;
const STATEMENT_TYPES: ReadonlySet<string> = new Set([MANIFESTS_TYPE, CONSIGNED_TYPE, HEARTBEAT_TYPE]);

/** Identifier of a coded object in frames: 16 hexadecimal digits, never all zero. */
export type ObjectId = string;
/** 128-bit transfer identifier: 32 hexadecimal digits. */
export type TransferId = string;

export interface Envelope {
  statementType: StatementType;
  statement: Uint8Array;
  keyId: Uint8Array;
  signature: Uint8Array;
}

export interface Coding {
  object: ObjectId;
  lengthBytes: number;
  symbolBytes: number;
  blockSymbols: number;
  /** 32 bytes a block, by SBN. */
  blockDigests: Uint8Array;
}

export interface ManifestVerdict {
  filter: string;
  version: string;
  configDigest: string;
  /** SHA-256 of the bytes the filter saw, 64 hexadecimal digits. */
  digest: string;
}

export interface Manifest {
  transfer: TransferId;
  sequence: number;
  tenant: string;
  /** Raw path bytes; shared/wire/names.ts says whether they are a path. */
  path: Uint8Array;
  offset: number;
  sizeBytes: number;
  mtimeNs: bigint;
  /** 64 hexadecimal digits. */
  sha256: string;
  type: string;
  label: string;
  submitter: string;
  /** 32 hexadecimal digits, or empty. Says nothing about what belongs together: see Manifests.consignment. */
  consignment: string;
  verdicts: ManifestVerdict[];
}

export interface Manifests {
  /** 32 hexadecimal digits. */
  history: string;
  coding: Coding;
  manifests: Manifest[];
  sealedMs: number;
  keyId: Uint8Array;
  /** When all of them are members of one: then the statement is of CONSIGNED_TYPE. */
  consignment?: Consignment;
}

export const manifestsTypeOf = ({ consignment }: Manifests): ManifestsType =>
  consignment ? CONSIGNED_TYPE : MANIFESTS_TYPE;

export interface VoidRange {
  first: number;
  last: number;
}

export interface LinkParameters {
  symbolBytes: number;
  blockSymbols: number;
  overheadPpm: number;
  rateBps: number;
  interleave: number;
  heartbeatMs: number;
}

export interface Heartbeat {
  history: string;
  /** 16 hexadecimal digits. */
  session: string;
  sequenceDone: number;
  sequenceLast: number;
  voids: VoidRange[];
  frames: number;
  parameters: LinkParameters;
  timeMs: number;
  keyId: Uint8Array;
}

const OUTCOME_PASS = 1;

// ---------------------------------------------------------------- encoding

export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return write(Messages.envelope, { ...envelope });
}

export function encodeManifests(value: Manifests): Uint8Array {
  const filters: ManifestVerdict[] = [];
  const indexOf = new Map<string, number>();
  const manifests = value.manifests.map((manifest) => ({
    ...manifest,
    transfer: hexBytes(manifest.transfer),
    size: manifest.sizeBytes,
    mtimeNs: Long.fromString(nearestInt64(manifest.mtimeNs).toString()),
    sha256: hexBytes(manifest.sha256),
    consignment: hexBytes(manifest.consignment),
    verdicts: manifest.verdicts.map((verdict) => {
      const key = JSON.stringify([verdict.filter, verdict.version, verdict.configDigest]);
      let filter = indexOf.get(key);
      if (filter === undefined) {
        filter = filters.length;
        filters.push(verdict);
        indexOf.set(key, filter);
      }
      const own = verdict.digest === manifest.sha256;
      return { filter, outcome: OUTCOME_PASS, digest: own ? new Uint8Array(0) : hexBytes(verdict.digest) };
    }),
  }));
  return write(Messages.manifests, {
    history: hexBytes(value.history),
    coding: {
      object: long64(value.coding.object),
      length: value.coding.lengthBytes,
      symbolSize: value.coding.symbolBytes,
      blockSymbols: value.coding.blockSymbols,
      blockDigests: value.coding.blockDigests,
    },
    filters: filters.map((filter) => ({
      name: filter.filter,
      version: filter.version,
      configDigest: hexBytes(filter.configDigest),
    })),
    manifests,
    sealedMs: value.sealedMs,
    keyId: value.keyId,
    ...(value.consignment ? { consignment: consignmentFields(value.consignment) } : {}),
  });
}

/** Some file systems keep times beyond the year 2262. */
function nearestInt64(value: bigint): bigint {
  const fitting = BigInt.asIntN(64, value);
  if (fitting === value) return value;
  return value > 0n ? 2n ** 63n - 1n : -(2n ** 63n);
}

export function encodeHeartbeat(value: Heartbeat): Uint8Array {
  return write(Messages.heartbeat, {
    ...value,
    history: hexBytes(value.history),
    session: long64(value.session),
    parameters: { ...value.parameters, symbolSize: value.parameters.symbolBytes },
  });
}

// ---------------------------------------------------------------- decoding

/** Reads an envelope; its statement is not looked at. Throws ENVELOPE_MALFORMED. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const fields = read(Messages.envelope, bytes, 'ENVELOPE_MALFORMED');
  const statementType = fields.statementType as string;
  if (!STATEMENT_TYPES.has(statementType)) {
    throw new SluiceError('ENVELOPE_MALFORMED', 'Its statement type is not known.');
  }
  const envelope: Envelope = {
    statementType: statementType as StatementType,
    statement: bytesField(fields.statement),
    keyId: bytesField(fields.keyId),
    signature: bytesField(fields.signature),
  };
  if (envelope.keyId.length !== 8 || envelope.signature.length !== 64) {
    throw new SluiceError('ENVELOPE_MALFORMED', 'Its key id or signature has the wrong length.');
  }
  sameAsWritten(bytes, encodeEnvelope(envelope), 'ENVELOPE_MALFORMED');
  return envelope;
}

/** Reads a manifests statement of this type whose signature has been verified. Throws MANIFEST_INVALID. */
export function decodeManifests(bytes: Uint8Array, type: ManifestsType = MANIFESTS_TYPE): Manifests {
  const fields = read(Messages.manifests, bytes, 'MANIFEST_INVALID');
  const coding = decodeCoding(fields.coding as Fields | null);
  const filters = fields.filters as Fields[];
  const entries = fields.manifests as Fields[];
  if (entries.length === 0) invalid('the number of manifests');
  const value: Manifests = {
    history: hexOf(fields.history, 16, 'history'),
    coding,
    manifests: entries.map((entry) => decodeManifest(entry, filters)),
    sealedMs: numberOf(fields.sealedMs, 'sealed_ms'),
    keyId: bytesOf(fields.keyId, 8, 'key_id'),
    ...(type === CONSIGNED_TYPE ? { consignment: decodeConsignment(fields.consignment as Fields | null) } : {}),
  };
  const transfers = new Set<TransferId>();
  let offset = 0;
  let sequence = 0;
  const { tenant } = value.manifests[0]!;
  for (const manifest of value.manifests) {
    // Room, quota, retention and turn of a payload are one tenant's.
    if (manifest.tenant !== tenant) invalid('objects of two tenants');
    if (manifest.offset !== offset) invalid('the offset of an object');
    if (manifest.sequence <= sequence) invalid('the order of the sequence numbers');
    offset += manifest.sizeBytes;
    sequence = manifest.sequence;
    transfers.add(manifest.transfer);
  }
  if (transfers.size !== value.manifests.length) invalid('a transfer id that is used twice');
  if (offset !== coding.lengthBytes) invalid('the length of the payload');
  if (value.consignment) checkConsignment(value.consignment, value.manifests, offset);
  sameAsWritten(bytes, encodeManifests(value), 'MANIFEST_INVALID');
  return value;
}

/** Reads a heartbeat statement whose signature has been verified. Throws MANIFEST_INVALID. */
export function decodeHeartbeat(bytes: Uint8Array): Heartbeat {
  const fields = read(Messages.heartbeat, bytes, 'MANIFEST_INVALID');
  const parameters = fields.parameters as Fields | null;
  const voids = fields.voids as Fields[];
  if (!parameters) invalid('the link parameters');
  const value: Heartbeat = {
    history: hexOf(fields.history, 16, 'history'),
    session: hexOfLong(fields.session),
    sequenceDone: numberOf(fields.sequenceDone, 'sequence_done'),
    sequenceLast: numberOf(fields.sequenceLast, 'sequence_last'),
    voids: voids.map((range) => ({ first: numberOf(range.first, 'void'), last: numberOf(range.last, 'void') })),
    frames: numberOf(fields.frames, 'frames'),
    parameters: {
      symbolBytes: numberOf(parameters!.symbolSize, 'symbol_size'),
      blockSymbols: numberOf(parameters!.blockSymbols, 'block_symbols'),
      overheadPpm: numberOf(parameters!.overheadPpm, 'overhead_ppm'),
      rateBps: numberOf(parameters!.rateBps, 'rate_bps'),
      interleave: numberOf(parameters!.interleave, 'interleave'),
      heartbeatMs: numberOf(parameters!.heartbeatMs, 'heartbeat_ms'),
    },
    timeMs: numberOf(fields.timeMs, 'time_ms'),
    keyId: bytesOf(fields.keyId, 8, 'key_id'),
  };
  if (value.sequenceDone > value.sequenceLast) invalid('the sequence position');
  let before = 0;
  for (const { first, last } of value.voids) {
    if (first <= before || first > last || last > value.sequenceLast) invalid('a void range');
    before = last;
  }
  sameAsWritten(bytes, encodeHeartbeat(value), 'MANIFEST_INVALID');
  return value;
}

function decodeCoding(fields: Fields | null): Coding {
  if (!fields) return invalid('the coding parameters');
  const coding: Coding = {
    object: hexOfLong(fields.object),
    lengthBytes: numberOf(fields.length, 'length'),
    symbolBytes: numberOf(fields.symbolSize, 'symbol_size'),
    blockSymbols: numberOf(fields.blockSymbols, 'block_symbols'),
    blockDigests: bytesField(fields.blockDigests),
  };
  const { lengthBytes, symbolBytes, blockSymbols } = coding;
  if (coding.object === '0000000000000000') invalid('the object id');
  if (lengthBytes > LIMITS.objectMaxBytes) invalid('the length of the payload');
  if (!symbolBytesAllowed(symbolBytes)) invalid('the symbol size');
  if (
    blockSymbols === 0 ||
    blockSymbols > LIMITS.blockMaxSymbols ||
    blockSymbols * symbolBytes > LIMITS.blockMaxBytes
  ) {
    invalid('the block size');
  }
  const blocks = Math.ceil(Math.ceil(lengthBytes / symbolBytes) / blockSymbols);
  if (coding.blockDigests.length !== blocks * 32) invalid('the number of block digests');
  return coding;
}

function decodeManifest(fields: Fields, filters: Fields[]): Manifest {
  const sha256 = hexOf(fields.sha256, 32, 'sha256');
  const verdicts = fields.verdicts as Fields[];
  const consignment = bytesField(fields.consignment);
  const path = bytesField(fields.path);
  if (path.length === 0 || path.length > LIMITS.pathMaxBytes) invalid('the length of a path');
  if (consignment.length !== 0 && consignment.length !== 16) invalid('a consignment id');
  const filtersNamed = new Set<string>();
  return {
    transfer: hexOf(fields.transfer, 16, 'transfer'),
    sequence: numberOf(fields.sequence, 'sequence'),
    tenant: textOf(fields.tenant, 'tenant'),
    path,
    offset: numberOf(fields.offset, 'offset'),
    sizeBytes: numberOf(fields.size, 'size'),
    mtimeNs: BigInt((fields.mtimeNs as LongLike).toString()),
    sha256,
    type: textOf(fields.type, 'type'),
    label: textOf(fields.label, 'label'),
    submitter: textOf(fields.submitter, 'submitter'),
    consignment: toHex(consignment),
    verdicts: verdicts.map((verdict) => {
      const filter = filters[numberOf(verdict.filter, 'filter')];
      if (!filter || verdict.outcome !== OUTCOME_PASS) return invalid('a verdict');
      const digest = bytesField(verdict.digest);
      const name = textOf(filter.name, 'filter name');
      // Two verdicts of one filter could say two things.
      if (filtersNamed.has(name)) invalid('a filter with two verdicts');
      filtersNamed.add(name);
      return {
        filter: name,
        version: textOf(filter.version, 'filter version'),
        configDigest: hexOf(filter.configDigest, 32, 'filter configuration'),
        digest: digest.length === 0 ? sha256 : hexOf(digest, 32, 'verdict digest'),
      };
    }),
  };
}

function hexOfLong(value: unknown): string {
  const { high, low } = value as LongLike;
  return hex32(high) + hex32(low);
}

// ---------------------------------------------------------------- identifiers

const hex32 = (value: number): string => (value >>> 0).toString(16).padStart(8, '0');

/** The text form of an object id given as its two halves. */
export const objectIdOf = (high: number, low: number): ObjectId => hex32(high) + hex32(low);

/** The two unsigned halves of an object or session id. */
export function halvesOf(id: string): { high: number; low: number } {
  return { high: Number.parseInt(id.slice(0, 8), 16), low: Number.parseInt(id.slice(8, 16), 16) };
}

function long64(id: string): unknown {
  const { high, low } = halvesOf(id);
  return Long.fromBits(low | 0, high | 0, true);
}
