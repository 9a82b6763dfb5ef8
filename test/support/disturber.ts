/** A thread that keeps disturbing the file system while a test works on it. */
import { Worker } from 'node:worker_threads';

/**
 * Runs the body again and again until stop(), which tells how often it ran to its end. The body is JavaScript with `fs` and
 * `input` in reach; what it throws is ignored, for it collides with the test on purpose.
 */
export async function disturb(body: string, input: unknown): Promise<{ stop(): Promise<number> }> {
  const flag = new Int32Array(new SharedArrayBuffer(8));
  const code = `
    const fs = require('node:fs');
    const { workerData: { flag, input }, parentPort } = require('node:worker_threads');
    parentPort.postMessage('runs');
    while (Atomics.load(flag, 0) === 0) {
      try {
        ${body}
        Atomics.add(flag, 1, 1);
      } catch {}
    }`;
  const worker = new Worker(code, { eval: true, workerData: { flag, input } });
  await new Promise((done, failed) => worker.once('message', done).once('error', failed));
  return {
    async stop() {
      Atomics.store(flag, 0, 1);
      await new Promise((done) => worker.once('exit', done));
      return Atomics.load(flag, 1);
    },
  };
}
