/** What the suites of the queue stores share: waiting, refusals, and another process that owns a store. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { codeOf } from '../../shared/core/errors.js';
import { type ProcessIdentity, parseIdentity } from '../../shared/ops/queues/process.js';
import type { QueueStoreOptions, Stage, StageCounts } from '../../shared/ops/queues/store.js';

export type Work = { id: string };
export const work = (id: string, key = id) => ({ key, title: `file ${id}`, data: { id } });

/** Waits until something holds; a store tells nobody when it has recorded the end of a job. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const reached = (stage: Stage<Work>, wanted: Partial<StageCounts>) =>
  until(`counts ${JSON.stringify(wanted)}`, async () => {
    const counts = await stage.counts();
    return Object.entries(wanted).every(([name, value]) => counts[name as keyof StageCounts] === value);
  });

/** The code something is refused with. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return codeOf(error);
  }
  return 'none';
}

/** The private server of a state folder, as its record names it. */
export function serverOf(dir: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(readFileSync(join(dir, 'queues', 'redis.json'), 'utf8')).process);
  } catch {
    return undefined;
  }
}

export interface Owner {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  /** Waits until it has said a word. */
  said(word: string): Promise<void>;
  /** Exit code or signal, once it has ended. */
  readonly ended: Promise<number | string>;
}

/** A process, the first of a group of its own, that opens a store as `store` and runs a piece of code. */
export function startOwner(options: QueueStoreOptions, code: string): Owner {
  const module = new URL('../../shared/ops/queues/store.js', import.meta.url).href;
  const script = `import { openQueueStore } from ${JSON.stringify(module)};
    const store = await openQueueStore(${JSON.stringify(options)});\n${code}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let words = '';
  child.stdout.on('data', (bytes) => {
    words += bytes;
  });
  return {
    process: child,
    said: (word) => until(`the process says "${word}"`, () => words.includes(word), 15_000),
    ended: new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? String(signal)))),
  };
}
