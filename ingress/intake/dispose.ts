/**
 * What becomes of the original in the share once its copy has been sent: it stays, moves to another folder, or is
 * deleted. Only the very file that was taken, never what somebody has put in its place, and nothing is overwritten.
 *
 * A name can be given to another file between looking at it and acting on it. So the file is first moved to a private
 * name, looked at there, and put back if it is not the one. A move goes to the private name across folders, so that
 * another file system or mount is noticed (EXDEV) before anything has changed.
 */
import * as nodeFs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Directory, type DirectoryOptions, errnoOf, isNoFolder } from '../../shared/ops/files/directories.js';
import { showName } from '../../shared/wire/names.js';
import { versionName } from '../../shared/wire/versionName.js';
import { type Identity, identityOf, isSameFile, sameButChangeTime } from './identity.js';

export interface DisposeRequest {
  readonly share: string;
  readonly rawPath: Uint8Array;
  /** The file as it was when the snapshot was taken. */
  readonly identity: Identity;
  /** Transfer id in hexadecimal: makes the private name, so that a repetition after a crash finds what was begun. */
  readonly transfer: string;
  readonly mode: 'keep' | 'move' | 'delete';
  /** For `move`: the folder that accepted files go to, paths kept; made when it is missing. Not inside the share. */
  readonly acceptedFolder?: string;
}

export type DisposeOutcome =
  | { readonly outcome: 'deleted' }
  /** `path` below the accepted folder. */
  | { readonly outcome: 'moved'; readonly path: string }
  /** The share was left as it is (`changed`: it is not the file that was taken any more). */
  | { readonly outcome: 'kept'; readonly reason: 'asked' | 'changed' | 'gone' | 'other-file-system' };

