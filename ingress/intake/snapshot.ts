/**
 * Takes one file: copies it once into the spool and hashes exactly the bytes that are written there. From then on only
 * the copy counts; what is scanned, sealed and sent is what was hashed, whatever happens to the file (FAULTS 30).
 *
 * Small files are copied on the spot, for a few milliseconds hurt nobody. Large ones are copied by a thread of their own
 * (copier.ts): only what is open here goes there, so that all the rules of opening hold for both.
 */
import { hash } from 'node:crypto';
import * as nodeFs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { Partition } from '../../shared/fec/partition.js';
import type { Directory, FileSystem } from '../../shared/ops/files/directories.js';
import type { Copier } from './copier.js';
import { type Identity, manifestTimeNs } from './identity.js';
import { type Digests, LargeCopy } from './largeCopy.js';
import { openSource, Source } from './source.js';
import type { Place, SpoolBatch } from './spool.js';

export interface Snapshot extends Place, Digests {
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
}

/**
 * `expected` is what was observed to be stable. Throws SluiceError:
 * INTAKE_TOO_LARGE, INTAKE_NOT_REGULAR, INTAKE_HARD_LINKED (permanent); INTAKE_UNSTABLE when the file is or becomes
 * another one, INTAKE_VANISHED, INTAKE_UNREADABLE; SPOOL_FULL and SPOOL_IO when it is our disk that fails.
 * After a throw the batch holds nothing of this file.
 */
export function takeSnapshot(
  directory: Directory,
  name: Buffer,
  expected: Identity,
  batch: SpoolBatch,
  options: SnapshotOptions,
): Snapshot {
  const fs = options.fs ?? nodeFs;
  const fd = open(directory, name, expected, options);
  try {
    const source = new Source(fs, fd, expected);
    source.requireSame();
    const isSmall = expected.sizeBytes <= options.packMaxFileBytes;
    const copied = isSmall ? copySmall(source, batch, options) : copyLarge(source, batch, options);
    return { ...copied, mtimeNs: manifestTimeNs(expected.mtimeNs), identity: expected };
  } finally {
    close(fs, fd);
  }
}

/** The same by another thread; the copy is already synced when it ends. */
export async function takeSnapshotElsewhere(
  directory: Directory,
  name: Buffer,
  expected: Identity,
  batch: SpoolBatch,
  options: SnapshotOptions,
  copier: Copier,
  tenant: string,
): Promise<Snapshot> {
  const fs = options.fs ?? nodeFs;
  const fd = open(directory, name, expected, options);
  try {
    const target = batch.openLarge();
    try {
      const { symbolBytes, blockSymbols } = options;
      const coding = { symbolBytes, blockSymbols };
      const digests = await copier.copy({ source: fd, target: target.fd, expected, coding, tenant });
      return {
        ...target.adopt(expected.sizeBytes),
        ...digests,
        mtimeNs: manifestTimeNs(expected.mtimeNs),
        identity: expected,
      };
    } catch (error) {
      target.discard();
      throw error;
    }
  } finally {
    close(fs, fd);
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

type Copied = Place & Digests;

const READ_BYTES = 512 * 1024;
/** A copy on the spot looks so often whether the file is still the same. */
const LOOK_BYTES = 16 * 1024 * 1024;
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

function open(directory: Directory, name: Buffer, expected: Identity, options: SnapshotOptions): number {
  const { sizeBytes } = expected;
  if (sizeBytes > options.maxBytes) {
    throw new SluiceError('INTAKE_TOO_LARGE', `It has ${sizeBytes} bytes, ${options.maxBytes} are allowed.`);
  }
  return openSource(directory, name);
}

function close(fs: FileSystem, fd: number): void {
  try {
    fs.closeSync(fd);
  } catch {
    // Nothing was written through it.
  }
}

function copySmall(source: Source, batch: SpoolBatch, options: SnapshotOptions): Copied {
  const { sizeBytes } = source.expected;
  const bytes = batch.packRoom(sizeBytes);
  source.read(bytes, 0);
  source.requireSame();
  const sha256 = hash('sha256', bytes, 'buffer');
  const blockDigests = digestsOf(bytes, new Partition(sizeBytes, options), sha256);
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

function copyLarge(source: Source, batch: SpoolBatch, options: SnapshotOptions): Copied {
  const target = batch.openLarge();
  try {
    const copy = new LargeCopy(source, (bytes) => target.write(bytes), options);
    while (!copy.step(buffer, LOOK_BYTES));
    return { ...target.commit(), ...copy.result() };
  } catch (error) {
    target.discard();
    throw error;
  }
}
