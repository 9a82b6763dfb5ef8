/**
 * BullMQ over a Redis server, the site's or our private one: two connections shared by all stages (and one blocking
 * connection a stage, which BullMQ makes), the marker of the side, and a watch over both.
 *
 * Nothing waits for ever for a server that has stopped to answer: what adds and looks gives up after some seconds, and a
 * worker's connection that hears nothing is made anew.
 */
import { createRedisBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import { SluiceError } from '../../core/errors.js';
import { type Backend, type KeepFinished, keepOnRedis } from './backend.js';
import type { Side } from './folder.js';
import { factsOf, refuseUnfit } from './redis-facts.js';
import { type DriverOptions, privatePlace, type RedisPlace } from './redis-place.js';
import type { PrivateRedis } from './redis-server.js';
import { markSide, watchRedis } from './redis-watch.js';
import { wipeBelow } from './redis-wipe.js';
import type { Troubles } from './troubles.js';
import { storeTrouble } from './words.js';

const OPEN_TIMEOUT_MS = 5_000;
const QUIT_TIMEOUT_MS = 1_000;
/** Together with the delays below: an add during an outage fails after about five seconds. */
const ADD_MAX_RETRIES = 8;
/** A server that takes commands and does not answer them: adding gives up, and so does the watch, sooner. */
const ADD_TIMEOUT_MS = 15_000;
const WATCH_TIMEOUT_MS = 4_000;
/** Longer than the longest time a worker's connection waits for a job in the server. */
const SILENCE_MS = 30_000;

/**
 * @param where the site's server, or our own
 * @throws SluiceError QUEUE_STORE_UNAVAILABLE, QUEUE_STORE_UNSAFE, STATE_WRONG_SIDE
 */
export async function openRedis(
  where: { place: RedisPlace } | { server: PrivateRedis },
  side: Side,
  troubles: Troubles,
  keep: KeepFinished,
): Promise<Backend> {
  const server = 'server' in where ? where.server : undefined;
  const place = 'place' in where ? where.place : privatePlace(where.server.socketPath);
  const { shown, redact } = place;
  const clients: Redis[] = [];
  let closed = false;

  const client = (more: DriverOptions, firstDatabase = false) => {
    const options = {
      connectTimeout: 5_000,
      disconnectTimeout: 500,
      keepAlive: 10_000,
      connectionName: `sluice-${side}`,
      retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 10), 1_000),
      // A server that became a replica refuses writes until we look for the new master; 2: and then ask it again.
      reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
      ...more,
    } satisfies DriverOptions;
    const made = place.connect(options, firstDatabase);
    made.setMaxListeners(0);
    made.on('error', tell);
    if (server) made.on('close', () => closed || void server.ensureRunning().catch(tell));
    clients.push(made);
    return made;
  };
  const tell = (error: unknown) => {
    if (closed) return;
    if (error instanceof SluiceError) return troubles.report(error.code, error.detail);
    const { code, words } = storeTrouble(redact(error instanceof Error ? error.message : String(error)));
    troubles.report(code, `${shown}: ${words}`);
  };
  let endWatch = () => {};
  const close = async () => {
    closed = true;
    endWatch();
    const ready = clients.filter((each) => each.status === 'ready');
    await Promise.race([Promise.allSettled(ready.map((each) => each.quit())), pause(QUIT_TIMEOUT_MS)]);
    // Not where it is over already: the driver would keep the process for its own timeout.
    for (const each of clients) if (each.status !== 'end') each.disconnect();
    await server?.stop();
  };

  const adding = { maxRetriesPerRequest: ADD_MAX_RETRIES };
  const marker = client({ ...adding, commandTimeout: WATCH_TIMEOUT_MS }, true);
  try {
    await untilReady(marker, place.isTls, (reason) => `${shown}: ${storeTrouble(redact(reason)).words}`);
    const facts = factsOf(await marker.info());
    refuseUnfit(facts, shown);
    await markSide(marker, side, shown);
    const queueConnection = client({ ...adding, commandTimeout: ADD_TIMEOUT_MS });
    // The braces keep all keys on one node should the server be a cluster.
    const prefix = `{sluice-${side}}`;
    const wipe = () => wipeBelow(queueConnection, prefix);
    endWatch = watchRedis({ client: marker, side, shown, redact, troubles, wipe, replace: server?.replace }, facts);
    return {
      kind: server ? 'redis-server' : 'redis',
      description: server
        ? `a private Redis ${facts.version} on ${shown}`
        : `the Redis ${facts.version} of this site at ${shown}`,
      queueConnection,
      workerConnection: client({ maxRetriesPerRequest: null, socketTimeout: SILENCE_MS }),
      prefix,
      factory: createRedisBackend,
      exclusive: server !== undefined,
      ...keepOnRedis(keep),
      close,
    };
  } catch (error) {
    await close();
    if (error instanceof SluiceError) throw error;
    // Never with its cause: the driver's errors carry the arguments of the command, AUTH's among them.
    const { code, words } = storeTrouble(redact(error instanceof Error ? error.message : String(error)));
    throw new SluiceError(code, `${shown}: ${words}`);
  }
}

async function untilReady(client: Redis, isTls: boolean, words: (reason: string) => string): Promise<void> {
  const nothing = isTls ? 'It does not answer; it may not speak TLS there.' : 'no answer';
  let last = nothing;
  let closes = 0;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => fail(), OPEN_TIMEOUT_MS);
    const fail = () => {
      settle();
      reject(new SluiceError('QUEUE_STORE_UNAVAILABLE', words(last)));
    };
    const onError = (error: Error) => {
      last = error.message;
      // Waiting does not make a password right, nor a certificate.
      if (/^(WRONGPASS|NOAUTH|NOPERM)/.test(last) || /certificate|altnames/i.test(last)) fail();
    };
    const onClose = () => {
      const bare = last === nothing || /ECONNRESET/.test(last);
      if (++closes > 3 && bare && !isTls) last = 'It closes each connection at once; it may want TLS (rediss:).';
    };
    const onReady = () => {
      settle();
      resolve();
    };
    const settle = () => {
      clearTimeout(timer);
      client.off('error', onError);
      client.off('close', onClose);
      client.off('ready', onReady);
    };
    client.on('error', onError);
    client.on('close', onClose);
    client.on('ready', onReady);
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms).unref());