/** Can be repeated at any time. Throws INTAKE_UNREADABLE when the share or the accepted folder does not let us. */
export function dispose(request: DisposeRequest, options: DirectoryOptions = {}): DisposeOutcome {
  if (request.mode === 'keep') return { outcome: 'kept', reason: 'asked' };
  if (!/^[0-9a-f]{1,64}$/.test(request.transfer)) throw new SluiceError('INTERNAL', 'This is not a transfer id.');
  const opened: Directory[] = [];
  try {
    const parts = Buffer.from(request.rawPath).toString('latin1').split('/');
    const names = parts.map((part) => Buffer.from(part, 'latin1'));
    const accepted = request.mode === 'move' ? openAccepted(request, options, opened) : undefined;
    const place = openPlace(request.share, names.slice(0, -1), options, opened);
    if (!place) return { outcome: 'kept', reason: 'gone' };
    return new Disposal(request, place, names, accepted, opened).run();
  } catch (error) {
    const errno = errnoOf(error);
    if (!errno) throw error;
    throw new SluiceError('INTAKE_UNREADABLE', `"${showName(request.rawPath)}" gives ${errno}.`, { cause: error });
  } finally {
    for (const directory of opened.reverse()) directory.close();
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

const FOLDER_MODE = 0o750;

class Disposal {
  /** Ends in ".part", so that a walk leaves it alone. */
  private readonly privateName: string;
  private readonly name: Buffer;
  private readonly privateFolder: Directory;

  constructor(
    private readonly request: DisposeRequest,
    private readonly place: Directory,
    private readonly names: readonly Buffer[],
    private readonly accepted: Directory | undefined,
    private readonly opened: Directory[],
  ) {
    this.privateName = `.sluice-${request.transfer}.part`;
    this.name = names.at(-1)!;
    this.privateFolder = accepted ?? place;
  }

  run(): DisposeOutcome {
    // Not there: nothing was begun. There: a crash came in between, go on from here.
    if (!this.privateFolder.lstat(this.privateName)) {
      const now = this.place.lstat(this.name);
      if (!now) return { outcome: 'kept', reason: 'gone' };
      if (!now.isFile() || !isSameFile(identityOf(now), this.request.identity)) return CHANGED;
      try {
        this.place.rename(this.name, this.privateFolder, this.privateName);
      } catch (error) {
        if (errnoOf(error) === 'EXDEV') return { outcome: 'kept', reason: 'other-file-system' };
        if (errnoOf(error) === 'ENOENT') return { outcome: 'kept', reason: 'gone' };
        throw error;
      }
    }
    const held = this.privateFolder.lstat(this.privateName);
    if (!held?.isFile() || !sameButChangeTime(identityOf(held), this.request.identity)) {
      this.putBack();
      return CHANGED;
    }
    if (!this.accepted) {
      this.privateFolder.unlink(this.privateName);
      return { outcome: 'deleted' };
    }
    return this.file(this.accepted, held);
  }

  /** Gives the file its name among the accepted ones and takes the private name away. */
  private file(accepted: Directory, held: nodeFs.BigIntStats): DisposeOutcome {
    let folder = accepted;
    const parents = this.names.slice(0, -1);
    try {
      for (const part of parents) {
        folder = enter(folder, part);
        this.opened.push(folder);
      }
    } catch (error) {
      if (!isNoFolder(error)) throw error;
      // A file or a link stands where a folder is needed: keep the name, flat.
      folder = accepted;
      parents.length = 0;
    }
    const wanted = this.name.toString();
    const prefix = parents.map((part) => `${part.toString()}/`).join('');
    for (let version = 1; version <= LIMITS.releaseMaxVersions; version++) {
      const name = versionName(wanted, version);
      const there = folder.lstat(name);
      // Ours already: the crash came between giving the name and taking the private one away.
      const done = there !== undefined && there.ino === held.ino && there.dev === held.dev;
      if (done) this.privateFolder.unlink(this.privateName);
      else if (there || !moveFree(this.privateFolder, this.privateName, folder, name)) continue;
      return { outcome: 'moved', path: prefix + name };
    }
    throw new SluiceError('INTAKE_UNREADABLE', `Too many accepted files are called "${showName(wanted)}".`);
  }

  /** Somebody exchanged the file in the last moment: theirs goes back under its name, or a version of it. */
  private putBack(): void {
    if (this.privateFolder.lstat(this.privateName)?.isDirectory()) {
      this.privateFolder.rename(this.privateName, this.place, this.name);
      return;
    }
    if (moveFree(this.privateFolder, this.privateName, this.place, this.name)) return;
    const wanted = this.name.toString();
    for (let version = 2; version <= LIMITS.releaseMaxVersions; version++) {
      if (moveFree(this.privateFolder, this.privateName, this.place, versionName(wanted, version))) return;
    }
  }
}

const CHANGED: DisposeOutcome = { outcome: 'kept', reason: 'changed' };

/** Moves to a name unless it is taken (then false). */
function moveFree(from: Directory, fromName: string, to: Directory, name: string | Buffer): boolean {
  try {
    to.linkFrom({ directory: from, name: fromName }, name);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return false;
    if (!NO_LINKS.has(errno ?? '')) throw error;
    // Linux lets nobody link a file of another user which he cannot write to, some file systems know no links at all.
    // Then look and rename: only in the share itself could somebody else take the name in between.
    if (to.lstat(name)) return false;
    from.rename(fromName, to, name);
    return true;
  }
  from.unlink(fromName);
  return true;
}
const NO_LINKS = new Set(['EPERM', 'EACCES', 'ENOSYS', 'EOPNOTSUPP', 'ENOTSUP', 'EMLINK']);

/** The folder the original lies in, undefined when the way there is gone. */
function openPlace(
  share: string,
  parents: readonly Buffer[],
  options: DirectoryOptions,
  opened: Directory[],
): Directory | undefined {
  let folder = Directory.openRoot(share, options);
  opened.push(folder);
  for (const part of parents) {
    try {
      folder = folder.openChild(part);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || isNoFolder(error)) return undefined;
      throw error;
    }
    opened.push(folder);
  }
  return folder;
}

function openAccepted(request: DisposeRequest, options: DirectoryOptions, opened: Directory[]): Directory {
  const path = request.acceptedFolder;
  if (path === undefined) throw new SluiceError('CONFIG_INVALID', '"move" needs a folder to move to.');
  const folder = openMade(path, options);
  opened.push(folder);
  return folder;
}

/** It is there but for the first time, and an exception costs more than everything else here. */
function openMade(path: string, options: DirectoryOptions): Directory {
  try {
    return Directory.openRoot(path, options);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  (options.fs ?? nodeFs).mkdirSync(path, { recursive: true, mode: FOLDER_MODE });
  return Directory.openRoot(path, options);
}

function enter(folder: Directory, part: Buffer): Directory {
  try {
    return folder.openChild(part);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  folder.createChild(part, FOLDER_MODE);
  return folder.openChild(part);
}
