/**
 * Where a Redis is and how to speak to it: one of the site by address or behind Sentinels, with passwords from files
 * and TLS checked against an authority of the site; or our own on its socket.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Redis, type RedisOptions } from 'ioredis';
import { SluiceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { readPassword } from '../../crypto/keyfiles.js';
import type { Endpoint } from '../config/schema.js';
import { parseRedisAddress } from './words.js';

/** The section `queues` of the configuration, as far as it is about a Redis of the site. */
export interface RedisSettings {
  /** redis:// or rediss:// with user, password and database as usual. Never shown or logged with its password. */
  readonly redisUrl?: string | undefined;
  readonly redisPasswordFile?: string | undefined;
  /** PEM file of the authority that certificates are checked against; that of the system otherwise. */
  readonly redisCa?: string | undefined;
  /** With these the host of the address counts for nothing: user, database and TLS come from it, if it is given. */
  readonly sentinels?: readonly Endpoint[] | undefined;
  readonly sentinelName?: string | undefined;
  readonly sentinelPasswordFile?: string | undefined;
}

/** The driver's types tie this one to another kind of client. */
export type DriverOptions = Omit<RedisOptions, 'replyMapping'>;

export interface RedisPlace {
  /** As people may see it. */
  readonly shown: string;
  readonly isTls: boolean;
  /** @param firstDatabase instead of the one that is configured */
  connect(options: DriverOptions, firstDatabase: boolean): Redis;
  /** Takes the secrets out of a sentence, in case a driver quotes them. */
  redact(text: string): string;
}

export const privatePlace = (socketPath: string): RedisPlace => ({
  shown: socketPath,
  isTls: false,
  connect: (options) => new Redis({ path: socketPath, ...options } as DriverOptions),
  redact: (text) => text,
});

/**
 * Undefined when no Redis is configured.
 * @throws SluiceError CONFIG_INVALID, KEY_EXPOSED, KEY_UNREADABLE
 */
export function redisPlaceOf(settings: RedisSettings): RedisPlace | undefined {
  const { redisUrl, sentinels = [], sentinelName } = settings;
  const address = redisUrl === undefined ? undefined : parseRedisAddress(redisUrl);
  if (!address && sentinels.length === 0) return undefined;
  const password = secretIn(settings.redisPasswordFile);
  const sentinelPassword = secretIn(settings.sentinelPasswordFile);
  const tls = address?.url.protocol === 'rediss:' ? defined({ ca: authority(settings.redisCa) }) : undefined;
  const redact = (text: string) => {
    const told = address ? address.redact(text) : text;
    const secrets = [password, sentinelPassword].flatMap((one) => (one ? [one, encodeURIComponent(one)] : []));
    return secrets.reduce((rest, one) => rest.replaceAll(one, '***'), told);
  };
  if (sentinels.length === 0 && address) {
    const { shown } = address;
    const url = new URL(address.url);
    // In the address itself: next to a user there the driver would not look for it anywhere else.
    if (password !== undefined) url.password = encodeURIComponent(password);
    const connect = (options: DriverOptions, firstDatabase: boolean) =>
      new Redis((firstDatabase ? withoutDatabase(url) : url).href, {
        ...options,
        ...defined({ tls }),
      } as DriverOptions);
    return { shown, isTls: tls !== undefined, connect, redact };
  }
  const shownSentinels = sentinels.map(({ host, port }) => `${host}:${port}`).join(', ');
  const behind = defined({
    sentinels: [...sentinels],
    name: sentinelName,
    sentinelPassword,
    sentinelTLS: tls,
    enableTLSForSentinelMode: tls === undefined ? undefined : true,
    sentinelRetryStrategy: (times: number) => Math.min(100 * times, 1_000),
    ...(address ? partsOf(address.url) : {}),
    ...defined({ password, tls }),
  });
  return {
    shown: `"${sentinelName}" behind the Sentinels ${shownSentinels}`,
    isTls: tls !== undefined,
    connect: (options, firstDatabase) =>
      new Redis({ ...options, ...behind, ...(firstDatabase ? { db: 0 } : {}) } as DriverOptions),
    redact,
  };
}

// --- parts -----------------------------------------------------------------------------------------------------------

/** Both sides in two databases of one server are still one server: the marker stands in the first of them. */
function withoutDatabase(url: URL): URL {
  const first = new URL(url);
  first.pathname = '';
  first.searchParams.delete('db');
  return first;
}

/** What an address says besides the place. */
function partsOf(url: URL): Pick<DriverOptions, 'username' | 'password' | 'db'> {
  const database = Number(url.pathname.slice(1));
  return defined({
    username: url.username === '' ? undefined : decodeURIComponent(url.username),
    password: url.password === '' ? undefined : decodeURIComponent(url.password),
    db: Number.isInteger(database) ? database : undefined,
  });
}

const secretIn = (file: string | undefined) => (file === undefined ? undefined : readPassword(file));

/** The certificates of an authority, or undefined for those of the system. */
function authority(file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  const refuse = (cause?: unknown): never => {
    throw new SluiceError('CONFIG_INVALID', `queues.redisCa: ${file} does not hold a certificate (PEM).`, { cause });
  };
  try {
    if (statSync(file).size > LIMITS.configMaxBytes) refuse();
    const pem = readFileSync(file);
    new X509Certificate(pem);
    return pem;
  } catch (error) {
    return refuse(error);
  }
}

/** Without the keys that are undefined, which a driver would take for given. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never;
}
