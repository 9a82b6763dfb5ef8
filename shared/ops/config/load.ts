/**
 * Configuration of either side: from a file, a text or a value in memory to LowConfig or HighConfig, validated whole.
 * Errors: CONFIG_UNREADABLE for a file that cannot be had, CONFIG_INVALID with one line for every problem,
 * CONFIG_EXPOSED for one that others may change, KEY_EXPOSED for a password in it that others may read.
 */
import { dirname, resolve } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import { checkHigh, checkLow } from './contradictions.js';
import { isWorldReadable, readConfigText } from './files.js';
import { isSection, Problems } from './problems.js';
import { resolveHighTenant, resolveLowLink, resolveLowTenant } from './resolve.js';
import {
  type HighConfig,
  type HighSections,
  highSchema,
  type LowConfig,
  type LowSections,
  lowSchema,
} from './schema.js';
import { readSections } from './sections.js';
import type { Sources } from './sources.js';
import { parseYaml } from './yaml.js';

export { printConfig } from './print.js';
export type {
  HighConfig,
  HighConfigInput,
  HighTenant,
  LowConfig,
  LowConfigInput,
  LowLink,
  LowTenant,
} from './schema.js';
export { toYaml } from './yaml.js';

export interface LoadOptions {
  /** State folder of the gateway, so that no share or storage lies in it or around it. */
  readonly stateDir?: string | undefined;
  /** Is told of every file that is read. */
  readonly sources?: Sources | undefined;
  /** Collects the problems, for a caller who wants more of them than the text of the error. */
  readonly problems?: Problems | undefined;
}

/** Configuration of the low side from a YAML file. */
export function loadLowConfig(path: string, options: LoadOptions = {}): LowConfig {
  return load(path, options, finishLow);
}

/** Configuration of the high side from a YAML file. */
export function loadHighConfig(path: string, options: LoadOptions = {}): HighConfig {
  return load(path, options, finishHigh);
}

/** The same from a value in memory; `origin` names it in errors, relative paths are against `baseDir`. */
export function parseLowConfig(value: unknown, origin: string, baseDir: string, options: LoadOptions = {}): LowConfig {
  return finishLow(value, options.problems ?? new Problems(origin), baseDir, options);
}

/** The same from a value in memory; `origin` names it in errors, relative paths are against `baseDir`. */
export function parseHighConfig(
  value: unknown,
  origin: string,
  baseDir: string,
  options: LoadOptions = {},
): HighConfig {
  return finishHigh(value, options.problems ?? new Problems(origin), baseDir, options);
}

/** The configuration in a file, finished; problems of all its files are thrown together. */
function load<T>(path: string, options: LoadOptions, finish: Finish<T>): T {
  const problems = options.problems ?? new Problems(path);
  options.sources?.note(path);
  const value = parseYaml(readConfigText(path), problems);
  problems.throwIfAny();
  refuseExposedPassword(path, value, problems);
  return finish(value, problems, dirname(resolve(path)), options);
}

type Finish<T> = (value: unknown, problems: Problems, baseDir: string, options: LoadOptions) => T;

function finishLow(value: unknown, problems: Problems, baseDir: string, options: LoadOptions): LowConfig {
  const reading = { schemaFor: lowSchema, problems, sources: options.sources };
  const sections = readSections(value, resolve(baseDir), reading) as unknown as LowSections;
  checkLow(sections, options.stateDir && resolve(options.stateDir), problems);
  problems.throwIfAny();
  // Without a problem every section is there.
  const { tenants, link: written, ...rest } = sections as Required<LowSections>;
  const link = resolveLowLink(written);
  return { tenants: tenants.map((tenant) => resolveLowTenant(tenant.value, { ...rest, link })), link, ...rest };
}

function finishHigh(value: unknown, problems: Problems, baseDir: string, options: LoadOptions): HighConfig {
  const reading = { schemaFor: highSchema, problems, sources: options.sources };
  const sections = readSections(value, resolve(baseDir), reading) as unknown as HighSections;
  checkHigh(sections, options.stateDir && resolve(options.stateDir), problems);
  problems.throwIfAny();
  const { tenants, ...rest } = sections as HighSections & Omit<HighConfig, 'tenants'>;
  return { ...rest, tenants: tenants.map((tenant) => resolveHighTenant(tenant.value, rest)) };
}

/** A password in an address makes the configuration a key file. */
function refuseExposedPassword(path: string, value: unknown, problems: Problems): void {
  const queues = isSection(value) ? value.queues : undefined;
  const url = isSection(queues) ? queues.redisUrl : undefined;
  if (typeof url !== 'string' || !URL.canParse(url) || new URL(url).password === '' || !isWorldReadable(path)) return;
  const words = `${path}: queues.redisUrl holds a password and other users can read the file; chmod 600, or queues.redisPasswordFile.`;
  problems.cannotUse(new SluiceError('KEY_EXPOSED', words));
}
