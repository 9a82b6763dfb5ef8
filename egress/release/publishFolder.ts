/**
 * Publishes a consignment: builds its folder out of sight, on the file system of the storage, and gives it its name with
 * one rename, so that at any moment, also after a crash or power loss, the tenant sees all of it or nothing, and sees it
 * once (FAULTS 51-53).
 *
 *   begin: what an earlier run left is removed ─▶ add: each member written, checked, fsync ─▶ publish: fsync of all
 *     folders ─▶ note in the spool which folder (inode) it is, and where ─▶ rename to a free name ─▶ fsync of both sides of it
 *     ─▶ the caller writes "released" into the ledger ─▶ forget: what is left out of sight, then the note
 *
 * The note is the memory of the rename: once it is there, the folder either still has its private name where it was
 * built, and is renamed, or it has not, and was published, whatever the tenant has done with it since. The number of its
 * device says nothing, for many file systems have another one after a reboot. Without a note nothing was published, and
 * all is built anew. Nothing is merged: a name that is taken gets a version.
 */
import * as nodeFs from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { type Directory, errnoOf, type FileSystem } from '../../shared/ops/files/directories.js';
import { writeDurably } from '../../shared/ops/files/durableFiles.js';
import { showName } from '../../shared/wire/names.js';
import { versionName } from '../../shared/wire/versionName.js';
import { extract, releaseError } from './extract.js';
import { removeTree, syncTree } from './folderTree.js';
import type { Published, PublisherOptions } from './publish.js';
import { dressAndSync, makeStagedDurable, statStaged } from './stagedFile.js';
import { openExisting, removeIfEmpty, STAGING } from './stagingFolders.js';
import { checkTarget, enterFolder, FOLDER_MODE, openStorage } from './storageFolders.js';

export interface FolderRequest {
  /** As of a single file, see publish.ts. */
  readonly storageRoot: string;
  readonly tenant: string;
  /** Checked path of the folder, divided. */
  readonly parts: readonly string[];
  /** Id of the consignment: names the folder while it is out of sight. */
  readonly consignment: string;
}

export interface PublishedFolder extends Published {
  /** It is neither out of sight nor below any name it can have been given: the tenant has moved it, or it is lost. */
  readonly isMissing: boolean;
}

export interface FolderMember {
  /** Checked path below the folder, divided. */
  readonly parts: readonly string[];
  /** The file that holds the object, and where in it. */
  readonly payload: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
  readonly mtimeNs: bigint;
  /** The payload is this object and nothing else: it gets one more name where the file systems allow it. */
  readonly whole: boolean;
}

export class FolderPublisher {
  private readonly fs: FileSystem;
  private readonly fileMode: number;
  private readonly folderMode: number;
  /** Storages in whose root nothing can be made, or from which no rename leads into the tenant's folder. */
  private readonly inside = new Set<string>();

  /** @param notesDir a folder of the gateway's own */
  constructor(
    private readonly notesDir: string,
    private readonly options: PublisherOptions = {},
  ) {
    this.fs = options.fs ?? nodeFs;
    this.fileMode = options.fileMode ?? 0o640;
    this.folderMode = options.folderMode ?? FOLDER_MODE;
  }

  /**
   * True: an earlier run has built all of it, publish() is next. False: add() all members. Throws as publish() does.
   */
  begin(request: FolderRequest): boolean {
    return this.within(request, (opened) => {
      if (this.noteOf(request)) return true;
      for (let tries = 0; ; tries++) {
        try {
          const staging = this.openStaging(request, opened);
          removeTree(staging, request.consignment);
          staging.createChild(request.consignment, this.folderMode);
          return false;
        } catch (error) {
          // Who has just emptied the folder for others may take it away in between.
          if (errnoOf(error) !== 'ENOENT' || tries >= 3) throw error;
        }
      }
    });
  }

  /**
   * Puts a member into the folder, durably; after a failure begin() again. Throws CONSIGNMENT_INVALID (its name is
   * taken by another member), DIGEST_MISMATCH, NAME_*, STORAGE_FULL, RELEASE_IO.
   */
  add(request: FolderRequest, member: FolderMember): void {
    checkTarget({ tenant: request.tenant, parts: [...request.parts, ...member.parts] });
    this.within(request, (opened) => {
      let folder = this.openStaging(request, opened).openChild(request.consignment);
      opened.push(folder);
      for (const part of member.parts.slice(0, -1)) {
        folder = this.enterMember(folder, part);
        opened.push(folder);
      }
      const name = member.parts.at(-1)!;
      if (folder.lstat(name)) throw clash(name);
      if (!member.whole || !this.link(member, folder, name)) this.copy(member, folder, name);
    });
  }

