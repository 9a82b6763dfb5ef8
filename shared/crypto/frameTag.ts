/**
 * The tag that ends every frame: SipHash-2-4-128 under the link key over all bytes before it. It keeps noise and
 * strangers out cheaply, before anything is parsed; what arrives is trusted only for the signature and the digests.
 */
import { SluiceError } from '../core/errors.js';
import { TAG_BYTES } from '../wire/frame.js';
import { sipHash128 } from './siphash.js';

export class FrameTagger {
  private readonly key: Uint32Array;
  private readonly tag = new Uint32Array(TAG_BYTES / 4);

  /** @param linkKey 16 bytes, the same on both sides. */
  constructor(linkKey: Uint8Array) {
    if (linkKey.length !== 16) throw new SluiceError('KEY_UNREADABLE', 'A link key has 16 bytes.');
    // A copy at offset 0 of a buffer of its own: `slice` of a Buffer would be a view of the pool it lies in.
    this.key = new Uint32Array(Uint8Array.from(linkKey).buffer);
  }

  /** Writes the tag of the frame of `bytes` bytes at 4-byte word `at`. */
  write(words: Uint32Array, at: number, bytes: number): void {
    const tagAt = (bytes - TAG_BYTES) >> 2;
    sipHash128(this.key, words, at, tagAt, this.tag);
    words.set(this.tag, at + tagAt);
  }

  /** Whether the tag of the frame of `bytes` bytes at 4-byte word `at` holds. Same work for every wrong tag. */
  holds(words: Uint32Array, at: number, bytes: number): boolean {
    const tagAt = (bytes - TAG_BYTES) >> 2;
    sipHash128(this.key, words, at, tagAt, this.tag);
    const last = at + tagAt;
    const { tag } = this;
    return (
      ((tag[0]! ^ words[last]!) |
        (tag[1]! ^ words[last + 1]!) |
        (tag[2]! ^ words[last + 2]!) |
        (tag[3]! ^ words[last + 3]!)) ===
      0
    );
  }
}
