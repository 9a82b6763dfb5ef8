/**
 * FAULTS 49: disks of the release stage that take nothing (read-only, full), with a real file system: nothing is to be
 * seen of what failed, the code says what it is, and the same order goes through once the disk is well.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { FolderOrder, ReleaseOrder } from '../../egress/release/messages.js';
import { Releaser } from '../../egress/release/releaser.js';
import { codeOf } from '../../shared/core/errors.js';
import { newFolder, removeFolders, tinyFileSystem } from '../support/folders.js';

const SIZE_BYTES = 1 << 20;
const content = Buffer.alloc(300_000, 'x');

describe('release onto disks that take nothing', () => {
  let disk: ReturnType<typeof tinyFileSystem>;
  let other: string;

  beforeEach(function () {
    other = newFolder();
    disk = tinyFileSystem(SIZE_BYTES);
    if (disk) return;
    console.log('      skipped: mounting small file systems is not allowed here');
    this.skip();
  });
  afterEach(() => {
    disk?.unmount();
    removeFolders();
  });

  /** Makes the small disk take nothing; what it answers makes it well again. */
  const spoil = (how: 'ro' | 'full'): (() => void) => {
    if (how === 'ro') {
      execFileSync('mount', ['-o', 'remount,ro', disk!.path]);
      return () => void execFileSync('mount', ['-o', 'remount,rw', disk!.path]);
    }
    const others = join(disk!.path, 'others');
    const file = fs.openSync(others, 'w');
    try {
      for (;;) fs.writeSync(file, Buffer.alloc(4_096));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).to.equal('ENOSPC');
    } finally {
      fs.closeSync(file);
    }
    return () => fs.rmSync(others);
  };

  /** With the named one on the small disk. */
  function setUp(where: 'storage' | 'spool') {
    const [storage, spool] = where === 'storage' ? [disk!.path, other] : [other, disk!.path];
    fs.mkdirSync(join(storage, 'town'));
    fs.mkdirSync(join(spool, 'staging'));
    const payloadFile = join(spool, 'payload');
    fs.writeFileSync(payloadFile, content);
    const order: ReleaseOrder = {
      transfer: 'a1'.repeat(16),
      storageRoot: storage,
      tenantFolder: 'town',
      parts: ['d', 'letter'],
      payloadFile,
      offset: 0,
      sizeBytes: content.length,
      whole: false,
      sha256: createHash('sha256').update(content).digest('hex'),
      mtimeNs: 1_700_000_000_000_000_000n,
    };
    return { order, storage, releaser: new Releaser(join(spool, 'staging')) };
  }
  const visible = (storage: string): string[] =>
    fs
      .readdirSync(join(storage, 'town'), { recursive: true, withFileTypes: true })
      .flatMap((entry) => (entry.isFile() ? [entry.name] : []));

  for (const where of ['storage', 'spool'] as const) {
    for (const [how, code] of [
      ['ro', 'RELEASE_IO'],
      ['full', 'STORAGE_FULL'],
    ] as const) {
      it(`FAULTS 49: ${where} ${how === 'ro' ? 'mounted read-only' : 'full'}: ${code}, then it goes on`, () => {
        const { order, storage, releaser } = setUp(where);
        const undo = spoil(how);
        for (let tries = 0; tries < 2; tries++) {
          const [result] = releaser.release([order]);
          expect(result).to.deep.include({ ok: false, code });
          expect(visible(storage)).to.deep.equal([]);
        }
        undo();
        expect(releaser.release([order])[0]).to.include({ ok: true, publishedAs: 'd/letter', version: 1 });
        expect(releaser.release([order])[0], 'once').to.include({ ok: true, version: 1 });
        releaser.forget([order]);
        expect(visible(storage)).to.deep.equal(['letter']);
      });

      it(`FAULTS 49: a consignment, ${where} ${how === 'ro' ? 'mounted read-only' : 'full'}: ${code}, then it goes on`, () => {
        const { order, storage, releaser } = setUp(where);
        const folder: FolderOrder = { ...order, consignment: 'b2'.repeat(16), parts: ['d'] };
        const attempt = (): string => {
          try {
            if (!releaser.beginFolder(folder)) {
              const failed = releaser.addToFolder(folder, [order]);
              if (failed) return failed.code;
            }
            return releaser.publishFolder(folder).publishedAs;
          } catch (error) {
            return codeOf(error);
          }
        };
        const undo = spoil(how);
        for (let tries = 0; tries < 2; tries++) {
          // The note beside a consignment is of the spool, and says so.
          expect(attempt()).to.equal(how === 'ro' && where === 'spool' ? 'SPOOL_IO' : code);
          expect(visible(storage)).to.deep.equal([]);
        }
        undo();
        expect(attempt()).to.equal('d');
        releaser.forgetFolder(folder);
        expect(visible(storage)).to.deep.equal(['letter']);
      });
    }
  }
});
