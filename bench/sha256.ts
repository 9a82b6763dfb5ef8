/** How fast one core hashes here and now: the measure that figures of different machines are compared by. */
import { createHash, randomFillSync } from 'node:crypto';

const BUFFER_BYTES = 4 * 1024 * 1024;
const BUFFERS = 12;
const TIMES = 3;

/** SHA-256 by node:crypto over bytes in memory, MB (10^6 bytes) a second, some times over. */
export function sha256MBps(): number[] {
  const buffer = randomFillSync(Buffer.allocUnsafe(BUFFER_BYTES));
  return Array.from({ length: TIMES }, () => {
    const begunMs = performance.now();
    const hash = createHash('sha256');
    for (let i = 0; i < BUFFERS; i++) hash.update(buffer);
    hash.digest();
    return (BUFFERS * BUFFER_BYTES) / 1_000 / (performance.now() - begunMs);
  });
}
