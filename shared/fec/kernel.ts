/**
 * The inner loops of the code behind one small face, so that a faster kernel can take the place of the scalar one
 * without touching the schedule. A kernel owns one memory; symbols are spans of it, given by byte offset.
 *
 * Offsets and lengths are multiples of 64. Layout of a symbol: in each group of 64 bytes, byte j (0..31) is the low
 * and byte 32 + j the high byte of word j, an element of GF(2^16).
 */
export interface Kernel {
  readonly memory: Uint8Array;
  /** to += from */
  xor(to: number, from: number, bytes: number): void;
  /** to = constant · from */
  multiply(to: number, from: number, bytes: number, constant: number): void;
  /** to += constant · from */
  multiplyAdd(to: number, from: number, bytes: number, constant: number): void;
  /** x += constant · y, then y += x: one step of the transform from coefficients to values. */
  evaluate(x: number, y: number, bytes: number, constant: number): void;
  /** y += x, then x += constant · y: the step that undoes `evaluate`. */
  interpolate(x: number, y: number, bytes: number, constant: number): void;
  /**
   * Two layers of `evaluate` over four neighbouring spans of `bytes` each, the first at `at`: `top` for the first half
   * and the second, then `left` within the first and `right` within the second.
   */
  evaluate4(at: number, bytes: number, left: number, right: number, top: number): void;
  /** The two layers of `interpolate` that undo `evaluate4`. */
  interpolate4(at: number, bytes: number, left: number, right: number, top: number): void;
}

export interface KernelKind {
  readonly name: string;
  /** What preparing a constant costs, in bytes that multiplyAdd would process in the same time. */
  readonly constantCostBytes: number;
  /** A kernel whose memory holds at least so many bytes, of any content. */
  create(bytes: number): Kernel;
}

/** Memory for a schedule: grows when asked for more than ever before, is otherwise used again, never shrinks. */
export class Workspace {
  private current: Kernel | undefined;
  constructor(readonly kind: KernelKind) {}

  /** A kernel with at least so many bytes of memory; its former content may be lost. */
  reserve(bytes: number): Kernel {
    if (this.current === undefined || this.current.memory.length < bytes) {
      // A demand that creeps up is not met by a new memory each time. What is not used of it costs no real memory.
      const room = Math.max(bytes, this.bytes + (this.bytes >> 1));
      this.current = undefined; // let go of the old memory before the new one is taken
      this.current = this.kind.create(room);
    }
    return this.current;
  }

  get bytes(): number {
    return this.current?.memory.length ?? 0;
  }
}
