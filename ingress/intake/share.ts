/**
 * Walks one share and names everything in it that is not a folder, links and pipes included: whoever dropped something
 * there hears about it. Nothing is skipped but what the configuration names. Empty folders are no objects.
 *
 * Every entry comes with the folder it was found in, held open: what is read later is read through that very folder,
 * so that swapping a folder for a link meanwhile leads nowhere (FAULTS 28, 29).
 */
import type { BigIntStats } from 'node:fs';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { type Directory, errnoOf, isNoFolder } from '../../shared/ops/directories.js';

export interface WalkOptions {
  /** Files whose names end so are not complete yet and are left alone. Default: `.part`. */
  readonly incompleteSuffixes?: readonly string[];
  /** Folders at the top of the share that are the gateway's own. Default: none, they lie beside the share. */
  readonly reservedTopFolders?: readonly string[];
  /** Folders below the share that are walked. Default: LIMITS.walkMaxDepth. */
  readonly maxDepth?: number;
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
}

export type WalkStep =
  | {
      readonly kind: 'entry';
      /** Open until the walk goes on. */
      readonly directory: Directory;
      readonly name: Buffer;
      /** Relative to the share, parts divided by '/', as the file system has it. */
      readonly rawPath: Buffer;
      readonly stat: BigIntStats;
      /** Why this can never be taken, as far as it can be seen from outside. */
      readonly refusal: Refusal | undefined;
    }
  /** Left alone because of its name. */
  | { readonly kind: 'incomplete'; readonly rawPath: Buffer }
  /** A folder that could not be read; everything below it is unknown, not gone. */
  | { readonly kind: 'trouble'; readonly rawPath: Buffer; readonly code: ErrorCode; readonly detail: string };

/** Depth first, names in the order of their bytes. Closes what it opened also when it is left early; not the root. */
export function* walkShare(root: Directory, options: WalkOptions = {}): Generator<WalkStep, void, void> {
  const suffixes = (options.incompleteSuffixes ?? ['.part']).map((text) => Buffer.from(text));
  const reserved = (options.reservedTopFolders ?? []).map((text) => Buffer.from(text));
  const maxDepth = options.maxDepth ?? LIMITS.walkMaxDepth;
  const stack: Level[] = [];
  try {
    const first = openLevel(root, EMPTY);
    if (!('names' in first)) {
      yield first;
      return;
    }
    stack.push(first);
    while (stack.length > 0) {
      const level = stack.at(-1)!;
      if (level.next === level.names.length) {
        stack.pop();
        if (level.directory !== root) level.directory.close();
        continue;
      }
      const name = level.names[level.next++]!;
      if (stack.length === 1 && reserved.some((folder) => folder.equals(name))) continue;
      const rawPath = level.path.length === 0 ? name : Buffer.concat([level.path, SLASH, name]);
      let stat: BigIntStats | undefined;
      try {
        stat = level.directory.lstat(name);
      } catch (error) {
        // A folder that may be listed and not entered: the same would happen with every name in it.
        const everyName = errnoOf(error) === 'EACCES' || error instanceof SluiceError;
        if (everyName) level.next = level.names.length;
        yield trouble(everyName ? level.path : rawPath, error);
        continue;
      }
      if (!stat) continue;
      if (!stat.isDirectory()) {
        if (suffixes.some((suffix) => endsWith(name, suffix))) yield { kind: 'incomplete', rawPath };
        else yield { kind: 'entry', directory: level.directory, name, rawPath, stat, refusal: refusalOf(stat) };
      } else if (stack.length > maxDepth) {
        const refusal: Refusal = { code: 'NAME_TOO_LONG', detail: `Folders are nested more than ${maxDepth} deep.` };
        yield { kind: 'entry', directory: level.directory, name, rawPath, stat, refusal };
      } else {
        const below = openFolder(level.directory, name, rawPath);
        if (below && 'names' in below) stack.push(below);
        else if (below) yield below;
      }
    }
  } finally {
    for (const level of stack) if (level.directory !== root) level.directory.close();
  }
}

/** What can be refused without opening the entry; the snapshot looks again at what it really opened. */
export function refusalOf(stat: BigIntStats): Refusal | undefined {
  if (stat.isFile()) {
    if (stat.nlink === 1n) return undefined;
    return { code: 'INTAKE_HARD_LINKED', detail: `It has ${stat.nlink} names.` };
  }
  return { code: 'INTAKE_NOT_REGULAR', detail: `It is ${kindOf(stat)}.` };
}

// --- parts -----------------------------------------------------------------------------------------------------------

interface Level {
  readonly directory: Directory;
  readonly path: Buffer;
  readonly names: Buffer[];
  next: number;
}

type Trouble = Extract<WalkStep, { kind: 'trouble' }>;

const EMPTY = Buffer.alloc(0);
const SLASH = Buffer.from('/');

function openLevel(directory: Directory, path: Buffer): Level | Trouble {
  try {
    return { directory, path, names: directory.list(), next: 0 };
  } catch (error) {
    return trouble(path, error);
  }
}

/** Undefined when it vanished or became something else since it was looked at: the next walk meets what it is then. */
function openFolder(parent: Directory, name: Buffer, path: Buffer): Level | Trouble | undefined {
  let directory: Directory;
  try {
    directory = parent.openChild(name);
  } catch (error) {
    return errnoOf(error) === 'ENOENT' || isNoFolder(error) ? undefined : trouble(path, error);
  }
  const level = openLevel(directory, path);
  if (!('names' in level)) directory.close();
  return level;
}

function trouble(rawPath: Buffer, error: unknown): Trouble {
  if (error instanceof SluiceError) return { kind: 'trouble', rawPath, code: error.code, detail: error.detail };
  const errno = errnoOf(error);
  if (!errno) throw error;
  return { kind: 'trouble', rawPath, code: 'INTAKE_UNREADABLE', detail: `The folder gives ${errno}.` };
}

function kindOf(stat: BigIntStats): string {
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (stat.isFIFO()) return 'a pipe';
  if (stat.isSocket()) return 'a socket';
  if (stat.isDirectory()) return 'a folder';
  return stat.isBlockDevice() || stat.isCharacterDevice() ? 'a device' : 'of an unknown kind';
}

function endsWith(name: Buffer, suffix: Buffer): boolean {
  return name.length >= suffix.length && name.subarray(name.length - suffix.length).equals(suffix);
}
