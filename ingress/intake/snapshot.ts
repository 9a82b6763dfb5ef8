/**
 * Takes one file: copies it once into the spool and hashes exactly the bytes that are written there. From then on only
 * the copy counts; what is scanned, sealed and sent is what was hashed, whatever happens to the file (FAULTS 30).
 */
import { createHash, hash, webcrypto } from 'node:crypto';
import * as nodeFs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { Partition } from '../../shared/fec/partition.js';
import { type Directory, errnoOf, type FileSystem, isNoFolder } from '../../shared/ops/directories.js';
import { type Identity, identityOf, manifestTimeNs, sameIdentity } from './identity.js';
import { refusalOf } from './share.js';
import type { Place, SpoolBatch } from './spool.js';

export interface Snapshot extends Place {
  /** 32 bytes over the whole file. */
  readonly sha256: Buffer;
  /** SHA-256 of each source block of the file, 32 bytes each, by SBN; see shared/fec/partition.ts. */
  readonly blockDigests: Buffer;
  /** Modification time within what a manifest can carry. */
  readonly mtimeNs: bigint;
  /** The file it was taken from. */
  readonly identity: Identity;
}

export interface SnapshotOptions {
  readonly fs?: FileSystem;
  /** Symbol size in bytes and symbols of a block, as objects will be coded. */
  readonly symbolBytes: number;
  readonly blockSymbols: number;
  /** Files up to this size go into the pack of the batch. */
  readonly packMaxFileBytes: number;
  /** Larger ones are refused before a byte is read (a sparse file costs nothing to make). */
  readonly maxBytes: number;
  /** Called now and then while a large file is copied, so that the process stays able to answer. */
  readonly yieldNow: () => Promise<void>;
}

/**
 * `expected` is what was observed to be stable. Throws SluiceError:
 * INTAKE_TOO_LARGE, INTAKE_NOT_REGULAR, INTAKE_HARD_LINKED (permanent); INTAKE_UNSTABLE when the file is or becomes
 * another one, INTAKE_VANISHED, INTAKE_UNREADABLE; SPOOL_FULL and SPOOL_IO when it is our disk that fails.
 * After a throw the batch holds nothing of this file.
 */
