/**
 * The private spool that snapshots are written to. A batch writes its small files one behind the other into a single
 * file (the pack) and every large one into a file of its own; all of them are made durable together when it ends, so
 * that a thousand small files cost two fsyncs and not a thousand.
 *
 * When the disk fails, only what is safely in the spool counts: a pack is cut back to what was written whole, a large
 * file is removed, and a file whose fsync failed is given up for good (FAULTS 49, 50). The share is never touched, so
 * that everything given up here is simply taken again.
 */
import { randomBytes } from 'node:crypto';
import * as nodeFs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { Directory, errnoOf, type FileSystem } from '../../shared/ops/files/directories.js';

export interface SpoolOptions {
  readonly fs?: FileSystem;
  /** Files up to this size share the pack. */
  readonly packMaxFileBytes: number;
  /** Names of new spool files must never repeat; default 128 random bits. */
  readonly newName?: () => string;
}

/** Where the bytes of one snapshot lie. */
export interface Place {
  /** Name of a file in the spool folder. */
  readonly spoolFile: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** The file of one large object: write() it in order and commit() it, or fill its descriptor and adopt() it. */
export interface LargeFile {
  readonly fd: number;
  write(bytes: Uint8Array): void;
  commit(): Place;
  /** Somebody else has written so many bytes and synced them. */
  adopt(sizeBytes: number): Place;
  discard(): void;
}

export class Spool {
  private readonly directory: Directory;
  private readonly packing: Packing;

  /** Throws SPOOL_IO when the folder cannot be opened. */
  constructor(
    path: string,
    private readonly options: SpoolOptions,
  ) {
    this.directory = guard(() => Directory.openRoot(path, options.fs ? { fs: options.fs } : {}));
    this.packing = { buffer: Buffer.allocUnsafeSlow(Math.max(1024 * 1024, options.packMaxFileBytes)), by: undefined };
  }

  /** One batch at a time may put small files into its pack, without a pause: batches share the write buffer. */
  begin(): SpoolBatch {
    const name = this.options.newName ?? (() => randomBytes(16).toString('hex'));
    return new SpoolBatch(this.options.fs ?? nodeFs, this.directory, this.packing, name);
  }

  /** Removes every file that is not named: what a crash left behind. Returns how many. For the start, before intake. */
  removeAllBut(keep: ReadonlySet<string>): number {
    return guard(() => {
      const orphans = this.directory.list().filter((name) => !keep.has(name.toString('latin1')));
      for (const name of orphans) this.directory.unlink(name);
      return orphans.length;
    });
  }

  close(): void {
    this.directory.close();
  }
}

/** The write buffer, and whose bytes lie in it. */
interface Packing {
  readonly buffer: Buffer;
  by: SpoolBatch | undefined;
}

export class SpoolBatch {
  private pack: SpoolFile | undefined;
  private bufferedBytes = 0;
  private packedFiles = 0;
  private broken = false;
  private readonly large: SpoolFile[] = [];
  private readonly durableBytes = new Map<string, number>();
  private firstFailure: SluiceError | undefined;

  constructor(
    private readonly fs: FileSystem,
    private readonly directory: Directory,
    private readonly packing: Packing,
    private readonly newName: () => string,
  ) {}

  /** Room for the whole of a small file. It counts only once it is committed; until then it may hold anything. */
  packRoom(sizeBytes: number): Buffer {
    this.requireWhole();
    const { packing } = this;
    if (packing.by && packing.by !== this && packing.by.bufferedBytes > 0)
      throw new SluiceError('INTERNAL', 'Two batches write their packs at once.');
    packing.by = this;
    this.pack ??= this.create('pack');
    if (this.bufferedBytes + sizeBytes > packing.buffer.length) this.flush();
    return packing.buffer.subarray(this.bufferedBytes, this.bufferedBytes + sizeBytes);
  }

  /** Takes in what packRoom() gave. */
  commitPacked(sizeBytes: number): Place {
    const pack = this.pack!;
    const place = { spoolFile: pack.name, offsetBytes: pack.sizeBytes + this.bufferedBytes, sizeBytes };
    this.bufferedBytes += sizeBytes;
    this.packedFiles++;
    return place;
  }

  /** A file for one large object, to be committed, adopted or discarded. */
  openLarge(): LargeFile {
    this.requireWhole();
    const file = this.create('file');
    const commit = (): Place => {
      this.large.push(file);
      return { spoolFile: file.name, offsetBytes: 0, sizeBytes: file.sizeBytes };
    };
    return {
      fd: file.descriptor,
      write: (bytes) => guard(() => file.write(bytes)),
      commit,
      adopt: (sizeBytes) => {
        file.adopt(sizeBytes);
        return commit();
      },
      discard: () => file.remove(),
    };
  }

