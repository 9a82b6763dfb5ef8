/**
 * What is wrong with a configuration, in sentences of one form: `low.yaml: link.mtu is 400; allowed: ...`. All problems
 * of a file are collected and reported together, so that nobody has to start the gateway once for each of them.
 */
import { z } from 'zod';
import { SluiceError } from '../../core/errors.js';
import { SETTINGS, sectionOf } from './settings.js';

/** Problems shown at most; the rest is only counted. */
const SHOWN_PROBLEMS = 50;
const SHOWN_CHARACTERS = 80;

export class Problems {
  readonly #sentences: string[] = [];
  constructor(
    /** Name of the file, or what else the values came from. */
    private readonly origin: string,
  ) {}

  /** Anything that does not have the usual form. */
  say(sentence: string): void {
    this.#sentences.push(`${this.origin}: ${sentence}`);
  }

  /** `key` cannot have `value`. An undefined value is a missing key. */
  refuse(key: string, value: unknown, allowed: string): void {
    this.say(`${visible(key)} is ${value === undefined ? 'missing' : shown(value)}; allowed: ${allowed}`);
  }

  /** As refuse, for a value that may be or hold a secret. */
  refuseSecret(key: string, value: unknown, allowed: string): void {
    if (value === undefined || value === null) this.refuse(key, value, allowed);
    else this.say(`${visible(key)} has a value that is not shown here; allowed: ${allowed}`);
  }

  /** Every issue zod found in `value`, whose key in the file is `key`. */
  addIssues(key: string, schema: z.ZodType, value: unknown, issues: readonly z.core.$ZodIssue[]): void {
    for (const issue of issues) this.#addIssue(key, schema, value, issue);
  }

  #addIssue(key: string, root: z.ZodType, value: unknown, issue: z.core.$ZodIssue): void {
    let path = key;
    let schema: z.ZodType | undefined = root;
    let found: unknown = value;
    for (const step of issue.path) {
      path += typeof step === 'number' ? `[${step}]` : `${path === '' ? '' : '.'}${String(step)}`;
      found = isSection(found) || Array.isArray(found) ? (found as Record<PropertyKey, unknown>)[step] : undefined;
      // Below a registered key there is only its own structure (a list of labels): the same words apply to all of it.
      if (schema !== undefined && !SETTINGS.has(schema)) schema = below(schema, step);
    }
    const info = schema === undefined ? undefined : SETTINGS.get(schema);
    if (issue.code === 'unrecognized_keys') {
      for (const name of issue.keys) this.unknownKey(path, name, schema && sectionOf(schema));
    } else if (info?.secret) this.refuseSecret(path, found, info.allowed);
    else this.refuse(path, found, info?.allowed ?? structureOf(schema));
  }

  unknownKey(section: string, name: string, schema: z.ZodType | undefined): void {
    const known = schema instanceof z.ZodObject ? Object.keys(schema.shape).join(', ') : 'nothing';
    this.say(`${visible(section === '' ? name : `${section}.${name}`)} is not a known key; allowed: ${known}`);
  }

  /** Ends the loading when there is any problem. */
  throwIfAny(): void {
    const all = this.#sentences;
    if (all.length === 0) return;
    const lines = all.slice(0, SHOWN_PROBLEMS);
    if (all.length > lines.length) lines.push(`${this.origin}: and ${all.length - lines.length} more problems`);
    throw new SluiceError('CONFIG_INVALID', lines.join('\n'));
  }
}

/** A mapping of keys to values, as YAML makes it. */
export function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function below(outer: z.ZodType, step: PropertyKey): z.ZodType | undefined {
  const schema = sectionOf(outer);
  if (schema instanceof z.ZodObject && Object.hasOwn(schema.shape, step)) return schema.shape[step as string];
  return schema instanceof z.ZodArray ? (schema.element as z.ZodType) : undefined;
}

function structureOf(outer: z.ZodType | undefined): string {
  const schema = outer && sectionOf(outer);
  if (schema instanceof z.ZodObject) return `a section with the keys ${Object.keys(schema.shape).join(', ')}`;
  return 'another value';
}

function shown(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a section';
  return typeof value === 'string' ? `"${visible(value)}"` : visible(String(value));
}

/** Text from a file that may be anything, so that a terminal or a log line stays what it is. */
function visible(text: string): string {
  const short = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  return short.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
