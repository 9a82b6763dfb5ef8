/**
 * What tells whether an entry of a share is still the one that was seen before. The change time is part of it because
 * nobody can set it back: whoever writes to a file and restores its modification time is noticed all the same.
 */
import type { BigIntStats } from 'node:fs';

export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
  /** Exact below 2^53, and nothing of that size is ever taken. */
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** The same as one text, for the ledger and for comparisons: `dev:ino:size:mtime:ctime`, decimal. */
export type Fingerprint = string;

export function identityOf(stat: BigIntStats): Identity {
  const { dev, ino, mtimeNs, ctimeNs } = stat;
  return { dev, ino, sizeBytes: Number(stat.size), mtimeNs, ctimeNs };
}

export function fingerprintOf(identity: Identity): Fingerprint {
  const { dev, ino, sizeBytes, mtimeNs, ctimeNs } = identity;
  return `${dev}:${ino}:${sizeBytes}:${mtimeNs}:${ctimeNs}`;
}

/** The identity a fingerprint was made from, undefined when it is none. */
export function parseFingerprint(text: Fingerprint): Identity | undefined {
  const match = /^(\d+):(\d+):(\d+):(-?\d+):(-?\d+)$/.exec(text);
  if (!match) return undefined;
  const [, dev, ino, size, mtime, ctime] = match;
  return {
    dev: BigInt(dev!),
    ino: BigInt(ino!),
    sizeBytes: Number(size),
    mtimeNs: BigInt(mtime!),
    ctimeNs: BigInt(ctime!),
  };
}

/**
 * The same file as one of the past. The number of the device is left out: NFS, SMB and some disks get another one with
 * every mount, while inode and change time to the nanosecond do not come together again on another file system.
 */
export function isSameFile(a: Identity, b: Identity): boolean {
  return a.ino === b.ino && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}

/** Moving a file to another folder changes its change time and nothing else. */
export function sameButChangeTime(a: Identity, b: Identity): boolean {
  return a.ino === b.ino && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs;
}

/** The same file, seen twice by one process. */
export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && isSameFile(a, b);
}

const INT64_MAX = 2n ** 63n - 1n;

/** A modification time as a manifest can carry it: tmpfs and btrfs hold years that 64 bits of nanoseconds do not. */
export function manifestTimeNs(mtimeNs: bigint): bigint {
  if (mtimeNs > INT64_MAX) return INT64_MAX;
  return mtimeNs < -INT64_MAX ? -INT64_MAX : mtimeNs;
}
