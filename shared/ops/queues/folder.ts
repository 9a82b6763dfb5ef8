/**
 * The private folder of a side's queue store: who works on it, and which side it belongs to. Both are settled before
 * anything is started in it, because two servers on one append-only file, or both sides on one store, do harm.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import { identityOf, isAlive, parseIdentity } from './process.js';

export type Side = 'low' | 'high';

export interface StoreFolder {
  readonly path: string;
  /** Lets another process take the folder. */
  release(): void;
}

/**
 * Makes (0700) and claims `DIR/queues` for this process.
 * @throws SluiceError STATE_WRONG_SIDE, STATE_IN_USE, SPOOL_IO
 */
export function claimFolder(stateDir: string, side: Side): StoreFolder {
  const path = resolve(stateDir, 'queues');
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
    checkSide(path, side);
    claim(path);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw new SluiceError('SPOOL_IO', `The folder ${path} of the queue store cannot be used: ${String(error)}`);
  }
  return { path, release: () => rmSync(join(path, 'owner.json'), { force: true }) };
}

/** Writes a small file so that a reader sees the old content or the new, never half of it. */
export function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** What a small file holds, or undefined when it is missing or damaged. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function checkSide(path: string, side: Side): void {
  const file = join(path, 'side');
  try {
    writeFileSync(file, `${side}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const found = readFileSync(file, 'utf8').trim();
    // Empty: whoever made the file was stopped before it could say its side.
    if (found === '') writeFileSync(file, `${side}\n`);
    else if (found !== side) {
      throw new SluiceError('STATE_WRONG_SIDE', `${path} is the ${found} side's; this is the ${side} side.`);
    }
  }
}

function claim(path: string): void {
  const file = join(path, 'owner.json');
  const owner = parseIdentity(readJson(file));
  if (owner && isAlive(owner)) {
    throw new SluiceError('STATE_IN_USE', `Process ${owner.pid} holds the queue store in ${path}.`);
  }
  rmSync(file, { force: true });
  try {
    // The supervisor's own lock on the state folder comes first; this catches whoever came around it.
    writeFileSync(file, `${JSON.stringify(identityOf(process.pid))}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new SluiceError('STATE_IN_USE', `Another process took the queue store in ${path} at this moment.`);
  }
}
