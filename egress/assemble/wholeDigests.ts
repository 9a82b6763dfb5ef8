/**
 * Digests of whole objects, each computed as its blocks become final in order, so that at the end of a transfer nothing
 * has to be read once more. A block that is next when it is finished is hashed from memory; what was overtaken is read
 * back from the spool.
 */
import { createHash, type Hash } from 'node:crypto';

/** Fills a buffer with bytes of the object from a position on. Throws when there are not so many. */
export type ReadObject = (into: Uint8Array, at: number) => void;

const READ_BYTES = 1024 * 1024;

export class WholeDigests {
  private readonly open = new Map<string, { hash: Hash; at: number }>();
  private readonly buffer = Buffer.allocUnsafeSlow(READ_BYTES);

  /** These bytes of the object are final. They count now when everything before them has. */
  offer(object: string, byteOffset: number, bytes: Uint8Array): void {
    const whole = this.open.get(object);
    if (whole?.at !== byteOffset) return;
    whole.hash.update(bytes);
    whole.at += bytes.length;
  }

  /** Everything up to there is final; from the first call on the object is one whose digest is wanted. */
  advance(object: string, uptoBytes: number, read: ReadObject): void {
    const whole = this.open.get(object) ?? { hash: createHash('sha256'), at: 0 };
    this.open.delete(object);
    while (whole.at < uptoBytes) {
      const bytes = this.buffer.subarray(0, Math.min(READ_BYTES, uptoBytes - whole.at));
      read(bytes, whole.at);
      whole.hash.update(bytes);
      whole.at += bytes.length;
    }
    // Where reading fails nothing is kept: the next one begins anew.
    this.open.set(object, whole);
  }

  /** The digest of all `lengthBytes` of the object; afterwards it is forgotten. */
  finish(object: string, lengthBytes: number, read: ReadObject): Buffer {
    this.advance(object, lengthBytes, read);
    const { hash } = this.open.get(object)!;
    this.forget(object);
    return hash.digest();
  }

  forget(object: string): void {
    this.open.delete(object);
  }
}
