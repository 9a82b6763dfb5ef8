/**
 * A tenant's folder of receipts, as it is on disk:
 *
 *   today.txt  2026-11-21.txt             summaries, each with a .json beside it
 *   2026-11-22/report.pdf--0123456789ab.txt   receipts, filed by the day the object was first met, with a .json
 *
 * The tenant may take away, move and link what it likes in there: everything is written beside its name and renamed, so
 * that nobody reads half of it, no link is ever followed, and nothing but what the gateway wrote is ever removed. What
 * the tenant puts in the way costs it that receipt and nobody else's (FAULTS 29, 61).
 */
import * as nodeFs from 'node:fs';
import { dirname } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import { Directory, type DirectoryOptions, errnoOf, isNoFolder } from '../files/directories.js';
import { isDay, isReceiptName } from './place.js';

/** Made when it is missing, with the folder above it but nothing above that: what is not mounted is not made up for. */
export function makeReceiptsFolder(path: string): void {
  for (const folder of [dirname(path), path]) {
    try {
      nodeFs.mkdirSync(folder, { mode: ROOT_MODE });
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') continue;
      throw error;
    }
  }
}

/** Something of the tenant's stands where this one file should be: trying again would not help. */
export class InTheWay extends Error {}

export class ReceiptsFolder {
  private readonly days = new Map<string, Directory>();

  private constructor(
    private readonly root: Directory,
    private readonly fs: DirectoryOptions['fs'] & object,
    private readonly dayMode: number,
  ) {}

  /** Throws what the system throws; ENOTDIR for a link. Close it soon: it may be on a file system that goes away. */
  static open(path: string, options: DirectoryOptions = {}): ReceiptsFolder {
    const root = Directory.openRoot(path, options);
    // Whoever may take receipts away from here may also do so from the days; everybody never.
    return new ReceiptsFolder(root, options.fs ?? nodeFs, nodeFs.statSync(path).mode & 0o7775);
  }

  /** Throws InTheWay, or what the system throws. `day` null: beside the folders of days. */
  write(day: string | null, name: string, text: string): void {
    const folder = day === null ? this.root : this.day(day);
    const temporary = `.${name}.new`;
    const fd = this.openNew(folder, temporary);
    try {
      writeAll(this.fs, fd, Buffer.from(text));
    } finally {
      this.fs.closeSync(fd);
    }
    try {
      folder.rename(temporary, folder, name);
    } catch (error) {
      removeQuietly(folder, temporary);
      throw inTheWay(error);
    }
  }

  /** Takes one of our own files away, if it is there. */
  remove(day: string, name: string): void {
    let folder: Directory;
    try {
      folder = this.days.get(day) ?? this.keep(day, this.root.openChild(day));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || isNoFolder(error)) return;
      throw error;
    }
    if (isOurs(folder, name)) folder.unlink(name);
  }

  /** Takes away what the gateway wrote on days before this one, and their folders unless something else is in them. */
  sweep(beforeDay: string): void {
    for (const raw of this.root.list()) {
      const name = raw.toString('latin1');
      const day = name.slice(0, DAY_LENGTH);
      if (!isDay(day) || day >= beforeDay) continue;
      if (name === day) this.sweepDay(day);
      else if (SUMMARY_NAME.test(name) && isOurs(this.root, name)) this.root.unlink(name);
    }
  }

  close(): void {
    for (const folder of this.days.values()) folder.close();
    this.days.clear();
    this.root.close();
  }

  private sweepDay(day: string): void {
    let folder: Directory;
    try {
      folder = this.root.openChild(day);
    } catch {
      return; // A link or a file of that name is not ours.
    }
    try {
      for (const raw of folder.list()) {
        const name = raw.toString('latin1');
        const own = name.startsWith('.') && name.endsWith('.new') ? name.slice(1, -4) : name;
        if (isReceiptName(own) && isOurs(folder, name)) folder.unlink(name);
      }
      this.root.removeChild(day);
    } catch (error) {
      if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'ENOENT') throw error;
    } finally {
      folder.close();
    }
  }

  private day(day: string): Directory {
    const known = this.days.get(day);
    if (known) return known;
    if (!isDay(day)) throw new SluiceError('INTERNAL', 'A receipt is filed under what is no day.');
    for (let tries = 0; ; tries++) {
      try {
        return this.keep(day, this.root.openChild(day));
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT' || tries >= 3) throw error;
        this.root.createChild(day, this.dayMode);
      }
    }
  }

  private keep(day: string, folder: Directory): Directory {
    this.days.set(day, folder);
    return folder;
  }

  /** What has that name is a left-over of ours, or a trap: it is taken away unread. */
  private openNew(folder: Directory, name: string): number {
    try {
      return folder.openFile(name, NEW_FILE, FILE_MODE);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ELOOP') throw error;
    }
    try {
      folder.unlink(name);
      return folder.openFile(name, NEW_FILE, FILE_MODE);
    } catch (error) {
      throw inTheWay(error);
    }
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

const ROOT_MODE = 0o750;
const FILE_MODE = 0o640;
const { O_WRONLY, O_CREAT, O_EXCL } = nodeFs.constants;
const NEW_FILE = O_WRONLY | O_CREAT | O_EXCL;
const DAY_LENGTH = 'YYYY-MM-DD'.length;
const SUMMARY_NAME = /^\.?\d{4}-\d{2}-\d{2}\.(?:txt|json)(?:\.new)?$/;

/** A plain file of the gateway's own user, with one name: nothing else is ever removed. */
function isOurs(folder: Directory, name: string): boolean {
  const there = folder.lstat(name);
  return there?.isFile() === true && there.nlink === 1n && there.uid === BigInt(process.getuid?.() ?? 0);
}

function inTheWay(error: unknown): unknown {
  const errno = errnoOf(error);
  return errno === 'EISDIR' || errno === 'ENOTEMPTY' || errno === 'EEXIST' || errno === 'ENOTDIR' || errno === 'EPERM'
    ? new InTheWay(String(errno), { cause: error })
    : error;
}

function removeQuietly(folder: Directory, name: string): void {
  try {
    folder.unlink(name);
  } catch {
    // What cannot be removed is swept one day, or written over.
  }
}

function writeAll(fs: { writeSync: typeof nodeFs.writeSync }, fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += fs.writeSync(fd, bytes, at, bytes.length - at);
}
