/**
 * What an operator sees of a stage and does with its jobs, by hand or on a board: bounded answers in plain values, the
 * same on every kind of store. Nothing here decides what is to be done: that stands in spool and ledger.
 */
import type { Job, JobType, Queue } from 'bullmq';
import { LIMITS } from '../../core/limits.js';

export type JobState = 'waiting' | 'active' | 'delayed' | 'failed' | 'completed';
export const JOB_STATES: readonly JobState[] = ['active', 'waiting', 'delayed', 'failed', 'completed'];

/** A job as it is shown. Times in milliseconds since 1970. */
export interface ShownJob {
  id: string;
  /** Identity of the work. */
  key: string;
  title: string;
  /** Identifiers; long lists are cut. */
  data: unknown;
  /** Percent. */
  progress: number;
  attempts: number;
  attemptsMax: number;
  addedMs: number;
  startedMs?: number;
  endedMs?: number;
  delayMs: number;
  /** Code and sentence of the last failure. */
  reason: string;
  /** Where an error that is not ours arose. */
  stack: string[];
}

export interface Desk {
  /** Jobs of each of these states from `first` to `last`, newest first where they are finished. */
  jobs(states: readonly JobState[], first: number, last: number): Promise<ShownJob[]>;
  job(id: string): Promise<{ job: ShownJob; state: string } | undefined>;
  log(id: string): Promise<string[]>;
  /** Tries failed jobs again, this one or all. @returns how many */
  retry(id?: string): Promise<number>;
  /** Starts put-off jobs at once, this one or all. @returns how many */
  promote(id?: string): Promise<number>;
  /** Takes a job that does not run out of the queue. @returns how many */
  remove(id: string): Promise<number>;
  /** Takes all jobs of a state out of the queue; those that run stay. @returns how many */
  clean(state: Exclude<JobState, 'active'>): Promise<number>;
}

/** What BullMQ's PostgreSQL backend calls the waiting jobs of a paused queue; its types do not know the word. */
export const PAUSED = 'paused' as JobType;

/** Jobs of tenants that take turns wait in a list of their own. */
const WAITING: JobType[] = ['waiting', 'prioritized', PAUSED];

type AnyQueue = Pick<Queue, 'getJobs' | 'getJob' | 'getJobLogs' | 'getFailed' | 'clean'>;

/** Jobs taken in hand at once when all of a state are meant. */
const AT_ONCE = 200;

export function deskOf(queue: AnyQueue): Desk {
  const all = async (state: JobType, act: (job: Job) => Promise<unknown>): Promise<number> => {
    let done = 0;
    // Bounded: whatever fails again meanwhile is left for the next time.
    for (let round = 0; round < LIMITS.queueActRounds; round++) {
      const jobs = (await queue.getJobs([state], 0, AT_ONCE - 1)).filter((job) => job !== undefined);
      if (jobs.length === 0) return done;
      const outcomes = await Promise.allSettled(jobs.map(act));
      const acted = outcomes.filter(({ status }) => status === 'fulfilled').length;
      done += acted;
      if (acted === 0) return done;
    }
    return done;
  };
  const one = async (id: string, may: (state: string) => boolean, act: (job: Job) => Promise<unknown>) => {
    const job = await queue.getJob(id);
    if (!job || !may(await job.getState())) return 0;
    await act(job);
    return 1;
  };
  const is = (wanted: string) => (state: string) => state === wanted;
  return {
    async jobs(states, first, last) {
      const most = first + LIMITS.queueShownJobs - 1;
      // A page of each of its lists; together they are cut to one page again.
      const pages = await Promise.all(
        states.map(async (state) => {
          const types: JobType[] = state === 'waiting' ? WAITING : [state];
          return (await queue.getJobs(types, first, Math.min(last, most))).slice(0, last - first + 1);
        }),
      );
      return pages
        .flat()
        .filter((job) => job !== undefined && job !== null)
        .map(shown);
    },
    async job(id) {
      const job = await queue.getJob(id);
      return job && { job: shown(job), state: await job.getState() };
    },
    async log(id) {
      return (await queue.getJobLogs(id, 0, LIMITS.queueLogMaxLines - 1)).logs;
    },
    retry(id) {
      const again = (job: Job) => job.retry('failed');
      return id === undefined ? all('failed', again) : one(id, is('failed'), again);
    },
    promote(id) {
      const now = (job: Job) => job.promote();
      return id === undefined ? all('delayed', now) : one(id, is('delayed'), now);
    },
    remove: (id) =>
      one(
        id,
        (state) => state !== 'active',
        (job) => job.remove(),
      ),
    async clean(state) {
      const most = LIMITS.queueActRounds * AT_ONCE;
      if (state !== 'waiting') return (await queue.clean(0, most, state)).length;
      return (await queue.clean(0, most, 'wait')).length + (await queue.clean(0, most, 'prioritized')).length;
    },
  };
}

function shown(job: Job): ShownJob {
  const { processedOn, finishedOn } = job;
  return {
    id: String(job.id),
    key: job.deduplicationId ?? String(job.id),
    title: job.name,
    data: shortened(job.data),
    progress: typeof job.progress === 'number' ? job.progress : 0,
    attempts: job.attemptsMade,
    attemptsMax: job.opts.attempts ?? 1,
    addedMs: job.timestamp,
    ...(processedOn === undefined ? {} : { startedMs: processedOn }),
    ...(finishedOn === undefined ? {} : { endedMs: finishedOn }),
    delayMs: job.delay ?? 0,
    reason: job.failedReason ?? '',
    stack: (job.stacktrace ?? []).filter((line) => line !== '').slice(0, 1),
  };
}

const LIST_SHOWN = 8;

/** A page of jobs with hundreds of identifiers each would be no page any more. */
function shortened(data: unknown): unknown {
  if (Array.isArray(data)) {
    const more = data.length - LIST_SHOWN;
    return more > 0 ? [...data.slice(0, LIST_SHOWN), `and ${more} more`] : data;
  }
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, shortened(value)]));
}
