/** What the fields of a decoded statement may hold: numbers, identifiers and texts that can be what they say they are. */
import { fromHex, toHex } from '../core/bytes.js';
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { type LongLike, utf8Bytes } from './canonical.js';

export function invalid(what: string): never {
  throw new SluiceError('MANIFEST_INVALID', `Not possible: ${what}.`);
}

export function numberOf(value: unknown, what: string): number {
  const number = typeof value === 'number' ? value : (value as LongLike).toNumber();
  if (!Number.isSafeInteger(number) || number < 0) invalid(what);
  return number;
}

/** protobufjs gives an absent bytes field as a frozen empty Array. */
export const bytesField = (value: unknown): Uint8Array => (value instanceof Uint8Array ? value : new Uint8Array(0));

export function bytesOf(value: unknown, length: number, what: string): Uint8Array {
  const bytes = bytesField(value);
  if (bytes.length !== length) invalid(what);
  return bytes;
}

export const hexOf = (value: unknown, length: number, what: string): string => toHex(bytesOf(value, length, what));

export function textOf(value: unknown, what: string): string {
  const text = value as string;
  // Text fields are names of a small vocabulary; a control character in one is an attack on somebody's screen.
  if (utf8Bytes(text) > LIMITS.manifestMaxTextBytes || /[\p{C}\u2028\u2029]/u.test(text)) invalid(what);
  return text;
}

export function hexBytes(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (!bytes) throw new SluiceError('INTERNAL', 'An identifier is not hexadecimal.');
  return bytes;
}
