/**
 * The bytes of one object as filters see them. All of them are read and hashed once when it is opened, in bounded memory;
 * objects up to BUFFER_BYTES then stay in memory, so that what filters see is what was hashed. Filters reading a larger
 * one again read the private spool, which nobody else writes.
 */
import { createHash, hash } from 'node:crypto';
import { closeSync, constants, openSync, read, readSync } from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import type { Snapshot } from './filter.js';

/** Objects up to this size are kept in memory as a whole. */
export const BUFFER_BYTES = 1024 * 1024;
/** Bytes at the beginning that are always in memory. */
export const HEAD_BYTES = 256 * 1024;

/** Keeps the last spool file open: objects of one batch often lie in the same one. */
export class SpoolFiles {
  #path: string | undefined;
  #fd = -1;

  open(path: string): number {
    if (this.#path === path) return this.#fd;
    this.close();
    try {
      this.#fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      throw spoolError((error as NodeJS.ErrnoException).code ?? 'it cannot be opened');
    }
    this.#path = path;
    return this.#fd;
  }

  close(): void {
    if (this.#path !== undefined) closeSync(this.#fd);
    this.#path = undefined;
  }
}

/** Two, so that the next read and the hash of the last one overlap. One object is open at a time. */
const buffers = [Buffer.allocUnsafeSlow(BUFFER_BYTES), Buffer.allocUnsafeSlow(BUFFER_BYTES)] as const;

/** What one pass over all bytes found out. */
interface Pass {
  /** SHA-256, 64 hexadecimal digits. */
  digest: string;
  /** The first HEAD_BYTES, or all. */
  head: Buffer;
  /** No byte is zero. */
  withoutZero: boolean;
  /** All bytes, if they are kept. */
  whole?: Buffer;
}

/** One at a time: the next one takes over the buffers of the last. */
export class Subject {
  readonly digest: string;
  readonly head: Buffer;
  readonly withoutZero: boolean;
  readonly #whole: Buffer | undefined;
  readonly #fd: number;
  readonly #offset: number;

  private constructor(
    readonly name: string,
    readonly size: number,
    fd: number,
    offset: number,
    pass: Pass,
  ) {
    this.#fd = fd;
    this.#offset = offset;
    this.digest = pass.digest;
    this.head = pass.head;
    this.withoutZero = pass.withoutZero;
    this.#whole = pass.whole;
  }

  /** Throws SPOOL_IO when the bytes are not there, or are not those that were taken. */
  static async open({ file, offset, size, sha256, name }: Snapshot, files: SpoolFiles): Promise<Subject> {
    const fd = files.open(file);
    const pass = size <= BUFFER_BYTES ? passSmall(fd, offset, size) : await passLarge(fd, offset, size);
    if (pass.digest !== sha256) throw spoolError('the bytes are not those that were taken');
    return new Subject(name, size, fd, offset, pass);
  }

  /**
   * Reads up to `length` bytes at `position` of the object into `target`; never beyond its end. Returns how many.
   * At once: what filters read comes from memory or the page cache, and a thread's detour costs more than that.
   */
  read(target: Buffer, at: number, length: number, position: number): number {
    const bytes = Math.min(length, target.length - at, this.size - position);
    if (!(position >= 0 && bytes > 0)) return 0;
    if (this.#whole) return this.#whole.copy(target, at, position, position + bytes);
    return readSpool(this.#fd, target, at, bytes, this.#offset + position);
  }

  /** As many bytes at `position` as there are, up to `length`. */
  slice(position: number, length: number): Buffer {
    const target = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - position)));
    let filled = 0;
    while (filled < target.length) {
      const got = this.read(target, filled, target.length - filled, position + filled);
      if (got === 0) throw spoolError('it became shorter');
      filled += got;
    }
    return target;
  }
}

function readSpool(fd: number, target: Buffer, at: number, length: number, position: number): number {
  try {
    return readSync(fd, target, at, length, position);
  } catch (error) {
    throw spoolError((error as NodeJS.ErrnoException).code ?? 'it cannot be read');
  }
}

function passSmall(fd: number, offset: number, size: number): Pass {
  const bytes = buffers[0].subarray(0, size);
  for (let filled = 0; filled < size; ) {
    const got = readSpool(fd, bytes, filled, size - filled, offset + filled);
    if (got === 0) throw spoolError('it is shorter than what was taken');
    filled += got;
  }
  const head = bytes.subarray(0, HEAD_BYTES);
  return { digest: hash('sha256', bytes, 'hex'), head, withoutZero: !bytes.includes(0), whole: bytes };
}

async function passLarge(fd: number, offset: number, size: number): Promise<Pass> {
  const digest = createHash('sha256');
  let head: Buffer | undefined;
  let withoutZero = true;
  const readAt = (turn: number, position: number) =>
    new Promise<number>((resolve, reject) => {
      read(fd, buffers[turn % 2]!, 0, Math.min(BUFFER_BYTES, size - position), offset + position, (error, got) => {
        if (error) reject(spoolError(error.code ?? 'it cannot be read'));
        else if (got === 0) reject(spoolError('it is shorter than what was taken'));
        else resolve(got);
      });
    });
  let position = 0;
  let next: Promise<number> | undefined = readAt(0, 0);
  for (let turn = 0; next !== undefined; turn++) {
    const got: number = await next;
    const bytes = buffers[turn % 2]!.subarray(0, got);
    position += got;
    next = position < size ? readAt(turn + 1, position) : undefined;
    digest.update(bytes);
    head ??= Buffer.from(bytes.subarray(0, HEAD_BYTES));
    withoutZero &&= !bytes.includes(0);
  }
  return { digest: digest.digest('hex'), head: head!, withoutZero };
}

function spoolError(why: string): SluiceError {
  return new SluiceError('SPOOL_IO', `The private copy of the object: ${why}.`);
}
