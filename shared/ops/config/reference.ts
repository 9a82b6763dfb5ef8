/** docs/CONFIGURATION.md, printed from the schema so that the two cannot differ. */
import { z } from 'zod';
import { highSchema, lowSchema } from './schema.js';
import { SETTINGS, sectionOf } from './settings.js';

const INTRODUCTION = `# Configuration

Each side has one YAML file of its own, checked as a whole when the side starts: a key that is not known, a value that is
not allowed and values that contradict each other end the start with one line for each, naming key, value and what is
allowed. \`sluice config print\` shows the configuration in effect with all defaults and without passwords. This page is
printed by \`sluice config reference\` (\`npm run docs\`); change the schema, not the page.

- **size**: a number with \`B\`, \`KiB\`, \`MiB\`, \`GiB\` or \`TiB\`; a bare number is bytes.
- **duration**: a number with \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`. **rate**: a number with \`bps\`, \`kbps\`, \`Mbps\` or \`Gbps\`.
- **path**: a relative one starts at the folder of the configuration file.
- **address**: an IPv4 address or \`localhost\`; names are not looked up.
- \`tenants\` is a list of sections with a \`name\`, or a section for each name: \`tenants: { town-hall: { share: /srv/in } }\`.
  Each may also have a file of its own in \`tenantsDir\`: \`town-hall.yaml\` holds the section of \`town-hall\`.
  The folders of tenants (shares, storages, accepted originals, receipts) may not lie in each other nor in or around the
  state folder, and no key, policy or tenant's file may lie in them.
- Tenants and policy files are read again while the gateway runs, within two seconds of a change. A change with anything
  wrong in it is refused as a whole (\`CONFIG_REFUSED\` names file, line, key and reason); other keys that differ are named
  (\`CONFIG_RESTART\`) and count after a restart. \`sluice tenants check\` says the same before it counts. What was taken or
  verified for a tenant that is removed is held (\`TENANT_REMOVED\`) until the tenant is back
  or an operator gives it up (\`sluice give-up\`); what was sealed goes out.
- Files that anybody on the machine can change are refused (\`CONFIG_EXPOSED\`), so are links that lead out of
  \`tenantsDir\`, and secret files that others can read (\`KEY_EXPOSED\`).
- Tags are refused, so is a key written twice; aliases are few and the file is at most 1 MiB, one of a tenant 128 KiB.
`;

/** Markdown of every key of both sides: path, unit, default, meaning and what is allowed. Ends with a line break. */
export function configReference(): string {
  const sides = [
    ['Low side', lowSchema('/')],
    ['High side', highSchema('/')],
  ] as const;
  return `${INTRODUCTION}${sides.map(([title, schema]) => `\n## ${title}\n${section('', schema)}`).join('')}`;
}

/** One table for the keys directly in a section, then the sections inside it. */
function section(path: string, schema: z.ZodObject): string {
  const rows: string[] = [];
  let inside = '';
  for (const [key, part] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    const full = path === '' ? key : `${path}.${key}`;
    const info = SETTINGS.get(part);
    if (info !== undefined) {
      const fallback = info.fallback === undefined ? '**required**' : asCode(info.fallback);
      rows.push(`| \`${full}\` | ${info.unit} | ${fallback} | ${info.meaning} Allowed: ${info.allowed}. |`);
    } else if (part instanceof z.ZodArray) inside += section(`${full}[]`, part.element as z.ZodObject);
    else inside += section(full, sectionOf(part) as z.ZodObject);
  }
  if (rows.length === 0) return inside;
  const heading = path === '' ? '' : `\n### \`${path}\`\n`;
  return `${heading}\n| key | unit | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n${inside}`;
}

/** A value as code, words as words. */
const asCode = (text: string): string =>
  text === 'none' || (text.includes(' ') && !text.startsWith('[')) ? text : `\`${text}\``;
