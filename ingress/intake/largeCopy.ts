/**
 * Copies one file a step at a time, and hashes exactly the bytes that are written: the whole file, and each source block
 * as it will be coded. Memory does not depend on the size of file or block.
 */
import { createHash, type Hash } from 'node:crypto';
import { type CodingParameters, Partition } from '../../shared/fec/partition.js';
import type { Source } from './source.js';

export interface Digests {
  /** 32 bytes over the whole file. */
  readonly sha256: Buffer;
  /** SHA-256 of each source block of the file, 32 bytes each, by SBN; see shared/fec/partition.ts. */
  readonly blockDigests: Buffer;
}

export class LargeCopy {
  private readonly partition: Partition;
  private readonly whole = createHash('sha256');
  private readonly digests: Buffer[] = [];
  private block: Hash | undefined;
  private sbn = 0;
  private inBlock = 0;
  private position = 0;

  constructor(
    private readonly source: Source,
    private readonly write: (bytes: Buffer, position: number) => void,
    coding: CodingParameters,
  ) {
    this.partition = new Partition(source.expected.sizeBytes, coding);
  }

  /** Copies up to `maxBytes` through `buffer`; true when all is copied. Notices early when the file has changed. */
  step(buffer: Buffer, maxBytes: number): boolean {
    const { partition, source } = this;
    for (let done = 0; this.sbn < partition.blocks && done < maxBytes; ) {
      const length = partition.byteLength(this.sbn);
      const bytes = buffer.subarray(0, Math.min(buffer.length, length - this.inBlock, maxBytes - done));
      source.read(bytes, this.position);
      this.write(bytes, this.position);
      this.whole.update(bytes);
      // Of a single block the digest is that of the whole.
      if (partition.blocks > 1) {
        this.block ??= createHash('sha256');
        this.block.update(bytes);
      }
      this.position += bytes.length;
      this.inBlock += bytes.length;
      done += bytes.length;
      if (this.inBlock < length) continue;
      if (this.block) this.digests.push(this.block.digest());
      this.block = undefined;
      this.inBlock = 0;
      this.sbn++;
    }
    source.requireSame();
    return this.sbn === partition.blocks;
  }

  /** After the last step. */
  result(): Digests {
    const sha256 = this.whole.digest();
    return { sha256, blockDigests: this.partition.blocks === 1 ? sha256 : Buffer.concat(this.digests) };
  }
}
