/**
 * Folders whose names are not yet safe on disk. A new file needs the fsync of its folder, and a new folder that of the
 * one above. Nobody knows after a crash which folders were new, so each is made safe once in the life of a process.
 */
import type { Directory } from '../../shared/ops/files/directories.js';

export class TouchedFolders {
  private readonly open = new Map<string, Directory>();
  /** Folders whose own name is safe in the folder above. */
  private readonly safe = new Set<string>();
  private waiting: string[] = [];
  private failure: unknown;

  /** A name was given in the last folder of the chain; each one before it holds the next. */
  add(chain: readonly Directory[]): void {
    const last = chain.length - 1;
    this.keep(chain[last]!);
    for (let i = last; i > 0; i--) {
      const key = keyOf(chain[i]!);
      if (this.safe.has(key)) continue;
      this.keep(chain[i - 1]!);
      this.waiting.push(key);
    }
  }

  /** Takes over the folders of a chain that are needed later and closes the others. */
  keepOrClose(chain: readonly Directory[]): void {
    for (const directory of chain) if (this.open.get(keyOf(directory)) !== directory) directory.close();
    if (this.open.size >= OPEN_MAX) this.sync();
  }

  /** Throws what fsync(2) gives; then nothing of what was added since the last call counts as safe. */
  settle(): void {
    this.sync();
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  close(): void {
    for (const directory of this.open.values()) directory.close();
    this.open.clear();
    this.waiting = [];
  }

  private keep(directory: Directory): void {
    const key = keyOf(directory);
    if (!this.open.has(key)) this.open.set(key, directory);
  }

  /** A failure is kept for settle(): who called in between has not asked yet. */
  private sync(): void {
    try {
      for (const directory of this.open.values()) directory.sync();
      if (this.safe.size > SAFE_MAX) this.safe.clear();
      for (const key of this.waiting) this.safe.add(key);
    } catch (error) {
      this.failure ??= error;
    } finally {
      this.close();
    }
  }
}

/** Descriptors held open for one settle(). */
const OPEN_MAX = 128;
const SAFE_MAX = 16_384;

const keyOf = (directory: Directory): string => `${directory.id.dev}:${directory.id.ino}`;