export async function takeSnapshot(
  directory: Directory,
  name: Buffer,
  expected: Identity,
  batch: SpoolBatch,
  options: SnapshotOptions,
): Promise<Snapshot> {
  const { sizeBytes } = expected;
  if (sizeBytes > options.maxBytes) {
    throw new SluiceError('INTAKE_TOO_LARGE', `It has ${sizeBytes} bytes, ${options.maxBytes} are allowed.`);
  }
  const fs = options.fs ?? nodeFs;
  const fd = openSource(directory, name);
  try {
    const source = new Source(fs, fd, expected);
    source.requireSame();
    const partition = new Partition(sizeBytes, options);
    const copied =
      sizeBytes <= options.packMaxFileBytes
        ? copySmall(source, partition, batch)
        : await copyLarge(source, partition, batch, options.yieldNow);
    return { ...copied, mtimeNs: manifestTimeNs(expected.mtimeNs), identity: expected };
  } finally {
    try {
      fs.closeSync(fd);
    } catch {
      // Nothing was written through it.
    }
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

type Copied = Place & { sha256: Buffer; blockDigests: Buffer };

const READ_BYTES = 512 * 1024;
const YIELD_BYTES = 16 * 1024 * 1024;
/** Below this the way to another thread costs more than the digest. */
const ELSEWHERE_BYTES = 512 * 1024;
/** Copies of blocks that wait for their digest at once. */
const DIGESTS_AHEAD = 2;

function copySmall(source: Source, partition: Partition, batch: SpoolBatch): Copied {
  const { sizeBytes } = source.expected;
  const bytes = batch.packRoom(sizeBytes);
  source.read(bytes, 0);
  source.requireSame();
  const sha256 = hash('sha256', bytes, 'buffer');
  const blockDigests = digestsOf(bytes, partition, sha256);
  return { ...batch.commitPacked(sizeBytes), sha256, blockDigests };
}

function digestsOf(bytes: Buffer, partition: Partition, whole: Buffer): Buffer {
  if (partition.blocks === 1) return whole;
  const digests: Buffer[] = [];
  for (let sbn = 0; sbn < partition.blocks; sbn++) {
    const start = partition.byteOffset(sbn);
    digests.push(hash('sha256', bytes.subarray(start, start + partition.byteLength(sbn)), 'buffer'));
  }
  return Buffer.concat(digests);
}

/**
 * Two digests run over the same bytes. The whole-file one is made here as the bytes pass, those of the blocks on a
 * thread of the crypto library, which halves the time where there is a second core.
 */
async function copyLarge(
  source: Source,
  partition: Partition,
  batch: SpoolBatch,
  yieldNow: () => Promise<void>,
): Promise<Copied> {
  const target = batch.openLarge();
  const digests: Promise<Uint8Array>[] = [];
  try {
    const whole = createHash('sha256');
    const block = Buffer.allocUnsafeSlow(partition.byteLength(0));
    let sinceYield = 0;
    for (let sbn = 0; sbn < partition.blocks; sbn++) {
      const offset = partition.byteOffset(sbn);
      const length = partition.byteLength(sbn);
      for (let at = 0; at < length; at += READ_BYTES) {
        const bytes = block.subarray(at, Math.min(at + READ_BYTES, length));
        source.read(bytes, offset + at);
        whole.update(bytes);
        target.write(bytes);
      }
      // The call takes a copy of its own before it returns.
      digests.push(blockDigest(block.subarray(0, length)));
      if (digests.length > DIGESTS_AHEAD) await digests.at(-1 - DIGESTS_AHEAD);
      sinceYield += length;
      if (sinceYield < YIELD_BYTES) continue;
      sinceYield = 0;
      // A file that has changed will be copied in vain: notice it early.
      source.requireSame();
      await yieldNow();
    }
    source.requireSame();
    const blockDigests = Buffer.concat(await Promise.all(digests));
    return { ...target.commit(), sha256: whole.digest(), blockDigests };
  } catch (error) {
    target.discard();
    throw error;
  }
}

async function blockDigest(bytes: Buffer): Promise<Uint8Array> {
  if (bytes.length < ELSEWHERE_BYTES) return hash('sha256', bytes, 'buffer');
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes));
}

function openSource(directory: Directory, name: Buffer): number {
  try {
    // O_NONBLOCK: a pipe put there in the last moment must not stop the gateway.
    return directory.openFile(name, nodeFs.constants.O_RDONLY | (nodeFs.constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') throw new SluiceError('INTAKE_VANISHED', '');
    if (errno === 'EAGAIN' || errno === 'ETXTBSY')
      throw new SluiceError('INTAKE_UNSTABLE', 'Another program holds it.');
    if (errno === 'ENXIO') throw new SluiceError('INTAKE_NOT_REGULAR', 'It is a socket or a pipe.');
    if (isNoFolder(error)) throw new SluiceError('INTAKE_UNSTABLE', 'It has become a link.');
    if (!errno) throw error;
    throw new SluiceError('INTAKE_UNREADABLE', `Opening it gives ${errno}.`, { cause: error });
  }
}

/** An open file that must stay what it was. */
class Source {
  constructor(
    private readonly fs: FileSystem,
    private readonly fd: number,
    readonly expected: Identity,
  ) {}

  requireSame(): void {
    const stat = reading(() => this.fs.fstatSync(this.fd, { bigint: true }));
    // Another identity first: what it has become is judged when that has been stable for a while.
    if (!sameIdentity(identityOf(stat), this.expected)) throw new SluiceError('INTAKE_UNSTABLE', '');
    const refusal = refusalOf(stat);
    if (refusal) throw new SluiceError(refusal.code, refusal.detail);
  }

  /** Fills `bytes` from `position`. */
  read(bytes: Buffer, position: number): void {
    for (let at = 0; at < bytes.length; ) {
      const got = reading(() => this.fs.readSync(this.fd, bytes, at, bytes.length - at, position + at));
      if (got === 0) throw new SluiceError('INTAKE_UNSTABLE', 'It became shorter while it was read.');
      at += got;
    }
  }
}

/** A share on a network can fail at any call: that is about this file, never about intake as a whole. */
function reading<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const errno = errnoOf(error);
    if (!errno) throw error;
    throw new SluiceError('INTAKE_UNREADABLE', `Reading it gives ${errno}.`, { cause: error });
  }
}
