/**
 * A stage as bull-board sees it: every look is a question to the supervisor. The console process has no connection to
 * the queue store and no secret of it, and the boards are the same on every kind of store. Nothing is written this way:
 * what an operator wants done is an act (board.ts).
 */
import { BaseAdapter } from '@bull-board/api/dist/queueAdapters/base.js';
import type { JobCounts, JobStatus, QueueJob, Status } from '@bull-board/api/dist/types.js';
import { SluiceError } from '../../core/errors.js';
import { JOB_STATES, type JobState, type ShownJob } from '../queues/desk.js';
import type { StageCounts } from '../queues/types.js';
import type { Supervisor } from './client.js';

export class BoardQueue extends BaseAdapter {
  constructor(
    private readonly stage: string,
    private readonly supervisor: Supervisor,
    readOnly: boolean,
  ) {
    // Said to be of the older kind, so that the board does not offer what only the newer one has: flows, limits.
    super('bull', { readOnlyMode: readOnly, allowCompletedRetries: false });
  }

  getName(): string {
    return this.stage;
  }
  getStatuses(): Status[] {
    return ['latest', ...this.getJobStatuses()];
  }
  getJobStatuses(): JobStatus[] {
    return [...JOB_STATES];
  }

  async getJobCounts(): Promise<JobCounts> {
    const { waiting, active, delayed, failed, completed } = await this.counts();
    return { waiting, active, delayed, failed, completed } as JobCounts;
  }
  async isPaused(): Promise<boolean> {
    return (await this.counts()).paused;
  }
  async getJobs(statuses: JobStatus[], first = 0, last = 0): Promise<QueueJob[]> {
    const states = statuses.filter((status): status is JobState => (JOB_STATES as string[]).includes(status));
    const jobs = await this.supervisor.ask<ShownJob[]>(this.stage, { kind: 'jobs', states, first, last });
    return jobs.map((job) => boardJob(job, 'unknown'));
  }
  async getJob(id: string): Promise<QueueJob | undefined> {
    const found = await this.supervisor.ask<{ job: ShownJob; state: string } | undefined>(this.stage, {
      kind: 'job',
      job: id,
    });
    return found && boardJob(found.job, found.state);
  }
  getJobLogs(id: string): Promise<string[]> {
    return this.supervisor.ask(this.stage, { kind: 'log', job: id });
  }

  /** The counts of one look serve all that is asked about them at once. */
  private asked: Promise<StageCounts & { paused: boolean }> | undefined;
  private counts(): Promise<StageCounts & { paused: boolean }> {
    this.asked ??= this.supervisor
      .ask<StageCounts & { paused: boolean }>(this.stage, { kind: 'counts' })
      .finally(() => {
        this.asked = undefined;
      });
    return this.asked;
  }

  // What these stages do not have.
  getJobSchedulers = async () => [];
  getJobSchedulersCount = async () => 0;
  getGlobalConcurrency = async () => null;
  getMetrics = async () => ({ meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 });
  getRedisInfo = async () => null;

  // What is not done from here.
  clean = refuse;
  addJob = refuse;
  pause = refuse;
  resume = refuse;
  empty = refuse;
  obliterate = refuse;
  promoteAll = refuse;
  removeJobScheduler = refuse;
  updateJobScheduler = refuse;
  runJobSchedulerNow = refuse;
  setGlobalConcurrency = refuse;
}

async function refuse(): Promise<never> {
  throw new SluiceError('USAGE', 'This is not done from a board.');
}

function boardJob(job: ShownJob, state: string): QueueJob {
  const json = {
    id: job.id,
    name: job.title,
    data: job.data,
    progress: job.progress,
    attemptsMade: job.attempts,
    timestamp: job.addedMs,
    processedOn: job.startedMs ?? null,
    finishedOn: job.endedMs ?? null,
    delay: job.delayMs,
    failedReason: job.reason,
    stacktrace: job.stack,
    opts: { attempts: job.attemptsMax },
    returnvalue: null,
  };
  return {
    opts: json.opts,
    toJSON: () => json,
    getState: async () => state,
    promote: refuse,
    remove: refuse,
    retry: refuse,
  } as unknown as QueueJob;
}
