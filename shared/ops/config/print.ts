/** The effective configuration as YAML: every default spelled out, human units, secrets left out. */
import { z } from 'zod';
import { type HighConfig, highSchema, type LowConfig, lowSchema } from './schema.js';
import { SETTINGS, sectionOf } from './settings.js';
import { toYaml } from './yaml.js';

/** YAML that reads back as the same configuration, except that user and password of an address are replaced by `***`. */
export function printConfig(config: LowConfig | HighConfig): string {
  // Values are absolute by now, so the folder the schema would resolve paths against does not matter.
  const schema = 'assembly' in config ? highSchema('/') : lowSchema('/');
  // The tenants are all in the list already, those of files as well.
  return toYaml(written(schema, { ...config, tenantsDir: undefined }));
}

function written(outer: z.ZodType, value: unknown): unknown {
  const schema = sectionOf(outer);
  const info = SETTINGS.get(schema);
  if (info !== undefined) {
    const write = (info.redact ?? info.write) as ((value: unknown) => unknown) | undefined;
    return write === undefined || value === undefined ? value : write(value);
  }
  if (schema instanceof z.ZodArray) return (value as unknown[]).map((one) => written(schema.element as z.ZodType, one));
  const section = value as Record<string, unknown>;
  const entries = Object.entries((schema as z.ZodObject).shape) as [string, z.ZodType][];
  return Object.fromEntries(entries.map(([key, part]) => [key, written(part, section[key])]));
}
