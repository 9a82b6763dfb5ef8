/** Folders, files and a file system that can be watched and broken, for tests that touch a disk. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileSystem } from '../../shared/ops/files/directories.js';

/** A new folder that afterEachFolder() takes away. */
export function newFolder(under = tmpdir()): string {
  const path = fs.mkdtempSync(join(under, 'sluice-test-'));
  made.push(path);
  return path;
}

export function removeFolders(): void {
  for (const path of made.splice(0)) fs.rmSync(path, { recursive: true, force: true });
}

const made: string[] = [];

/** Where many small files cost little: memory, or the usual place. */
export function memoryFolder(): string {
  return fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
}

/** Another file system than the one of newFolder(), undefined where there is none. */
export function otherFileSystem(): string | undefined {
  const here = fs.statSync(tmpdir()).dev;
  return ['/dev/shm', '/var/tmp', process.cwd()].find((path) => {
    try {
      fs.accessSync(path, fs.constants.W_OK);
      return fs.statSync(path).dev !== here;
    } catch {
      return false;
    }
  });
}

export interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The real file system, with `before` and `after` called around each call; what they throw the caller sees. */
export function watchedFs(hooks: { before?(call: Call): void; after?(call: Call): void }): FileSystem {
  return new Proxy(fs, {
    get(target, name: string) {
      const original = target[name as keyof typeof fs] as unknown;
      if (typeof original !== 'function') return original;
      return (...args: unknown[]) => {
        const call = { name, args };
        hooks.before?.(call);
        const result = (original as (...args: unknown[]) => unknown)(...args);
        hooks.after?.(call);
        return result;
      };
    },
  });
}

/**
 * A file system of its own with so many bytes, mounted in a new folder and taken away by unmount(). Undefined where
 * mounting is not allowed.
 */
export function tinyFileSystem(sizeBytes: number): { path: string; unmount(): void } | undefined {
  const path = newFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { path, unmount: () => execFileSync('umount', ['-l', path]) };
}

/** A system error as node:fs throws it. */
export function systemError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made by a test`), { code });
}

/** Paths of all files below a folder, sorted, with their contents; links as "-> target". */
export function contents(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string, prefix: string) => {
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) walk(below, `${prefix}${entry.name}/`);
      else if (entry.isSymbolicLink()) found[prefix + entry.name] = `-> ${fs.readlinkSync(below)}`;
      else found[prefix + entry.name] = fs.readFileSync(below, 'utf8');
    }
  };
  walk(root, '');
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}
