/**
 * Looks at the storages again and again, as tenants do: whatever is there at any moment must be whole, be one of the
 * objects that were dropped for this tenant under this name, and be there once.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { versionName } from '../../shared/wire/versionName.js';
import type { Dropped } from './traffic.js';

export interface Storage {
  readonly tenant: string;
  readonly folder: string;
  /** The tenant takes every file away as soon as it has seen it. */
  readonly empties: boolean;
}

const VERSIONS = 100;

export class StorageWatch {
  /** Digest -> every place it was seen at. */
  readonly seen = new Map<string, string[]>();
  /** What nobody dropped in this form: half of an object, another tenant's, under another name. */
  readonly strange = new Map<string, string>();
  private readonly looked = new Set<string>();

  constructor(
    private readonly storages: readonly Storage[],
    private readonly dropped: ReadonlyMap<string, Dropped>,
  ) {}

  look(): void {
    for (const storage of this.storages) {
      const paths = filesBelow(storage.folder);
      if (!storage.empties) this.lookForHalves(storage, new Set(paths));
      for (const path of paths) this.lookAt(storage, path);
    }
  }

  /** A consignment of which some is there and some is not. */
  private lookForHalves({ tenant, folder }: Storage, paths: ReadonlySet<string>): void {
    const there = new Map<string, boolean>();
    for (const object of this.dropped.values()) {
      if (object.tenant !== tenant || object.consignment === undefined) continue;
      const isThere = paths.has(object.path);
      const before = there.get(object.consignment);
      if (before !== undefined && before !== isThere) {
        this.strange.set(join(folder, object.consignment), 'a part of a consignment');
      }
      there.set(object.consignment, isThere);
    }
  }

  get doubles(): [digest: string, places: string[]][] {
    return [...this.seen].filter(([, places]) => places.length > 1);
  }

  private lookAt({ tenant, folder, empties }: Storage, path: string): void {
    const file = join(folder, path);
    let bytes: Buffer;
    let identity: string;
    try {
      const { ino, size, mtimeMs } = fs.statSync(file);
      identity = [file, ino, size, mtimeMs].join('\0');
      if (this.looked.has(identity)) return;
      bytes = fs.readFileSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    const digest = createHash('sha256').update(bytes).digest('hex');
    const object = this.dropped.get(digest);
    if (object?.tenant !== tenant || !isNameOf(path, object.path)) {
      this.strange.set(
        file,
        `${bytes.length} bytes, ${object ? `dropped as ${object.tenant}: ${object.path}` : digest}`,
      );
    } else {
      this.seen.set(digest, [...(this.seen.get(digest) ?? []), file]);
    }
    // Should it come back it is looked at again, and counted again.
    if (empties) fs.rmSync(file);
    else this.looked.add(identity);
  }
}

/** The path itself or a version of it. */
function isNameOf(path: string, wanted: string): boolean {
  if (dirname(path) !== dirname(wanted)) return false;
  for (let version = 1; version <= VERSIONS; version++) {
    if (basename(path) === versionName(basename(wanted), version)) return true;
  }
  return false;
}

function filesBelow(root: string, below = ''): string[] {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(join(root, below), { withFileTypes: true });
  } catch {
    return []; // Not made yet, or emptied meanwhile.
  }
  return entries.flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(root, path) : [path];
  });
}
