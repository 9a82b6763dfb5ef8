/**
 * Threads that copy large files into the spool while intake goes on. Each takes turns between its files, so that no
 * tenant's 5 GiB stand in front of another one's 50 MiB; a share that hangs stops one thread and not the process.
 */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import type { CodingParameters } from '../../shared/fec/partition.js';
import type { Identity } from './identity.js';
import type { Digests } from './largeCopy.js';

export interface CopyOrder {
  /** Open descriptors: they stay open, and are closed, here. */
  readonly source: number;
  readonly target: number;
  readonly expected: Identity;
  readonly coding: CodingParameters;
  /** Whose share it is, for stuck(). */
  readonly tenant: string;
}

export type CopyAnswer = { readonly id: number } & (
  | { readonly digests: { sha256: Uint8Array; blockDigests: Uint8Array } }
  | { readonly code: ErrorCode; readonly detail: string }
);

/** A second one lets others pass a share that is slow. */
const THREADS = 2;

export class Copier {
  private readonly threads: CopyThread[] = [];
  private nextId = 1;

  /** Resolves when the copy is whole and on disk. Throws what takeSnapshot() throws. */
  copy(order: CopyOrder): Promise<Digests> {
    return this.leastBusy().copy(this.nextId++, order);
  }

  /** Tenants whose copies have not got on for so long. */
  stuck(nowMs: number, limitMs: number): string[] {
    return this.threads.flatMap((thread) => thread.stuck(nowMs, limitMs));
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.splice(0).map((thread) => thread.close()));
  }

  private leastBusy(): CopyThread {
    const free = this.threads.find(({ busy }) => busy === 0);
    if (free) return free;
    if (this.threads.length < THREADS) {
      const thread: CopyThread = new CopyThread(() => {
        const at = this.threads.indexOf(thread);
        if (at >= 0) this.threads.splice(at, 1);
      });
      this.threads.push(thread);
      return thread;
    }
    return this.threads.reduce((least, thread) => (thread.busy < least.busy ? thread : least));
  }
}

class CopyThread {
  private readonly waiting = new Map<
    number,
    { tenant: string; resolve: (digests: Digests) => void; reject: (error: Error) => void }
  >();
  /** Which copy the thread is at, and how many steps it has made. */
  private readonly progress = new Int32Array(new SharedArrayBuffer(8));
  private readonly worker = new Worker(new URL('./copyThread.js', import.meta.url), { workerData: this.progress });
  private stepSeen = 0;
  private stepSeenMs = 0;

  constructor(onEnd: () => void) {
    this.worker.unref();
    this.worker.on('message', (answer: CopyAnswer) => this.hear(answer));
    this.worker.on('error', (error) => this.failAll(error.message));
    this.worker.on('exit', () => {
      onEnd();
      this.failAll('it ended');
    });
  }

  get busy(): number {
    return this.waiting.size;
  }

  copy(id: number, order: CopyOrder): Promise<Digests> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { tenant: order.tenant, resolve, reject });
      this.worker.ref();
      this.worker.postMessage({ id, ...order });
    });
  }

  stuck(nowMs: number, limitMs: number): string[] {
    const step = Atomics.load(this.progress, 1);
    if (this.busy === 0 || step !== this.stepSeen || this.stepSeenMs === 0) {
      this.stepSeen = step;
      this.stepSeenMs = nowMs;
      return [];
    }
    const at = this.waiting.get(Atomics.load(this.progress, 0));
    return nowMs - this.stepSeenMs >= limitMs && at ? [at.tenant] : [];
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private hear(answer: CopyAnswer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if (this.waiting.size === 0) this.worker.unref();
    if ('code' in answer) waiting?.reject(new SluiceError(answer.code, answer.detail));
    else {
      const { sha256, blockDigests } = answer.digests;
      waiting?.resolve({ sha256: Buffer.from(sha256), blockDigests: Buffer.from(blockDigests) });
    }
  }

  private failAll(why: string): void {
    for (const { reject } of this.waiting.values()) {
      reject(new SluiceError('SPOOL_IO', `The thread that copies large files failed: ${why}.`));
    }
    this.waiting.clear();
  }
}
