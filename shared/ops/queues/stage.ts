/**
 * One stage of a side: a queue and the worker that empties it, the same on every kind of store.
 *
 * A job is delivered at least once: after a crash, or when the store forgot that it was finished, it comes again.
 * BullMQ's deduplication makes a key unique while its job waits, runs or is put off, and frees it when the job ends.
 */
import {
  type IQueueBackend,
  type Job,
  type JobsOptions,
  Queue,
  UnrecoverableError,
  WaitingError,
  Worker,
} from 'bullmq';
import { SluiceError, wordsOf } from '../../core/errors.js';
import type { Backend } from './backend.js';
import { type Desk, deskOf, PAUSED } from './desk.js';
import { entryOf, failureOf, Notes } from './job.js';
import type { Troubles } from './troubles.js';
import { TurnOrder } from './turnOrder.js';
import type { Handler, PauseListener, Stage, StageCounts, StageFailure, StageJob, StageOptions } from './types.js';
import { storeTrouble } from './words.js';

/** A stage as the store sees it. */
export interface OpenStage<Data extends object> extends Stage<Data> {
  close(): Promise<void>;
}

const DEFAULT_ATTEMPTS = 10;
const DEFAULT_BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 60_000;
/** Jobs in one round trip. */
const ADD_BATCH = 500;
/** A worker that is silent for this long has lost its jobs to the next one. */
const LOCK_MS = 20_000;
const STALL_CHECK_MS = 10_000;
/** A job whose process ended this many times while it ran is what ends it: it fails for good. */
const MAX_STALLS = 5;
/** Finished jobs are looked through so often, so many at a time. */
const TRIM_MS = 60_000;
const TRIM_MOST = 10_000;
const DETACH_TIMEOUT_MS = 1_000;
const PAUSED_LOOK_MS = 1_000;
/** BullMQ's word for whoever need not hold the lock of a job. */
const NO_TOKEN = '0';

export async function openStage<Data extends object>(
  backend: Backend,
  troubles: Troubles,
  name: string,
  options: StageOptions,
  handle: Handler<Data>,
  closeTimeoutMs: number,
): Promise<OpenStage<Data>> {
  const stage = new BullStage(backend, troubles, name, options, handle, closeTimeoutMs);
  try {
    await stage.start();
    return stage;
  } catch (error) {
    await stage.close();
    throw asStoreError(error);
  }
}

/** BullMQ's classes over any backend; their defaults say Redis. */
type BullQueue<Data> = Queue<Data, void, string, Data, void, string, IQueueBackend>;
type BullWorker<Data> = Worker<Data, void, string, IQueueBackend>;

class BullStage<Data extends object> implements OpenStage<Data> {
  private readonly queue: BullQueue<Data>;
  private readonly worker: BullWorker<Data>;
  /** Ends the wait for handlers that do not finish in time when the stage closes. */
  private abandon: () => void = () => {};
  private readonly abandoned = new Promise<void>((resolve) => {
    this.abandon = resolve;
  });
  /** The last run of each key: two handlers of one key never run at once here, whatever the store believes. */
  private readonly turns = new Map<string, Promise<void>>();
  private readonly jobOptions: JobsOptions;
  private readonly order = new TurnOrder();
  private readonly pauseListeners: PauseListener[] = [];
  private paused = false;
  private looking: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;
  readonly desk: Desk;
  private trimming: NodeJS.Timeout | undefined;

  constructor(
    private readonly backend: Backend,
    private readonly troubles: Troubles,
    readonly name: string,
    private readonly options: StageOptions,
    private readonly handle: Handler<Data>,
    private readonly closeTimeoutMs: number,
  ) {
    const { prefix, factory } = backend;
    const backoffMs = options.backoffMs ?? DEFAULT_BACKOFF_MS;
    this.jobOptions = {
      attempts: options.attempts ?? DEFAULT_ATTEMPTS,
      // Any name that is not BullMQ's own leads to the strategy below.
      backoff: { type: 'capped' },
      removeOnComplete: backend.keepCompleted,
      removeOnFail: backend.keepFailed,
      stackTraceLimit: 1,
    };
    this.queue = new Queue(
      name,
      { connection: backend.queueConnection, prefix, streams: { events: { maxLen: 1_000 } } },
      factory,
    );
    this.worker = new Worker(
      name,
      (job) => this.run(job),
      {
        connection: backend.workerConnection,
        prefix,
        autorun: false,
        concurrency: options.concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALL_CHECK_MS,
        maxStalledCount: MAX_STALLS,
        runRetryDelay: 1_000,
        settings: { backoffStrategy: (tries) => Math.min(backoffMs * 2 ** Math.min(tries - 1, 30), BACKOFF_MAX_MS) },
      },
      factory,
    );
    this.desk = this.guarded(deskOf(this.queue as never));
    this.queue.on('error', (error) => this.tell(error));
    this.worker.on('error', (error) => this.tell(error));
    this.worker.on('failed', (job, error) => {
      // Without an end it is tried again.
      if (!job?.finishedOn) return;
      this.bury(job, error);
      this.troubles.report('QUEUE_JOB_FAILED', `Stage ${name}, ${job.name}: ${error.message}`);
    });
    this.worker.on('drained', () => this.order.empty());
  }

