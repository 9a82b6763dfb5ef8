/**
 * What is kept on disk of one payload until it is released: a folder with
 *
 *   data      the rebuilt bytes, every block written straight to its place
 *   done      one byte a block: 1 when its bytes in `data` hashed to the signed digest
 *   symbols   unfinished blocks put aside: for each SBN a region of fixed size (sparse), so that putting one aside
 *             again costs no further room
 *
 *   region    magic(4) count(4) crc32(4) 0(4) | esi(4) x count | symbol x count
 *
 * Nothing here is trusted after a restart: done blocks are hashed again, regions carry a checksum, and the digest in
 * the manifest decides.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Partition } from '../../shared/fec/partition.js';
import type { SourceBlock } from './sourceBlock.js';

const MAGIC = 0x4b4c4253; // "SBLK"
const HEADER_BYTES = 16;
/** writev takes at most 1024 buffers at once. */
const VECTOR_MAX = 1024;

export class PayloadStore {
  readonly dataFile: string;
  readonly doneFile: string;
  private readonly symbolsFile: string;
  private readonly regionBytes: number;
  /** Symbols put aside, by SBN. */
  private readonly regions = new Map<number, number>();

  constructor(
    readonly folder: string,
    private readonly partition: Partition,
    private readonly symbolBytes: number,
    blockSymbols: number,
  ) {
    this.dataFile = join(folder, 'data');
    this.doneFile = join(folder, 'done');
    this.symbolsFile = join(folder, 'symbols');
    this.regionBytes = HEADER_BYTES + blockSymbols * (4 + symbolBytes);
  }

  /** Makes the folder and its files, keeping what an earlier run left. Answers the flags of blocks already done. */
  open(lengthBytes: number): Uint8Array {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    closeSync(openSync(this.dataFile, 'a', 0o600));
    // A sparse file of the right length: blocks then land anywhere in it.
    truncateSync(this.dataFile, lengthBytes);
    const done = new Uint8Array(this.partition.blocks);
    const earlier = openSync(this.doneFile, 'a+', 0o600);
    try {
      readSync(earlier, done, 0, done.length, 0);
    } finally {
      closeSync(earlier);
    }
    this.findRegions();
    return done;
  }

  /** How many symbols of this block have been put aside. */
  symbolsAside(sbn: number): number {
    return this.regions.get(sbn) ?? 0;
  }

  /** Writes all symbols of a block into its region. */
  put(block: SourceBlock): void {
    const esis = new Uint32Array(block.symbols);
    const parts: Uint8Array[] = [];
    let count = 0;
    for (const { esi, bytes } of block.held()) {
      esis[count++] = esi;
      parts.push(bytes);
    }
    const list = new Uint8Array(esis.buffer);
    let checksum = crc32(list);
    for (const part of parts) checksum = crc32(part, checksum);
    const header = new Uint32Array([MAGIC, count, checksum, 0]);
    const vector = [new Uint8Array(header.buffer), list, ...parts];
    closeSync(openSync(this.symbolsFile, 'a', 0o600));
    const writable = openSync(this.symbolsFile, 'r+');
    try {
      let at = block.sbn * this.regionBytes;
      for (let first = 0; first < vector.length; first += VECTOR_MAX) {
        const some = vector.slice(first, first + VECTOR_MAX);
        const bytes = some.reduce((sum, part) => sum + part.length, 0);
        if (writevSync(writable, some, at) !== bytes) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
        at += bytes;
      }
    } finally {
      closeSync(writable);
    }
    this.regions.set(block.sbn, count);
  }

  /**
   * Hands every symbol put aside for a block of k to `add`. False when that had no room: then the region stays what it
   * is. Afterwards the block counts as in memory; a damaged region counts as none. Throws what the system throws.
   */
  fetch(sbn: number, k: number, add: (esi: number, bytes: Uint8Array, at: number) => boolean): boolean {
    const region = this.readRegion(sbn, k);
    if (region) {
      const { esis, body } = region;
      for (let i = 0; i < esis.length; i++) {
        if (!add(esis[i]!, body, esis.length * 4 + i * this.symbolBytes)) return false;
      }
    }
    this.regions.delete(sbn);
    return true;
  }

  private readRegion(sbn: number, k: number): { esis: Uint32Array; body: Uint8Array } | undefined {
    const file = openSync(this.symbolsFile, 'r');
    try {
      const base = sbn * this.regionBytes;
      const header = new Uint32Array(HEADER_BYTES / 4);
      readSync(file, new Uint8Array(header.buffer), 0, HEADER_BYTES, base);
      const count = header[1]!;
      if (header[0] !== MAGIC || count > k) return undefined;
      const body = new Uint8Array(count * (4 + this.symbolBytes));
      if (readSync(file, body, 0, body.length, base + HEADER_BYTES) !== body.length) return undefined;
      if (crc32(body) !== header[2]) return undefined;
      return { esis: new Uint32Array(body.buffer, 0, count), body };
    } finally {
      closeSync(file);
    }
  }

  /** What was put aside for this block cannot be read: it counts as nothing, until a next start tries again. */
  overlook(sbn: number): void {
    this.regions.delete(sbn);
  }

  /** Symbols put aside for this block, now or by an earlier run, are worth nothing (FAULTS 16). */
  discard(sbn: number): void {
    this.regions.delete(sbn);
    if (existsSync(this.symbolsFile)) overwrite(this.symbolsFile, new Uint8Array(HEADER_BYTES), sbn * this.regionBytes);
  }

  /** Marks a block as not done after all. */
  unmark(sbn: number): void {
    overwrite(this.doneFile, new Uint8Array(1), sbn);
  }

  private findRegions(): void {
    let file: number;
    try {
      file = openSync(this.symbolsFile, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // Nothing has been put aside.
      throw error;
    }
    try {
      const header = new Uint32Array(2);
      for (let sbn = 0; sbn < this.partition.blocks; sbn++) {
        const got = readSync(file, new Uint8Array(header.buffer), 0, 8, sbn * this.regionBytes);
        if (got === 8 && header[0] === MAGIC) this.regions.set(sbn, header[1]!);
      }
    } finally {
      closeSync(file);
    }
  }
}

function overwrite(path: string, bytes: Uint8Array, at: number): void {
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, at);
  } finally {
    closeSync(file);
  }
}

/** Removes the folder of a payload. */
export function removeStore(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
