/** What goes into a store with a job, and what comes back from its handler: bounded and storable on every kind. */
import { type Job, type JobsOptions, UnrecoverableError } from 'bullmq';
import { codeOf, SluiceError, wordsOf } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { StageJob } from './types.js';
import { isPlain, plain } from './words.js';

/** NUL and halves of surrogate pairs as JSON escapes them: PostgreSQL refuses both. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;
const NOTE_INTERVAL_MS = 250;

/** A job as BullMQ takes it. @throws SluiceError QUEUE_JOB_INVALID */
export function entryOf<Data extends object>(
  stage: string,
  { key, title, data }: StageJob<Data>,
  options: JobsOptions,
) {
  const name = plain(title, LIMITS.queueTitleMaxLength);
  const refuse = (why: string) => {
    throw new SluiceError('QUEUE_JOB_INVALID', `Stage ${stage}, "${name}": ${why}`);
  };
  const keyBytes = Buffer.byteLength(key);
  if (keyBytes < 1 || keyBytes > LIMITS.queueKeyMaxBytes || !isPlain(key)) {
    refuse(`its key must be 1 to ${LIMITS.queueKeyMaxBytes} bytes of plain text.`);
  }
  const text = JSON.stringify(data);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > LIMITS.queueJobMaxBytes) {
    refuse(`its data are ${sizeBytes} bytes; ${LIMITS.queueJobMaxBytes} are allowed.`);
  }
  if (UNSTORABLE.test(text)) refuse('its data hold text that cannot be stored.');
  return { name, data, opts: { ...options, deduplication: { id: key }, keepLogs: LIMITS.queueLogMaxLines } };
}

/** The error that BullMQ keeps as the reason, and that decides on another try. */
export function failureOf(error: unknown): Error {
  const words = plain(`${codeOf(error)}: ${wordsOf(error)}`, LIMITS.queueReasonMaxLength);
  const permanent = error instanceof SluiceError && error.persistence === 'permanent';
  const failure = permanent ? new UnrecoverableError(words) : new Error(words);
  const stack = error instanceof Error && !(error instanceof SluiceError) ? error.stack : undefined;
  // Where an error of ours arose is told by its code; of any other the place is worth keeping.
  failure.stack = stack === undefined ? '' : plain(stack.replaceAll('\n', ' '), LIMITS.queueReasonMaxLength);
  return failure;
}

/** Progress and log lines on their way to the store: in order, not too often, and never a reason to fail. */
export class Notes {
  private sending: Promise<unknown> = Promise.resolve();
  private lastProgressMs = Number.NEGATIVE_INFINITY;
  private lines = 0;

  constructor(private readonly job: Job) {}

  progress(percent: number): void {
    const nowMs = performance.now();
    // The last one always: a job that is done and says 80 % would be a riddle.
    if (percent < 100 && nowMs - this.lastProgressMs < NOTE_INTERVAL_MS) return;
    this.lastProgressMs = nowMs;
    this.send(() => this.job.updateProgress(Math.min(100, Math.max(0, Math.round(percent)))));
  }

  log(line: string): void {
    if (++this.lines > LIMITS.queueLogMaxLines) return;
    this.send(() => this.job.log(plain(line, LIMITS.queueReasonMaxLength)));
  }

  async end(): Promise<void> {
    await this.sending;
  }

  private send(note: () => Promise<unknown>): void {
    this.sending = this.sending.then(note).catch(() => {});
  }
}
