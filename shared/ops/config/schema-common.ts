/** Keys that both sides have, and kinds of value that only appear in tenants, keys and links. */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.js';
import { MTU_MAX_BYTES, MTU_MIN_BYTES } from './derive.js';
import { choice, count, pathText, plainText, SETTINGS, size, writeSize } from './settings.js';

/** The built-in policy that `policy: open` names; anything else written there is a path. */
export const OPEN_POLICY = 'open';
/** Part of every default that depends on other keys, see resolve.ts. */
export const BLOCK_SYMBOLS_DEFAULT = LIMITS.blockMaxSymbols;

const OBJECT_MAX = writeSize(LIMITS.objectMaxBytes);
const TENANT_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
export const PATH = { unit: 'path', allowed: 'a path' } as const;

export const tenantName = () =>
  z.string().regex(TENANT_NAME).register(SETTINGS, {
    meaning: 'Name of the tenant, the same on both sides. It is part of paths and of every manifest.',
    unit: 'text',
    allowed: 'a name of 1 to 63 lower-case letters, digits and hyphens that starts with a letter or digit',
  });

export const namesRule = () =>
  choice(
    ['portable', 'posix'],
    'portable',
    'Which file names are accepted: `portable` ones work on Windows, macOS and Linux alike, `posix` ones on Linux.',
  );

export const maxObjectSize = () =>
  size('64GiB', '1B', OBJECT_MAX, 'Largest object of this tenant; a larger one is refused.');

/** A path to a secret file. Somebody may write the secret itself here by mistake, so it is never shown when refused. */
export const secretPath = (baseDir: string) =>
  plainText(LIMITS.pathMaxBytes)
    .refine((text) => !/^[0-9a-fA-F]{32,}$/.test(text) && !text.includes('PRIVATE KEY'))
    .pipe(pathText(baseDir));

export const linkKey = (baseDir: string) =>
  secretPath(baseDir).register(SETTINGS, {
    meaning: 'File with the link key (32 hexadecimal digits), the same on both sides; readable by its owner only.',
    unit: 'path',
    allowed: 'a path to the link key file, not the key itself',
    secret: true,
  });

export const mtu = () =>
  count(
    1500,
    MTU_MIN_BYTES,
    MTU_MAX_BYTES,
    'bytes',
    'IP MTU of the link, the same on both sides. A UDP payload is 28 bytes less, and the symbol is what the frame leaves of it.',
  );

export const transport = () =>
  choice(
    ['auto', 'batched', 'dgram'],
    'auto',
    'How datagrams reach the system: `batched` many to a call where it can, `dgram` one by one, `auto` the fastest that works.',
  );

export const minFree = () =>
  size(
    '512MiB',
    '0B',
    '1TiB',
    'Space that always stays free on the disk of the spool; nothing more is written before it is.',
  );

/** "a redis URL" without asking the network; user and password may be in it. */
const redisUrl = () =>
  z
    .string()
    .max(1024)
    .refine((text) => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      return url !== undefined && /^rediss?:$/.test(url.protocol) && url.hostname !== '';
    })
    .optional()
    .register(SETTINGS, {
      meaning:
        'Address of a Redis of this side alone, for the stores `auto` and `redis`. `rediss:` is TLS. A password in it is never printed.',
      unit: 'URL',
      allowed: 'a redis: or rediss: URL, such as redis://127.0.0.1:6379/0',
      fallback: 'none',
      secret: true,
      redact: redactUrl,
    });

/** Scheme, host, port and path; a user, a password or a query may hold a secret and is not shown. */
function redactUrl(text: string): string {
  const url = new URL(text);
  const hidden = url.username !== '' || url.password !== '' ? '***@' : '';
  return `${url.protocol}//${hidden}${url.host}${url.pathname}${url.search === '' ? '' : '?***'}`;
}

export const queues = () =>
  z.strictObject({
    store: choice(
      ['auto', 'redis', 'redis-server', 'embedded'],
      'auto',
      'Where queues live: `redis` the configured address, `redis-server` a private child found on PATH, `embedded` inside the process, `auto` the first of these that is there.',
    ),
    redisUrl: redisUrl(),
  });

export const log = () =>
  z.strictObject({
    level: choice(
      ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      'info',
      'Least important message that is logged.',
    ),
  });
