/** What the disk under the spool of the high side says: how much is free, and how much of a payload is on it already. */
import { statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectId } from '../../shared/wire/statements.js';

export interface SpoolDisk {
  freeBytes(): number;
  /** Bytes a payload takes up. Its file is sparse: a block that was not rebuilt yet takes none. */
  writtenBytes(payload: ObjectId): number;
}

/** Unit of `blocks` in stat(2), whatever the file system's own blocks are. */
const STAT_BLOCK_BYTES = 512;

export function spoolDiskOf(assemblyDir: string): SpoolDisk {
  return {
    freeBytes: () => {
      const { bavail, bsize } = statfsSync(assemblyDir);
      return bavail * bsize;
    },
    writtenBytes: (payload) => {
      const stat = statSync(join(assemblyDir, payload, 'data'), { throwIfNoEntry: false });
      return (stat?.blocks ?? 0) * STAT_BLOCK_BYTES;
    },
  };
}
