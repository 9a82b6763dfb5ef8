/**
 * Folders that other people can change while we work in them: walked, read and written without ever following a link.
 *
 * Node has no openat(). On Linux a path through `/proc/self/fd/N/name` is the same thing: the kernel starts at the very
 * folder that descriptor N holds, wherever that has been moved and whatever stands at its old path now, and `name` is
 * a single part, opened with O_NOFOLLOW. So a folder swapped for a link between two steps leads nowhere (FAULTS 29).
 *
 * Where /proc is missing (macOS, a bare container) the weaker form `via: 'paths'` is used: before each step every
 * folder from the root down is looked at and must still be the one that was opened. Between that look and the step
 * itself a folder can still be swapped; who can write to a share could so have a file outside of it read, or a
 * release land outside of the storage. Run there only on shares whose writers are trusted.
 *
 * Synchronous: it runs in processes of their own. System errors pass as node:fs throws them, for only the caller knows
 * what EACCES means for it; everything found here is a SluiceError.
 */
import * as nodeFs from 'node:fs';
import { SluiceError } from '../../core/errors.js';
import { showName } from '../../wire/names.js';

/** The system calls that intake and release make, as an argument so that tests can see and break each one. */
export type FileSystem = Pick<
  typeof nodeFs,
  | 'closeSync'
  | 'fchmodSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'futimesSync'
  | 'linkSync'
  | 'lstatSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readSync'
  | 'readdirSync'
  | 'readlinkSync'
  | 'renameSync'
  | 'rmdirSync'
  | 'symlinkSync'
  | 'unlinkSync'
  | 'writeSync'
>;

export type Via = 'proc' | 'paths';

/** One part of a path: text, or the bytes of a name that may not be UTF-8. */
export type Name = string | Uint8Array;

export interface DirectoryOptions {
  readonly fs?: FileSystem;
  /** Default: 'proc' where it works. */
  readonly via?: Via;
}

export class Directory {
  private open = true;

  private constructor(
    private readonly fs: FileSystem,
    private readonly via: Via,
    private readonly fd: number,
    /** 'proc': the prefix that leads through the descriptor. 'paths': the path as it was opened. */
    private readonly prefix: Buffer,
    private readonly parent: Directory | undefined,
    private readonly identity: { readonly dev: bigint; readonly ino: bigint },
  ) {}

  /**
   * Opens a folder that the configuration names. The folders above it are trusted; it must not be a link itself.
   * Throws what open(2) gives: ENOENT, EACCES, ENOTDIR (also for a link).
   */
  static openRoot(path: string, options: DirectoryOptions = {}): Directory {
    const fs = options.fs ?? nodeFs;
    return Directory.adopt(fs, options.via ?? bestVia(), Buffer.from(path), undefined);
  }

  /** Opens a folder in this one. A link gives ENOTDIR or ELOOP, whatever it points to. */
  openChild(name: Name): Directory {
    return Directory.adopt(this.fs, this.via, this.pathOf(name), this);
  }

