/**
 * Takes one object out of a payload file (a bundle holds many) into a private file of its own, the staged file, and
 * makes sure once more that these bytes are the ones that were sealed: the digest is over what is written.
 */
import { createHash } from 'node:crypto';
import * as nodeFs from 'node:fs';
import { sameBytes } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import type { FileSystem } from '../../shared/ops/files/directories.js';
import { diskError } from '../../shared/ops/files/durableFiles.js';
import { forgetIntent, wasLinked } from './linkIntent.js';

export interface ExtractRequest {
  /** The file that holds the object, and where in it. */
  readonly payload: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** Digest of the object, 32 bytes. */
  readonly sha256: Uint8Array;
  /** Where to put it: a name made from the transfer id, in a folder that only the gateway can enter. */
  readonly staged: string | Buffer;
}

/**
 * Writes the staged file anew, whatever an interrupted run left of it; durable only after publish(). When it was
 * published before a crash nothing is done and the answer is 'published'.
 * Throws DIGEST_MISMATCH (also when the payload is too short), STORAGE_FULL, RELEASE_IO; no staged file is left then.
 */
export function extract(request: ExtractRequest, fs: FileSystem = nodeFs): 'extracted' | 'published' {
  const { payload, staged } = request;
  try {
    if (statPublished(fs, staged)) return 'published';
    forgetIntent(fs, staged);
    if (fs.lstatSync(staged, { throwIfNoEntry: false })) fs.unlinkSync(staged);
    const source = fs.openSync(payload, O_RDONLY | NOFOLLOW);
    try {
      const target = fs.openSync(staged, O_WRONLY | O_CREAT | O_EXCL | NOFOLLOW, 0o600);
      try {
        copy(fs, source, target, request);
      } catch (error) {
        fs.unlinkSync(staged);
        throw error;
      } finally {
        fs.closeSync(target);
      }
    } finally {
      fs.closeSync(source);
    }
    return 'extracted';
  } catch (error) {
    throw releaseError(error, 'The spool');
  }
}

/**
 * The staged file, if it was published: its name says so or, when a crash came between the two, its second name, or the
 * note that it was to get one. Size and content say nothing any more, for the tenant may have changed them.
 */
export function statPublished(fs: FileSystem, staged: string | Buffer): nodeFs.BigIntStats | undefined {
  const look = (path: string | Buffer) => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  const marked = look(publishedName(staged));
  if (marked) return marked;
  const before = look(staged);
  return before && (before.nlink > 1n || wasLinked(fs, staged, before)) ? before : undefined;
}

/** What a staged file is called from the moment on that it has a place in the storage. */
export function publishedName(staged: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(staged), Buffer.from('.published')]);
}

/** A system error in our words: `what` names the place. Errors of ours pass. */
export function releaseError(error: unknown, what: string): unknown {
  return diskError(error, what, 'RELEASE_IO');
}

// --- parts -----------------------------------------------------------------------------------------------------------

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW: NOFOLLOW = 0 } = nodeFs.constants;
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);

function copy(fs: FileSystem, source: number, target: number, request: ExtractRequest): void {
  const { offsetBytes, sizeBytes, sha256 } = request;
  const digest = createHash('sha256');
  for (let done = 0; done < sizeBytes; ) {
    const got = fs.readSync(source, buffer, 0, Math.min(buffer.length, sizeBytes - done), offsetBytes + done);
    if (got === 0) throw new SluiceError('DIGEST_MISMATCH', `The payload ends after ${done} of ${sizeBytes} bytes.`);
    const bytes = buffer.subarray(0, got);
    digest.update(bytes);
    for (let at = 0; at < got; ) at += fs.writeSync(target, bytes, at, got - at, done + at);
    done += got;
  }
  if (!sameBytes(digest.digest(), sha256)) throw new SluiceError('DIGEST_MISMATCH', '');
}
