/**
 * The thread that finishes source blocks: rebuilds missing symbols, checks the block against its signed digest and
 * writes it to its place. Runs beside reception, never on its thread.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { sameBytes } from '../../shared/core/bytes.js';
import { BlockDecoder } from '../../shared/fec/decode.js';
import type {
  FinishBlock,
  FinisherThreadData,
  FinishOutcome,
  FromFinisher,
  RecheckBlock,
  ToFinisher,
} from '../receive/messages.js';

const DONE = new Uint8Array([1]);

class Finisher {
  private decoder: { symbolBytes: number; k: number; decoder: BlockDecoder } | undefined;
  private readonly files = new Map<string, { object: string; descriptor: number }>();

  finish(block: FinishBlock): FromFinisher {
    const answer = { object: block.object, sbn: block.sbn, recheck: false, decoded: false };
    try {
      const source = new Uint8Array(block.source, 0, block.k * block.symbolBytes);
      if (block.have.includes(0)) {
        answer.decoded = true;
        if (!this.decode(block, source)) return { ...answer, outcome: 'bad' };
      }
      const bytes = source.subarray(0, block.byteLength);
      if (!sameBytes(createHash('sha256').update(bytes).digest(), block.digest)) return { ...answer, outcome: 'bad' };
      this.write(block.object, block.dataFile, bytes, block.byteOffset);
      this.write(block.object, block.doneFile, DONE, block.sbn);
      return { ...answer, outcome: 'good' };
    } catch (error) {
      this.close(block.object);
      return { ...answer, ...failure(error) };
    }
  }

  recheck(block: RecheckBlock): FromFinisher {
    const answer = { object: block.object, sbn: block.sbn, recheck: true, decoded: false };
    try {
      const bytes = new Uint8Array(block.byteLength);
      const got = readSync(this.file(block.object, block.dataFile), bytes, 0, bytes.length, block.byteOffset);
      const holds = got === bytes.length && sameBytes(createHash('sha256').update(bytes).digest(), block.digest);
      return { ...answer, outcome: holds ? 'good' : 'bad' };
    } catch (error) {
      return { ...answer, ...failure(error) };
    }
  }

  close(object: string): void {
    for (const [path, file] of this.files) {
      if (file.object !== object) continue;
      closeSync(file.descriptor);
      this.files.delete(path);
    }
  }

  private decode(block: FinishBlock, source: Uint8Array): boolean {
    const { symbolBytes } = block;
    if (this.decoder?.symbolBytes !== symbolBytes || this.decoder.k < block.k) {
      this.decoder = { symbolBytes, k: block.k, decoder: new BlockDecoder(block.k, symbolBytes) };
    }
    const repair = block.repair.map(({ index, slab, at }) => ({ index, data: new Uint8Array(slab, at, symbolBytes) }));
    return this.decoder.decoder.decode(source, block.k, block.have, repair);
  }

  private write(object: string, path: string, bytes: Uint8Array, at: number): void {
    const file = this.file(object, path);
    let done = 0;
    while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }

  private file(object: string, path: string): number {
    const known = this.files.get(path);
    if (known) return known.descriptor;
    const descriptor = openSync(path, 'r+');
    this.files.set(path, { object, descriptor });
    return descriptor;
  }
}

function failure(error: unknown): { outcome: FinishOutcome; words: string } {
  const { code, message } = error as NodeJS.ErrnoException;
  return { outcome: code === 'ENOSPC' || code === 'EDQUOT' ? 'full' : 'failed', words: message };
}

const finisher = new Finisher();
const { port } = workerData as FinisherThreadData;
port.on('message', (message: ToFinisher) => {
  if ('finish' in message) port.postMessage(finisher.finish(message.finish));
  else if ('recheck' in message) port.postMessage(finisher.recheck(message.recheck));
  else finisher.close(message.close);
});
