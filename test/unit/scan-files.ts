/** Files that the scan tests make: a spool of one pack, and ZIP archives written byte by byte so that they can lie. */
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import type { Snapshot } from '../../ingress/scan/filter.js';

export interface TestSpool {
  readonly dir: string;
  /** Objects one behind the other in a single file, with some bytes before the first. */
  pack(objects: readonly (readonly [name: string, bytes: Uint8Array])[]): Snapshot[];
  remove(): void;
}

export function testSpool(): TestSpool {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-scan-'));
  let packs = 0;
  return {
    dir,
    pack(objects) {
      const file = join(dir, `pack${packs++}`);
      const before = Buffer.from('something else ');
      writeFileSync(file, Buffer.concat([before, ...objects.map(([, bytes]) => bytes), Buffer.from('PK\x05\x06')]));
      let offset = before.length;
      return objects.map(([name, bytes]) => {
        const snapshot = { file, offset, size: bytes.length, sha256: hash('sha256', bytes, 'hex'), name };
        offset += bytes.length;
        return snapshot;
      });
    },
    remove: () => rmSync(dir, { recursive: true }),
  };
}

export interface TestEntry {
  name: string;
  data?: Uint8Array;
  /** Compressed bytes in the place of deflated data. */
  raw?: Uint8Array;
  method?: number;
  flags?: number;
  crc?: number;
  /** Size that is claimed. */
  size?: number;
  /** Unix mode. */
  mode?: number;
}

/** A ZIP archive; what an entry does not say is right. */
export function zip(entries: readonly TestEntry[], end: { entries?: number; directoryAt?: number } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const data = entry.data ?? Buffer.alloc(0);
    const method = entry.method ?? 8;
    const raw = entry.raw ?? (method === 8 ? deflateRawSync(data) : data);
    const name = Buffer.from(entry.name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(entry.flags ?? 0, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(entry.crc ?? crc32(data), 10);
    common.writeUInt32LE(raw.length, 14);
    common.writeUInt32LE(entry.size ?? data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const central = Buffer.alloc(14);
    central.writeUInt32LE(((entry.mode ?? 0) << 16) >>> 0, 6);
    central.writeUInt32LE(offset, 10);
    const made = Buffer.from([20, entry.mode === undefined ? 0 : 3]);
    directory.push(Buffer.from('PK\x01\x02'), made, common, central, name);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, raw]);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const record = Buffer.alloc(22);
  record.write('PK\x05\x06', 0, 'latin1');
  record.writeUInt16LE(end.entries ?? entries.length, 8);
  record.writeUInt16LE(end.entries ?? entries.length, 10);
  record.writeUInt32LE(central.length, 12);
  record.writeUInt32LE(end.directoryAt ?? offset, 16);
  return Buffer.concat([...parts, central, record]);
}
