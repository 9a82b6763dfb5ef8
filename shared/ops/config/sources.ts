/**
 * What a configuration was read from, and what each of it held then, so that a later look can tell whether any of it is
 * different now. Files are compared by content: what was written again as it was has not changed.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs';
import { LIMITS } from '../../core/limits.js';

/** A file that was changed so recently that its times may not show the next change. */
const FRESH_MS = 2_000;
const buffer = Buffer.alloc(64 * 1024);

interface Look {
  /** Inode, size, times and mode. */
  readonly identity: string;
  /** The times are old enough to show any later change. */
  readonly settled: boolean;
  /** Digest of what is in it and of who may change it, or why it cannot be read. */
  readonly content: string;
}

/** Also of an attempt to read that failed: then it is what has to change before another one makes sense. */
export class Sources {
  readonly #seen = new Map<string, Look>();

  /** To be called before the path is read; the first time counts. What changes in between is found by the next look. */
  note(path: string): void {
    if (!this.#seen.has(path)) this.#seen.set(path, lookAt(path));
  }

  get paths(): string[] {
    return [...this.#seen.keys()];
  }

  /** One word for all contents together. */
  get fingerprint(): string {
    const all = [...this.#seen].map(([path, { content }]) => `${path}\0${content}`).sort();
    return createHash('sha256').update(all.join('\n')).digest('hex');
  }

  /** Whether any of it holds something else now. Reads only what its times do not vouch for. */
  changed(): boolean {
    for (const [path, before] of this.#seen) {
      if (before.settled && identityOf(path).identity === before.identity) continue;
      const now = lookAt(path);
      if (now.content !== before.content) return true;
      this.#seen.set(path, now);
    }
    return false;
  }
}

function lookAt(path: string): Look {
  const { identity, settled, mode } = identityOf(path);
  return { identity, settled, content: `${mode} ${contentOf(path)}` };
}

function identityOf(path: string): { identity: string; settled: boolean; mode: string } {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs, mode } = statSync(path, { bigint: true });
    // A link that is turned to another file with the same times is found by what it leads to.
    const link = lstatSync(path).isSymbolicLink() ? realpathSync(path) : '';
    const identity = [dev, ino, size, mtimeNs, ctimeNs, mode, link].join(' ');
    return { identity, settled: Date.now() - Number(ctimeMs) > FRESH_MS, mode: `${mode} ${link}` };
  } catch (error) {
    return { identity: String((error as NodeJS.ErrnoException).code), settled: true, mode: 'none' };
  }
}

function contentOf(path: string): string {
  const digest = createHash('sha256');
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      for (let done = 0; done <= LIMITS.configMaxBytes; ) {
        const got = readSync(file, buffer, 0, buffer.length, null);
        if (got === 0) break;
        digest.update(buffer.subarray(0, got));
        done += got;
      }
    } finally {
      closeSync(file);
    }
    return digest.digest('hex');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EISDIR' ? namesIn(path) : String(code);
  }
}

function namesIn(folder: string): string {
  try {
    return createHash('sha256').update(readdirSync(folder).sort().join('\0')).digest('hex');
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
