/** Reads a payload that lies in several ranges of spool files as if it were one run of bytes. */
import { closeSync, openSync, readSync } from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import type { SpoolRange } from './orders.js';

/** Files held open at once: a bundle may lie in a thousand of them, and reading goes through it once, in order. */
const OPEN_FILES = 16;

export class SpoolReader {
  private readonly descriptors = new Map<string, number>();
  /** Where each range begins in the payload. */
  private readonly starts: number[] = [];

  constructor(private readonly ranges: readonly SpoolRange[]) {
    let at = 0;
    for (const range of ranges) {
      this.starts.push(at);
      at += range.sizeBytes;
    }
  }

  /** Fills `into` with payload bytes from `from`. Throws SPOOL_IO when the spool holds less. */
  read(into: Uint8Array, from: number): void {
    let done = 0;
    let index = this.rangeAt(from);
    while (done < into.length) {
      const range = this.ranges[index];
      if (!range) throw new SluiceError('SPOOL_IO', 'The spool is shorter than the payload.');
      const inside = from + done - this.starts[index]!;
      const want = Math.min(into.length - done, range.sizeBytes - inside);
      if (want > 0) done += this.readRange(range, inside, into, done, want);
      index++;
    }
  }

  close(): void {
    for (const descriptor of this.descriptors.values()) closeSync(descriptor);
    this.descriptors.clear();
  }

  private readRange(range: SpoolRange, inside: number, into: Uint8Array, at: number, want: number): number {
    try {
      const descriptor = this.descriptors.get(range.file) ?? this.open(range.file);
      let done = 0;
      while (done < want) {
        const got = readSync(descriptor, into, at + done, want - done, range.offset + inside + done);
        if (got === 0) throw new SluiceError('SPOOL_IO', `${range.file} is shorter than recorded.`);
        done += got;
      }
      return done;
    } catch (cause) {
      if (cause instanceof SluiceError) throw cause;
      throw new SluiceError('SPOOL_IO', `${range.file} cannot be read.`, { cause });
    }
  }

  private open(file: string): number {
    const [oldest] = this.descriptors;
    if (oldest && this.descriptors.size >= OPEN_FILES) {
      closeSync(oldest[1]);
      this.descriptors.delete(oldest[0]);
    }
    const descriptor = openSync(file, 'r');
    this.descriptors.set(file, descriptor);
    return descriptor;
  }

  /** Last range that begins at or before `position`; binary search, a bundle has thousands. */
  private rangeAt(position: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
