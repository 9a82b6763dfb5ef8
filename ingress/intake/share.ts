/**
 * Walks one share and names everything in it that is not a folder, links and pipes included: whoever dropped something
 * there hears about it. Nothing is skipped but what the configuration names. Empty folders are no objects.
 *
 * Every entry comes with the folder it was found in, held open: what is read later is read through that very folder,
 * so that swapping a folder for a link meanwhile leads nowhere (FAULTS 28, 29). A folder that is a consignment is not
 * walked but named as one, with everything in it.
 */
import type { BigIntStats } from 'node:fs';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { type Directory, errnoOf, isNoFolder } from '../../shared/ops/files/directories.js';

export interface WalkOptions {
  /** Files whose names end so are not complete yet and are left alone. Default: `.part`. */
  readonly incompleteSuffixes?: readonly string[];
  /** Folders at the top of the share that are the gateway's own. Default: none, they lie beside the share. */
  readonly reservedTopFolders?: readonly string[];
  /** Folders below the share that are walked. Default: LIMITS.walkMaxDepth. */
  readonly maxDepth?: number;
  /** Whether a folder in the share travels as a unit. Asked from the top down, and not below one that does. */
  readonly isConsignment?: (folder: FolderView) => boolean;
  /** Files of a consignment that are looked at. Default: LIMITS.consignmentMaxObjects. */
  readonly maxMembers?: number;
}

/** A folder that the walk is about to enter. */
export interface FolderView {
  readonly directory: Directory;
  readonly rawPath: Buffer;
  /** What lies directly in it, in the order of bytes. */
  readonly names: readonly Buffer[];
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface EntryStep {
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

/** What is kept of a member of a consignment: its folder is closed again. */
export type Member = Omit<EntryStep, 'directory' | 'kind'>;

/** A folder that travels as a unit. */
export interface ConsignmentStep {
  readonly kind: 'consignment';
  readonly directory: Directory;
  readonly rawPath: Buffer;
  /** In the order of the walk; when there are more than are allowed, only the first ones. */
  readonly members: readonly Member[];
  readonly tooMany: boolean;
  /** Incomplete names and folders that could not be read: the set of members is not known. */
  readonly open: readonly Extract<WalkStep, { kind: 'incomplete' | 'trouble' }>[];
}

export type WalkStep =
  | EntryStep
  | ConsignmentStep
  /** Left alone because of its name, a folder with everything in it. */
  | { readonly kind: 'incomplete'; readonly rawPath: Buffer; readonly stat: BigIntStats }
  /** A folder that could not be read; everything below it is unknown, not gone. */
  | { readonly kind: 'trouble'; readonly rawPath: Buffer; readonly code: ErrorCode; readonly detail: string };

/** Depth first, names in the order of their bytes. Closes what it opened also when it is left early; not the root. */
export function* walkShare(root: Directory, options: WalkOptions = {}): Generator<WalkStep, void, void> {
  const first = openLevel(root, EMPTY);
  if ('names' in first) yield* walkLevel(first, options, 1);
  else yield first;
}

/** A consignment that is already open, named as the walk names it. */
export function gatherFolder(
  directory: Directory,
  rawPath: Buffer,
  options: WalkOptions,
): ConsignmentStep | Extract<WalkStep, { kind: 'trouble' }> {
  const level = openLevel(directory, rawPath);
  return 'names' in level ? gather(level, options, rawPath.toString('latin1').split('/').length + 1) : level;
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

/** `depth` of a folder at the top of the share is 2. Leaves the folder of `first` open. */
function* walkLevel(first: Level, options: WalkOptions, depth: number): Generator<WalkStep, void, void> {
  const suffixes = (options.incompleteSuffixes ?? ['.part']).map((text) => Buffer.from(text));
  const reserved = (options.reservedTopFolders ?? []).map((text) => Buffer.from(text));
  const maxDepth = options.maxDepth ?? LIMITS.walkMaxDepth;
  const stack = [first];
  try {
    while (stack.length > 0) {
      const level = stack.at(-1)!;
      if (level.next === level.names.length) {
        stack.pop();
        if (level !== first) level.directory.close();
        continue;
      }
      const { directory } = level;
      const name = level.names[level.next++]!;
      const isTop = depth === 1 && stack.length === 1;
      if (isTop && reserved.some((folder) => folder.equals(name))) continue;
      const rawPath = level.path.length === 0 ? name : Buffer.concat([level.path, SLASH, name]);
      let stat: BigIntStats | undefined;
      try {
        stat = directory.lstat(name);
      } catch (error) {
        // A folder that may be listed and not entered: the same would happen with every name in it.
        const everyName = errnoOf(error) === 'EACCES' || error instanceof SluiceError;
        if (everyName) level.next = level.names.length;
        yield trouble(everyName ? level.path : rawPath, error);
        continue;
      }
      if (!stat) continue;
      if (suffixes.some((suffix) => endsWith(name, suffix))) {
        yield { kind: 'incomplete', rawPath, stat };
      } else if (!stat.isDirectory()) {
        yield { kind: 'entry', directory, name, rawPath, stat, refusal: refusalOf(stat) };
      } else if (depth + stack.length - 1 > maxDepth) {
        const refusal: Refusal = { code: 'NAME_TOO_LONG', detail: `Folders are nested more than ${maxDepth} deep.` };
        yield { kind: 'entry', directory, name, rawPath, stat, refusal };
      } else {
        const below = openFolder(directory, name, rawPath);
        if (!below) continue;
        if (!('names' in below)) {
          yield below;
          continue;
        }
        stack.push(below);
        if (!options.isConsignment?.({ directory: below.directory, rawPath, names: below.names })) continue;
        yield gather(below, options, depth + stack.length - 1);
        below.next = below.names.length;
      }
    }
  } finally {
    for (const level of stack) if (level !== first) level.directory.close();
  }
}

/** Everything in a folder that travels as a unit. */
function gather(folder: Level, options: WalkOptions, depth: number): ConsignmentStep {
  const { isConsignment: _, ...plain } = options;
  const maxMembers = options.maxMembers ?? LIMITS.consignmentMaxObjects;
  const members: Member[] = [];
  const open: ConsignmentStep['open'][number][] = [];
  let tooMany = false;
  for (const step of walkLevel({ ...folder }, plain, depth)) {
    if (step.kind === 'entry') {
      const { name, rawPath, stat, refusal } = step;
      members.push({ name, rawPath, stat, refusal });
    } else if (step.kind !== 'consignment') {
      open.push(step);
    }
    tooMany = members.length > maxMembers;
    if (tooMany || open.length > maxMembers) break;
  }
  const { directory, path: rawPath } = folder;
  return { kind: 'consignment', directory, rawPath, members: members.slice(0, maxMembers), tooMany, open };
}

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
