/** The private file that becomes the published one: made ready, made durable, distrusted after a failed fsync. */
import * as nodeFs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { errnoOf, type FileSystem } from '../../shared/ops/files/directories.js';
import { extract, publishedName } from './extract.js';
import { forgetIntent, removeIfThere } from './linkIntent.js';

/** What is known about a staged file besides its name. */
export interface Staged {
  readonly staged: string;
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
  readonly mtimeNs: bigint;
}

/**
 * Looks at the staged file, which is not published yet; first writes it anew from the suspect one if an earlier fsync has failed.
 * Throws RELEASE_IO when it is missing (extract it again), DIGEST_MISMATCH when it is not the object.
 */
export function statStaged(fs: FileSystem, request: Staged): nodeFs.BigIntStats {
  const look = (path: string) => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  const suspect = suspectOf(request.staged);
  let stat = look(request.staged);
  if (look(suspect)) {
    extract({ ...request, payload: suspect, offsetBytes: 0 }, fs);
    stat = look(request.staged);
  }
  if (!stat?.isFile()) throw new SluiceError('RELEASE_IO', 'The staged file is missing.');
  if (stat.size === BigInt(request.sizeBytes)) return stat;
  throw new SluiceError('DIGEST_MISMATCH', `The staged file has ${stat.size} bytes, not ${request.sizeBytes}.`);
}

/**
 * After a failed fsync the kernel may take the lost pages for clean, and a second fsync would report success. So the
 * file is set aside as suspect, and the next try writes a new one from it, digest checked (FAULTS 50).
 */
export function makeStagedDurable(fs: FileSystem, request: Staged, mode: number): void {
  const suspect = suspectOf(request.staged);
  forgetIntent(fs, request.staged);
  const fd = fs.openSync(request.staged, O_RDONLY | NOFOLLOW);
  try {
    dressAndSync(fs, fd, request.mtimeNs, mode);
  } catch (error) {
    fs.renameSync(request.staged, suspect);
    throw error;
  } finally {
    fs.closeSync(fd);
  }
  removeIfThere(fs, suspect);
}

/** Mode, modification time, fsync: all before the file has a name that others see. */
export function dressAndSync(fs: FileSystem, fd: number, mtimeNs: bigint, mode: number): void {
  fs.fchmodSync(fd, mode);
  const seconds = Number(mtimeNs) / 1e9;
  try {
    fs.futimesSync(fd, seconds, seconds);
  } catch (error) {
    // A time that this file system cannot hold is no reason to keep the file back.
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'EOVERFLOW') throw error;
  }
  fs.fsyncSync(fd);
}

export function removeStaged(fs: FileSystem, staged: string): void {
  removeIfThere(fs, staged);
  removeIfThere(fs, suspectOf(staged));
  forgetIntent(fs, staged);
  removeIfThere(fs, publishedName(staged));
}

/** All names the bytes of a staged file may go by; the first that is there is the one. */
export const namesOfStaged = (staged: string): (string | Buffer)[] => [
  publishedName(staged),
  staged,
  suspectOf(staged),
];

// --- parts -----------------------------------------------------------------------------------------------------------

const { O_RDONLY, O_NOFOLLOW: NOFOLLOW = 0 } = nodeFs.constants;

const suspectOf = (staged: string): string => `${staged}.suspect`;
