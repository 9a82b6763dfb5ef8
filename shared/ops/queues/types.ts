/** The face of a stage: what its callers give and get. */
import type { Desk } from './desk.js';

export interface StageOptions {
  /** Handlers that run at the same time. */
  readonly concurrency: number;
  /** Tries in all, for failures that may pass; the default is 10. */
  readonly attempts?: number;
  /** Pause before the second try; it doubles from try to try, up to a minute. The default is 1 s. */
  readonly backoffMs?: number;
  /** Forget the jobs of an earlier run before the first handler starts: the ledger is about to say what is to be done. */
  readonly fresh?: boolean;
  /** Paused from the start, whatever the store knows. */
  readonly paused?: boolean;
  /** Keeps in mind what failed for good, for the store may forget it. */
  readonly dead?: DeadJobs;
}

/** A job that failed for good. */
export interface DeadJob {
  readonly key: string;
  readonly title: string;
  readonly data: object;
  /** Code and sentence. */
  readonly reason: string;
  readonly attempts: number;
  readonly failedMs: number;
}

export interface DeadJobs {
  /** Durable when it returns. */
  bury(job: DeadJob): void;
  count(): number;
}

export interface StageJob<Data extends object> {
  /** Stable identity of the work. Ignored while a job of this key waits, is put off or runs; accepted again afterwards. */
  readonly key: string;
  /** What an operator recognises. */
  readonly title: string;
  /** Whose work it is: jobs of several start in turn, however many one of them has waiting. Without it, before those. */
  readonly tenant?: string;
  /** Small identifiers; at most LIMITS.queueJobMaxBytes as JSON. */
  readonly data: Data;
}

export interface RunningJob {
  readonly id: string;
  /** 1 for the first try. A try that ended with its process is not counted. */
  readonly attempt: number;
  progress(percent: number): void;
  log(line: string): void;
}

/**
 * Does the work of one job, and must do no harm when it does it again. A SluiceError that is permanent fails the job at
 * once; a retryable one, and any error that is not ours, leads to another try.
 */
export type Handler<Data extends object> = (data: Data, job: RunningJob) => Promise<void>;

export interface StageCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
  readonly completed: number;
}

/** A job that will not be tried again. */
export interface StageFailure {
  readonly title: string;
  /** Code and sentence. */
  readonly reason: string;
  readonly attempts: number;
  readonly failedAtMs: number;
}

export type PauseListener = (paused: boolean, asked: boolean) => void;

export interface Stage<Data extends object> {
  readonly name: string;
  /** For operators: what they see of its jobs, and do with them. */
  readonly desk: Desk;
  /** @throws SluiceError QUEUE_JOB_INVALID before anything is added, QUEUE_STORE_UNAVAILABLE when it cannot be added now */
  add(jobs: readonly StageJob<Data>[]): Promise<void>;
  counts(): Promise<StageCounts>;
  /** The latest failed jobs, newest first. */
  failures(limit: number): Promise<StageFailure[]>;
  /** No job starts from here on, until resumed; running ones finish. It outlives a restart: an operator said so. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  isPaused(): Promise<boolean>;
  /**
   * Told at once and then, within about a second, whenever somebody pauses or resumes it. `asked` when that was done with
   * `pause` or `resume` of this very stage, and not through the store.
   */
  onPaused(listener: PauseListener): void;
  /** Forgets all jobs, also finished ones. What runs at this moment runs on, and its end is not recorded. */
  clear(): Promise<void>;
}
