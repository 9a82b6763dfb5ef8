/** Keys that both sides have, and kinds of value that only appear in tenants, keys and links. */
import { z } from 'zod';
import { LIMITS } from '../../core/limits.js';
import { MTU_MAX_BYTES, MTU_MIN_BYTES } from './derive.js';
import {
  choice,
  count,
  countOrElse,
  duration,
  type Endpoint,
  endpointText,
  flag,
  pathText,
  plainText,
  SETTINGS,
  size,
  sizeOrElse,
  writeEndpoint,
  writeSize,
} from './settings.js';

/** The built-in policy that `policy: open` names; anything else written there is a path. */
export const OPEN_POLICY = 'open';
/** Part of every default that depends on other keys, see resolve.ts. */
export const BLOCK_SYMBOLS_DEFAULT = LIMITS.blockMaxSymbols;

const OBJECT_MAX = writeSize(LIMITS.objectMaxBytes);
const TYPE_PATTERN = /^(\*\/\*|[a-z0-9][a-z0-9.+_-]{0,126}\/(\*|[a-z0-9][a-z0-9.+_-]{0,126}))$/;
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

/** Of tenants that name no size. */
export const OBJECT_SIZE_DEFAULT = 64 * 1024 ** 3;

/** `bound` says in words what else bounds it. */
export const maxObjectSize = (bound: string) =>
  sizeOrElse(
    `${writeSize(OBJECT_SIZE_DEFAULT)}, or less where ${bound}`,
    '1B',
    OBJECT_MAX,
    'Largest object of this tenant; a larger one is refused.',
  );

/** Media types of a tenant: exact ones, `image/*`, or every one. */
export const types = (meaning: string) =>
  z
    .array(z.string().regex(TYPE_PATTERN))
    .min(1)
    .max(LIMITS.configMaxTypes)
    .prefault(['*/*'])
    .register(SETTINGS, {
      meaning,
      unit: 'list of media types',
      allowed: `a list of 1 to ${LIMITS.configMaxTypes} media types in lower case, such as application/pdf, image/* or */*`,
      fallback: '[*/*]',
    });

export const quota = (where: string) =>
  z
    .strictObject({
      bytes: sizeOrElse('none', '1B', '1024TiB', `Bytes the tenant may have ${where}.`),
      objects: countOrElse('none', 1, 1_000_000_000, 'objects', `Objects the tenant may have ${where}.`),
    })
    .prefault({});

export const receiptsFor = () =>
  choice(
    ['all', 'problems', 'none'],
    'all',
    'What receipts are written for: `all` objects, only those with `problems`, or `none`.',
  );

/** The folder of tenants' files. */
export const tenantsDir = (baseDir: string) =>
  pathText(baseDir)
    .optional()
    .register(SETTINGS, {
      ...PATH,
      meaning: 'Folder of tenants: each `NAME.yaml` in it holds the keys of the tenant NAME.',
      fallback: 'none; then the tenants are those under `tenants`',
    });

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

const passwordFile = (baseDir: string, whose: string) =>
  secretPath(baseDir)
    .optional()
    .register(SETTINGS, {
      meaning: `File with the password of ${whose}, in one line; readable by its owner only.`,
      unit: 'path',
      allowed: 'a path to the password file, not the password itself',
      fallback: 'none',
      secret: true,
    });

/** Unlike an address of the link it may be a name: certificates are made out to names. */
const hostAndPort = () =>
  z.string().transform((text, context): Endpoint => {
    const match = /^([A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?):(\d{1,5})$/.exec(text.trim());
    const port = Number(match?.[3]);
    if (port >= 1 && port <= 65_535) return { host: match![1]!, port };
    context.addIssue('not allowed');
    return z.NEVER;
  });

export const queues = (baseDir: string) =>
  z.strictObject({
    store: choice(
      ['auto', 'redis', 'redis-server', 'embedded'],
      'auto',
      'Where queues live: `redis` the configured address, `redis-server` a private child found on PATH, `embedded` inside the process, `auto` the first of these that is there.',
    ),
    redisUrl: redisUrl(),
    redisPasswordFile: passwordFile(baseDir, 'the Redis'),
    redisCa: pathText(baseDir)
      .optional()
      .register(SETTINGS, {
        ...PATH,
        meaning: 'Certificates (PEM) of the authority that the Redis is checked against, for a `rediss:` address.',
        fallback: 'those of the system',
      }),
    sentinels: z
      .array(hostAndPort())
      .max(16)
      .prefault([])
      .register(SETTINGS, {
        meaning: 'Redis Sentinels that know which Redis is the master.',
        unit: 'list of host:port',
        allowed: 'a list of at most 16 addresses with a port, such as 10.0.0.7:26379',
        fallback: '[]',
        write: (sentinels: readonly Endpoint[]) => sentinels.map(writeEndpoint),
      }),
    sentinelName: plainText(256).optional().register(SETTINGS, {
      meaning: 'Name the sentinels know the Redis by.',
      unit: 'text',
      allowed: 'a text of 1 to 256 bytes',
      fallback: 'none; required with `queues.sentinels`',
    }),
    sentinelPasswordFile: passwordFile(baseDir, 'the sentinels'),
    keepFinished: count(
      1_000,
      0,
      1_000_000,
      'jobs',
      'Finished jobs of each stage that the boards still show, at most.',
    ),
    keepFinishedFor: duration('24h', '0ms', '365d', 'How long finished jobs are shown on the boards.'),
  });

export const operatorConsole = () =>
  z.strictObject({
    enabled: flag(true, 'Whether the console (boards, health, metrics) runs at all.'),
    listen: endpointText({ min: 0, optional: false }).prefault('127.0.0.1:0').register(SETTINGS, {
      meaning:
        'Where the console is served, as plain HTTP: keep it on this machine, or behind a proxy that does TLS. Port 0 is chosen by the system.',
      unit: 'address:port',
      allowed: 'an IPv4 address of this machine and a port from 0 to 65535, such as 127.0.0.1:8080',
      fallback: '127.0.0.1:0',
      write: writeEndpoint,
    }),
    readOnly: flag(true, 'Whether the console only shows; false also lets operators act in it.'),
    sessionLifetime: duration('8h', '1m', '30d', 'How long a login at the console lasts.'),
  });

export const alarms = () =>
  z.strictObject({
    starvation: duration(
      '60s',
      '1s',
      '7d',
      'How long work of a tenant may wait for its turn without any of it moving before that is an alarm.',
    ),
  });

export const retention = () =>
  z.strictObject({
    finished: duration(
      '90d',
      '2d',
      '3650d',
      'How long the ledger keeps objects that are finished, or incomplete on the high side, and have no bytes left here; what comes of them after that is not taken any more. Two days at least: daily summaries are written from it.',
    ),
    receipts: duration('90d', '1h', '3650d', 'How long receipts stay.'),
    quarantine: duration(
      '30d',
      '0ms',
      '3650d',
      'How long the bytes of refused or quarantined objects are kept. The ledger goes on knowing of them.',
    ),
  });

export const log = () =>
  z.strictObject({
    level: choice(
      ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      'info',
      'Least important message that is logged.',
    ),
    maxSize: size('64MiB', '64KiB', '1TiB', 'Size at which the log file is put aside and a new one is begun.'),
    keep: count(5, 0, 1000, 'files', 'Log files that are kept beside the current one.'),
  });