  async start(): Promise<void> {
    await this.queue.waitUntilReady();
    if (this.options.fresh) await this.clear();
    else if (this.backend.exclusive) await this.recover();
    if (this.options.paused) await this.queue.pause();
    await this.lookPaused(false);
    this.looking = setInterval(() => void this.lookPaused(false).catch(() => {}), PAUSED_LOOK_MS);
    await this.worker.waitUntilReady();
    this.worker.run().catch((error) => this.tell(error));
    const forMs = 1_000 * this.backend.keepCompleted.age;
    this.trimming = setInterval(() => void this.trim(forMs), Math.max(1_000, Math.min(forMs, TRIM_MS)));
    this.trimming.unref();
  }

  /** BullMQ looks at the age of finished jobs when another one finishes; a stage that rests forgets its own, too. */
  private async trim(olderMs: number): Promise<void> {
    try {
      if (!this.closing) await this.queue.clean(olderMs, TRIM_MOST, 'completed');
    } catch {
      // The store is away; the next time.
    }
  }

  async add(jobs: readonly StageJob<Data>[]): Promise<void> {
    const entries = jobs.map((job) => entryOf(this.name, job, this.jobOptions));
    jobs.forEach(({ tenant }, i) => {
      if (tenant !== undefined) entries[i]!.opts.priority = this.order.next(tenant);
    });
    await this.ask(async () => {
      for (let first = 0; first < entries.length; first += ADD_BATCH) {
        await this.queue.addBulk(entries.slice(first, first + ADD_BATCH));
      }
    });
  }

  counts(): Promise<StageCounts> {
    return this.ask(async () => {
      const found = await this.queue.getJobCounts(
        'waiting',
        'prioritized',
        PAUSED,
        'active',
        'delayed',
        'failed',
        'completed',
      );
      const { active = 0, delayed = 0, failed = 0, completed = 0 } = found;
      const waiting = (found.waiting ?? 0) + (found.prioritized ?? 0) + (found[PAUSED] ?? 0);
      // The store may have forgotten some.
      return { waiting, active, delayed, failed: Math.max(failed, this.options.dead?.count() ?? 0), completed };
    });
  }

  failures(limit: number): Promise<StageFailure[]> {
    return this.ask(async () => {
      const jobs = await this.queue.getFailed(0, Math.max(1, limit) - 1);
      return jobs.map((job) => ({
        title: job.name,
        reason: job.failedReason ?? '',
        attempts: job.attemptsMade,
        failedAtMs: job.finishedOn ?? 0,
      }));
    });
  }

  async pause(): Promise<void> {
    await this.ask(() => this.queue.pause());
    await this.lookPaused(true);
  }

  async resume(): Promise<void> {
    await this.ask(() => this.queue.resume());
    await this.lookPaused(true);
  }

  isPaused(): Promise<boolean> {
    return this.ask(() => this.queue.isPaused());
  }

  onPaused(listener: PauseListener): void {
    this.pauseListeners.push(listener);
    listener(this.paused, false);
  }

  private async lookPaused(asked: boolean): Promise<void> {
    const paused = await this.isPaused();
    if ((paused === this.paused && !asked) || this.closing) return;
    this.paused = paused;
    for (const listener of this.pauseListeners) listener(paused, asked);
  }

  clear(): Promise<void> {
    return this.ask(async () => {
      // Emptying needs a paused queue and takes the pause away with the rest.
      const paused = await this.queue.isPaused();
      await this.queue.obliterate({ force: true, count: 5_000 });
      await (paused ? this.queue.pause() : this.queue.resume());
      this.order.empty();
    });
  }

  /** Lets running jobs finish, for some seconds; the others go back to waiting. */
  close(): Promise<void> {
    clearInterval(this.looking);
    clearInterval(this.trimming);
    this.closing ??= (async () => {
      const finished = this.worker.close().then(
        () => true,
        () => true,
      );
      if (!(await Promise.race([finished, after(this.closeTimeoutMs)]))) {
        this.abandon();
        if (!(await Promise.race([finished, after(DETACH_TIMEOUT_MS)]))) {
          // The store is away. BullMQ would wait for it; it lets go when the backend closes the connections.
          const detached = this.worker.getBackend().close(true);
          await Promise.race([detached.catch(() => {}), after(DETACH_TIMEOUT_MS)]);
        }
      }
      await Promise.race([this.queue.close().catch(() => {}), after(DETACH_TIMEOUT_MS)]);
    })();
    return this.closing;
  }

