/**
 * BullMQ over a Redis server, the site's or our private one: two connections shared by all stages (and one blocking
 * connection a stage, which BullMQ makes), the marker of the side, and a watch over both.
 */
import { createRedisBackend } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import { SluiceError } from '../../core/errors.js';
import type { Backend } from './backend.js';
import type { Side } from './folder.js';
import type { PrivateRedis } from './redis-server.js';
import type { Troubles } from './troubles.js';
import type { RedisAddress } from './words.js';

const OPEN_TIMEOUT_MS = 5_000;
const WATCH_INTERVAL_MS = 2_000;
const QUIT_TIMEOUT_MS = 1_000;
/** Together with the delays below: an add during an outage fails after about five seconds. */
const ADD_MAX_RETRIES = 8;
/** The oldest server whose every command BullMQ uses without a workaround. */
const OLDEST_VERSION = [6, 2] as const;
/** Outside the prefix of either side, so that each sees what the other left. */
const SIDE_KEY = 'sluice:side';

/**
 * @param where the site's server, or our own
 * @throws SluiceError QUEUE_STORE_UNAVAILABLE, STATE_WRONG_SIDE
 */
export async function openRedis(
  where: { address: RedisAddress } | { server: PrivateRedis },
  side: Side,
  troubles: Troubles,
): Promise<Backend> {
  const server = 'server' in where ? where.server : undefined;
  const redact = 'address' in where ? where.address.redact : (text: string) => text;
  const clients: Redis[] = [];
  let closed = false;

  const client = (maxRetriesPerRequest: number | null, markerDatabase = false) => {
    const options = {
      maxRetriesPerRequest,
      connectTimeout: 5_000,
      disconnectTimeout: 500,
      keepAlive: 10_000,
      connectionName: `sluice-${side}`,
      retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), 1_000),
      // A server that became a replica refuses writes until we look for the new master.
      reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    } satisfies RedisOptions;
    const made =
      'address' in where
        ? new Redis((markerDatabase ? withoutDatabase(where.address.url) : where.address.url).href, options)
        : new Redis({ path: where.server.socketPath, ...options });
    made.setMaxListeners(0);
    made.on('error', (error: Error) => {
      if (!closed) troubles.report('QUEUE_STORE_UNAVAILABLE', redact(error.message));
    });
    if (server) made.on('close', () => closed || void server.ensureRunning().catch(tell));
    clients.push(made);
    return made;
  };
  const tell = (error: unknown) => {
    if (closed) return;
    if (error instanceof SluiceError) troubles.report(error.code, error.detail);
    else troubles.report('QUEUE_STORE_UNAVAILABLE', redact(String(error)));
  };
  const close = async () => {
    closed = true;
    clearInterval(watch);
    const ready = clients.filter((each) => each.status === 'ready');
    await Promise.race([Promise.allSettled(ready.map((each) => each.quit())), pause(QUIT_TIMEOUT_MS)]);
    // Not where it is over already: the driver would keep the process for its own timeout.
    for (const each of clients) if (each.status !== 'end') each.disconnect();
    await server?.stop();
  };

  const shown = 'address' in where ? where.address.shown : where.server.socketPath;
  const marker = client(ADD_MAX_RETRIES, true);
  let watch: NodeJS.Timeout | undefined;
  try {
    await untilReady(marker, (reason) => `${shown}: ${redact(reason)}`);
    const about = await marker.info();
    await markSide(marker, side, shown);
    checkServer(about, shown, troubles);
    watch = setInterval(() => void watchMarker(marker, side, shown, troubles).catch(tell), WATCH_INTERVAL_MS);
    watch.unref();
    return {
      kind: server ? 'redis-server' : 'redis',
      description: server
        ? `a private Redis ${versionOf(about)} on ${shown}`
        : `the Redis ${versionOf(about)} of this site at ${shown}`,
      queueConnection: client(ADD_MAX_RETRIES),
      workerConnection: client(null),
      // The braces keep all keys on one node should the server be a cluster.
      prefix: `{sluice-${side}}`,
      factory: createRedisBackend,
      exclusive: server !== undefined,
      keepCompleted: { count: 1_000, age: 24 * 3_600 },
      keepFailed: { count: 10_000, age: 14 * 24 * 3_600 },
      close,
    };
  } catch (error) {
    await close();
    if (error instanceof SluiceError) throw error;
    // Never with its cause: the driver's errors carry the arguments of the command, AUTH's among them.
    throw new SluiceError('QUEUE_STORE_UNAVAILABLE', `${shown}: ${redact(String(error))}`);
  }
}

/** Both sides in two databases of one server are still one server: the marker stands in the first of them. */
function withoutDatabase(url: URL): URL {
  const first = new URL(url);
  first.pathname = '';
  first.searchParams.delete('db');
  return first;
}

async function untilReady(client: Redis, words: (reason: string) => string): Promise<void> {
  let last = 'no answer';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => fail(), OPEN_TIMEOUT_MS);
    const fail = () => {
      settle();
      reject(new SluiceError('QUEUE_STORE_UNAVAILABLE', words(last)));
    };
    const onError = (error: Error) => {
      last = error.message;
      // Waiting does not make a password right.
      if (/^(WRONGPASS|NOAUTH|NOPERM)/.test(last)) fail();
    };
    const onReady = () => {
      settle();
      resolve();
    };
    const settle = () => {
      clearTimeout(timer);
      client.off('error', onError);
      client.off('ready', onReady);
    };
    client.on('error', onError);
    client.on('ready', onReady);
  });
}

/** Sets the side's marker unless one stands there. @returns whether it had to be set */
async function markSide(client: Redis, side: Side, shown: string): Promise<boolean> {
  if ((await client.set(SIDE_KEY, side, 'NX')) === 'OK') return true;
  const found = await client.get(SIDE_KEY);
  if (found === side || found === null) return false;
  throw new SluiceError(
    'STATE_WRONG_SIDE',
    `${shown} is used by the ${found.slice(0, 16)} side; this is the ${side} side.`,
  );
}

/** A marker that has gone means that the server was flushed or threw keys away: jobs may be missing too. */
async function watchMarker(client: Redis, side: Side, shown: string, troubles: Troubles): Promise<void> {
  if (client.status !== 'ready') return;
  if (await markSide(client, side, shown)) {
    troubles.report('QUEUE_STORE_EMPTIED', `${shown} no longer holds the marker of this side.`);
  }
}

function checkServer(about: string, shown: string, troubles: Troubles): void {
  const [major = 0, minor = 0] = versionOf(about).split('.').map(Number);
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    throw new SluiceError(
      'QUEUE_STORE_UNAVAILABLE',
      `${shown} is Redis ${versionOf(about)}; ${OLDEST_VERSION.join('.')} or newer is needed.`,
    );
  }
  const policy = field(about, 'maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    troubles.report('QUEUE_STORE_UNSAFE', `${shown} has maxmemory-policy ${policy}.`);
  }
  if (field(about, 'aof_enabled') === '0') troubles.report('QUEUE_STORE_UNSAFE', `${shown} has appendonly no.`);
}

/** Valkey says redis_version 7.2.4 for compatibility, whatever it is: its own field comes first. */
const versionOf = (about: string) => field(about, 'valkey_version') ?? field(about, 'redis_version') ?? '0.0';
const field = (about: string, name: string) => new RegExp(`^${name}:(.{1,64}?)\\r?$`, 'm').exec(about)?.[1];
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref());
