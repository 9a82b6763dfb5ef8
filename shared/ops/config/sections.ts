/**
 * A configuration taken apart: each section, and each tenant, is checked by itself. What is sound is returned even when
 * another is not, so that contradictions are looked for as well and everything is reported at once.
 */
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { SluiceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { fileWithin, readConfigText, yamlFilesIn } from './files.js';
import { isSection, type Problems } from './problems.js';
import type { Sources } from './sources.js';
import { parseYaml } from './yaml.js';

/** The schema with relative paths against a folder. */
export type SchemaFor = (baseDir: string) => z.ZodObject;

/** A tenant as it was written: whose keys they are, and where to say what is wrong with them. */
export interface TenantSection<T> {
  /** Its section, such as "tenants[2]"; empty for a tenant that has a file of its own. */
  readonly key: string;
  readonly problems: Problems;
  readonly value: T;
}

interface Reading {
  readonly schemaFor: SchemaFor;
  readonly problems: Problems;
  readonly sources: Sources | undefined;
}

export function readSections(value: unknown, baseDir: string, reading: Reading): Record<string, unknown> {
  const { schemaFor, problems } = reading;
  const schema = schemaFor(baseDir);
  const sections: Record<string, unknown> = { tenants: [] };
  if (!isSection(value)) {
    problems.refuse('the configuration', value, `sections named ${Object.keys(schema.shape).join(', ')}`);
    return sections;
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(schema.shape, name)) problems.unknownKey('', name, schema);
  }
  for (const [name, part] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    if (name === 'tenants') continue;
    const written = writtenIn(value, name);
    // A section whose every line is commented out is empty, not wrong.
    const given = 'shape' in part ? (written ?? {}) : written;
    const result = part.safeParse(given);
    if (!result.success) problems.addIssues(name, part, given, result.error.issues);
    else if (result.data !== undefined) sections[name] = result.data;
  }
  const folder = sections.tenantsDir as string | undefined;
  const wanted = writtenIn(value, 'tenantsDir') !== undefined;
  const inline = readInline(tenantIn(schema), writtenIn(value, 'tenants'), wanted, problems);
  const all = folder === undefined ? inline : [...inline, ...readFolder(folder, reading)];
  if (all.length > LIMITS.configMaxTenants) problems.say(`${all.length} tenants; allowed: ${LIMITS.configMaxTenants}`);
  sections.tenants = all;
  return sections;
}

const writtenIn = (value: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined;

const tenantIn = (schema: z.ZodObject): z.ZodObject => (schema.shape.tenants as z.ZodArray<z.ZodObject>).element;

// ------------------------------------------------------------ tenants in the configuration itself

/** Tenants as a list of sections, or as sections under their names. With a folder of tenants there may be none. */
function readInline(
  schema: z.ZodObject,
  written: unknown,
  withFolder: boolean,
  problems: Problems,
): TenantSection<unknown>[] {
  if (withFolder && written === undefined) return [];
  let entries: [key: string, value: unknown][];
  if (Array.isArray(written)) entries = written.map((value, index) => [`tenants[${index}]`, value]);
  else if (isSection(written)) entries = Object.entries(written).map(([name, value]) => named(name, value, problems));
  else entries = [];
  if (entries.length < 1 || entries.length > LIMITS.configMaxTenants) {
    problems.refuse('tenants', written, `1 to ${LIMITS.configMaxTenants} tenants, as a list or under their names`);
    return [];
  }
  return entries.flatMap(([key, value]) => readTenant(schema, key, value, problems));
}

function named(name: string, value: unknown, problems: Problems): [key: string, value: unknown] {
  const key = `tenants.${name}`;
  if (!isSection(value)) return [key, value];
  if (Object.hasOwn(value, 'name')) problems.refuse(`${key}.name`, value.name, 'no name where the key is the name');
  return [key, { ...value, name }];
}

function readTenant(schema: z.ZodObject, key: string, value: unknown, problems: Problems): TenantSection<unknown>[] {
  const result = schema.safeParse(value);
  if (result.success) return [{ key, problems, value: result.data }];
  problems.addIssues(key, schema, value, result.error.issues);
  return [];
}

// ------------------------------------------------------------ tenants in files of their own

/** Every tenant of a folder. None at all is a problem: a folder that is not mounted must not stop every tenant. */
function readFolder(folder: string, reading: Reading): TenantSection<unknown>[] {
  const { problems, sources } = reading;
  const here = problems.of(folder);
  try {
    sources?.note(folder);
    const names = yamlFilesIn(folder);
    if (names.length === 0) here.say('it holds no tenant; allowed: a file NAME.yaml for each tenant');
    if (names.length > LIMITS.configMaxTenants) {
      here.say(`it holds ${names.length} files; allowed: ${LIMITS.configMaxTenants}`);
      return [];
    }
    // Made once: a schema is costly, and there may be a thousand tenants.
    const schema = tenantIn(reading.schemaFor(folder));
    let leftBytes: number = LIMITS.tenantFilesMaxBytes;
    return names.flatMap((name) => {
      const text = readFile(folder, name, reading);
      if (text === undefined) return [];
      leftBytes -= text.length;
      if (leftBytes >= 0) return readFileTenant(join(folder, name), text, schema, problems);
      problems.of(join(folder, name)).say(`the tenants' files have more than ${LIMITS.tenantFilesMaxBytes} bytes`);
      return [];
    });
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    here.cannotUse(error);
    return [];
  }
}

function readFile(folder: string, name: string, { problems, sources }: Reading): string | undefined {
  const path = join(folder, name);
  sources?.note(path);
  try {
    return readConfigText(fileWithin(folder, name), LIMITS.tenantFileMaxBytes);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    problems.of(path).cannotUse(error);
    return undefined;
  }
}

/** The name of the file is the name of the tenant; one that is given inside must be the same. */
function readFileTenant(path: string, text: string, schema: z.ZodObject, problems: Problems): TenantSection<unknown>[] {
  const here = problems.of(path);
  const before = problems.list.length;
  const value = parseYaml(text, here);
  if (problems.list.length > before) return [];
  const name = /^([a-z0-9][a-z0-9-]{0,62})\.yaml$/.exec(basename(path))?.[1];
  if (name === undefined) {
    here.say(
      'the file name is no name of a tenant; allowed: up to 63 lower-case letters, digits and hyphens, then .yaml',
    );
    return [];
  }
  if (!isSection(value)) {
    here.refuse('the tenant', value, `keys named ${Object.keys(schema.shape).join(', ')}`);
    return [];
  }
  const given = writtenIn(value, 'name');
  if (given !== undefined && given !== name) here.refuse('name', given, `no name, or ${name} as the file is called`);
  return readTenant(schema, '', { ...value, name }, here);
}
