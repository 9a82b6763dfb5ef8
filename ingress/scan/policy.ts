/**
 * What a tenant's scan must do and what it lets pass, from a YAML file. Every key has a default, and the defaults together
 * are the *open* policy: any type; refuses only what cannot be bounded or represented, records every other finding.
 */
import { z } from 'zod';
import { LIMITS } from '../../shared/core/limits.js';
import { readConfigText } from '../../shared/ops/config/files.js';
import { isSection, Problems } from '../../shared/ops/config/problems.js';
import { choice, count, plainText, SETTINGS, size, writeSize } from '../../shared/ops/config/settings.js';
import type { Sources } from '../../shared/ops/config/sources.js';
import { parseYaml } from '../../shared/ops/config/yaml.js';
import { FILTER_NAMES, POLICY_FINDINGS, type Policy } from './rules.js';

export type { Policy } from './rules.js';

/** "image/png", "image/*". */
const TYPE_PATTERN = /^[a-z]+\/(?:\*|[a-z0-9][a-z0-9.+-]*)$/;

const archive = z.strictObject({
  maxEntries: count(100_000, 1, 1_000_000, 'entries', 'Entries of an archive; one with more is refused.'),
  inflatedFloor: size('1GiB', '0B', '1TiB', 'Inflated bytes that any archive may hold, however small it is.'),
  maxRatio: count(200, 1, 1_032, 'times', 'Inflated bytes an archive may hold for each of its own, beyond the floor.'),
  maxInflated: size('64GiB', '1MiB', '1024TiB', 'Inflated bytes an archive may hold at most, however large it is.'),
});

const schema = z.strictObject({
  name: plainText(LIMITS.manifestMaxTextBytes).register(SETTINGS, {
    meaning: 'Name of the policy, for logs and receipts.',
    unit: 'text',
    allowed: `a text of 1 to ${LIMITS.manifestMaxTextBytes} bytes without control characters`,
  }),
  requiredFilters: z
    .array(z.enum(FILTER_NAMES))
    // The others ask what the type filter found, and a manifest names the type.
    .refine((names) => names[0] === 'type' && new Set(names).size === names.length)
    .prefault([...FILTER_NAMES])
    .register(SETTINGS, {
      meaning: 'Filters that every object must pass, in the order in which they run.',
      unit: 'list of words',
      allowed: `a list of ${FILTER_NAMES.join(', ')}, each once, with type first`,
      fallback: `[${FILTER_NAMES.join(', ')}]`,
    }),
  maxObjectSize: size(
    writeSize(LIMITS.objectMaxBytes),
    '1B',
    writeSize(LIMITS.objectMaxBytes),
    'Largest object; a larger one is refused.',
  ),
  names: choice(['posix', 'portable'], 'posix', 'Which file names are accepted; `portable` ones work on every system.'),
  allowedTypes: z
    .union([z.literal('any'), z.array(z.string().regex(TYPE_PATTERN)).min(1).max(256)])
    .prefault('any')
    .register(SETTINGS, {
      meaning: 'Media types, found by content, that may pass.',
      unit: 'list of types',
      allowed: 'any, or a list of 1 to 256 types such as application/pdf or image/*',
      fallback: 'any',
    }),
  refuse: z
    .array(z.enum(POLICY_FINDINGS))
    .max(POLICY_FINDINGS.length)
    .prefault([])
    .register(SETTINGS, {
      meaning: 'Findings that refuse an object; those not listed are recorded.',
      unit: 'list of codes',
      allowed: `a list of ${POLICY_FINDINGS.join(', ')}`,
      fallback: '[]',
    }),
  archive,
});

export interface PolicyReading {
  /** Is told of the file. */
  readonly sources?: Sources | undefined;
  /** Collects what is wrong. */
  readonly problems?: Problems | undefined;
}

/** Reads a policy file. CONFIG_UNREADABLE when it cannot be had, CONFIG_INVALID with a line for every problem. */
export function loadPolicy(path: string, { sources, problems: all }: PolicyReading = {}): Policy {
  const problems = all?.of(path) ?? new Problems(path);
  sources?.note(path);
  const value = parseYaml(readConfigText(path), problems);
  problems.throwIfAny();
  return finish(value, problems);
}

/** The same from a value in memory; `origin` names it in errors. */
export function parsePolicy(value: unknown, origin: string): Policy {
  return finish(value, new Problems(origin));
}

function finish(value: unknown, problems: Problems): Policy {
  if (!isSection(value)) {
    problems.refuse('the policy', value, `keys named ${Object.keys(schema.shape).join(', ')}`);
    problems.throwIfAny();
  }
  // A section that is absent, or whose every line is commented out, is empty, not wrong.
  const given = { ...(value as object), archive: (value as { archive?: unknown }).archive ?? {} };
  const result = schema.safeParse(given);
  if (!result.success) problems.addIssues('', schema, given, result.error.issues);
  problems.throwIfAny();
  const { maxObjectSize, ...rest } = result.data!;
  return { ...rest, maxObjectBytes: maxObjectSize };
}

/** The policy of the demo, and of every tenant whose configuration names none. */
export const openPolicy: Policy = parsePolicy({ name: 'open' }, 'the open policy');
