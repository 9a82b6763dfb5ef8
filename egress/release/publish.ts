/**
 * Publishes one verified file into a tenant's storage, so that at any moment, also after a crash or power loss, the
 * tenant sees either nothing or the whole file, and sees it once (FAULTS 51-53).
 *
 *   staged file: mode, mtime, fsync ─▶ link() into place, never over another name ─▶ staged file renamed "….published"
 *     ─▶ fsync of the folders ─▶ the caller writes "released" into the ledger ─▶ forgetStaged()
 *
 * The staged file stays until the ledger knows, and its name is the memory of the link: a repetition after a crash finds
 * it again, whatever the tenant has done with the published file. Between the link and the renaming the number of names
 * of what was linked says the same, and where the tenant has taken that name away the note made before the link
 * (linkIntent.ts). The renaming needs no fsync: a power loss that takes it back leaves the two names.
 *
 * Many small files: place() each, then settle() once, then tell the ledger about all of them.
 */

import * as nodeFs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { type Directory, type DirectoryOptions, errnoOf, type FileSystem } from '../../shared/ops/files/directories.js';
import { showName } from '../../shared/wire/names.js';
import { versionName } from '../../shared/wire/versionName.js';
import { extract, publishedName, releaseError, statPublished } from './extract.js';
import { forgetIntent, noteIntent } from './linkIntent.js';
import { dressAndSync, makeStagedDurable, removeStaged, statStaged } from './stagedFile.js';
import { forgetCopies, openExisting, removeIfEmpty, STAGING, statPublishedCopy } from './stagingFolders.js';
import { checkTarget, enterFolder, openStorage } from './storageFolders.js';
import { TouchedFolders } from './touchedFolders.js';

export interface PublishRequest {
  /** Exists already; never made here, for a storage that is not mounted must not be mistaken for an empty one. */
  readonly storageRoot: string;
  /** Folder of the tenant below it, one part. */
  readonly tenant: string;
  /** Checked path of the object, divided. */
  readonly parts: readonly string[];
  /** Names a copy of the staged file that is needed on another file system: used by no other object. */
  readonly transfer: string;
  /** Private file that holds exactly the object. It becomes the published one when it lies on the same file system. */
  readonly staged: string;
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
  /** Restored to about a microsecond. */
  readonly mtimeNs: bigint;
}

export interface Published {
  /** Path below the tenant's folder. */
  readonly publishedAs: string;
  /** 1, or the number in the name when that was taken. */
  readonly version: number;
  /** It had been published before a crash. If it is not found any more the tenant has moved it: the name is a guess. */
  readonly alreadyThere: boolean;
}

export interface PublisherOptions extends DirectoryOptions {
  /** Mode of published files and of folders that are made. Defaults 0640 and 0750. */
  readonly fileMode?: number;
  readonly folderMode?: number;
}

export class Publisher {
  private readonly fs: FileSystem;
  private readonly fileMode: number;
  private readonly touched = new TouchedFolders();

  constructor(private readonly options: PublisherOptions = {}) {
    this.fs = options.fs ?? nodeFs;
    this.fileMode = options.fileMode ?? 0o640;
  }

  /** place() and settle(): afterwards the file is there for good. */
  publish(request: PublishRequest): Published {
    const published = this.place(request);
    this.settle();
    return published;
  }

  /**
   * Makes the data durable and gives it its name; the name itself is durable only after settle(). Throws
   * RELEASE_UNSAFE_TARGET (a link or a file where a folder should be), NAME_* for parts that are no checked path,
   * STORAGE_FULL, RELEASE_IO, DIGEST_MISMATCH (the staged file is not the object). Can be repeated after any of them.
   */
  place(request: PublishRequest): Published {
    checkTarget(request);
    const chain: Directory[] = [];
    try {
      const root = openStorage(request.storageRoot, this.options);
      chain.push(root);
      // First of all, for the tenant may have changed everything about a file that is there already.
      // The copy before its original, because it is the file that stands there.
      const copied = statPublishedCopy(this.fs, copiesOf(request, root));
      const before = copied ?? statPublished(this.fs, request.staged);
      if (before) return this.findAgain(request, chain, before);
      for (const part of [request.tenant, ...request.parts.slice(0, -1)]) chain.push(this.enter(chain.at(-1)!, part));
      return this.link(request, chain);
    } catch (error) {
      throw releaseError(error, `The storage of "${showName(request.tenant)}"`);
    } finally {
      this.touched.keepOrClose(chain);
    }
  }

  /**
   * Makes all names given since the last call durable. When it throws RELEASE_IO none of them counts as released:
   * place() them again, which finds them where they are, and settle() again.
   */
  settle(): void {
    try {
      this.touched.settle();
    } catch (error) {
      throw releaseError(error, 'A folder of the storage');
    }
  }

  /** Removes the staged file, once the ledger says that it was released (or will never be). */
  forgetStaged(request: Pick<PublishRequest, 'storageRoot' | 'tenant' | 'transfer' | 'staged'>): void {
    try {
      const root = openStorage(request.storageRoot, this.options);
      try {
        forgetCopies(this.fs, copiesOf(request, root));
      } finally {
        root.close();
      }
      // Last, because as long as it is there somebody knows that there is something to forget.
      removeStaged(this.fs, request.staged);
    } catch (error) {
      throw releaseError(error, 'The spool');
    }
  }

