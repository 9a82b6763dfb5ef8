/**
 * node-stream-zip on the range of bytes that an object occupies, with the bounds it does not have itself:
 *   - it reads through a file system of ours that knows one object and answers nothing outside of it;
 *   - it searches for a ZIP64 end record in windows that double, so a record that points at the beginning of a large
 *     file would load all of it: the end of the archive is checked here before the library sees it;
 *   - it throws some errors inside its callbacks: they are caught where the callbacks are called;
 *   - data is inflated here, because the library keeps no bound on it and takes no checksum behind a data descriptor;
 *   - names of entries are never looked up (a "__proto__" entry, names that occur twice): entries are a list.
 */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import StreamZip from 'node-stream-zip';
import { SluiceError, wordsOf } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import type { Subject } from './subject.js';

/** An entry as the library gives it: what the directory says, and after openEntry what the entry's own header says. */
export type ZipEntry = StreamZip.ZipEntry & { fnameLen: number; extraLen: number; comLen: number };

/** The archive is not laid out as one. Inside this folder only. */
export class Damaged extends Error {}
/** It holds more than may be read. */
export class TooMuch extends Error {}

const END_BYTES = 22;
const END_SIGNATURE = 0x06054b50;
const COMMENT_MAX_BYTES = 0xffff;
const LOCATOR_BYTES = 20;
const LOCATOR_SIGNATURE = 0x07064b50;
const END64_BYTES = 56;
const END64_SIGNATURE = 0x06064b50;
const DIRECTORY_ENTRY_BYTES = 46;
/** How far before the end a ZIP64 end record may lie. */
const TAIL_BYTES = 128 * 1024;

const HEADER_BYTES = 30;
export const STORED = 0;
export const DEFLATED = 8;
const READ_BYTES = 256 * 1024;
/** Entries this small, by what they claim, are inflated in one call: a stream costs more than they do. */
const SMALL_COMPRESSED_BYTES = 64 * 1024;
const SMALL_INFLATED_BYTES = 1024 * 1024;

/** What the library takes for a file descriptor: only our file system looks into it. */
class View {
  /** Where errors go that the library throws inside a callback. */
  onThrow: (error: unknown) => void = () => {};
  /** The spool failed: whatever the library makes of it, the archive is not to blame. */
  failure: SluiceError | undefined;
  constructor(readonly subject: Subject) {}
}

type Callback<T> = (error: Error | null, value: T, buffer?: Buffer) => void;
const viewFileSystem = {
  fstat(view: View, done: Callback<{ size: number }>): void {
    process.nextTick(guarded(view, done), null, { size: view.subject.size });
  },
  read(view: View, target: Buffer, at: number, length: number, position: number, done: Callback<number>): void {
    let bytes = 0;
    try {
      bytes = view.subject.read(target, at, length, position);
    } catch (error) {
      view.failure ??= error as SluiceError;
    }
    process.nextTick(guarded(view, done), null, bytes, target);
  },
  close(_view: View, done: (error: null) => void): void {
    done(null);
  },
};

function guarded<T>(view: View, done: Callback<T>): Callback<T> {
  return (error, value, buffer) => {
    try {
      done(error, value, buffer);
    } catch (thrown) {
      view.onThrow(thrown);
    }
  };
}

/** The library's type declarations leave this out; its documentation does not. */
(StreamZip as unknown as { setFs(fs: unknown): void }).setFs(viewFileSystem);

export class ZipReader {
  private constructor(
    private readonly view: View,
    private readonly zip: StreamZip,
    /** In the order of the directory. */
    readonly entries: readonly ZipEntry[],
  ) {}

  /** Reads the directory. Throws Damaged, TooMuch, or SPOOL_IO. */
  static async open(subject: Subject, maxEntries: number): Promise<ZipReader> {
    checkEnd(subject, maxEntries);
    const view = new View(subject);
    const entries: ZipEntry[] = [];
    let directoryBytes = 0;
    const zip = await new Promise<StreamZip>((resolve, reject) => {
      const fail = (error: unknown) => {
        if (view.failure) reject(view.failure);
        else reject(error instanceof TooMuch ? error : new Damaged(wordsOf(error)));
      };
      view.onThrow = fail;
      const options = { storeEntries: false, skipEntryNameValidation: true };
      const reader = new StreamZip({ ...options, fd: view as unknown as number });
      reader.on('entry', (given) => {
        const entry = given as ZipEntry;
        directoryBytes += entry.fnameLen + entry.extraLen + entry.comLen;
        if (entries.length >= maxEntries) throw new TooMuch(`more than ${maxEntries} entries`);
        if (directoryBytes > LIMITS.scanDirectoryBytes) throw new TooMuch('a directory too large to be kept in mind');
        entries.push(entry);
      });
      reader.on('error', fail);
      reader.on('ready', () => resolve(reader));
    });
    return new ZipReader(view, zip, entries);
  }

