/**
 * The low side's quarantine: the bytes of refused objects, with a note beside each that says why. Nothing in it is ever
 * opened by the gateway, and nothing goes back to the share.
 */
import { closeSync, fsyncSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../shared/core/errors.js';
import type { LowObject } from './ledger.js';

const COPY_BYTES = 1024 * 1024;

export class Quarantine {
  constructor(
    private readonly folder: string,
    private readonly objectsDir: string,
  ) {}

  /** Copies an object out of the spool. Can be repeated. Throws SPOOL_IO: then the object must not count as refused yet. */
  keep(object: LowObject, code: string, detail: string): void {
    const path = join(this.folder, `${object.transfer}.bytes`);
    try {
      copyRange(join(this.objectsDir, object.spoolFile), object.spoolOffset, object.sizeBytes, path);
      const { transfer, tenant, path: name, sizeBytes, sha256 } = object;
      const note = { transfer, tenant, path: name, sizeBytes, sha256, code, detail };
      writeFileSync(join(this.folder, `${transfer}.json`), `${JSON.stringify(note, null, 2)}\n`, { mode: 0o600 });
    } catch (cause) {
      rmSync(path, { force: true });
      throw new SluiceError('SPOOL_IO', 'A refused object cannot be put into quarantine.', { cause });
    }
  }
}

function copyRange(from: string, offset: number, sizeBytes: number, to: string): void {
  const source = openSync(from, 'r');
  const target = openSync(to, 'w', 0o600);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, sizeBytes));
    for (let done = 0; done < sizeBytes; ) {
      const got = readSync(source, buffer, 0, Math.min(buffer.length, sizeBytes - done), offset + done);
      if (got === 0) throw new SluiceError('SPOOL_IO', `${from} is shorter than recorded.`);
      writeSync(target, buffer, 0, got);
      done += got;
    }
    fsyncSync(target);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}
