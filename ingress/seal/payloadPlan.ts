/**
 * Which objects travel together, and what their payload's blocks must hash to. Small objects of one tenant are bundled
 * and coded together; a large one is a payload of its own.
 */
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { Partition } from '../../shared/fec/partition.js';
import type { Coding, ObjectId } from '../../shared/wire/statements.js';
import type { SpoolRange } from '../send/orders.js';
import { SpoolReader } from '../send/spoolReader.js';

export interface BundleLimits {
  /** Objects up to this size are bundled. */
  bundleMaxFileBytes: number;
  /** Bytes of a bundle at most. */
  bundleBytes: number;
  /** Objects of a bundle at most. */
  bundleMaxObjects: number;
}

/** Path bytes of a bundle at most: all its manifests travel in one envelope, and paths are what makes them long. */
const BUNDLE_PATH_BYTES = 512 * 1024;

interface Bundle<T> {
  group: T[];
  bytes: number;
  pathBytes: number;
}

/** Groups objects, in their order, into payloads. */
export function groupIntoPayloads<T extends { tenant: string; sizeBytes: number; rawPath: Uint8Array }>(
  objects: readonly T[],
  limits: BundleLimits,
): T[][] {
  const groups: T[][] = [];
  const open = new Map<string, Bundle<T>>();
  const full = ({ group, bytes, pathBytes }: Bundle<T>, next: T) =>
    bytes + next.sizeBytes > limits.bundleBytes ||
    pathBytes + next.rawPath.length > BUNDLE_PATH_BYTES ||
    group.length >= limits.bundleMaxObjects;
  for (const object of objects) {
    if (object.sizeBytes > limits.bundleMaxFileBytes) {
      groups.push([object]);
      continue;
    }
    let bundle = open.get(object.tenant);
    if (!bundle || full(bundle, object)) {
      bundle = { group: [], bytes: 0, pathBytes: 0 };
      open.set(object.tenant, bundle);
      groups.push(bundle.group);
    }
    bundle.group.push(object);
    bundle.bytes += object.sizeBytes;
    bundle.pathBytes += object.rawPath.length;
  }
  return groups;
}

/** Reads the payload once and hashes its blocks. Throws SPOOL_IO. */
export async function codingOf(
  object: ObjectId,
  ranges: readonly SpoolRange[],
  parameters: { symbolBytes: number; blockSymbols: number },
): Promise<Coding> {
  const lengthBytes = ranges.reduce((sum, range) => sum + range.sizeBytes, 0);
  const partition = new Partition(lengthBytes, parameters);
  const reader = new SpoolReader(ranges);
  try {
    const blockDigests = new Uint8Array(partition.blocks * 32);
    // No block is larger than the first; one buffer for all, or a large object leaves a trail of them.
    const buffer = new Uint8Array(partition.blocks > 0 ? partition.byteLength(0) : 0);
    for (let sbn = 0; sbn < partition.blocks; sbn++) {
      const block = buffer.subarray(0, partition.byteLength(sbn));
      reader.read(block, partition.byteOffset(sbn));
      blockDigests.set(createHash('sha256').update(block).digest(), sbn * 32);
      // A large object takes a while: others get their turn after each block.
      await setImmediate();
    }
    return { object, lengthBytes, ...parameters, blockDigests };
  } finally {
    reader.close();
  }
}
