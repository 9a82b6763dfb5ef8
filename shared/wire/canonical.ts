/**
 * Canonical protobuf: reads and writes the messages of proto/manifest.proto in the one form that is signed.
 *
 *   read    count what repeats -> decode -> (the caller makes a value of it, and writes that again) -> must be the same
 *
 * Strictness by comparison: what was read is encoded again, and unless that gives the very same bytes the input is
 * refused. So unknown fields, repeated singular fields, written-out defaults, over-long varints, groups and wrong order
 * (FAULTS 11, 12) need no case each. The re-encoding is only compared, never used.
 */
import protobuf from 'protobufjs/light.js';
import { sameBytes } from '../core/bytes.js';
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { schema } from './schema.js';

export type Fields = Record<string, unknown>;
export type RefusalCode = 'ENVELOPE_MALFORMED' | 'MANIFEST_INVALID';

/** A 64-bit integer as protobufjs gives it. */
export interface LongLike {
  readonly low: number;
  readonly high: number;
  toNumber(): number;
  toString(): string;
}
/** The constructors of the same; protobufjs does not type them. */
export const Long = protobuf.util.Long as unknown as {
  fromString(text: string): LongLike;
  fromBits(low: number, high: number, unsigned: boolean): LongLike;
  isLong(value: unknown): value is LongLike;
};

const root = protobuf.Root.fromJSON(schema as protobuf.INamespace).resolveAll();

export const Messages = {
  envelope: root.lookupType('sluice.v1.Envelope'),
  manifests: root.lookupType('sluice.v1.Manifests'),
  heartbeat: root.lookupType('sluice.v1.Heartbeat'),
} as const;

/** UTF-8 bytes of a text. */
export const utf8Bytes = (text: string): number => protobuf.util.utf8.length(text);

/** Encodes with every default left out, in messages within messages too, and fields in ascending order. */
export function write(type: protobuf.Type, fields: Fields): Uint8Array {
  return type.encode(withoutDefaults(type, fields)).finish();
}

/** The fields of a message, not yet checked for their values. Throws `code`. */
export function read(type: protobuf.Type, bytes: Uint8Array, code: RefusalCode): Fields {
  if (bytes.length > LIMITS.envelopeMaxBytes) throw new SluiceError(code, 'It is larger than allowed.');
  // As a plain array: from a Buffer the fields would come out as Buffers.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    // Two bytes on the wire can become an object of a hundred: so count before anything is made.
    countRepeated(type, protobuf.Reader.create(plain), plain.length, code);
    return type.decode(plain) as unknown as Fields;
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    throw new SluiceError(code, 'It is not a protobuf message of this type.', { cause });
  }
}

/** Throws `code` unless both are the same. */
export function sameAsWritten(read: Uint8Array, written: Uint8Array, code: RefusalCode): void {
  if (!sameBytes(read, written)) throw new SluiceError(code, 'It is not in canonical form.');
}

// --- parts -----------------------------------------------------------------------------------------------------------

/** How often a repeated field may occur in one message. A field that is not named here may not repeat. */
const REPEATED_MAX = new Map<string, number>([
  ['filters', LIMITS.manifestMaxFilters],
  ['manifests', LIMITS.envelopeMaxManifests],
  ['verdicts', LIMITS.manifestMaxFilters],
  ['voids', LIMITS.heartbeatMaxVoids],
]);

const WIRE_LENGTH_DELIMITED = 2;

/** Walks over the message that ends at `end`, and over those inside it, making nothing. */
function countRepeated(type: protobuf.Type, reader: protobuf.Reader, end: number, code: RefusalCode): void {
  const counts = new Map<string, number>();
  while (reader.pos < end) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    const field = type.fieldsById[tag >>> 3];
    const inner = field?.resolvedType;
    if (!(inner instanceof protobuf.Type) || wireType !== WIRE_LENGTH_DELIMITED) {
      reader.skipType(wireType);
      continue;
    }
    const count = (counts.get(field!.name) ?? 0) + 1;
    if (count > (REPEATED_MAX.get(field!.name) ?? 1)) throw new SluiceError(code, `Too many: ${field!.name}.`);
    counts.set(field!.name, count);
    const length = reader.uint32();
    countRepeated(inner, reader, reader.pos + length, code);
  }
}

function withoutDefaults(type: protobuf.Type, fields: Fields): Fields {
  const kept: Fields = {};
  for (const field of type.fieldsArray) {
    const value = fields[field.name];
    const inner = field.resolvedType instanceof protobuf.Type ? field.resolvedType : undefined;
    if (Array.isArray(value)) {
      if (value.length > 0) kept[field.name] = inner ? value.map((item) => withoutDefaults(inner, item)) : value;
    } else if (inner) {
      if (value !== undefined) kept[field.name] = withoutDefaults(inner, value as Fields);
    } else if (!isDefault(value)) {
      kept[field.name] = value;
    }
  }
  return kept;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array || typeof value === 'string') return value.length === 0;
  if (Long.isLong(value)) return value.low === 0 && value.high === 0;
  return value === undefined || value === 0;
}
