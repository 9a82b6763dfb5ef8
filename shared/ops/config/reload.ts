/**
 * Tenants and policies change while the gateway runs: the files are looked at again and again, and what they say now
 * takes the place of what is in force, as a whole or not at all.
 *
 *   files differ? ─▶ read all of it ─▶ wrong: CONFIG_REFUSED, what is in force stays ─▶ looked at again when they differ
 *                           └────────▶ sound: prepare() may still refuse ─▶ apply(), CONFIG_RELOADED
 *
 * Only tenants and their policies change this way. Other keys that differ are named in an alarm, CONFIG_RESTART.
 */
import { type SluiceError, wordsOf } from '../../core/errors.js';
import type { HighConfig, LowConfig } from './schema.js';
import { Sources } from './sources.js';

const INTERVAL_MS = 1_500;
const NAMES_SHOWN = 10;

/** A configuration, and what else the rules of tenants were read from. */
export interface Settings {
  readonly config: LowConfig | HighConfig;
  readonly rules?: ReadonlyMap<string, unknown>;
}

/** Names of tenants. */
export interface TenantChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

export interface WatcherTools<S extends Settings> {
  /** Reads everything anew and notes what it reads; throws what is wrong with it. */
  load(sources: Sources): S;
  /** What the settings need outside (folders). What it throws refuses the change: nothing has been applied then. */
  prepare(next: S): void;
  /** Puts the tenants of these settings in force. */
  apply(next: S, change: TenantChange): void;
  alarm(code: string, words: string): void;
  over(code: string): void;
}

export class ConfigWatcher<S extends Settings> {
  #timer: NodeJS.Timeout | undefined;
  /** The keys of other sections are compared with those the process was started with. */
  readonly #atStart: ReadonlyMap<string, string>;
  #tenants: ReadonlyMap<string, string>;
  #refused = '';
  /** Refused for something that is not in the files: it may pass without any of them changing. */
  #again = false;
  #restart = '';
  /** What the latest change that was not refused came to. */
  #outcome = '';

  /** @param sources what `inForce` was read from */
  constructor(
    private readonly tools: WatcherTools<S>,
    inForce: S,
    private sources: Sources,
  ) {
    this.#atStart = otherKeys(inForce);
    this.#tenants = tenantsOf(inForce);
  }

  start(intervalMs = INTERVAL_MS): void {
    this.#timer = setInterval(() => this.look(), intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks whether anything has changed, and deals with it. Never throws. */
  look(): void {
    this.#look(false);
  }

  /** Reads everything now, changed or not. Never throws. @returns what came of it, in one line */
  reload(): string {
    this.#look(true);
    const outcome =
      this.#refused === '' ? `CONFIG_RELOADED ${this.#outcome}` : `CONFIG_REFUSED ${oneLine(this.#refused)}`;
    return this.#restart === '' ? outcome : `${outcome} CONFIG_RESTART ${this.#restart}`;
  }

  #look(isAsked: boolean): void {
    try {
      const changed = this.sources.changed();
      if (!changed && !this.#again && !isAsked) return;
      if (changed) this.#refused = this.#refused && ' ';
      this.#read();
    } catch (error) {
      this.#refuse(wordsOf(error));
    }
  }

  #read(): void {
    const { tools } = this;
    // Also of what is refused: then that is what has to change before another look makes sense.
    this.sources = new Sources();
    this.#again = false;
    let next: S;
    try {
      next = tools.load(this.sources);
    } catch (error) {
      this.#refuse((error as SluiceError).detail ?? wordsOf(error));
      return;
    }
    this.#sayRestart(otherKeys(next));
    const tenants = tenantsOf(next);
    const change = difference(this.#tenants, tenants);
    try {
      tools.prepare(next);
    } catch (error) {
      this.#again = true;
      this.#refuse(wordsOf(error));
      return;
    }
    if (isSomething(change)) {
      this.#tenants = tenants;
      tools.apply(next, change);
    }
    this.#outcome = sentenceOf(change);
    if (this.#refused !== '') tools.over('CONFIG_REFUSED');
    if (isSomething(change) || this.#refused !== '') tools.alarm('CONFIG_RELOADED', this.#outcome);
    this.#refused = '';
  }

  /** Said once for the same content. */
  #refuse(words: string): void {
    if (words === this.#refused) return;
    this.#refused = words;
    this.tools.alarm('CONFIG_REFUSED', oneLine(words));
  }

  #sayRestart(now: ReadonlyMap<string, string>): void {
    const { added, removed, changed } = difference(this.#atStart, now);
    const keys = [...added, ...removed, ...changed].sort();
    const words = keys.length === 0 ? '' : `Other than at the start: ${named(keys)}.`;
    if (words === this.#restart) return;
    this.#restart = words;
    if (words === '') this.tools.over('CONFIG_RESTART');
    else this.tools.alarm('CONFIG_RESTART', words);
  }
}

/** Everything about each tenant, as text to compare. */
function tenantsOf({ config, rules }: Settings): Map<string, string> {
  return new Map(config.tenants.map((tenant) => [tenant.name, JSON.stringify([tenant, rules?.get(tenant.name)])]));
}

/** Every other key by its name, with its value as text. */
function otherKeys({ config }: Settings): Map<string, string> {
  const keys = new Map<string, string>();
  const collect = (path: string, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) keys.set(path, JSON.stringify(value));
    else for (const [name, inside] of Object.entries(value)) collect(path === '' ? name : `${path}.${name}`, inside);
  };
  const { tenants: _tenants, tenantsDir: _tenantsDir, ...rest } = config;
  collect('', rest);
  return keys;
}

function difference(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): TenantChange {
  const names = [...after.keys()];
  return {
    added: names.filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed: names.filter((name) => before.has(name) && before.get(name) !== after.get(name)),
  };
}

/** An alarm is one line, wherever it is shown. */
const oneLine = (words: string): string => words.replaceAll('\n', '; ');

const isSomething = ({ added, removed, changed }: TenantChange): boolean =>
  added.length + removed.length + changed.length > 0;

function sentenceOf({ added, removed, changed }: TenantChange): string {
  const parts = Object.entries({ added, removed, changed }).filter(([, names]) => names.length > 0);
  if (parts.length === 0) return 'The tenants are those that are in force.';
  return `Tenants ${parts.map(([what, names]) => `${what}: ${named(names)}`).join('; ')}.`;
}

function named(names: readonly string[]): string {
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${more}`;
}
