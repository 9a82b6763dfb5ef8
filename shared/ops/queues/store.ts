/**
 * The queues of one side: which store holds them, and the stages that work from them. Only this folder knows BullMQ.
 *
 *   a Redis of the site, by address   ┐
 *   a redis-server of our own, child  ├─ backend ─▶ stage = queue + worker + handler, the same code on each
 *   PostgreSQL in this process        ┘
 *
 * The queue holds nothing that matters: it may be emptied at any time, and spool and ledger say again what is to be
 * done. Each side has a store of its own, and a store refuses the other side: shared, it would be a way back.
 */

import { join } from 'node:path';
import { type ErrorCode, SluiceError } from '../../core/errors.js';
import { type Backend, KEEP_DEFAULT, type KeepFinished, type StoreKind } from './backend.js';
import { openEmbedded } from './embedded.js';
import { claimFolder, type Side } from './folder.js';
import { openRedis } from './redis.js';
import { type RedisSettings, redisPlaceOf } from './redis-place.js';
import { findRedisServer, startPrivateRedis } from './redis-server.js';
import { type OpenStage, openStage } from './stage.js';
import { reportTo, type Troubles } from './troubles.js';
import type { Handler, Stage, StageOptions } from './types.js';

export type { StoreKind } from './backend.js';
export { type Desk, JOB_STATES, type JobState, type ShownJob } from './desk.js';
export type {
  Handler,
  PauseListener,
  RunningJob,
  Stage,
  StageCounts,
  StageFailure,
  StageJob,
  StageOptions,
} from './types.js';

/** The section `queues` of the configuration can be given as it is. */
export interface QueueStoreOptions extends RedisSettings {
  readonly side: Side;
  /** 'auto': the address if one is configured, else a server found on PATH, else the embedded store. */
  readonly store: 'auto' | StoreKind;
  /** Finished jobs of each stage that are kept to be looked at, and for how many milliseconds. */
  readonly keepFinished?: number | undefined;
  readonly keepFinishedFor?: number | undefined;
  /** State folder of this side; the store lives in `queues` below it. */
  readonly dir: string;
  /**
   * Told when the store is away (QUEUE_STORE_UNAVAILABLE), came back empty (QUEUE_STORE_EMPTIED: add again what is to be
   * done), takes nothing more (QUEUE_STORE_FULL), is set up so that it may lose jobs (QUEUE_STORE_UNSAFE), lost a running
   * job (QUEUE_JOB_LOST), or when its process ended (CHILD_FAILED). At most one report a code in ten seconds.
   */
  readonly onTrouble?: ((error: SluiceError) => void) | undefined;
  /** Told when a trouble that lasted is over. Add again what is to be done: what was added meanwhile may not be there. */
  readonly onOver?: ((code: ErrorCode) => void) | undefined;
  /** How long closing waits for running jobs; those that are not done go back to waiting. The default is 5 s. */
  readonly closeTimeoutMs?: number | undefined;
  /** Where to look for a server; the default is this process's PATH. */
  readonly path?: string | undefined;
}

export interface QueueStore {
  readonly kind: StoreKind;
  /** One line for people: which store is in use and where. */
  readonly description: string;
  /** Opens a stage and starts its worker. @throws SluiceError QUEUE_STORE_UNAVAILABLE */
  stage<Data extends object>(name: string, options: StageOptions, handle: Handler<Data>): Promise<Stage<Data>>;
  /** Workers first, waiting some seconds for running jobs; the store last. Nothing is left running. */
  close(): Promise<void>;
}

const TROUBLE_INTERVAL_MS = 10_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** @throws SluiceError CONFIG_INVALID, QUEUE_STORE_UNAVAILABLE, STATE_WRONG_SIDE, STATE_IN_USE, SPOOL_IO */
export async function openQueueStore(options: QueueStoreOptions): Promise<QueueStore> {
  const place = redisPlaceOf(options);
  const troubles = reportTo(options.onTrouble, TROUBLE_INTERVAL_MS, options.onOver);
  try {
    if (options.store === 'redis' || (options.store === 'auto' && place)) {
      if (!place) throw new SluiceError('CONFIG_INVALID', 'The store "redis" needs a Redis address.');
      return new Store(await openRedis({ place }, options.side, troubles, keepOf(options)), troubles, options);
    }
    const folder = claimFolder(options.dir, options.side);
    try {
      return new Store(await openPrivate(options, folder.path, troubles), troubles, options, folder.release);
    } catch (error) {
      folder.release();
      throw error;
    }
  } catch (error) {
    troubles.close();
    throw error;
  }
}

async function openPrivate(options: QueueStoreOptions, folder: string, troubles: Troubles): Promise<Backend> {
  const binary = options.store === 'embedded' ? undefined : findRedisServer(options.path);
  if (options.store === 'redis-server' && binary === undefined) {
    throw new SluiceError(
      'QUEUE_STORE_UNAVAILABLE',
      'Neither redis-server nor valkey-server is on the PATH. Install one of them, or choose "auto" or "embedded".',
    );
  }
  if (binary !== undefined) {
    try {
      const server = await startPrivateRedis(binary, folder, troubles);
      return await openRedis({ server }, options.side, troubles, keepOf(options));
    } catch (error) {
      const useful =
        options.store === 'auto' && error instanceof SluiceError && error.code === 'QUEUE_STORE_UNAVAILABLE';
      if (!useful) throw error;
      troubles.report('QUEUE_STORE_UNAVAILABLE', `${error.detail} The embedded store is used instead.`);
    }
  }
  return openEmbedded(join(folder, 'embedded'), troubles, keepOf(options));
}

const keepOf = ({ keepFinished, keepFinishedFor }: QueueStoreOptions): KeepFinished => ({
  count: keepFinished ?? KEEP_DEFAULT.count,
  forMs: keepFinishedFor ?? KEEP_DEFAULT.forMs,
});

class Store implements QueueStore {
  private readonly stages = new Map<string, Promise<OpenStage<never>>>();
  private closing: Promise<void> | undefined;

  constructor(
    private readonly backend: Backend,
    private readonly troubles: Troubles,
    private readonly options: QueueStoreOptions,
    private readonly release?: () => void,
  ) {}

  get kind(): StoreKind {
    return this.backend.kind;
  }

  get description(): string {
    return this.backend.description;
  }

  async stage<Data extends object>(name: string, options: StageOptions, handle: Handler<Data>): Promise<Stage<Data>> {
    if (this.closing) throw new SluiceError('QUEUE_STORE_UNAVAILABLE', 'The queue store is closed.');
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(name) || this.stages.has(name)) {
      throw new SluiceError('INTERNAL', `"${name}" is not the name of a new stage.`);
    }
    const closeTimeoutMs = this.options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS;
    const opening = openStage(this.backend, this.troubles, name, options, handle, closeTimeoutMs);
    this.stages.set(name, opening as Promise<OpenStage<never>>);
    try {
      return await opening;
    } catch (error) {
      this.stages.delete(name);
      throw error;
    }
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      const opened = await Promise.allSettled(this.stages.values());
      await Promise.all(opened.map((stage) => (stage.status === 'fulfilled' ? stage.value.close() : undefined)));
      try {
        await this.backend.close();
      } finally {
        this.troubles.close();
        this.release?.();
      }
    })();
    return this.closing;
  }
}