  /** Jobs that ran when their process was killed run again at once, instead of when their lock ends. */
  private async recover(): Promise<void> {
    for (const job of await this.queue.getActive()) {
      if (job.attemptsStarted - job.attemptsMade <= MAX_STALLS) await job.moveToWait();
      else await job.moveToFailed(failureOf(new SluiceError('QUEUE_JOB_FATAL', `${MAX_STALLS} times.`)), NO_TOKEN);
    }
  }

  /** A job that was given up by the store while it ran here, or cleared and added again, waits for its first run. */
  private run(job: Job<Data>): Promise<void> {
    const key = job.deduplicationId ?? String(job.id);
    const before = this.turns.get(key);
    const mine = before ? before.catch(() => {}).then(() => this.work(job)) : this.work(job);
    this.turns.set(key, mine);
    return mine.finally(() => {
      if (this.turns.get(key) === mine) this.turns.delete(key);
    });
  }

  private async work(job: Job<Data>): Promise<void> {
    if (isGone(job)) return this.forget(job);
    this.order.started(job.opts.priority ?? 0);
    const notes = new Notes(job);
    const handled = this.handle(job.data, {
      id: String(job.id),
      attempt: job.attemptsMade + 1,
      progress: (percent) => notes.progress(percent),
      log: (line) => notes.log(line),
    }).then(() => true);
    try {
      if (await Promise.race([handled, this.abandoned])) return;
    } catch (error) {
      const failure = failureOf(error);
      // Before the store knows of it: then the key is free, and the work could be added again.
      this.bury(job, failure);
      throw failure;
    } finally {
      await notes.end();
    }
    handled.catch(() => {});
    await job.moveToWait(job.token);
    throw new WaitingError();
  }

  /** Only what failed for good: anything else is worth as many tries as it needs. */
  private bury(job: Job<Data>, error: Error): void {
    if (!this.options.dead || !(error instanceof UnrecoverableError)) return;
    const { name: title, data, attemptsMade: attempts } = job;
    try {
      const key = job.deduplicationId ?? String(job.id);
      const failedMs = job.finishedOn ?? Date.now();
      this.options.dead.bury({ key, title, data, reason: error.message, attempts: Math.max(1, attempts), failedMs });
    } catch (trouble) {
      // The ledger cannot be written now: the store still knows, and the work comes again after a while.
      this.troubles.report('SPOOL_IO', `Stage ${this.name}, ${title}: ${wordsOf(trouble)}`);
    }
  }

  /** What it was to do nobody knows any more; the owner is told and puts the work into the queue anew. */
  private forget(job: Job<Data>): void {
    job.opts.removeOnComplete = true;
    this.troubles.report('QUEUE_JOB_LOST', `Stage ${this.name}: the store no longer held the data of job ${job.id}.`);
  }

  /** The desk with errors of the store as everywhere here. */
  private guarded(desk: Desk): Desk {
    const entries = Object.entries(desk).map(([name, act]) => [
      name,
      (...args: unknown[]) => this.ask(() => (act as (...args: unknown[]) => Promise<unknown>)(...args)),
    ]);
    return Object.fromEntries(entries) as Desk;
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    if (this.closing) throw new SluiceError('QUEUE_STORE_UNAVAILABLE', `Stage ${this.name} is closed.`);
    try {
      return await work();
    } catch (error) {
      const known = asStoreError(error);
      // Told to the one who looks after the store, too, who also says when it is over.
      if (known.code === 'QUEUE_STORE_FULL') this.troubles.report(known.code, known.detail);
      throw known;
    }
  }

  private tell(error: Error): void {
    // BullMQ's words for a job that was cleared, flushed or given to another worker while it ran.
    const lost = /missing (key|lock|job)|renew lock|lock mismatch|not in the active state/i.test(error.message);
    const { code, words } = storeTrouble(error.message);
    if (!this.closing) this.troubles.report(lost ? 'QUEUE_JOB_LOST' : code, `Stage ${this.name}: ${words}`);
  }
}

/** A hash that was thrown away comes back with its counters when its job is begun, without what it is about. */
const isGone = ({ name, data }: Job<object>): boolean =>
  typeof (name as unknown) !== 'string' || typeof data !== 'object' || data === null;

function asStoreError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code, words } = storeTrouble(wordsOf(error));
  return new SluiceError(code, words);
}

const after = (ms: number) => new Promise<false>((resolve) => setTimeout(() => resolve(false), ms).unref());
