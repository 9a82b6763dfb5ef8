/**
 * The tag that ends every frame: SipHash-2-4-128 under the link key over all bytes before it. It keeps noise and
 * strangers out cheaply, before anything is parsed; what arrives is trusted only for the signature and the digests.
 *
 * Frames that lie in one memory of WebAssembly, as those of a ring do, are tagged and checked there, four at once, some fifty times as
 * fast as by the scalar twin, which serves wherever else a frame may lie and where there is no WebAssembly.
 */
import { SluiceError } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { instantiate, type PageMemory } from '../core/webAssembly.js';
import { TAG_BYTES } from '../wire/frame.js';
import { FRAME_TAG_MODULE } from './frameTagModule.js';
import { sipHash128 } from './siphash.js';

/** What assembly/frameTag.ts exports; places are byte offsets in the memory it was given. */
interface TagModule {
  useKey(first: bigint, second: bigint): void;
  write(at: number, bytes: number): void;
  holds(at: number, bytes: number): number;
  writeFour(at: number, stride: number, bytes: number): void;
  holdsFour(at: number, stride: number, bytes: number): number;
}

export class FrameTagger {
  private readonly key: Uint32Array;
  private readonly tag = new Uint32Array(TAG_BYTES / 4);
  /** A frame where the scalar hash can read it: at a multiple of 4. */
  private readonly aligned = new Uint32Array((LIMITS.symbolMaxBytes + LIMITS.frameOverheadBytes) / 4);
  private readonly alignedBytes = new Uint8Array(this.aligned.buffer);
  private readonly module: TagModule | undefined = undefined;
  /** The memory's; asking it anew for every frame is not free. */
  private readonly buffer: unknown;

  /**
   * @param linkKey 16 bytes, the same on both sides.
   * @param memory where most frames will lie.
   */
  constructor(linkKey: Uint8Array, memory?: PageMemory) {
    if (linkKey.length !== 16) throw new SluiceError('KEY_UNREADABLE', 'A link key has 16 bytes.');
    // A copy at offset 0 of a buffer of its own: `slice` of a Buffer would be a view of the pool it lies in.
    this.key = new Uint32Array(Uint8Array.from(linkKey).buffer);
    this.buffer = memory?.buffer;
    if (memory) this.module = instantiate(Buffer.from(FRAME_TAG_MODULE, 'base64'), memory) as TagModule | undefined;
    this.module?.useKey(...(new BigUint64Array(this.key.buffer) as unknown as [bigint, bigint]));
  }

  /** Whether frames in its memory are tagged by WebAssembly. */
  get fast(): boolean {
    return this.module !== undefined;
  }

  /** Writes the tag of the frame of `length` bytes at `at`, both as the wire format has them. */
  write(bytes: Uint8Array, at: number, length: number): void {
    const { module } = this;
    if (module && bytes.buffer === this.buffer) module.write(bytes.byteOffset + at, length - TAG_BYTES);
    else bytes.set(this.hash(bytes, at, length - TAG_BYTES), at + length - TAG_BYTES);
  }

  /** Whether the tag of the frame of `length` bytes at `at` holds. Same work for every wrong tag. */
  holds(bytes: Uint8Array, at: number, length: number): boolean {
    const { module } = this;
    if (module && bytes.buffer === this.buffer) {
      return module.holds(bytes.byteOffset + at, length - TAG_BYTES) !== 0;
    }
    const tag = this.hash(bytes, at, length - TAG_BYTES);
    let different = 0;
    for (let i = 0; i < TAG_BYTES; i++) different |= tag[i]! ^ bytes[at + length - TAG_BYTES + i]!;
    return different === 0;
  }

  /** `write` for four frames of the same length that begin `stride` bytes apart. */
  writeFour(bytes: Uint8Array, at: number, stride: number, length: number): void {
    const { module } = this;
    if (module && bytes.buffer === this.buffer) {
      module.writeFour(bytes.byteOffset + at, stride, length - TAG_BYTES);
    } else {
      for (let n = 0; n < 4; n++) this.write(bytes, at + n * stride, length);
    }
  }

  /** `holds` for four frames of the same length that begin `stride` bytes apart: bit n of the answer is that of the n-th. */
  holdsFour(bytes: Uint8Array, at: number, stride: number, length: number): number {
    const { module } = this;
    if (module && bytes.buffer === this.buffer) {
      return module.holdsFour(bytes.byteOffset + at, stride, length - TAG_BYTES);
    }
    let held = 0;
    for (let n = 0; n < 4; n++) if (this.holds(bytes, at + n * stride, length)) held |= 1 << n;
    return held;
  }

  private hash(bytes: Uint8Array, at: number, count: number): Uint8Array {
    this.alignedBytes.set(bytes.subarray(at, at + count));
    sipHash128(this.key, this.aligned, 0, count >> 2, this.tag);
    return new Uint8Array(this.tag.buffer);
  }
}
