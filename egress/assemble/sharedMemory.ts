/**
 * Shared buffers for source blocks under one cap. Buffers are reused: allocating six megabytes for every block would
 * leave their return to the garbage collector, which does not see how large they are.
 */

/** Sizes are rounded up to a quarter of their power of two, so that at most a fifth is wasted. */
function sizeClass(bytes: number): number {
  const step = Math.max(1024, 2 ** (Math.floor(Math.log2(Math.max(bytes, 1))) - 2));
  return Math.ceil(bytes / step) * step;
}

export class SharedMemory {
  /** Bytes handed out. */
  usedBytes = 0;
  private readonly free = new Map<number, SharedArrayBuffer[]>();
  private freeBytes = 0;

  constructor(readonly capBytes: number) {}

  /** A buffer of at least `bytes`, its content undefined; or undefined when the cap would be passed. */
  take(bytes: number): SharedArrayBuffer | undefined {
    const size = sizeClass(bytes);
    if (this.usedBytes + size > this.capBytes) return undefined;
    this.usedBytes += size;
    const reused = this.free.get(size)?.pop();
    if (reused) {
      this.freeBytes -= size;
      return reused;
    }
    // What is kept for reuse counts as well: other sizes make room first.
    if (this.usedBytes + this.freeBytes > this.capBytes) this.dropFree();
    return new SharedArrayBuffer(size);
  }

  /** From now on a buffer counts there and is given back there, even where that passes the other cap. */
  handOver(buffer: SharedArrayBuffer, to: SharedMemory): void {
    this.usedBytes -= buffer.byteLength;
    to.usedBytes += buffer.byteLength;
  }

  give(buffer: SharedArrayBuffer): void {
    const size = buffer.byteLength;
    this.usedBytes -= size;
    this.freeBytes += size;
    const list = this.free.get(size);
    if (list) list.push(buffer);
    else this.free.set(size, [buffer]);
  }

  private dropFree(): void {
    this.free.clear();
    this.freeBytes = 0;
  }
}