  /**
   * Reads one entry through, giving its inflated bytes to `consume`, which may throw to end it.
   * Throws Damaged for an entry that cannot be read as what it claims to be, or SPOOL_IO.
   */
  async read(entry: ZipEntry, consume: (bytes: Buffer) => void): Promise<void> {
    await this.#openHeader(entry);
    const at = entry.offset + HEADER_BYTES + entry.fnameLen + entry.extraLen;
    if (at + entry.compressedSize > this.view.subject.size) throw new Damaged('its data lies beyond the end');
    let bytes = 0;
    let crc = 0;
    const count = (data: Buffer) => {
      bytes += data.length;
      crc = crc32(data, crc);
      consume(data);
    };
    if (entry.method === STORED) for (const data of this.#data(at, entry.compressedSize)) count(data);
    else if (entry.method === DEFLATED) await this.#inflate(entry, at, count);
    else throw new Damaged(`its compression method ${entry.method} is not known`);
    if (bytes !== entry.size) throw new Damaged(`it claims ${entry.size} bytes and has ${bytes}`);
    if (crc !== entry.crc) throw new Damaged('its checksum does not hold');
  }

  #openHeader(entry: ZipEntry): Promise<void> {
    const { view } = this;
    return new Promise((resolve, reject) => {
      const settle = (error: unknown) => {
        if (view.failure) reject(view.failure);
        else if (error) reject(new Damaged(wordsOf(error)));
        else resolve();
      };
      view.onThrow = settle;
      this.zip.openEntry(entry, settle, false);
    });
  }

  async #inflate(entry: ZipEntry, at: number, consume: (data: Buffer) => void): Promise<void> {
    if (entry.compressedSize <= SMALL_COMPRESSED_BYTES && entry.size <= SMALL_INFLATED_BYTES) {
      const data = this.view.subject.slice(at, entry.compressedSize);
      const inflated = inflateSmall(data);
      if (inflated) {
        consume(inflated);
        return;
      }
    }
    let refusal: unknown;
    try {
      await pipeline(
        Readable.from(this.#data(at, entry.compressedSize), { objectMode: false }),
        createInflateRaw({ chunkSize: READ_BYTES }),
        async (inflated: AsyncIterable<Buffer>) => {
          for await (const data of inflated) {
            try {
              consume(data);
            } catch (error) {
              refusal = error;
              throw error;
            }
          }
        },
      );
    } catch (error) {
      if (refusal !== undefined) throw refusal;
      throw error instanceof SluiceError ? error : new Damaged(wordsOf(error));
    }
  }

  *#data(at: number, length: number): Generator<Buffer> {
    for (let done = 0; done < length; done += READ_BYTES) {
      yield this.view.subject.slice(at + done, Math.min(READ_BYTES, length - done));
    }
  }
}

/** Undefined when it holds more than it claims: then a stream has to tell how much. */
function inflateSmall(data: Buffer): Buffer | undefined {
  try {
    return inflateRawSync(data, { maxOutputLength: SMALL_INFLATED_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw new Damaged(wordsOf(error));
  }
}

/**
 * What the library is about to believe about the end of the archive, checked first: the last end record, the ZIP64
 * record right where its locator says and near the end, and a directory that lies inside and is not larger than it can be.
 */
function checkEnd(subject: Subject, maxEntries: number): void {
  const { size } = subject;
  const tailBytes = Math.min(size, TAIL_BYTES);
  const tail = subject.slice(size - tailBytes, tailBytes);
  const at = lastEndRecord(tail);
  if (at === undefined) throw new Damaged('no end record');
  let entries = tail.readUInt16LE(at + 8);
  const allEntries = tail.readUInt16LE(at + 10);
  const directoryBytes = tail.readUInt32LE(at + 12);
  let directoryAt = tail.readUInt32LE(at + 16);
  const zip64 = (entries === 0xffff && allEntries === 0xffff) || [directoryBytes, directoryAt].includes(0xffffffff);
  if (zip64) {
    const locator = at - LOCATOR_BYTES;
    if (locator < 0 || tail.readUInt32LE(locator) !== LOCATOR_SIGNATURE) throw new Damaged('no ZIP64 locator');
    const recordAt = Number(tail.readBigUInt64LE(locator + 8)) - (size - tailBytes);
    if (recordAt < 0 || recordAt + END64_BYTES > locator || tail.readUInt32LE(recordAt) !== END64_SIGNATURE) {
      throw new Damaged('no ZIP64 end record where it should be');
    }
    entries = Number(tail.readBigUInt64LE(recordAt + 24));
    directoryAt = Number(tail.readBigUInt64LE(recordAt + 48));
  }
  if (entries * DIRECTORY_ENTRY_BYTES + directoryAt > size) throw new Damaged('a directory beyond the end');
  if (entries > maxEntries) throw new TooMuch(`${entries} entries, ${maxEntries} are allowed`);
}

/** The place the library will find: the last one that a comment can still reach. */
function lastEndRecord(tail: Buffer): number | undefined {
  const first = Math.max(0, tail.length - END_BYTES - COMMENT_MAX_BYTES);
  for (let at = tail.length - END_BYTES; at >= first; at--) {
    if (tail.readUInt32LE(at) === END_SIGNATURE) return at;
  }
  return undefined;
}
