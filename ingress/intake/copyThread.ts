/** The thread side of copier.ts. */
import * as fs from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { SluiceError, wordsOf } from '../../shared/core/errors.js';
import type { CopyAnswer, CopyOrder } from './copier.js';
import { LargeCopy } from './largeCopy.js';
import { Source } from './source.js';
import { guard } from './spool.js';

interface Running {
  readonly id: number;
  readonly target: number;
  readonly copy: LargeCopy;
}

/** A file's turn. */
const TURN_BYTES = 8 * 1024 * 1024;
const buffer = Buffer.allocUnsafeSlow(1024 * 1024);
const running: Running[] = [];
const progress = workerData as Int32Array;

parentPort!.on('message', ({ id, source, target, expected, coding }: CopyOrder & { id: number }) => {
  const write = (bytes: Buffer, position: number) => {
    guard(() => {
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(target, bytes, at, bytes.length - at, position + at);
    });
  };
  attempt(id, () => {
    const from = new Source(fs, source, expected);
    from.requireSame();
    running.push({ id, target, copy: new LargeCopy(from, write, coding) });
    if (running.length === 1) setImmediate(turn);
  });
});

function turn(): void {
  const current = running.shift();
  if (!current) return;
  const { id, copy, target } = current;
  Atomics.store(progress, 0, id);
  Atomics.add(progress, 1, 1);
  attempt(id, () => {
    if (!copy.step(buffer, TURN_BYTES)) {
      running.push(current);
      return;
    }
    guard(() => fs.fsyncSync(target));
    answer({ id, digests: copy.result() });
  });
  if (running.length > 0) setImmediate(turn);
}

function attempt(id: number, work: () => void): void {
  try {
    work();
  } catch (error) {
    const known = error instanceof SluiceError;
    answer({ id, code: known ? error.code : 'SPOOL_IO', detail: known ? error.detail : wordsOf(error) });
  }
}

function answer(message: CopyAnswer): void {
  parentPort!.postMessage(message);
}