  /**
   * Gives the folder its name, durably. Can be repeated. Throws RELEASE_UNSAFE_TARGET (a link or a file stands on the
   * way), STORAGE_FULL, RELEASE_IO.
   */
  publish(request: FolderRequest): PublishedFolder {
    return this.within(request, (opened) => {
      const chain = this.openTarget(request, opened);
      const note = this.noteOf(request) ?? this.note(request, opened);
      const places = this.stagingsOf(request, opened);
      const staging = this.unpublished(request, note, opened);
      const target = chain.at(-1)!;
      const published = staging ? this.rename(request, staging, target) : this.find(request, note, target);
      // The rename, and folders on the way to it that may be new.
      for (const place of places) place.sync();
      for (const directory of [...chain].reverse()) directory.sync();
      return published;
    });
  }

  /** Removes what is left out of sight, once the ledger says what has become of the consignment. Can be repeated. */
  forget(request: FolderRequest): void {
    this.within(request, (opened) => {
      for (const staging of this.stagingsOf(request, opened)) removeTree(staging, request.consignment);
      for (const above of this.placesOf(request, opened)) removeIfEmpty(above);
      // Last, because as long as it is there somebody knows that there is something to forget.
      if (this.fs.lstatSync(this.noteFile(request), { throwIfNoEntry: false }))
        this.fs.unlinkSync(this.noteFile(request));
    });
  }

  // --- places --------------------------------------------------------------------------------------------------------

  private within<T>({ storageRoot, tenant, parts }: FolderRequest, work: (opened: Directory[]) => T): T {
    const opened: Directory[] = [];
    try {
      checkTarget({ tenant, parts });
      opened.push(openStorage(storageRoot, this.options));
      return work(opened);
    } catch (error) {
      throw releaseError(error, `The storage of "${showName(tenant)}"`);
    } finally {
      for (const directory of opened.reverse()) directory.close();
    }
  }

  /** Where it may lie out of sight: beside the tenants' folders, or in the tenant's own. */
  private placesOf({ tenant }: FolderRequest, opened: Directory[]): Directory[] {
    const [root] = opened;
    const own = openExisting(root!, tenant);
    if (!own) return [root!];
    opened.push(own);
    return [root!, own];
  }

  /** Those of them that are there. An earlier process may have chosen another one than this. */
  private stagingsOf(request: FolderRequest, opened: Directory[]): Directory[] {
    return this.placesOf(request, opened).flatMap((above) => {
      const staging = openExisting(above, STAGING);
      return staging ? [keep(opened, staging)] : [];
    });
  }

  /** Where it still lies out of sight; what another run left elsewhere may be half of it. */
  private unpublished(request: FolderRequest, note: Note, opened: Directory[]): Directory | undefined {
    const places = this.placesOf(request, opened);
    // A note of an earlier version does not say where.
    const built = note.inside === undefined ? places : places.slice(note.inside ? 1 : 0).slice(0, 1);
    const hidden = built.flatMap((above) => {
      const staging = openExisting(above, STAGING);
      const tree = staging && keep(opened, staging).lstat(request.consignment);
      return tree?.isDirectory() ? [{ staging, isNoted: tree.ino === note.ino }] : [];
    });
    return (hidden.find(({ isNoted }) => isNoted) ?? hidden[0])?.staging;
  }

  private openStaging(request: FolderRequest, opened: Directory[]): Directory {
    const [root] = opened;
    const own = enterFolder(root!, request.tenant, this.folderMode);
    opened.push(own);
    const key = `${request.storageRoot}\0${request.tenant}`;
    // A tenant's folder may be a mount of its own, and no rename leads into it.
    if (own.id.dev !== root!.id.dev) this.inside.add(key);
    if (!this.inside.has(key)) {
      try {
        return keep(opened, stagingIn(root!));
      } catch (error) {
        if (!NOT_HERE.has(errnoOf(error) ?? '')) throw error;
        this.inside.add(key);
      }
    }
    return keep(opened, stagingIn(own));
  }

  /** The storage, the tenant's folder, and so on down to the one that will hold the consignment. */
  private openTarget({ tenant, parts }: FolderRequest, opened: Directory[]): Directory[] {
    const chain = [opened[0]!];
    for (const part of [tenant, ...parts.slice(0, -1)]) {
      chain.push(keep(opened, enterFolder(chain.at(-1)!, part, this.folderMode)));
    }
    return chain;
  }

  // --- members -------------------------------------------------------------------------------------------------------

  private enterMember(parent: Directory, part: string): Directory {
    try {
      return enterFolder(parent, part, this.folderMode);
    } catch (error) {
      // Nobody but us writes here: what stands there is another member.
      if (error instanceof SluiceError && error.code === 'RELEASE_UNSAFE_TARGET') throw clash(part);
      throw error;
    }
  }

  /** False when the payload lies on another file system. */
  private link(member: FolderMember, folder: Directory, name: string): boolean {
    const staged = { ...member, staged: member.payload };
    if (statStaged(this.fs, staged).dev !== folder.id.dev) return false;
    makeStagedDurable(this.fs, staged, this.fileMode);
    try {
      folder.linkFrom(member.payload, name);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') throw clash(name);
      if (NO_LINKS.has(errnoOf(error) ?? '')) return false;
      throw error;
    }
  }