  /** Makes the batch durable. Never throws for the disk's sake: ask isDurable() what has become of each place. */
  finish(): void {
    try {
      if (!this.broken) this.flush();
    } catch {
      // What was flushed before is still good, and isDurable() tells about the rest.
    }
    this.stopPacking();
    if (this.packedFiles === 0) this.pack?.remove();
    for (const file of this.files) {
      if (this.attempt(() => file.sync())) this.durableBytes.set(file.name, file.sizeBytes);
    }
    if (this.durableBytes.size === 0) return;
    if (!this.attempt(() => this.directory.sync())) this.giveUp();
    for (const file of this.files) file.close();
  }

  /** The first thing the disk said, undefined while all is well. */
  get failure(): SluiceError | undefined {
    return this.firstFailure;
  }

  isDurable(place: Place): boolean {
    const durable = this.durableBytes.get(place.spoolFile);
    return durable !== undefined && place.offsetBytes + place.sizeBytes <= durable;
  }

  /** Removes everything of this batch. */
  giveUp(): void {
    this.stopPacking();
    this.durableBytes.clear();
    this.broken = true;
    this.pack?.remove();
    for (const file of this.files) file.remove();
  }

  private stopPacking(): void {
    if (this.packing.by === this) this.packing.by = undefined;
  }

  /** Those that hold something. */
  private get files(): SpoolFile[] {
    return this.pack && this.packedFiles > 0 ? [this.pack, ...this.large] : this.large;
  }

  private create(kind: string): SpoolFile {
    return guard(() => new SpoolFile(this.fs, this.directory, `${kind}-${this.newName()}`));
  }

  private requireWhole(): void {
    if (this.broken) throw new SluiceError('SPOOL_IO', 'This batch has failed already.');
  }

  private flush(): void {
    if (this.bufferedBytes === 0) return;
    const bytes = this.packing.buffer.subarray(0, this.bufferedBytes);
    this.bufferedBytes = 0;
    if (this.attempt(() => this.pack!.write(bytes))) return;
    this.broken = true;
    throw this.firstFailure;
  }

  private attempt(action: () => void): boolean {
    try {
      guard(action);
      return true;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      this.firstFailure ??= error;
      return false;
    }
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

class SpoolFile {
  /** Bytes that were written whole. */
  sizeBytes = 0;
  private fd: number | undefined;
  private synced = false;

  constructor(
    private readonly fs: FileSystem,
    private readonly directory: Directory,
    readonly name: string,
  ) {
    const { O_WRONLY, O_CREAT, O_EXCL } = nodeFs.constants;
    this.fd = directory.openFile(name, O_WRONLY | O_CREAT | O_EXCL, 0o600);
  }

  get descriptor(): number {
    return this.fd!;
  }

  adopt(sizeBytes: number): void {
    this.sizeBytes = sizeBytes;
    this.synced = true;
  }

  /** All or nothing: after a failure the file ends where it ended before. */
  write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) {
        at += this.fs.writeSync(this.fd!, bytes, at, bytes.length - at, this.sizeBytes + at);
      }
      this.sizeBytes += bytes.length;
    } catch (error) {
      try {
        this.fs.ftruncateSync(this.fd!, this.sizeBytes);
      } catch {
        // What lies beyond sizeBytes is never referred to.
      }
      throw error;
    }
  }

  /** When the disk cannot take it the file is removed, for a second fsync would lie (FAULTS 50). */
  sync(): void {
    if (this.synced) return;
    try {
      this.fs.fsyncSync(this.fd!);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  close(): void {
    if (this.fd === undefined) return;
    const fd = this.fd;
    this.fd = undefined;
    try {
      this.fs.closeSync(fd);
    } catch {
      // The descriptor is gone either way, and the data was synced before.
    }
  }

  remove(): void {
    this.close();
    try {
      this.directory.unlink(this.name);
    } catch {
      // Nobody refers to it; removeAllBut() takes it away at the next start.
    }
  }
}

/** Turns the disk's refusals into ours. */
export function guard<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const errno = errnoOf(error);
    if (!errno) throw error;
    const full = errno === 'ENOSPC' || errno === 'EDQUOT';
    throw new SluiceError(full ? 'SPOOL_FULL' : 'SPOOL_IO', `The spool gives ${errno}.`, { cause: error });
  }
}
