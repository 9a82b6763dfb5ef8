/**
 * The table that one call for many datagrams works on, in memory that never moves: an array of `struct mmsghdr`, two
 * `struct iovec` a message, and room for one control message each. Addresses in it are plain numbers: whoever sets one
 * keeps what lies there referenced for as long as the table is used, or the collector takes it away and the system
 * answers EFAULT.
 *
 *   struct mmsghdr, 64 bytes       name 0 | namelen 8 | iov 16 | iovlen 24 | control 32 | controllen 40 | flags 48 | len 56
 *   struct iovec, 16 bytes         base 0 | len 8
 *   struct cmsghdr + int, 24 bytes len 0 | level 8 | type 12 | value 16
 */
import type { Libc } from './libc.js';

const HEADER_WORDS = 16;
const VECTOR_WORDS = 4;
const VECTORS_A_MESSAGE = 2;
const CONTROL_WORDS = 6;
const CONTROL_BYTES = CONTROL_WORDS * 4;
const [NAME, NAME_LENGTH, VECTORS, VECTOR_COUNT, CONTROL, CONTROL_LENGTH, FLAGS, LENGTH] = [0, 2, 4, 6, 8, 10, 12, 14];
/** More had come than there was room for. */
const MSG_TRUNC = 0x20;
const HIGH = 2 ** 32;

export class MessageTable {
  /** What the system is given. */
  readonly bytes: Buffer;
  private readonly words: Uint32Array;
  private readonly vectorsAt: number;
  private readonly controlsAt: number;

  constructor(
    libc: Libc,
    readonly messages: number,
    /** Where every message goes; none when receiving. */
    private readonly name?: Uint8Array,
  ) {
    this.vectorsAt = messages * HEADER_WORDS;
    this.controlsAt = this.vectorsAt + messages * VECTORS_A_MESSAGE * VECTOR_WORDS;
    // A buffer of shared memory is never moved.
    const memory = new SharedArrayBuffer((this.controlsAt + messages * CONTROL_WORDS) * 4);
    this.bytes = Buffer.from(memory);
    this.words = new Uint32Array(memory);
    const base = libc.address(this.bytes);
    for (let n = 0; n < messages; n++) {
      const at = n * HEADER_WORDS;
      if (this.name) {
        this.put(at + NAME, libc.address(this.name));
        this.words[at + NAME_LENGTH] = this.name.length;
      } else {
        this.put(at + CONTROL, base + (this.controlsAt + n * CONTROL_WORDS) * 4);
      }
      this.put(at + VECTORS, base + (this.vectorsAt + n * VECTORS_A_MESSAGE * VECTOR_WORDS) * 4);
      this.words[at + VECTOR_COUNT] = 1;
    }
  }

  /** The bytes of the n-th message: where they lie or shall go, and how many. */
  set(n: number, address: number, bytes: number): void {
    this.setVector(n * VECTORS_A_MESSAGE, address, bytes);
  }

  /** Where the n-th message goes on when it is longer than that. */
  setRest(n: number, address: number, bytes: number): void {
    this.setVector(n * VECTORS_A_MESSAGE + 1, address, bytes);
    this.words[n * HEADER_WORDS + VECTOR_COUNT] = 2;
  }

  /** Makes the n-th message ready to be received into. */
  expect(n: number): void {
    const at = n * HEADER_WORDS;
    this.words[at + CONTROL_LENGTH] = CONTROL_BYTES;
    this.words[at + FLAGS] = 0;
    // Its length: a message without a control message leaves the last one's behind.
    this.words[this.controlsAt + n * CONTROL_WORDS] = 0;
  }

  /** Bytes received in the n-th message. */
  length(n: number): number {
    return this.words[n * HEADER_WORDS + LENGTH]!;
  }

  /** Whether the n-th message was longer than its room. */
  isCut(n: number): boolean {
    return (this.words[n * HEADER_WORDS + FLAGS]! & MSG_TRUNC) !== 0;
  }

  /** The number in the n-th message's control message of this kind; 0 when it has none. */
  control(n: number, level: number, type: number): number {
    const at = this.controlsAt + n * CONTROL_WORDS;
    const { words } = this;
    const isThere = words[n * HEADER_WORDS + CONTROL_LENGTH]! > 0 && words[at]! > 0;
    return isThere && words[at + 2] === level && words[at + 3] === type ? words[at + 4]! : 0;
  }

  private setVector(vector: number, address: number, bytes: number): void {
    const at = this.vectorsAt + vector * VECTOR_WORDS;
    this.put(at, address);
    this.words[at + 2] = bytes;
  }

  private put(at: number, address: number): void {
    this.words[at] = address % HIGH;
    this.words[at + 1] = Math.floor(address / HIGH);
  }
}
