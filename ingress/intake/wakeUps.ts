/**
 * Notices of the local file system that something happens in a folder of a share: a reason to look earlier, and nothing
 * else. They say nothing about what other hosts write (NFS, SMB), get lost, and stop for reasons of their own; whatever
 * becomes of them the next poll comes in time (FAULTS 32). So nothing that goes wrong here is worth a word.
 */
import { type FSWatcher, watch } from 'node:fs';
import { LIMITS } from '../../shared/core/limits.js';

interface Watched {
  readonly watcher: FSWatcher;
  round: number;
}

export type WatchFolder = (path: Buffer, onEvent: () => void, onEnd: () => void) => FSWatcher;

export class WakeUps {
  /** By tenant, then by folder. */
  private readonly watched = new Map<string, Map<string, Watched>>();
  private readonly rounds = new Map<string, number>();
  private count = 0;

  constructor(
    private readonly wake: (tenant: string) => void,
    private readonly watchFolder: WatchFolder = watchLocally,
    private readonly maxFolders: number = LIMITS.intakeMaxWatches,
  ) {}

  /** A walk begins: folders it does not meet are not watched any longer after it. */
  begin(tenant: string): void {
    this.rounds.set(tenant, (this.rounds.get(tenant) ?? 0) + 1);
  }

  /** The walk met a folder of the tenant. */
  met(tenant: string, path: Buffer): void {
    const round = this.rounds.get(tenant) ?? 0;
    const folders = this.watched.get(tenant) ?? new Map<string, Watched>();
    this.watched.set(tenant, folders);
    const key = path.toString('latin1');
    const known = folders.get(key);
    if (known) {
      known.round = round;
      return;
    }
    if (this.count >= this.maxFolders) return;
    try {
      const end = () => this.drop(folders, key);
      const watcher = this.watchFolder(path, () => this.wake(tenant), end);
      folders.set(key, { watcher, round });
      this.count++;
    } catch {
      // No watches left, or the folder is gone.
    }
  }

  end(tenant: string): void {
    const round = this.rounds.get(tenant);
    const folders = this.watched.get(tenant) ?? new Map<string, Watched>();
    for (const [key, folder] of folders) if (folder.round !== round) this.drop(folders, key);
  }

  forget(tenant: string): void {
    const folders = this.watched.get(tenant) ?? new Map<string, Watched>();
    for (const key of [...folders.keys()]) this.drop(folders, key);
    this.watched.delete(tenant);
  }

  private drop(folders: Map<string, Watched>, key: string): void {
    const folder = folders.get(key);
    if (!folder) return;
    folders.delete(key);
    this.count--;
    try {
      folder.watcher.close();
    } catch {
      // It had ended by itself.
    }
  }
}

function watchLocally(path: Buffer, onEvent: () => void, onEnd: () => void): FSWatcher {
  const watcher = watch(path, { persistent: false });
  watcher.on('change', onEvent);
  watcher.on('error', onEnd);
  watcher.on('close', onEnd);
  return watcher;
}
