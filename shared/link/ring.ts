/**
 * A bounded ring of frame slots in shared memory between one producing and one consuming thread. The sending side has
 * one between the encoder and the socket, the receiving side one between the socket and assembly. When it is full the
 * producer waits (sending) or drops and counts (receiving): never an unbounded queue.
 *
 *   control words | length of each slot | shift | slots, each `slotBytes` (a multiple of 8) long
 *
 * `head` counts frames pushed and `tail` frames released, modulo 2^32; the difference is what is filled.
 */
import { newPageMemory, type PageMemory } from '../core/webAssembly.js';
import { PAYLOAD_OFFSET } from '../wire/frame.js';

const HEAD = 0;
const TAIL = 1;
const DROPS = 2;
const CONTROL_WORDS = 16;
/**
 * Slots begin so far behind a multiple of 8 that the symbol of a frame lies on one: bytes in shared memory are copied
 * four times as fast between places of equal alignment.
 */
export const SLOT_SHIFT = (8 - (PAYLOAD_OFFSET % 8)) % 8;

export interface RingMemory {
  /** Of WebAssembly, so that tags are computed where the frames lie. */
  readonly memory: PageMemory;
  readonly slotBytes: number;
  readonly slots: number;
}

/** Reserves a ring of at most `totalBytes` for frames of at most `frameMaxBytes`. The slot count is a power of two. */
export function createRing(frameMaxBytes: number, totalBytes: number): RingMemory {
  const slotBytes = Math.ceil(frameMaxBytes / 8) * 8;
  const slots = 2 ** Math.max(4, Math.floor(Math.log2(totalBytes / slotBytes)));
  const memory = newPageMemory((CONTROL_WORDS + slots) * 4 + SLOT_SHIFT + slots * slotBytes);
  return { memory, slotBytes, slots };
}

export class FrameRing {
  readonly slots: number;
  readonly slotBytes: number;
  readonly memory: PageMemory;
  /** The slots. Not a Buffer: a part of one costs several times as much to name. */
  readonly bytes: Uint8Array;
  private readonly control: Int32Array;
  private readonly lengths: Int32Array;

  constructor({ memory, slots, slotBytes }: RingMemory) {
    this.memory = memory;
    this.slots = slots;
    this.slotBytes = slotBytes;
    this.control = new Int32Array(memory.buffer, 0, CONTROL_WORDS);
    this.lengths = new Int32Array(memory.buffer, CONTROL_WORDS * 4, slots);
    this.bytes = new Uint8Array(memory.buffer, (CONTROL_WORDS + slots) * 4 + SLOT_SHIFT, slots * slotBytes);
  }

  /** Frames waiting to be consumed. */
  filled(): number {
    return (Atomics.load(this.control, HEAD) - Atomics.load(this.control, TAIL)) >>> 0;
  }

  /** Slots the producer may write. */
  free(): number {
    return this.slots - this.filled();
  }

  /** Frames pushed so far, modulo 2^32. */
  head(): number {
    return Atomics.load(this.control, HEAD) >>> 0;
  }

  /** Frames consumed so far, modulo 2^32. */
  tail(): number {
    return Atomics.load(this.control, TAIL) >>> 0;
  }

  /** Slot of the n-th frame after the producer's (or, with `tail`, the consumer's) position. */
  producerSlot(n: number): number {
    return ((Atomics.load(this.control, HEAD) + n) >>> 0) % this.slots;
  }
  consumerSlot(n: number): number {
    return ((Atomics.load(this.control, TAIL) + n) >>> 0) % this.slots;
  }

  /** Bytes of the frame in a slot. */
  length(slot: number): number {
    return this.lengths[slot]!;
  }
  setLength(slot: number, bytes: number): void {
    this.lengths[slot] = bytes;
  }

  /** Makes `count` written slots visible and wakes the consumer. */
  publish(count: number): void {
    Atomics.add(this.control, HEAD, count);
    Atomics.notify(this.control, HEAD);
  }

  /** Gives `count` consumed slots back and wakes a waiting producer. */
  release(count: number): void {
    Atomics.add(this.control, TAIL, count);
    Atomics.notify(this.control, TAIL);
  }

  /** Blocks the consuming thread until something is published, `wake` is called or the time is over. */
  waitForFrames(timeoutMs: number): void {
    const head = Atomics.load(this.control, HEAD);
    if (head === Atomics.load(this.control, TAIL)) Atomics.wait(this.control, HEAD, head, timeoutMs);
  }

  /** With less room than for so many frames: blocks the producing thread until a slot is released or the time is over. */
  waitForRoom(timeoutMs: number, frames = 1): void {
    const tail = Atomics.load(this.control, TAIL);
    if (this.free() < frames) Atomics.wait(this.control, TAIL, tail, timeoutMs);
  }

  /** Wakes a waiting consumer without a frame (it has a message to look at). */
  wake(): void {
    Atomics.notify(this.control, HEAD);
  }

  /** Counts frames that found no slot. */
  countDrop(): void {
    Atomics.add(this.control, DROPS, 1);
  }
  drops(): number {
    return Atomics.load(this.control, DROPS) >>> 0;
  }
}
