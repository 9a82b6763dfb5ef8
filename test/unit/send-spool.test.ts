/** Reading payloads from the spool, and which objects make one. */
import { createHash } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { codingOf, groupIntoPayloads } from '../../ingress/seal/payloadPlan.js';
import type { SpoolRange } from '../../ingress/send/orders.js';
import { SpoolReader } from '../../ingress/send/spoolReader.js';
import { SluiceError } from '../../shared/core/errors.js';
import { Prng } from '../../shared/core/prng.js';
import { newFolder, removeFolders } from '../support/folders.js';

/** Ranges of so many bytes over a few files, and the bytes they make together. */
function spool(sizes: readonly number[], files = 3): { ranges: SpoolRange[]; bytes: Buffer } {
  const folder = newFolder();
  const prng = new Prng(sizes.length);
  const contents = Array.from({ length: files }, () => Buffer.from(prng.fill(new Uint8Array(4_000))));
  contents.forEach((content, i) => {
    writeFileSync(join(folder, `file-${i}`), content);
  });
  const ranges = sizes.map((sizeBytes, i) => ({
    file: join(folder, `file-${i % files}`),
    offset: prng.below(4_000 - sizeBytes + 1),
    sizeBytes,
  }));
  const parts = ranges.map(({ offset, sizeBytes }, i) => contents[i % files]!.subarray(offset, offset + sizeBytes));
  return { ranges, bytes: Buffer.concat(parts) };
}
const openFiles = (): number => readdirSync('/proc/self/fd').length;

describe('send spool', () => {
  afterEach(removeFolders);

  it('many ranges, empty ones among them, read as one run of bytes from anywhere to anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 700 })), { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (sizes, chance) => {
          const { ranges, bytes } = spool(sizes);
          const reader = new SpoolReader(ranges);
          for (let i = 0; i < 8; i++) {
            const from = Math.floor(chance.next().value! * bytes.length);
            const length = Math.floor(chance.next().value! * (bytes.length - from + 1));
            const into = Buffer.alloc(length);
            reader.read(into, from);
            expect(into.equals(bytes.subarray(from, from + length))).to.equal(true);
          }
          reader.close();
        },
      ),
      { seed: 5, numRuns: 40 },
    );
  });

  it('a bundle that lies in hundreds of files keeps few of them open', () => {
    const { ranges, bytes } = spool(new Array(300).fill(10), 300);
    const before = openFiles();
    const reader = new SpoolReader(ranges);
    const into = Buffer.alloc(bytes.length);
    reader.read(into, 0);
    expect(into.equals(bytes)).to.equal(true);
    expect(openFiles() - before).to.be.lessThan(20);
    reader.read(into.subarray(0, 50), 0);
    expect(into.subarray(0, 50).equals(bytes.subarray(0, 50))).to.equal(true);
    reader.close();
    expect(openFiles()).to.equal(before);
  });

  it('FAULTS 50: a file that is short or gone is SPOOL_IO, not zeros', () => {
    const { ranges } = spool([100, 100]);
    const code = (changed: SpoolRange[], length: number, from: number) => {
      const reader = new SpoolReader(changed);
      try {
        reader.read(new Uint8Array(length), from);
      } catch (error) {
        return error instanceof SluiceError ? error.code : error;
      } finally {
        reader.close();
      }
      return 'read';
    };
    expect(code(ranges, 200, 0)).to.equal('read');
    expect(code(ranges, 201, 0)).to.equal('SPOOL_IO');
    expect(code(ranges, 1, 200)).to.equal('SPOOL_IO');
    expect(code([], 1, 0)).to.equal('SPOOL_IO');
    expect(code([], 0, 0)).to.equal('read');
    expect(code([{ ...ranges[0]!, offset: 3_950 }], 100, 0)).to.equal('SPOOL_IO');
    expect(code([{ ...ranges[0]!, file: '/nowhere/at/all' }], 100, 0)).to.equal('SPOOL_IO');
  });

  it('the blocks of a payload are hashed as the receiver will find them, the last one short', async () => {
    const { ranges, bytes } = spool([700, 0, 650, 333]);
    const parameters = { symbolBytes: 512, blockSymbols: 2 };
    const coding = await codingOf('0000000000000001', ranges, parameters);
    // 1683 bytes are four symbols in two blocks of two.
    const digest = (from: number, to: number) => createHash('sha256').update(bytes.subarray(from, to)).digest();
    expect(Buffer.from(coding.blockDigests).equals(Buffer.concat([digest(0, 1_024), digest(1_024, 1_683)]))).to.equal(
      true,
    );
    expect(coding).to.include({ lengthBytes: 1_683, symbolBytes: 512, blockSymbols: 2 });
    expect((await codingOf('0000000000000001', [], parameters)).blockDigests.length).to.equal(0);
  });

  describe('bundles', () => {
    const limits = { bundleMaxFileBytes: 100, bundleBytes: 250, bundleMaxObjects: 4 };
    const object = (tenant: string, sizeBytes: number, pathBytes = 10) => ({
      tenant,
      sizeBytes,
      rawPath: new Uint8Array(pathBytes),
    });
    const sizes = (groups: { sizeBytes: number }[][]) => groups.map((group) => group.map(({ sizeBytes }) => sizeBytes));

    it('small objects of one tenant travel together, up to the bytes and the number that a bundle has', () => {
      const objects = [100, 100, 50, 1, 0, 0, 0, 0].map((size) => object('a', size));
      expect(sizes(groupIntoPayloads(objects, limits))).to.deep.equal([[100, 100, 50], [1, 0, 0, 0], [0]]);
    });

    it('a large object travels alone and does not close the bundle around it', () => {
      const objects = [object('a', 10), object('a', 101), object('a', 20)];
      expect(sizes(groupIntoPayloads(objects, limits))).to.deep.equal([[10, 20], [101]]);
    });

    it('tenants never share a payload', () => {
      const objects = ['a', 'b', 'a', 'b', 'a'].map((tenant, i) => object(tenant, i));
      const groups = groupIntoPayloads(objects, limits);
      expect(groups.map((group) => group.map(({ tenant }) => tenant).join(''))).to.deep.equal(['aaa', 'bb']);
    });

    it('the paths of a bundle fit an envelope whatever their length', () => {
      const many = { bundleMaxFileBytes: 100, bundleBytes: 1 << 22, bundleMaxObjects: 1_024 };
      const groups = groupIntoPayloads(
        Array.from({ length: 1_024 }, () => object('a', 1, 4_096)),
        many,
      );
      expect(groups.map((group) => group.length)).to.deep.equal(new Array(8).fill(128));
      expect(groupIntoPayloads(new Array(1_024).fill(object('a', 1, 30)), many).length).to.equal(1);
    });

    it('nothing is lost, doubled or put before what came earlier', () => {
      const sized = fc.array(fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), size: fc.nat(130) }), {
        maxLength: 50,
      });
      fc.assert(
        fc.property(sized, (list) => {
          const objects = list.map(({ tenant, size }, at) => ({ ...object(tenant, size), at }));
          const groups = groupIntoPayloads(objects, limits);
          expect(groups.flat().sort((a, b) => a.at - b.at)).to.deep.equal(objects);
          for (const group of groups) {
            expect(new Set(group.map(({ tenant }) => tenant)).size).to.equal(1);
            expect(group.length).to.be.within(1, 4);
            expect(group.map(({ at }) => at)).to.deep.equal(group.map(({ at }) => at).sort((a, b) => a - b));
            if (group.length > 1) expect(group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).to.be.at.most(250);
          }
        }),
        { seed: 6, numRuns: 200 },
      );
    });
  });
});
