/**
 * The low side's quarantine: the bytes of refused objects, with a note beside each that says why. Nothing in it is ever
 * opened by the gateway, and nothing goes back to the share.
 */
import { linkSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../shared/ops/files/directories.js';
import { copyRange, diskError, writeDurably } from '../../shared/ops/files/durableFiles.js';
import type { LowObject } from '../ledger/ledger.js';

export class Quarantine {
  constructor(
    private readonly folder: string,
    private readonly objectsDir: string,
  ) {}

  /**
   * Keeps an object of the spool, durably. Can be repeated. Throws SPOOL_IO, STORAGE_FULL: then the object must not
   * count as refused yet.
   */
  keep(object: LowObject, code: string, detail: string): void {
    const { transfer, tenant, path, sizeBytes, sha256, spoolFile, spoolOffset } = object;
    const source = join(this.objectsDir, spoolFile);
    const target = join(this.folder, `${transfer}.bytes`);
    if (!this.link(source, spoolOffset, sizeBytes, target)) copyRange(source, spoolOffset, sizeBytes, target);
    const note = { transfer, tenant, path, sizeBytes, sha256, code, detail };
    // Last, for it makes the folder durable and with it the link.
    writeDurably(join(this.folder, `${transfer}.json`), Buffer.from(`${JSON.stringify(note, null, 2)}\n`));
  }

  /** A spool file that holds nothing else gets one more name: it is never written again, and may be of any size. */
  private link(source: string, offset: number, sizeBytes: number, target: string): boolean {
    try {
      const stat = lstatSync(source);
      if (offset !== 0 || stat.size !== sizeBytes || !stat.isFile()) return false;
      rmSync(target, { force: true });
      linkSync(source, target);
      return true;
    } catch (error) {
      if (NO_LINKS.has(errnoOf(error) ?? '')) return false;
      throw diskError(error, 'The quarantine', 'SPOOL_IO');
    }
  }
}

/** The quarantine is on another file system, or that has no hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
