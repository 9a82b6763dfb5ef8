/** The way from the configured storage to the folder in which something is published, without following a link. */
import { SluiceError } from '../../shared/core/errors.js';
import { Directory, type DirectoryOptions, errnoOf, isNoFolder } from '../../shared/ops/files/directories.js';
import { checkPath, showName } from '../../shared/wire/names.js';
import { STAGING } from './stagingFolders.js';

export const FOLDER_MODE = 0o750;

/** Throws RELEASE_IO when it is not there: it is never made here, for it may be a file system that is not mounted. */
export function openStorage(path: string, options: DirectoryOptions): Directory {
  try {
    return Directory.openRoot(path, options);
  } catch (error) {
    const detail = isNoFolder(error) ? 'is not a folder' : `gives ${errnoOf(error)}`;
    throw new SluiceError('RELEASE_IO', `The storage "${showName(path)}" ${detail}.`, { cause: error });
  }
}

/** Opens a folder, made if need be. Throws RELEASE_UNSAFE_TARGET when a link or a file stands there. */
export function enterFolder(parent: Directory, part: string, mode = FOLDER_MODE): Directory {
  for (let tries = 0; ; tries++) {
    try {
      return parent.openChild(part);
    } catch (error) {
      if (isNoFolder(error)) {
        throw new SluiceError('RELEASE_UNSAFE_TARGET', `"${showName(part)}" is not a folder.`, { cause: error });
      }
      // Made and removed again by somebody else in between: a few times, not for ever.
      if (errnoOf(error) !== 'ENOENT' || tries >= 3) throw error;
      parent.createChild(part, mode);
    }
  }
}

/** Verify has checked all this; a path that leads elsewhere must not depend on one check. Throws NAME_*. */
export function checkTarget({ tenant, parts }: { readonly tenant: string; readonly parts: readonly string[] }): void {
  for (const expected of [[tenant], parts]) {
    const checked = checkPath(Buffer.from(expected.join('/')), 'posix');
    if (!checked.ok) throw new SluiceError(checked.code, checked.detail);
    // Text that is not well formed, or a part that holds a divider, comes back as something else.
    const same = checked.parts.length === expected.length && checked.parts.every((part, i) => part === expected[i]);
    if (!same || isReserved(tenant) || isReserved(parts[0] ?? '')) {
      throw new SluiceError('NAME_UNSAFE_PATH', `"${showName(checked.path)}" is not a path below a tenant's folder.`);
    }
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

/** Some file systems do not tell capitals from small letters. */
const isReserved = (part: string): boolean => part.toLowerCase() === STAGING;
