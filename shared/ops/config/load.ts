/**
 * Configuration of either side: from a file, a text or a value in memory to LowConfig or HighConfig, validated whole.
 * Errors: CONFIG_UNREADABLE for a file that cannot be had, CONFIG_INVALID with one line for every problem.
 */
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { LIMITS } from '../../core/limits.js';
import { checkHigh, checkLow } from './contradictions.js';
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
import { parseYaml, readConfigText } from './yaml.js';

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
}

/** Configuration of the low side from a YAML file. */
export function loadLowConfig(path: string, options: LoadOptions = {}): LowConfig {
  return finishLow(readValue(path), path, dirname(resolve(path)), options);
}

/** Configuration of the high side from a YAML file. */
export function loadHighConfig(path: string, options: LoadOptions = {}): HighConfig {
  return finishHigh(readValue(path), path, dirname(resolve(path)), options);
}

/** The same from a value in memory; `origin` names it in errors, relative paths are against `baseDir`. */
export function parseLowConfig(value: unknown, origin: string, baseDir: string, options: LoadOptions = {}): LowConfig {
  return finishLow(value, origin, baseDir, options);
}

/** The same from a value in memory; `origin` names it in errors, relative paths are against `baseDir`. */
export function parseHighConfig(
  value: unknown,
  origin: string,
  baseDir: string,
  options: LoadOptions = {},
): HighConfig {
  return finishHigh(value, origin, baseDir, options);
}

function readValue(path: string): unknown {
  const problems = new Problems(path);
  const value = parseYaml(readConfigText(path), problems);
  problems.throwIfAny();
  return value;
}

function finishLow(value: unknown, origin: string, baseDir: string, options: LoadOptions): LowConfig {
  const problems = new Problems(origin);
  const sections = readSections(lowSchema(resolve(baseDir)), value, problems) as unknown as LowSections;
  checkLow(sections, options.stateDir && resolve(options.stateDir), problems);
  problems.throwIfAny();
  // Without a problem every section is there.
  const { tenants, link, ...rest } = sections as Required<LowSections>;
  return {
    tenants: tenants.map((tenant) => resolveLowTenant(tenant.value, rest)),
    link: resolveLowLink(link),
    ...rest,
  };
}

function finishHigh(value: unknown, origin: string, baseDir: string, options: LoadOptions): HighConfig {
  const problems = new Problems(origin);
  const sections = readSections(highSchema(resolve(baseDir)), value, problems) as unknown as HighSections;
  checkHigh(sections, options.stateDir && resolve(options.stateDir), problems);
  problems.throwIfAny();
  const { tenants, ...rest } = sections as HighSections & Omit<HighConfig, 'tenants'>;
  return { ...rest, tenants: tenants.map((tenant) => resolveHighTenant(tenant.value, rest)) };
}

/**
 * Each section, and each tenant, by itself: what is sound is returned even when another is not, so that contradictions
 * are looked for as well and everything is reported at once.
 */
function readSections(schema: z.ZodObject, value: unknown, problems: Problems): Record<string, unknown> {
  const sections: Record<string, unknown> = { tenants: [] };
  if (!isSection(value)) {
    problems.refuse('the configuration', value, `sections named ${Object.keys(schema.shape).join(', ')}`);
    return sections;
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(schema.shape, name)) problems.unknownKey('', name, schema);
  }
  for (const [name, part] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    const written = Object.hasOwn(value, name) ? value[name] : undefined;
    if (name === 'tenants') {
      sections[name] = readTenants((part as z.ZodArray<z.ZodObject>).element, written, problems);
      continue;
    }
    // A section whose every line is commented out is empty, not wrong.
    const given = part instanceof z.ZodObject ? (written ?? {}) : written;
    const result = part.safeParse(given);
    if (!result.success) problems.addIssues(name, part, given, result.error.issues);
    else if (result.data !== undefined) sections[name] = result.data;
  }
  return sections;
}

/** Tenants as a list of sections, or as sections under their names. */
function readTenants(schema: z.ZodObject, written: unknown, problems: Problems): { key: string; value: unknown }[] {
  let entries: [key: string, value: unknown][];
  if (Array.isArray(written)) entries = written.map((value, index) => [`tenants[${index}]`, value]);
  else if (isSection(written)) entries = Object.entries(written).map(([name, value]) => named(name, value, problems));
  else entries = [];
  if (entries.length < 1 || entries.length > LIMITS.configMaxTenants) {
    problems.refuse('tenants', written, `1 to ${LIMITS.configMaxTenants} tenants, as a list or under their names`);
    return [];
  }
  const tenants = [];
  for (const [key, value] of entries) {
    const result = schema.safeParse(value);
    if (result.success) tenants.push({ key, value: result.data });
    else problems.addIssues(key, schema, value, result.error.issues);
  }
  return tenants;
}

function named(name: string, value: unknown, problems: Problems): [key: string, value: unknown] {
  const key = `tenants.${name}`;
  if (!isSection(value)) return [key, value];
  if (Object.hasOwn(value, 'name')) problems.refuse(`${key}.name`, value.name, 'no name where the key is the name');
  return [key, { ...value, name }];
}
