/**
 * The kinds of value a configuration key can have. Each helper makes a zod schema that reads the value as people write
 * it ("64MiB", "500ms", "1Gbps", "10.0.0.2:5000") into base units (bytes, milliseconds, bits a second), and registers
 * beside it what the reference, the error messages and the printed configuration need to know about the key.
 */
import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { LIMITS } from '../../core/limits.js';
import { parseDuration, parseRate, parseSize } from '../../core/units.js';

export interface SettingInfo {
  /** What the key is for, in a sentence or two. */
  readonly meaning: string;
  /** Type or unit, as the reference shows it. */
  readonly unit: string;
  /** What may be written, as an error message says it after "allowed:". */
  readonly allowed: string;
  /** The default in words or as it would be written; absent when the key is required. */
  readonly fallback?: string;
  /** Back from the value inside to what a person would write; identity when absent. */
  readonly write?: (value: never) => unknown;
  /** What is written may be or hold a secret: never part of an error text. */
  readonly secret?: boolean;
  /** The value as the printed configuration may show it; as it is when absent. */
  readonly redact?: (value: never) => unknown;
}

/** What is known about every key, by the schema of its value. */
export const SETTINGS = z.registry<SettingInfo>();

const SIZES = [1024 ** 4, 'TiB', 1024 ** 3, 'GiB', 1024 ** 2, 'MiB', 1024, 'KiB', 1, 'B'] as const;
const DURATIONS = [86_400_000, 'd', 3_600_000, 'h', 60_000, 'm', 1000, 's', 1, 'ms'] as const;
const RATES = [1e9, 'Gbps', 1e6, 'Mbps', 1e3, 'kbps', 1, 'bps'] as const;

/** Unlike the display formats of core/units this one is exact: what it writes reads back as the same number. */
function exactly(value: number, units: readonly (number | string)[]): string {
  for (let i = 0; i < units.length; i += 2) {
    const factor = units[i] as number;
    if (value >= factor && value % factor === 0) return `${value / factor}${units[i + 1]}`;
  }
  return `0${units[units.length - 1]}`;
}
export const writeSize = (bytes: number): string => exactly(bytes, SIZES);
export const writeDuration = (ms: number): string => exactly(ms, DURATIONS);
export const writeRate = (bps: number): string => exactly(bps, RATES);

/** The reader of a quantity with a unit: text to number, within bounds, a zod issue otherwise. */
function quantity(parse: (text: string) => number, min: number, max: number) {
  return (value: string | number, context: z.RefinementCtx): number => {
    let number = Number.NaN;
    try {
      number = parse(String(value));
    } catch {
      // The message comes from `allowed`; what the unit parser thought of the text adds nothing.
    }
    if (number >= min && number <= max) return number;
    context.addIssue('not allowed');
    return z.NEVER;
  };
}

/** A number of bytes: "64MiB", or a bare number of bytes. */
export function size(fallback: string, min: string, max: string, meaning: string) {
  const schema = z
    .union([z.string(), z.number()])
    .transform(quantity(parseSize, parseSize(min), parseSize(max)))
    .prefault(fallback);
  const allowed = `a size from ${min} to ${max}, such as ${fallback}`;
  return schema.register(SETTINGS, { meaning, unit: 'size', allowed, fallback, write: writeSize });
}

/** A number of bytes that may be left out; `fallback` says in words what then counts. */
export function sizeOrElse(fallback: string, min: string, max: string, meaning: string) {
  const schema = z
    .union([z.string(), z.number()])
    .transform(quantity(parseSize, parseSize(min), parseSize(max)))
    .optional();
  const allowed = `a size from ${min} to ${max}, such as 20GiB`;
  return schema.register(SETTINGS, { meaning, unit: 'size', allowed, fallback, write: writeSize });
}

/** Milliseconds: "500ms". The unit is required. */
export function duration(fallback: string, min: string, max: string, meaning: string) {
  const schema = z
    .string()
    .transform(quantity(parseDuration, parseDuration(min), parseDuration(max)))
    .prefault(fallback);
  const allowed = `a duration from ${min} to ${max} with its unit, such as ${fallback}`;
  return schema.register(SETTINGS, { meaning, unit: 'duration', allowed, fallback, write: writeDuration });
}

