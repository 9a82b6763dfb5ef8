/**
 * Hidden folders for copies of staged files that lie on another file system than the storage: link() cannot cross over.
 * Next to the tenants' folders, where no tenant looks; inside the tenant's folder when that is a mount of its own.
 */
import { codeOf } from '../../shared/core/errors.js';
import { type Directory, errnoOf, type FileSystem, isNoFolder } from '../../shared/ops/files/directories.js';
import { statPublished } from './extract.js';
import { forgetIntent } from './linkIntent.js';

/** Reserved: not a name a tenant can have, nor the first part of an object's path. */
export const STAGING = '.sluice-staging';

/** Where copies of one object may lie. */
export interface Copies {
  readonly root: Directory;
  /** Folder of the tenant, one part. */
  readonly tenant: string;
  /** Name of the copy: the transfer id. */
  readonly name: string;
}

/** A copy that was published, as statPublished() knows it. */
export function statPublishedCopy(fs: FileSystem, copies: Copies): ReturnType<typeof statPublished> {
  let found: ReturnType<typeof statPublished>;
  eachStaging(copies, (staging) => {
    found ??= statPublished(fs, staging.pathOf(copies.name));
  });
  return found;
}

export function forgetCopies(fs: FileSystem, copies: Copies): void {
  const { name } = copies;
  eachStaging(copies, (staging, above) => {
    if (staging.lstat(name)) staging.unlink(name);
    forgetIntent(fs, staging.pathOf(name));
    removeIfEmpty(above);
  });
}

/** Removes the staging folder in this one unless something is in it, or it is not there. */
export function removeIfEmpty(above: Directory): void {
  try {
    above.removeChild(STAGING);
  } catch (error) {
    if (!STAYS.has(errnoOf(error) ?? '')) throw error;
  }
}

/** Undefined when there is no such folder, or something else of that name. */
export function openExisting(parent: Directory, part: string): Directory | undefined {
  try {
    return parent.openChild(part);
  } catch (error) {
    // A name that no folder can have: that of a tenant who is not served any more is empty.
    if (errnoOf(error) === 'ENOENT' || isNoFolder(error) || codeOf(error) === 'NAME_UNSAFE_PATH') return undefined;
    throw error;
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

const STAYS: ReadonlySet<string> = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR']);

function eachStaging({ root, tenant }: Copies, use: (staging: Directory, above: Directory) => void): void {
  const own = openExisting(root, tenant);
  try {
    for (const above of own ? [root, own] : [root]) {
      // Mostly there is none, and opening what is not there costs an exception.
      if (!above.lstat(STAGING)) continue;
      const staging = openExisting(above, STAGING);
      try {
        if (staging) use(staging, above);
      } finally {
        staging?.close();
      }
    }
  } finally {
    own?.close();
  }
}