  /** Makes a folder in this one with exactly this mode. False when something of that name is there already. */
  createChild(name: Name, mode: number): boolean {
    try {
      this.fs.mkdirSync(this.pathOf(name), { mode });
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
    // The umask may have taken bits away.
    const child = this.openChild(name);
    try {
      this.fs.fchmodSync(child.fd, mode);
    } finally {
      child.close();
    }
    return true;
  }

  /** Raw names of everything in the folder, without "." and "..", in the order of their bytes. */
  list(): Buffer[] {
    this.requireUnchanged();
    const names = this.fs.readdirSync(this.prefix, { encoding: 'buffer' });
    return names.sort(Buffer.compare);
  }

  /** What a name stands for, links not followed. Undefined when there is nothing. */
  lstat(name: Name): nodeFs.BigIntStats | undefined {
    return this.fs.lstatSync(this.pathOf(name), { bigint: true, throwIfNoEntry: false });
  }

  /** Opens a file in this folder; a link gives ELOOP. O_NOFOLLOW and O_CLOEXEC are always added. */
  openFile(name: Name, flags: number, mode?: number): number {
    return this.fs.openSync(this.pathOf(name), flags | NOFOLLOW, mode);
  }

  /** Gives a file of ours one more name here. EEXIST when the name is taken, EXDEV from another file system. */
  linkFrom(source: string | { readonly directory: Directory; readonly name: Name }, name: Name): void {
    this.fs.linkSync(typeof source === 'string' ? source : source.directory.pathOf(source.name), this.pathOf(name));
  }

  /** Moves an entry. What stands at the target is replaced: use names that nobody else uses. */
  rename(name: Name, target: Directory, targetName: Name): void {
    this.fs.renameSync(this.pathOf(name), target.pathOf(targetName));
  }

  /** Removes a name that is not a folder. */
  unlink(name: Name): void {
    this.fs.unlinkSync(this.pathOf(name));
  }

  /** Removes an empty folder in this one. */
  removeChild(name: Name): void {
    this.fs.rmdirSync(this.pathOf(name));
  }

  /** A path that leads to this name through the folder, while it is open. For calls that take a path. */
  pathOf(name: Name): Buffer {
    this.requireUnchanged();
    const bytes = typeof name === 'string' ? Buffer.from(name) : name;
    if (!isOnePart(bytes)) throw new SluiceError('NAME_UNSAFE_PATH', `"${showName(name)}" is not one part of a path.`);
    return Buffer.concat([this.prefix, bytes]);
  }

  /** Makes the names in this folder survive a power loss. */
  sync(): void {
    this.fs.fsyncSync(this.fd);
  }

  /** Device and inode, as when it was opened. */
  get id(): { readonly dev: bigint; readonly ino: bigint } {
    return this.identity;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.fs.closeSync(this.fd);
  }

  private static adopt(fs: FileSystem, via: Via, path: Buffer, parent: Directory | undefined): Directory {
    const fd = fs.openSync(path, DIRECTORY_FLAGS);
    try {
      const { dev, ino } = fs.fstatSync(fd, { bigint: true });
      const prefix = via === 'proc' ? Buffer.from(`/proc/self/fd/${fd}/`) : Buffer.concat([path, Buffer.from('/')]);
      return new Directory(fs, via, fd, prefix, parent, { dev, ino });
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  /** The check of the weaker form: every folder down to here must be where and what it was. */
  private requireUnchanged(): void {
    if (!this.open) throw new SluiceError('INTERNAL', 'A folder was used after it had been closed.');
    if (this.via === 'proc') return;
    this.parent?.requireUnchanged();
    const path = this.prefix.subarray(0, -1);
    const now = this.fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (now?.isDirectory() && now.dev === this.identity.dev && now.ino === this.identity.ino) return;
    throw new SluiceError('FOLDER_SWAPPED', `"${showName(path)}"`);
  }
}

/** The errno name of a system error, undefined for everything else. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Open failed because a link or something else stands where a folder was expected. */
export function isNoFolder(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOTDIR' || code === 'ELOOP' || (error instanceof SluiceError && error.code === 'FOLDER_SWAPPED');
}

/** Whether paths through /proc lead to what a descriptor holds; found out once. */
export function bestVia(): Via {
  probed ??= probe();
  return probed;
}

// --- parts -----------------------------------------------------------------------------------------------------------

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = nodeFs.constants;
const NOFOLLOW = O_NOFOLLOW;
const DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

function isOnePart(name: Uint8Array): boolean {
  if (name.length === 0 || name.includes(0x2f) || name.includes(0)) return false;
  return !(name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)));
}

let probed: Via | undefined;

function probe(): Via {
  let fd: number | undefined;
  try {
    fd = nodeFs.openSync('/', DIRECTORY_FLAGS);
    const held = nodeFs.fstatSync(fd, { bigint: true });
    const seen = nodeFs.statSync(`/proc/self/fd/${fd}/`, { bigint: true });
    return held.dev === seen.dev && held.ino === seen.ino ? 'proc' : 'paths';
  } catch {
    return 'paths';
  } finally {
    if (fd !== undefined) nodeFs.closeSync(fd);
  }
}
