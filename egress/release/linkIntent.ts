/**
 * Notes that a file is about to get a name in a storage, and what its change time is at that moment. After a crash the
 * number of its names tells that it got one, unless the tenant has taken that one away again. Then the change time does:
 * giving a name and taking it away both move it. So a file is not published again that the tenant already has had.
 *
 * The note is a symbolic link whose target is text: one call makes it, whole. What changes the file otherwise has to
 * forget the note first, or the file would count as published without ever having been.
 */
import type { BigIntStats } from 'node:fs';
import { errnoOf, type FileSystem } from '../../shared/ops/files/directories.js';

/** To be called directly before link(). */
export function noteIntent(fs: FileSystem, staged: string | Buffer): void {
  const stat = fs.lstatSync(staged, { bigint: true });
  forgetIntent(fs, staged);
  fs.symlinkSync(textOf(stat), intentName(staged));
}

/** Whether link() gave the file a name after the note was made, although it has none beside its own now. */
export function wasLinked(fs: FileSystem, staged: string | Buffer, stat: BigIntStats): boolean {
  if (!isThere(fs, intentName(staged))) return false;
  try {
    const noted = fs.readlinkSync(intentName(staged));
    return noted.startsWith(`${stat.ino} `) && noted !== textOf(stat);
  } catch (error) {
    // Something else of that name is no note of ours.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL') return false;
    throw error;
  }
}

export const forgetIntent = (fs: FileSystem, staged: string | Buffer): void => removeIfThere(fs, intentName(staged));

/** Looks first: mostly there is nothing, and an exception costs several times as much as a look. */
export function removeIfThere(fs: FileSystem, path: string | Buffer): void {
  if (!isThere(fs, path)) return;
  try {
    fs.unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

const isThere = (fs: FileSystem, path: string | Buffer): boolean =>
  fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
const intentName = (staged: string | Buffer): Buffer => Buffer.concat([Buffer.from(staged), Buffer.from('.linking')]);
const textOf = ({ ino, ctimeNs }: BigIntStats): string => `${ino} ${ctimeNs}`;
