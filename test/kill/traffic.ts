/**
 * What administrations drop while processes are killed: letters, folders of small files, consignments, files of some MiB,
 * and names that were used before. Every object is unlike every other, so that its digest names it wherever it turns up.
 */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import type { Prng } from '../../shared/core/prng.js';

export interface Dropped {
  readonly tenant: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Folder of the consignment it belongs to: all of it appears at once, or none. */
  readonly consignment?: string;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const LARGEST_BYTES = 5 * MiB;

export class Traffic {
  /** By digest, hexadecimal. */
  readonly dropped = new Map<string, Dropped>();
  private readonly noise: Uint8Array;

  constructor(
    private readonly prng: Prng,
    /** Share of each tenant. */
    private readonly shares: Readonly<Record<string, string>>,
  ) {
    this.noise = prng.fill(new Uint8Array(LARGEST_BYTES));
  }

  /** One thing a person does: a letter, a folder, a large file. */
  dropSomething(): void {
    const { prng } = this;
    const tenants = Object.keys(this.shares);
    const tenant = tenants[prng.below(tenants.length)]!;
    const number = this.dropped.size;
    const kind = prng.below(100);
    if (kind < 40) this.drop(tenant, `letter ${number}.txt`, this.between(100, 8 * KiB));
    else if (kind < 55) this.dropFolder(tenant, `folder ${number}`, 2 + prng.below(24));
    else if (kind < 60) this.dropConsignment(tenant, `case ${number}`, 2 + prng.below(8));
    else if (kind < 68) this.dropUnderOldName(tenant, this.between(1 * KiB, 100 * KiB));
    else if (kind < 92) this.drop(tenant, `papers/${prng.below(5)}/report ${number}.bin`, this.between(20 * KiB, MiB));
    else this.drop(tenant, `data/set ${number}.bin`, this.between(MiB, LARGEST_BYTES));
  }

  private dropFolder(tenant: string, folder: string, files: number): void {
    for (let i = 0; i < files; i++) this.drop(tenant, `${folder}/file ${i}`, this.between(200, 16 * KiB));
  }

  /** A folder with a marker, made elsewhere and dropped by one rename. */
  private dropConsignment(tenant: string, folder: string, files: number): void {
    const making = `${this.shares[tenant]}.making`;
    for (let i = 0; i < files; i++) {
      const path = i === 0 ? '.consignment' : `annex ${i}/paper.txt`;
      const content = this.content(this.between(200, 200 * KiB));
      const known = { tenant, path: `${folder}/${path}`, sizeBytes: content.length, consignment: folder };
      this.dropped.set(digestOf(content), known);
      fs.mkdirSync(dirname(join(making, path)), { recursive: true });
      fs.writeFileSync(join(making, path), content);
    }
    fs.renameSync(making, join(this.shares[tenant]!, folder));
  }

  /** A name that lies in the storage already, or is on its way there; its earlier original has left the share. */
  private dropUnderOldName(tenant: string, sizeBytes: number): void {
    const free = [...this.dropped.values()].filter(
      (one) => !one.consignment && one.tenant === tenant && !fs.existsSync(join(this.shares[tenant]!, one.path)),
    );
    const path = free.length > 0 ? free[this.prng.below(free.length)]!.path : `letter ${this.dropped.size}.txt`;
    this.drop(tenant, path, sizeBytes);
  }

  /** Under another name first, as programs do; known before anybody can see it. */
  private drop(tenant: string, path: string, sizeBytes: number): void {
    const content = this.content(sizeBytes);
    this.dropped.set(digestOf(content), { tenant, path, sizeBytes: content.length });
    const file = join(this.shares[tenant]!, path);
    fs.mkdirSync(dirname(file), { recursive: true });
    fs.writeFileSync(`${file}.part`, content);
    fs.renameSync(`${file}.part`, file);
  }

  private content(sizeBytes: number): Buffer {
    const head = Buffer.from(`object ${this.dropped.size} of this run\n`);
    const from = this.prng.below(this.noise.length - sizeBytes + 1);
    return Buffer.concat([head, this.noise.subarray(from, from + sizeBytes)]);
  }

  private between(least: number, most: number): number {
    return least + this.prng.below(most - least + 1);
  }
}

const digestOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
