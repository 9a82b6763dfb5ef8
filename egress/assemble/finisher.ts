/**
 * Finishes source blocks: rebuilds missing symbols, checks the block against its signed digest and writes it to its
 * place; hashes whole objects beside that. The thread around it is finisherThread.ts.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { sameBytes } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { BlockDecoder } from '../../shared/fec/decode.js';
import { kernelChoice } from '../../shared/fec/simd/kernelChoice.js';
import type {
  ClosePayload,
  CompareWhole,
  FinishBlock,
  FinishOutcome,
  FromFinisher,
  HashWhole,
  RecheckBlock,
  ToFinisher,
} from './messages.js';
import { type ReadObject, WholeDigests } from './wholeDigests.js';

const DONE = new Uint8Array([1]);
/** Files held open at once: payloads that stay incomplete must not use up what the process may open. */
const OPEN_FILES = 64;

export class Finisher {
  private decoder: { symbolBytes: number; k: number; decoder: BlockDecoder } | undefined;
  /** By path, the least recently used first. */
  private readonly files = new Map<string, { object: string; descriptor: number }>();

  private readonly wholes = new WholeDigests();

  /** Does what is asked; `hash` and `close` have no answer. */
  obey(message: ToFinisher): FromFinisher | undefined {
    if ('finish' in message) return this.finish(message.finish);
    if ('recheck' in message) return this.recheck(message.recheck);
    if ('compare' in message) return this.compare(message.compare);
    if ('hash' in message) this.hash(message.hash);
    else this.closePayload(message.close);
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
      this.wholes.offer(block.object, block.byteOffset, bytes);
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
      if (holds) this.wholes.offer(block.object, block.byteOffset, bytes);
      return { ticket, decoded: false, outcome: holds ? 'good' : 'bad' };
    } catch (error) {
      this.close(block.object);
      return { ticket, decoded: false, ...failure(error) };
    }
  }

  private hash(whole: HashWhole): void {
    try {
      this.wholes.advance(whole.object, whole.uptoBytes, this.reading(whole));
    } catch {
      // It begins anew with the next one, or with the comparison, which says what is wrong.
      this.close(whole.object);
    }
  }

  private compare(whole: CompareWhole): FromFinisher {
    const { ticket, object, uptoBytes, sha256 } = whole;
    try {
      const holds = sameBytes(this.wholes.finish(object, uptoBytes, this.reading(whole)), sha256);
      return { ticket, decoded: false, outcome: holds ? 'good' : 'bad' };
    } catch (error) {
      this.close(object);
      return { ticket, decoded: false, ...failure(error) };
    }
  }

  private reading({ object, dataFile }: HashWhole): ReadObject {
    return (into, at) => {
      const got = readSync(this.file(object, dataFile), into, 0, into.length, at);
      if (got !== into.length) throw new SluiceError('SPOOL_IO', `${dataFile} is shorter than recorded.`);
    };
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

  private closePayload({ object, forget }: ClosePayload): void {
    this.close(object);
    if (forget) this.wholes.forget(object);
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
