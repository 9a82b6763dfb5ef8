/** The bounded ring of frames between two threads. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import fc from 'fast-check';
import { createRing, FrameRing, type RingMemory } from '../../shared/link/ring.js';
import { PAYLOAD_OFFSET } from '../../shared/wire/frame.js';

/** The ring with both positions moved to `position`, as after so many frames. */
function ringAt(memory: RingMemory, position: number): FrameRing {
  const control = new Int32Array(memory.memory.buffer, 0, 2);
  control[0] = position;
  control[1] = position;
  return new FrameRing(memory);
}
const bytesOf = ({ bytes }: FrameRing): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
function push(ring: FrameRing, value: number): void {
  const slot = ring.producerSlot(0);
  bytesOf(ring).writeUInt32LE(value, slot * ring.slotBytes);
  ring.setLength(slot, 4);
  ring.publish(1);
}
function pop(ring: FrameRing): number {
  const slot = ring.consumerSlot(0);
  const value = bytesOf(ring).readUInt32LE(slot * ring.slotBytes);
  expect(ring.length(slot)).to.equal(4);
  ring.release(1);
  return value;
}

describe('frame ring', () => {
  it('has as many slots as fit, a power of two, each a multiple of 8 bytes', () => {
    const { slots, slotBytes, memory } = createRing(1_471, 1 << 20);
    expect({ slots, slotBytes }).to.deep.equal({ slots: 512, slotBytes: 1_472 });
    // Whole pages of WebAssembly.
    expect(memory.buffer.byteLength).to.be.lessThan((1 << 20) + 65_536 + 4_096);
  });

  it('every slot begins where the symbol of a frame comes to lie on a multiple of 8: such bytes are copied fast', () => {
    const { bytes, slots, slotBytes } = new FrameRing(createRing(1_471, 1 << 20));
    for (let slot = 0; slot < slots; slot++) {
      expect((bytes.byteOffset + slot * slotBytes + PAYLOAD_OFFSET) % 8).to.equal(0);
    }
  });

  it('is a bounded queue whatever is pushed and taken, also where its positions pass 2^32', () => {
    const actions = fc.array(fc.record({ push: fc.boolean(), count: fc.integer({ min: 1, max: 20 }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(actions, fc.constantFrom(0, 0xffff_fff0, 0x7fff_fff8, 0xffff_ffff), (steps, position) => {
        const ring = ringAt(createRing(64, 16 * 64), position);
        const model: number[] = [];
        let next = 0;
        for (const step of steps) {
          for (let n = 0; n < step.count; n++) {
            if (step.push && ring.free() > 0) {
              push(ring, next);
              model.push(next++);
            } else if (!step.push && ring.filled() > 0) expect(pop(ring)).to.equal(model.shift());
          }
          expect(ring.filled()).to.equal(model.length);
          expect(ring.free()).to.equal(16 - model.length);
        }
        expect((ring.head() - ring.tail()) >>> 0).to.equal(model.length);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('published frames that were written ahead come out in order across the wrap of 2^32', () => {
    const ring = ringAt(createRing(64, 16 * 64), 0xffff_fffa);
    for (let n = 0; n < 12; n++) bytesOf(ring).writeUInt32LE(n, ring.producerSlot(n) * ring.slotBytes);
    ring.publish(12);
    const values = Array.from({ length: 12 }, (_, n) =>
      bytesOf(ring).readUInt32LE(ring.consumerSlot(n) * ring.slotBytes),
    );
    expect(values).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(ring.head()).to.equal(6);
    ring.release(12);
    expect(ring.filled()).to.equal(0);
  });

  it('waiting ends at once when there is something, and in time when nothing comes', () => {
    const ring = new FrameRing(createRing(64, 1_024));
    ring.waitForRoom(10_000);
    push(ring, 1);
    ring.waitForFrames(10_000);
    ring.release(1);
    const startMs = performance.now();
    ring.waitForFrames(20);
    ring.publish(16);
    ring.waitForRoom(20);
    expect(performance.now() - startMs)
      .to.be.greaterThan(35)
      .and.lessThan(2_000);
  });

  it('frames that found no slot are counted for both sides', () => {
    const memory = createRing(64, 1_024);
    new FrameRing(memory).countDrop();
    new FrameRing(memory).countDrop();
    expect(new FrameRing(memory).drops()).to.equal(2);
  });

  it('two threads: every frame arrives once, whole and in order, though the ring is always full or empty', async () => {
    const frames = 100_000;
    const memory = createRing(64, 16 * 64);
    const ring = ringAt(memory, 0xffff_ff00);
    const producer = new Worker(new URL('../support/ringProducer.js', import.meta.url), {
      workerData: { memory, frames },
    });
    let wrong = 0;
    let number = 0;
    const deadlineMs = performance.now() + 10_000;
    while (number < frames && performance.now() < deadlineMs) {
      ring.waitForFrames(1_000);
      const count = ring.filled();
      for (let n = 0; n < count; n++, number++) {
        const slot = ring.consumerSlot(n);
        const at = slot * ring.slotBytes;
        const last = ring.bytes[at + ring.length(slot) - 1];
        if (bytesOf(ring).readUInt32LE(at) !== number || ring.length(slot) !== 16 + (number % 48)) wrong++;
        if (last !== (number & 0xff)) wrong++;
      }
      ring.release(count);
      if (count === 0 && number === 0) await new Promise((resolve) => setTimeout(resolve, 1)); // The thread starts.
    }
    expect({ wrong, number }).to.deep.equal({ wrong: 0, number: frames });
    await once(producer, 'exit');
  });
});
