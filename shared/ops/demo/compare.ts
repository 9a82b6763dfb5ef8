/** Compares what was put in with what came out, both read anew from disk. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

const BUFFER_BYTES = 1024 * 1024;

/** Length and SHA-256 of a plain file, or undefined when there is none to read. */
export async function fileDigest(path: Buffer | string): Promise<{ sizeBytes: number; sha256: string } | undefined> {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch {
    return undefined;
  }
  try {
    if (!fstatSync(file).isFile()) return undefined;
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    let sizeBytes = 0;
    for (let got = readSync(file, buffer); got > 0; got = readSync(file, buffer)) {
      hash.update(buffer.subarray(0, got));
      sizeBytes += got;
      await setImmediate();
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

/** Whether both are plain files with the same bytes. */
export async function sameFiles(a: Buffer | string, b: Buffer | string): Promise<boolean> {
  const one = await fileDigest(a);
  const other = await fileDigest(b);
  return one !== undefined && other !== undefined && one.sha256 === other.sha256 && one.sizeBytes === other.sizeBytes;
}
