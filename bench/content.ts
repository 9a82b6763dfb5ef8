/** Files for a bench: made of random bytes before the clock starts, dropped by a rename, compared after it has stopped. */
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Prng } from '../shared/core/prng.js';

const WRITE_BYTES = 4 * 1024 * 1024;

/** Writes a file under the name of one that is still being written: it stays in the share until `drop`. */
export function prepare(share: string, name: string, bytes: number, seed: number): void {
  const path = join(share, name);
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(`${path}.part`, 'w');
  const random = new Prng(seed);
  const block = random.fill(new Uint8Array(Math.min(bytes, WRITE_BYTES)));
  for (let at = 0; at < bytes; at += block.length) {
    // No two blocks alike, and no time spent on making 4 MiB of new chance for each.
    random.fill(block.subarray(0, Math.min(64, block.length)));
    writeSync(file, block, 0, Math.min(block.length, bytes - at));
  }
  closeSync(file);
}

/** The file has its name from now on: wall clock in ms. */
export function drop(share: string, name: string): number {
  renameSync(join(share, `${name}.part`), join(share, name));
  return Date.now();
}

/** SHA-256 of a file, computed anew; undefined when there is none. */
export function sha256Of(path: string): string | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const hash = createHash('sha256');
    const buffer = new Uint8Array(WRITE_BYTES);
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer))
      hash.update(buffer.subarray(0, read));
    return hash.digest('hex');
  } finally {
    closeSync(file);
  }
}

/** Whether two files have the same length and the same SHA-256. */
export function isIdentical(one: string, other: string): boolean {
  const digest = sha256Of(one);
  return digest !== undefined && digest === sha256Of(other) && statSync(one).size === statSync(other).size;
}

export const discard = (path: string): void => rmSync(path, { recursive: true, force: true });
