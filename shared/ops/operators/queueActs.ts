/**
 * What operators may do with the queues of a side, and what they may ask about them. Whatever is taken out of a queue is
 * put into it again from spool and ledger at once: an object cannot be lost here.
 */
import { SluiceError } from '../../core/errors.js';
import type { JobState, Stage, StageCounts } from '../queues/store.js';
import type { Acts } from './acts.js';
import type { DeadLetters } from './deadLetters.js';

export type AnyStage = Stage<never>;

export interface QueueActTools {
  stages: ReadonlyMap<string, AnyStage>;
  /** Puts what is to be done into the queues again, soon. */
  rebuildSoon: () => void;
  /** What failed for good and stays so, whatever the store knows. */
  deadLetters: Pick<DeadLetters, 'list' | 'revive'>;
}

/** A stage as `sluice queues` and status show it. */
export interface StageRow extends StageCounts {
  stage: string;
  paused: boolean;
}

/** A job that will not be tried again by itself. */
export interface FailedRow {
  stage: string;
  job: string;
  title: string;
  attempts: number;
  failedMs: number;
  reason: string;
}

const FAILED_SHOWN = 100;

export async function stageRows(stages: ReadonlyMap<string, AnyStage>): Promise<StageRow[]> {
  return Promise.all(
    [...stages].map(async ([stage, queue]) => ({
      stage,
      paused: await queue.isPaused(),
      ...(await queue.counts()),
    })),
  );
}

export function registerQueueActs(acts: Acts, tools: QueueActTools): void {
  const { stages, rebuildSoon, deadLetters } = tools;

  const named = (name: string): AnyStage => {
    const stage = stages.get(name);
    if (!stage) {
      throw new SluiceError('USAGE', `There is no stage "${name}" here; there are ${[...stages.keys()].join(', ')}.`);
    }
    return stage;
  };
  /** "scan" or "scan/17". */
  const jobOf = (argument: string): { stage: AnyStage; name: string; job: string | undefined } => {
    const slash = argument.indexOf('/');
    const name = slash < 0 ? argument : argument.slice(0, slash);
    return { stage: named(name), name, job: slash < 0 ? undefined : argument.slice(slash + 1) };
  };
  const counted = (count: number, what: string): string =>
    `yes: ${count} ${count === 1 ? 'job is' : 'jobs are'} ${what}.`;
  const which = (argument: string): string[] => (argument === 'all' ? [...stages.keys()] : [argument]);

  for (const pausing of [true, false]) {
    acts.register(pausing ? 'pause' : 'resume', async (argument) => {
      for (const name of which(argument)) {
        const stage = named(name);
        await (pausing ? stage.pause() : stage.resume());
      }
      return pausing
        ? `yes: ${argument} is paused: what runs is finished, nothing new is begun.`
        : `yes: ${argument} goes on.`;
    });
  }

  /** The key of a job of the store; a job the store does not know is named by its key. */
  const keyOf = async (stage: AnyStage, job: string): Promise<string> => (await stage.desk.job(job))?.job.key ?? job;

  const retryOf = async (stage: AnyStage, name: string, job: string | undefined): Promise<number> => {
    // First: a job that fails once more stands there again.
    const revived = deadLetters.revive(name, job === undefined ? undefined : await keyOf(stage, job));
    const count = await stage.desk.retry(job);
    if (revived.length > count) rebuildSoon();
    return Math.max(count, revived.length);
  };
  acts.register('retry', async (argument) => {
    if (argument === 'all') {
      let count = 0;
      for (const [name, stage] of stages) count += await retryOf(stage, name, undefined);
      return retried(count, 'any stage');
    }
    const { stage, name, job } = jobOf(argument);
    const count = await retryOf(stage, name, job);
    if (count === 0 && job !== undefined) {
      return `no: ${argument} is not a failed job; "sluice queues failed ${name}" names them.`;
    }
    return retried(count, `stage ${name}`);
  });

  acts.register('promote', async (argument) => {
    const { stage, job } = jobOf(argument);
    const count = await stage.desk.promote(job);
    if (count === 0 && job !== undefined) return `no: ${argument} is not a job that was put off.`;
    return counted(count, 'tried at once');
  });

  acts.register('discard', async (argument) => {
    const { stage, name, job } = jobOf(argument);
    if (job === undefined) return 'no: which job?';
    const key = await keyOf(stage, job);
    const count = await stage.desk.remove(job);
    if (count === 0) return `no: ${argument} is running, or there is no such job.`;
    deadLetters.revive(name, key);
    rebuildSoon();
    return 'yes: the job is removed; if its work is still to be done, it is put into the queue anew.';
  });

  acts.register('clean', async (argument) => {
    const [name = '', state = ''] = argument.split(' ');
    if (!isCleanable(state)) return `no: jobs that are "${state}" cannot be removed.`;
    const count = await named(name).desk.clean(state);
    if (state === 'failed') deadLetters.revive(name);
    rebuildSoon();
    return `${counted(count, 'removed')} Work that is still to be done is put into the queue anew.`;
  });

  acts.register('?queues', async () => `yes: ${JSON.stringify(await stageRows(stages))}`);
  acts.register('?failed', async (argument) => {
    const rows: FailedRow[] = [];
    for (const name of which(argument)) {
      const failed = await named(name).desk.jobs(['failed'], 0, FAILED_SHOWN - 1);
      const known = new Set(failed.map(({ key }) => key));
      for (const { id, title, attempts, endedMs, reason } of failed) {
        rows.push({ stage: name, job: id, title, attempts, failedMs: endedMs ?? 0, reason });
      }
      for (const { key, ...job } of deadLetters.list(name, FAILED_SHOWN)) {
        if (!known.has(key)) rows.push({ stage: name, job: key, ...job });
      }
    }
    return `yes: ${JSON.stringify(rows)}`;
  });
}

/** "failed" is what it would try again, not what waits or was put off: those come by themselves. */
const retried = (count: number, where: string): string => {
  if (count === 0) return `yes: nothing in ${where} has failed for good, so there is nothing to try again.`;
  return `yes: ${count === 1 ? '1 failed job is' : `${count} failed jobs are`} tried again.`;
};

const isCleanable = (state: string): state is Exclude<JobState, 'active'> =>
  ['waiting', 'delayed', 'failed', 'completed'].includes(state);
