/**
 * The state folder of a side or of a demo: one supervisor at a time works on it, and `run.json` tells what it runs.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import { identityOf, isAlive, type ProcessIdentity, parseIdentity } from '../queues/process.js';

const LOCK = 'lock.json';

export class StateFolder {
  private run = '';

  private constructor(readonly path: string) {}

  /** Makes the folder and locks it. Throws STATE_IN_USE when another living process holds it. */
  static open(path: string): StateFolder {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const lock = join(path, LOCK);
    const own = `${lock}.${process.pid}`;
    try {
      // Written aside and linked, so that a lock that exists is whole and names its holder.
      writeFileSync(own, JSON.stringify(identityOf(process.pid)), { mode: 0o600 });
      while (!taken(own, lock)) removeDead(lock, path);
    } finally {
      rmSync(own, { force: true });
    }
    return new StateFolder(path);
  }

  /** A folder inside it, made when missing. */
  folder(name: string): string {
    const path = join(this.path, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes run.json in one step, if it changes: a reader never sees half of it. */
  writeRun(content: object): void {
    const run = JSON.stringify(content);
    if (run !== this.run) this.writeFile('run.json', content);
    this.run = run;
  }

  writeFile(name: string, content: object): void {
    const path = this.file(name);
    writeFileSync(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** A file written by `writeFile`, whoever holds the folder; undefined when there is none. */
  static readFile(folder: string, name: string): Record<string, unknown> | undefined {
    try {
      return JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  }

  /** Whether a living process works on this folder. */
  static isHeld(folder: string): boolean {
    const holder = readHolder(join(folder, LOCK));
    return holder !== undefined && isAlive(holder);
  }

  close(): void {
    rmSync(this.file('run.json'), { force: true });
    rmSync(this.file(LOCK), { force: true });
  }
}

/** Processes with their start times, so that nobody takes a later one for one of these. Those that are gone are left out. */
export function processesOf(pids: Record<string, number>): Record<string, ProcessIdentity> {
  const entries = Object.entries(pids).map(([name, pid]) => [name, identityOf(pid)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, ProcessIdentity] => entry[1] !== undefined));
}

function taken(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes away the lock of a process that is gone. */
function removeDead(lock: string, path: string): void {
  refuseAlive(lock, path);
  // Of several that come here at once one moves it. It may have moved the lock of a winner that came in between.
  const moved = `${lock}.${process.pid}.dead`;
  try {
    renameSync(lock, moved);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    refuseAlive(moved, path);
  } catch (error) {
    taken(moved, lock);
    throw error;
  } finally {
    rmSync(moved, { force: true });
  }
}

function refuseAlive(lock: string, path: string): void {
  const holder = readHolder(lock);
  if (holder && isAlive(holder)) {
    throw new SluiceError('STATE_IN_USE', `${path} is used by process ${holder.pid}.`);
  }
}

function readHolder(lock: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(readFileSync(lock, 'utf8')));
  } catch {
    return undefined; // Damaged, or gone meanwhile: nobody holds it.
  }
}
