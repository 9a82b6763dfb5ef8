/** Where a bench keeps share, spool and storage: in memory where the system has room for it, so that no disk is measured. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SluiceError } from '../shared/core/errors.js';
import { formatSize } from '../shared/core/units.js';

export interface Place {
  /** A fresh folder; whoever asked for it removes it. */
  base: string;
  /** Type of the file system it is on: "tmpfs", "ext4". */
  filesystem: string;
}

const MEMORY = '/dev/shm';
/** Ledgers, logs and queues. */
const BESIDE_BYTES = 256 * 1024 * 1024;

/**
 * A folder in `parent`, or where none is named in memory, or in the temporary folder when memory has no room.
 * @param bytes what will lie there at a time, all copies together
 * @throws SluiceError USAGE when there is not enough room in the folder that was named
 */
export function takePlace(parent: string | undefined, bytes: number): Place {
  const needed = bytes + BESIDE_BYTES;
  if (parent !== undefined) {
    mkdirSync(resolve(parent), { recursive: true });
    if (freeBytes(parent) < needed) {
      throw new SluiceError('USAGE', `${parent} has no room for ${formatSize(needed)}.`);
    }
  }
  const where = resolve(parent ?? (freeBytes(MEMORY) >= needed ? MEMORY : tmpdir()));
  const base = mkdtempSync(join(where, 'sluice-bench-'));
  return { base, filesystem: filesystemOf(base) };
}

/** 0 for a folder that is not there. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/** The type of the mount a folder is on, as the system names it. */
function filesystemOf(folder: string): string {
  const path = realpathSync(folder);
  let best = { at: '', type: 'unknown' };
  try {
    for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
      const [, at = '', type = ''] = line.split(' ');
      const holds = at === '/' || path === at || path.startsWith(`${at}/`);
      if (holds && at.length >= best.at.length) best = { at, type };
    }
  } catch {
    // No /proc.
  }
  return best.type;
}
