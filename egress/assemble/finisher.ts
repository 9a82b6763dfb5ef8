/**
 * Finishes source blocks: rebuilds missing symbols, checks the block against its signed digest and writes it to its
 * place. The thread around it is finisherThread.ts.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { sameBytes } from '../../shared/core/bytes.js';
import { BlockDecoder } from '../../shared/fec/decode.js';
import { kernelChoice } from '../../shared/fec/simd/kernelChoice.js';
import type { FinishBlock, FinishOutcome, FromFinisher, RecheckBlock, ToFinisher } from './messages.js';

const DONE = new Uint8Array([1]);
/** Files held open at once: payloads that stay incomplete must not use up what the process may open. */
const OPEN_FILES = 64;

export class Finisher {
  private decoder: { symbolBytes: number; k: number; decoder: BlockDecoder } | undefined;
  /** By path, the least recently used first. */
  private readonly files = new Map<string, { object: string; descriptor: number }>();

  /** Does what is asked; only `close` has no answer. */
  obey(message: ToFinisher): FromFinisher | undefined {
    if ('finish' in message) return this.finish(message.finish);
    if ('recheck' in message) return this.recheck(message.recheck);
    this.close(message.close);
    return undefined;
  }

  private finish(block: FinishBlock): FromFinisher {
    const { ticket } = block;
    const decoded = block.have.includes(0);
    try {
      const source = new Uint8Array(block.source, 0, block.k * block.symbolBytes);
      if (decoded && !this.decode(block, source)) return { ticket, decoded, outcome: 'bad' };
      const bytes = source.subarray(0, block.byteLength);
      if (!hashesTo(bytes, block.digest)) return { ticket, decoded, outcome: 'bad' };
      this.write(block.object, block.dataFile, bytes, block.byteOffset);
      this.write(block.object, block.doneFile, DONE, block.sbn);
      return { ticket, decoded, outcome: 'good' };
    } catch (error) {
      this.close(block.object);
      return { ticket, decoded, ...failure(error) };
    }
  }

  private recheck(block: RecheckBlock): FromFinisher {
    const { ticket } = block;
    try {
      const bytes = new Uint8Array(block.byteLength);
      const got = readSync(this.file(block.object, block.dataFile), bytes, 0, bytes.length, block.byteOffset);
      const holds = got === bytes.length && hashesTo(bytes, block.digest);
      return { ticket, decoded: false, outcome: holds ? 'good' : 'bad' };
    } catch (error) {
      this.close(block.object);
      return { ticket, decoded: false, ...failure(error) };
    }
  }

  private decode(block: FinishBlock, source: Uint8Array): boolean {
    const { symbolBytes } = block;
    if (this.decoder?.symbolBytes !== symbolBytes || this.decoder.k < block.k) {
      this.decoder = { symbolBytes, k: block.k, decoder: new BlockDecoder(block.k, symbolBytes, kernelChoice().kind) };
    }
    const repair = block.repair.map(({ index, slab, at }) => ({ index, data: new Uint8Array(slab, at, symbolBytes) }));
    return this.decoder.decoder.decode(source, block.k, block.have, repair);
  }

  // ------------------------------------------------------------ files

  private write(object: string, path: string, bytes: Uint8Array, at: number): void {
    const file = this.file(object, path);
    let done = 0;
    while (done < bytes.length) done += writeSync(file, bytes, done, bytes.length - done, at + done);
  }

  private file(object: string, path: string): number {
    const known = this.files.get(path);
    this.files.delete(path);
    const file = known ?? { object, descriptor: openSync(path, 'r+') };
    this.files.set(path, file);
    if (this.files.size > OPEN_FILES) {
      const [oldest] = this.files;
      closeSync(oldest![1].descriptor);
      this.files.delete(oldest![0]);
    }
    return file.descriptor;
  }

  private close(object: string): void {
    for (const [path, file] of this.files) {
      if (file.object !== object) continue;
      this.files.delete(path);
      closeSync(file.descriptor);
    }
  }
}

const hashesTo = (bytes: Uint8Array, digest: Uint8Array): boolean =>
  sameBytes(createHash('sha256').update(bytes).digest(), digest);

function failure(error: unknown): { outcome: FinishOutcome; words: string } {
  const { code, message } = error as NodeJS.ErrnoException;
  return { outcome: code === 'ENOSPC' || code === 'EDQUOT' ? 'full' : 'failed', words: message };
}
