/**
 * What is wrong with a configuration, in sentences of one form: `low.yaml:12:3: link.mtu is 400; allowed: ...`. All
 * problems of all files are collected and reported together, so that nobody has to start the gateway once for each.
 */
import { z } from 'zod';
import { type ErrorCode, SluiceError } from '../../core/errors.js';
import { SETTINGS, sectionOf } from './settings.js';

/** Problems shown at most; the rest is only counted. */
const SHOWN_PROBLEMS = 50;
const SHOWN_CHARACTERS = 80;

/** Where something is written; lines and columns count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}
/** On the way from the whole value to a key: "link", "mtu", or the place in a list. */
export type Step = string | number;

export interface Problem {
  readonly code: ErrorCode;
  /** Name of the file, or what else the values came from. */
  readonly file: string;
  readonly position?: Position;
  readonly key?: string;
  /** A sentence that names the key as well. */
  readonly reason: string;
}

export class Problems {
  readonly #list: Problem[];
  #locate: ((steps: readonly Step[]) => Position) | undefined;

  constructor(
    /** Name of the file, or what else the values came from. */
    readonly origin: string,
    together: Problems | undefined = undefined,
  ) {
    this.#list = together ? together.#list : [];
  }

  /** For another file of the same configuration: the problems of both are reported together. */
  of(origin: string): Problems {
    return new Problems(origin, this);
  }

  get list(): readonly Problem[] {
    return this.#list;
  }

  /** From now on problems say where their key is written. */
  locate(locate: (steps: readonly Step[]) => Position): void {
    this.#locate = locate;
  }

  /** Anything that does not have the usual form. */
  say(reason: string, position?: Position): void {
    this.#add(reason, position);
  }

  /** A file that cannot be used at all: what reading it threw. */
  cannotUse(error: SluiceError): void {
    const prefix = `${this.origin}: `;
    const reason = error.detail.startsWith(prefix) ? error.detail.slice(prefix.length) : error.detail;
    this.#list.push({ code: error.code, file: this.origin, reason });
  }

  /** `key` cannot have `value`. An undefined value is a missing key. */
  refuse(key: string, value: unknown, allowed: string): void {
    this.#ofKey(key, `is ${value === undefined ? 'missing' : shown(value)}; allowed: ${allowed}`);
  }

  /** As refuse, for a value that may be or hold a secret. */
  refuseSecret(key: string, value: unknown, allowed: string): void {
    if (value === undefined || value === null) this.refuse(key, value, allowed);
    else this.#ofKey(key, `has a value that is not shown here; allowed: ${allowed}`);
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
      path = typeof step === 'number' ? `${path}[${step}]` : keyIn(path, String(step));
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
    this.#ofKey(keyIn(section, name), `is not a known key; allowed: ${known}`);
  }

  /** Ends the loading when there is any problem. */
  throwIfAny(): void {
    const all = this.#list;
    if (all.length === 0) return;
    const lines = all.slice(0, SHOWN_PROBLEMS).map(sentenceOf);
    if (all.length > lines.length)
      lines.push(`${escaped(this.origin)}: and ${all.length - lines.length} more problems`);
    // A file that others can change matters more than what is wrong in it.
    const worst = all.find(({ code }) => code === 'CONFIG_EXPOSED' || code === 'KEY_EXPOSED') ?? all[0]!;
    throw new SluiceError(worst.code, lines.join('\n'));
  }

  #ofKey(key: string, what: string): void {
    this.#add(`${visible(key)} ${what}`, this.#locate?.(stepsOf(key)), visible(key));
  }

  #add(reason: string, position?: Position, key?: string): void {
    const problem: Problem = { code: 'CONFIG_INVALID', file: this.origin, reason };
    this.#list.push({ ...problem, ...(position ? { position } : {}), ...(key === undefined ? {} : { key }) });
  }
}

/** A problem in one line. */
export function sentenceOf({ file, position, reason }: Problem): string {
  return `${escaped(file)}${position ? `:${position.line}:${position.column}` : ''}: ${reason}`;
}

/** The key inside a section; at the top of a file the section has no name. */
export const keyIn = (section: string, key: string): string => (section === '' ? key : `${section}.${key}`);

/** "tenants[2].share" in steps. */
const stepsOf = (key: string): Step[] =>
  [...key.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([word, index]) => (index === undefined ? word : Number(index)));

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
  return escaped(short);
}

function escaped(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
