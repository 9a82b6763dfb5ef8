/** A thread that fills a ring with numbered frames of varying length, waiting while it is full. */
import { workerData } from 'node:worker_threads';
import { FrameRing, type RingMemory } from '../../shared/link/ring.js';

const { memory, frames } = workerData as { memory: RingMemory; frames: number };
const ring = new FrameRing(memory);
for (let number = 0; number < frames; ) {
  ring.waitForRoom(1_000);
  const count = Math.min(ring.free(), 1 + (number % 7), frames - number);
  for (let n = 0; n < count; n++, number++) {
    const slot = ring.producerSlot(n);
    const length = 16 + (number % 48);
    ring.bytes.fill(number & 0xff, slot * ring.slotBytes, slot * ring.slotBytes + length);
    new DataView(ring.bytes.buffer, ring.bytes.byteOffset).setUint32(slot * ring.slotBytes, number, true);
    ring.setLength(slot, length);
  }
  ring.publish(count);
}
