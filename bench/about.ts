/** What every line of a bench says of where it was measured. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the repository, or of whatever was copied from it. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export interface About {
  /** Model of the processor. */
  machine: string;
  cores: number;
  kernel: string;
  node: string;
  /** Of the code that runs; see `commitOf`. */
  commit: string;
  /** Of the last minute, before this bench began: figures of a machine that did something else as well say little. */
  loadBefore: number;
}

const loadBefore = Math.round(loadavg()[0]! * 100) / 100;

export function about(): About {
  return {
    machine: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    kernel: `${process.platform} ${release()}`,
    node: process.version,
    commit: commitOf(ROOT),
    loadBefore,
  };
}

/**
 * The commit checked out in a folder, with "+" when files were changed since; without a checkout of its own
 * "code-" and the first digits of a SHA-256 over what was compiled, so that two lines still tell whether they are of the same code.
 */
export function commitOf(root: string): string {
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim();
  try {
    // A folder inside somebody else's checkout is not that checkout.
    if (git('rev-parse', '--show-prefix') === '') {
      return (
        git('rev-parse', '--short=10', 'HEAD') +
        (git('status', '--porcelain', '-uno', '--', '.', ':!bench/results', ':!docs') === '' ? '' : '+')
      );
    }
  } catch {
    // No git, or no checkout.
  }
  return `code-${digestOf(join(root, 'dist')).slice(0, 12)}`;
}

function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const file of files.sort()) {
    if (/\.(js|wasm)$/.test(file) && !file.startsWith('test'))
      hash.update(file).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex');
}
