/**
 * Files of the gateway's own that are whole and safe on disk, or not there at all: written under a name beside the
 * wanted one, synced, renamed, and the folder synced. Synchronous, for small files and for processes of their own.
 */
import * as nodeFs from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ErrorCode, SluiceError } from '../../core/errors.js';
import { errnoOf, type FileSystem } from './directories.js';

/**
 * Puts a file in place of whatever has that name, mode 0600. Can be repeated.
 * Throws STORAGE_FULL, SPOOL_IO; then the name stands for what it stood for before.
 */
export function writeDurably(path: string, bytes: Uint8Array, fs: FileSystem = nodeFs): void {
  replaceDurably(path, (target) => writeAll(fs, target, bytes, 0), fs);
}

/** As writeDurably(), without holding up this process while the disk works; one at a time for a name. */
export async function writeDurablySoon(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await rm(temporary, { force: true });
    const target = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | NOFOLLOW, 0o600);
    try {
      await target.writeFile(bytes);
      await target.sync();
    } finally {
      await target.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), O_RDONLY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw diskError(error, 'The spool', 'SPOOL_IO');
  }
}

/**
 * Copies `sizeBytes` from `offset` on into a file of its own, as writeDurably() does. A link is not followed.
 * Throws SPOOL_IO also when the source ends before.
 */
export function copyRange(
  fromPath: string,
  offset: number,
  sizeBytes: number,
  toPath: string,
  fs: FileSystem = nodeFs,
): void {
  const fill = (target: number) => {
    const source = fs.openSync(fromPath, O_RDONLY | NOFOLLOW);
    try {
      const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(COPY_BYTES, sizeBytes)));
      for (let done = 0; done < sizeBytes; ) {
        const got = fs.readSync(source, buffer, 0, Math.min(buffer.length, sizeBytes - done), offset + done);
        if (got === 0) throw new SluiceError('SPOOL_IO', `A spool file ends after ${done} of ${sizeBytes} bytes.`);
        writeAll(fs, target, buffer.subarray(0, got), done);
        done += got;
      }
    } finally {
      fs.closeSync(source);
    }
  };
  replaceDurably(toPath, fill, fs);
}

/** Makes the names in a folder survive a power loss. Throws what the system throws. */
export function syncFolder(path: string, fs: FileSystem = nodeFs): void {
  const folder = fs.openSync(path, O_RDONLY);
  try {
    fs.fsyncSync(folder);
  } finally {
    fs.closeSync(folder);
  }
}

/** A system error in our words: STORAGE_FULL, or else `code`; `what` names the place. Errors of ours pass. */
export function diskError(error: unknown, what: string, code: ErrorCode): unknown {
  const errno = errnoOf(error);
  if (!errno) return error;
  const full = errno === 'ENOSPC' || errno === 'EDQUOT';
  return new SluiceError(full ? 'STORAGE_FULL' : code, `${what} gives ${errno}.`, { cause: error });
}

// --- parts -----------------------------------------------------------------------------------------------------------

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW: NOFOLLOW = 0 } = nodeFs.constants;
const COPY_BYTES = 1024 * 1024;

function replaceDurably(path: string, fill: (target: number) => void, fs: FileSystem): void {
  const temporary = `${path}.new`;
  try {
    // Never opened again: it may be what a crash has left.
    removeIfThere(fs, temporary);
    const target = fs.openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | NOFOLLOW, 0o600);
    try {
      try {
        fill(target);
        fs.fsyncSync(target);
      } finally {
        fs.closeSync(target);
      }
      fs.renameSync(temporary, path);
    } catch (error) {
      removeIfThere(fs, temporary);
      throw error;
    }
    syncFolder(dirname(path), fs);
  } catch (error) {
    throw diskError(error, 'The spool', 'SPOOL_IO');
  }
}

/** write(2) may take less than it was given. */
function writeAll(fs: FileSystem, target: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(target, bytes, at, bytes.length - at, position + at);
}

function removeIfThere(fs: FileSystem, path: string): void {
  try {
    fs.unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}