  /** Closes what settle() has not seen; call it instead of settle() when all is given up. */
  close(): void {
    this.touched.close();
  }

  // --- the file ------------------------------------------------------------------------------------------------------

  private enter(parent: Directory, part: string): Directory {
    return enterFolder(parent, part, this.options.folderMode);
  }

  private link(request: PublishRequest, chain: readonly Directory[]): Published {
    const folder = chain.at(-1)!;
    const staged = statStaged(this.fs, request);
    if (staged.dev === folder.id.dev) {
      makeStagedDurable(this.fs, request, this.fileMode);
      const placed = this.giveName(request, chain, request.staged);
      if (placed) return placed;
      // Two mounts of one file system: link() refuses as if they were two.
    }
    return this.linkCopy(request, chain);
  }

  /** From another file system: a copy on this one first. On one and the same mount, which only link() can tell. */
  private linkCopy(request: PublishRequest, chain: readonly Directory[]): Published {
    for (const above of chain.slice(0, 2)) {
      if (above.id.dev !== chain.at(-1)!.id.dev) continue;
      const placed = this.linkCopyIn(above, request, chain);
      if (placed) return placed;
    }
    throw new SluiceError('RELEASE_IO', 'A folder below that of the tenant is on another file system.');
  }

  private linkCopyIn(above: Directory, request: PublishRequest, chain: readonly Directory[]): Published | undefined {
    above.createChild(STAGING, 0o700);
    const staging = this.enter(above, STAGING);
    try {
      const name = request.transfer;
      forgetIntent(this.fs, staging.pathOf(name));
      if (staging.lstat(name)) staging.unlink(name);
      this.copyInto(request, staging, name);
      const placed = this.giveName(request, chain, { directory: staging, name });
      if (!placed) {
        forgetIntent(this.fs, staging.pathOf(name));
        staging.unlink(name);
      }
      return placed;
    } finally {
      staging.close();
      removeIfEmpty(above);
    }
  }

  /** Undefined when the source lies on another file system or mount. */
  private giveName(
    request: PublishRequest,
    chain: readonly Directory[],
    source: string | { readonly directory: Directory; readonly name: string },
  ): Published | undefined {
    const folder = chain.at(-1)!;
    const wanted = request.parts.at(-1)!;
    noteIntent(this.fs, typeof source === 'string' ? source : source.directory.pathOf(source.name));
    for (let version = 1; version <= LIMITS.releaseMaxVersions; version++) {
      const name = versionName(wanted, version);
      try {
        folder.linkFrom(source, name);
      } catch (error) {
        const errno = errnoOf(error);
        if (errno === 'EEXIST') continue;
        if (errno === 'EXDEV') return undefined;
        if (errno === 'EPERM' || errno === 'EOPNOTSUPP' || errno === 'ENOSYS') {
          throw new SluiceError('RELEASE_IO', 'The file system of the storage has no hard links.', { cause: error });
        }
        throw error;
      }
      this.touched.add(chain);
      // Also when a copy was linked: that may lie where the tenant can take it away.
      this.fs.renameSync(request.staged, publishedName(request.staged));
      return { publishedAs: pathBeside(request, name), version, alreadyThere: false };
    }
    throw new SluiceError('RELEASE_IO', `There are ${LIMITS.releaseMaxVersions} versions of "${showName(wanted)}".`);
  }

  /** It was linked before a crash. Its name may not have become durable, so the folders count as touched. */
  private findAgain(request: PublishRequest, chain: Directory[], staged: nodeFs.BigIntStats): Published {
    const wanted = request.parts.at(-1)!;
    const guess = { publishedAs: pathBeside(request, wanted), version: 1, alreadyThere: true };
    for (const part of [request.tenant, ...request.parts.slice(0, -1)]) {
      const next = openExisting(chain.at(-1)!, part);
      if (!next) return guess;
      chain.push(next);
    }
    const folder = chain.at(-1)!;
    this.touched.add(chain);
    for (let version = 1; version <= LIMITS.releaseMaxVersions; version++) {
      const name = versionName(wanted, version);
      const there = folder.lstat(name);
      if (there?.ino !== staged.ino || there.dev !== staged.dev) continue;
      return { publishedAs: pathBeside(request, name), version, alreadyThere: true };
    }
    return guess;
  }

  private copyInto(request: PublishRequest, staging: Directory, name: string): void {
    let fd: number | undefined;
    try {
      const source = { payload: request.staged, offsetBytes: 0, staged: staging.pathOf(name) };
      extract({ ...request, ...source }, this.fs);
      fd = staging.openFile(name, nodeFs.constants.O_RDONLY);
      dressAndSync(this.fs, fd, request.mtimeNs, this.fileMode);
    } catch (error) {
      if (staging.lstat(name)) staging.unlink(name);
      throw error;
    } finally {
      if (fd !== undefined) this.fs.closeSync(fd);
    }
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

const pathBeside = (request: PublishRequest, name: string): string => [...request.parts.slice(0, -1), name].join('/');

const copiesOf = ({ tenant, transfer }: Pick<PublishRequest, 'tenant' | 'transfer'>, root: Directory) => ({
  root,
  tenant,
  name: transfer,
});
