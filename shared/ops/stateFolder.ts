/**
 * The state folder of a side or of a demo: one supervisor at a time works on it, and `run.json` tells what it runs.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../core/errors.js';
import { identityOf, isAlive, type ProcessIdentity, parseIdentity } from './queues/process.js';

const LOCK = 'lock.json';

export class StateFolder {
  private constructor(readonly path: string) {}

  /** Makes the folder and locks it. Throws STATE_IN_USE when another living process holds it. */
  static open(path: string): StateFolder {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const lock = join(path, LOCK);
    for (let attempt = 0; ; attempt++) {
      try {
        const file = openSync(lock, 'wx', 0o600);
        writeSync(file, JSON.stringify(identityOf(process.pid)));
        closeSync(file);
        return new StateFolder(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt > 10) throw error;
        const holder = readHolder(lock);
        if (holder && holder.pid !== process.pid && isAlive(holder)) {
          throw new SluiceError('STATE_IN_USE', `${path} is used by process ${holder.pid}.`);
        }
        rmSync(lock, { force: true });
      }
    }
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

  /** Writes run.json in one step: a reader never sees half of it. */
  writeRun(content: object): void {
    this.writeFile('run.json', content);
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

  close(): void {
    rmSync(this.file('run.json'), { force: true });
    rmSync(this.file(LOCK), { force: true });
  }
}

function readHolder(lock: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(readFileSync(lock, 'utf8')));
  } catch {
    return undefined; // Half written by a process that died: nobody holds it.
  }
}