/** Milliseconds that may be left out; `fallback` says in words what then counts. */
export function durationOrElse(fallback: string, min: string, max: string, meaning: string) {
  const schema = z
    .string()
    .transform(quantity(parseDuration, parseDuration(min), parseDuration(max)))
    .optional();
  const allowed = `a duration from ${min} to ${max} with its unit, such as 24h`;
  return schema.register(SETTINGS, { meaning, unit: 'duration', allowed, fallback, write: writeDuration });
}

/** Bits a second: "200Mbps". The unit is required. */
export function rate(fallback: string, min: string, max: string, meaning: string) {
  const schema = z
    .string()
    .transform(quantity(parseRate, parseRate(min), parseRate(max)))
    .prefault(fallback);
  const allowed = `a rate from ${min} to ${max} with its unit, such as ${fallback}`;
  return schema.register(SETTINGS, { meaning, unit: 'rate', allowed, fallback, write: writeRate });
}

/** A whole number of something. */
export function count(fallback: number, min: number, max: number, unit: string, meaning: string) {
  const schema = z.int().min(min).max(max).prefault(fallback);
  const allowed = `a whole number from ${min} to ${max}`;
  return schema.register(SETTINGS, { meaning, unit, allowed, fallback: String(fallback) });
}

/** A whole number of something that may be left out; `fallback` says in words what then counts. */
export function countOrElse(fallback: string, min: number, max: number, unit: string, meaning: string) {
  const schema = z.int().min(min).max(max).optional();
  const allowed = `a whole number from ${min} to ${max}`;
  return schema.register(SETTINGS, { meaning, unit, allowed, fallback });
}

/** Yes or no. */
export function flag(fallback: boolean, meaning: string) {
  const schema = z.boolean().prefault(fallback);
  return schema.register(SETTINGS, {
    meaning,
    unit: 'true/false',
    allowed: 'true or false',
    fallback: String(fallback),
  });
}

/** A number that need not be whole, without a unit. */
export function ratio(fallback: number, min: number, max: number, meaning: string) {
  const schema = z.number().min(min).max(max).prefault(fallback);
  const allowed = `a number from ${min} to ${max}`;
  return schema.register(SETTINGS, { meaning, unit: 'fraction', allowed, fallback: String(fallback) });
}

/** One of a few words. */
export function choice<const T extends readonly [string, ...string[]]>(
  words: T,
  fallback: NoInfer<T[number]>,
  meaning: string,
) {
  // The assertion only says what the line does: the default is one of the words.
  const schema = z.enum(words).prefault(fallback as never);
  const allowed = words.join(', ');
  return schema.register(SETTINGS, { meaning, unit: 'word', allowed, fallback });
}

/** Text without control or direction-changing characters, of at most `maxBytes` in UTF-8. */
export function plainText(maxBytes: number) {
  return z
    .string()
    .min(1)
    .refine(
      (text) => Buffer.byteLength(text) <= maxBytes && !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(text),
    );
}

/** A section inside a section that may be left out as a whole: the keys in it have their defaults. */
export const sectionOf = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodPrefault && !SETTINGS.has(schema) ? (schema.unwrap() as z.ZodType) : schema;

/** A path as written, made absolute against the folder of the configuration file. */
export function pathText(baseDir: string) {
  return plainText(LIMITS.pathMaxBytes).transform((text) => resolve(baseDir, text));
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}
export const writeEndpoint = ({ host, port }: Endpoint): string => `${host}:${port}`;

/**
 * An IPv4 address and a port. No names: looking one up would ask the network at an unknown moment and could answer with
 * something else each time; only "localhost" is understood. IPv6 is not carried by the link (the MTU arithmetic is IPv4's).
 */
export function endpointText(port: { min: number; optional: boolean }) {
  return z.string().transform((text, context): Endpoint => {
    const match = /^([^:]+)(?::(\d{1,5}))?$/.exec(text.trim());
    const host = match?.[1] === 'localhost' ? '127.0.0.1' : match?.[1];
    const number = match?.[2] === undefined ? (port.optional ? 0 : -1) : Number(match[2]);
    if (host !== undefined && isIPv4(host) && number >= port.min && number <= 65_535) return { host, port: number };
    context.addIssue('not allowed');
    return z.NEVER;
  });
}