  private copy(member: FolderMember, folder: Directory, name: string): void {
    extract({ ...member, staged: folder.pathOf(name) }, this.fs);
    const fd = folder.openFile(name, nodeFs.constants.O_RDONLY);
    try {
      dressAndSync(this.fs, fd, member.mtimeNs, this.fileMode);
    } finally {
      this.fs.closeSync(fd);
    }
  }

  // --- the step that people see --------------------------------------------------------------------------------------

  /** Everything in it is safe on disk: from here on it is published or will be. */
  private note(request: FolderRequest, opened: Directory[]): Note {
    const staging = this.openStaging(request, opened);
    const tree = staging.openChild(request.consignment);
    const { ino } = tree.id;
    syncTree(tree);
    // Its private name too: without it, it would seem to have been published.
    staging.sync();
    for (const above of this.placesOf(request, opened)) above.sync();
    const inside = this.inside.has(`${request.storageRoot}\0${request.tenant}`);
    writeDurably(this.noteFile(request), Buffer.from(JSON.stringify({ ino: `${ino}`, inside })), this.fs);
    return { ino, inside };
  }

  private noteOf(request: FolderRequest): Note | undefined {
    const file = this.noteFile(request);
    if (!this.fs.lstatSync(file, { throwIfNoEntry: false })) return undefined;
    const { ino, inside } = JSON.parse(nodeFs.readFileSync(file, 'utf8')) as { ino: string; inside?: boolean };
    return { ino: BigInt(ino), inside };
  }

  private noteFile({ consignment }: FolderRequest): string {
    if (!/^[0-9a-f]{32}$/.test(consignment)) throw new SluiceError('INTERNAL', 'This is not the id of a consignment.');
    return join(this.notesDir, `${consignment}.folder`);
  }

  private rename(request: FolderRequest, staging: Directory, target: Directory): PublishedFolder {
    const wanted = request.parts.at(-1)!;
    for (let version = 1; version <= LIMITS.releaseMaxVersions; version++) {
      const name = versionName(wanted, version, 'folder');
      // rename(2) would take the place of an empty folder.
      if (target.lstat(name)) continue;
      try {
        staging.rename(request.consignment, target, name);
      } catch (error) {
        const errno = errnoOf(error) ?? '';
        if (TAKEN.has(errno)) continue;
        if (errno === 'EXDEV') this.moveInside(request, staging, error);
        throw error;
      }
      return { publishedAs: beside(request, name), version, alreadyThere: false, isMissing: false };
    }
    throw new SluiceError('RELEASE_IO', `There are ${LIMITS.releaseMaxVersions} versions of "${showName(wanted)}".`);
  }

  /** Two mounts of one file system: it is built anew in the tenant's own folder. */
  private moveInside(request: FolderRequest, staging: Directory, cause: unknown): never {
    const key = `${request.storageRoot}\0${request.tenant}`;
    const detail = this.inside.has(key)
      ? 'A folder below that of the tenant is on another file system.'
      : 'The storage is mounted twice; the folder is built anew where it can be renamed.';
    this.inside.add(key);
    this.fs.unlinkSync(this.noteFile(request));
    removeTree(staging, request.consignment);
    throw new SluiceError('RELEASE_IO', detail, { cause });
  }

  /** It was renamed before a crash. If it is not found the name is a guess, which the operator is told. */
  private find(request: FolderRequest, note: Note, target: Directory): PublishedFolder {
    const wanted = request.parts.at(-1)!;
    for (let version = 1; version <= LIMITS.releaseMaxVersions; version++) {
      const name = versionName(wanted, version, 'folder');
      const there = target.lstat(name);
      if (there?.ino !== note.ino || !there.isDirectory()) continue;
      return { publishedAs: beside(request, name), version, alreadyThere: true, isMissing: false };
    }
    return { publishedAs: request.parts.join('/'), version: 1, alreadyThere: true, isMissing: true };
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

/** Which folder it is, and whether it was built in the tenant's own folder. */
interface Note {
  readonly ino: bigint;
  readonly inside: boolean | undefined;
}

const NOT_HERE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);
const NO_LINKS: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
const TAKEN: ReadonlySet<string> = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR']);

const beside = ({ parts }: FolderRequest, name: string): string => [...parts.slice(0, -1), name].join('/');

const clash = (name: string): SluiceError =>
  new SluiceError('CONSIGNMENT_INVALID', `Two of its files cannot both be called "${showName(name)}".`);

function keep(opened: Directory[], directory: Directory): Directory {
  opened.push(directory);
  return directory;
}

function stagingIn(above: Directory): Directory {
  above.createChild(STAGING, 0o700);
  return enterFolder(above, STAGING, 0o700);
}
