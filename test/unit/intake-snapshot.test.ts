/** Taking a file: one private copy, hashed while it is copied, or a reason why not. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { identityOf } from '../../ingress/intake/identity.js';
import { type Snapshot, takeSnapshot } from '../../ingress/intake/snapshot.js';
import { Spool } from '../../ingress/intake/spool.js';
import { Prng } from '../../shared/core/prng.js';
import { type CodingParameters, Partition } from '../../shared/fec/partition.js';
import { Directory, type FileSystem } from '../../shared/ops/files/directories.js';
import { type Call, newFolder, removeFolders, systemError, watchedFs } from '../support/folders.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('intake: snapshot', () => {
  const SMALL = { symbolBytes: 64, blockSymbols: 4 };
  const packMaxFileBytes = 1_000;
  let share: string;
  let spoolDir: string;
  beforeEach(() => {
    share = newFolder();
    spoolDir = newFolder();
  });
  afterEach(removeFolders);

  const put = (content: Uint8Array | string, name = 'file') => fs.writeFileSync(join(share, name), content);

  /** Takes the file as it is now; `before` runs between the look at it and the snapshot. */
  async function take(
    options: { coding?: CodingParameters; maxBytes?: number; fs?: FileSystem; before?: () => void } = {},
  ): Promise<{ snapshot: Snapshot; bytes: Buffer }> {
    const useFs = options.fs ? { fs: options.fs } : {};
    const directory = Directory.openRoot(share, useFs);
    const spool = new Spool(spoolDir, { packMaxFileBytes, ...useFs });
    const batch = spool.begin();
    try {
      const expected = identityOf(directory.lstat('file')!);
      options.before?.();
      const snapshot = await takeSnapshot(directory, Buffer.from('file'), expected, batch, {
        ...(options.coding ?? SMALL),
        packMaxFileBytes,
        maxBytes: options.maxBytes ?? 1e9,
        ...useFs,
      });
      batch.finish();
      expect(batch.isDurable(snapshot)).to.equal(true);
      const all = fs.readFileSync(join(spoolDir, snapshot.spoolFile));
      return { snapshot, bytes: all.subarray(snapshot.offsetBytes, snapshot.offsetBytes + snapshot.sizeBytes) };
    } catch (error) {
      batch.finish();
      throw error;
    } finally {
      spool.close();
      directory.close();
    }
  }

  async function codeOf(action: Promise<unknown>): Promise<string> {
    try {
      await action;
      return 'taken';
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  for (const size of [0, 1, 63, 64, 256, 257, 999, 1_000, 1_001, 1_280, 5_000, 300_000, 2_000_000]) {
    it(`FAULTS 31: ${size} bytes arrive whole, with the digests of file and blocks`, async () => {
      const coding = size > 1e6 ? { symbolBytes: 1024, blockSymbols: 700 } : SMALL;
      const content = new Prng(size).fill(new Uint8Array(size));
      put(content);
      const { snapshot, bytes } = await take({ coding });
      expect(bytes.equals(content)).to.equal(true);
      expect(snapshot.sha256.toString('hex')).to.equal(sha256(content));
      const partition = new Partition(size, coding);
      const digests = Array.from({ length: partition.blocks }, (_, sbn) => {
        const start = partition.byteOffset(sbn);
        return sha256(content.subarray(start, start + partition.byteLength(sbn)));
      });
      expect(snapshot.blockDigests.toString('hex')).to.equal(digests.join(''));
    });
  }

  it('FAULTS 31: at the limit is taken, one byte more is refused', async () => {
    put('x'.repeat(100));
    expect(await codeOf(take({ maxBytes: 100 }))).to.equal('taken');
    expect(await codeOf(take({ maxBytes: 99 }))).to.equal('INTAKE_TOO_LARGE');
  });

  it('FAULTS 31: a sparse file of 1 TB is refused before a byte is read', async () => {
    put('');
    fs.truncateSync(join(share, 'file'), 1e12);
    const calls: string[] = [];
    const watched = watchedFs({ before: ({ name }) => calls.push(name) });
    expect(await codeOf(take({ maxBytes: 1e11, fs: watched }))).to.equal('INTAKE_TOO_LARGE');
    expect(calls).not.to.include('readSync');
  });

  const changes: [string, (path: string) => void][] = [
    ['grows', (path) => fs.appendFileSync(path, 'more')],
    ['is truncated', (path) => fs.truncateSync(path, 10)],
    ['is written to in place', (path) => fs.writeFileSync(path, 'y', { flag: 'r+' })],
    [
      'is written to and gets its time back',
      (path) => {
        const { atime, mtime } = fs.statSync(path);
        fs.writeFileSync(path, 'y', { flag: 'r+' });
        fs.utimesSync(path, atime, mtime);
      },
    ],
    [
      'is swapped for another one',
      (path) => {
        fs.writeFileSync(`${path}2`, 'z'.repeat(2_000));
        fs.renameSync(`${path}2`, path);
      },
    ],
    ['gets a second name', (path) => fs.linkSync(path, `${path}2`)],
  ];
  for (const size of [800, 2_000]) {
    for (const [what, change] of changes) {
      it(`FAULTS 30: a file of ${size} bytes that ${what} meanwhile is not taken, and nothing is left of it`, async () => {
        put('x'.repeat(size));
        let reads = 0;
        const after = ({ name }: Call) => {
          if (name === 'readSync' && reads++ === 0) change(join(share, 'file'));
        };
        expect(await codeOf(take({ fs: watchedFs({ after }) }))).to.equal('INTAKE_UNSTABLE');
        expect(reads).to.be.greaterThan(0);
        expect(fs.readdirSync(spoolDir)).to.deep.equal([]);
      });
    }
  }

  const swaps: [string, string, (path: string) => void][] = [
    ['a link', 'INTAKE_UNSTABLE', (path) => fs.symlinkSync('/etc/passwd', path)],
    ['a pipe', 'INTAKE_UNSTABLE', (path) => execFileSync('mkfifo', [path])],
    ['a folder', 'INTAKE_UNSTABLE', (path) => fs.mkdirSync(path)],
    ['nothing', 'INTAKE_VANISHED', () => {}],
  ];
  for (const [what, code, swap] of swaps) {
    it(`FAULTS 28: a file that has become ${what} is not read (${code})`, async () => {
      put('x');
      const before = () => {
        fs.rmSync(join(share, 'file'));
        swap(join(share, 'file'));
      };
      expect(await codeOf(take({ before }))).to.equal(code);
    });
  }

  const failures: [string, string, string, string][] = [
    ['openSync', 'EACCES', '/file$', 'INTAKE_UNREADABLE'],
    ['readSync', 'EIO', '', 'INTAKE_UNREADABLE'],
    ['fstatSync', 'ESTALE', '', 'INTAKE_UNREADABLE'],
    ['writeSync', 'ENOSPC', '', 'SPOOL_FULL'],
    ['writeSync', 'EDQUOT', '', 'SPOOL_FULL'],
    ['writeSync', 'EIO', '', 'SPOOL_IO'],
    ['openSync', 'EMFILE', '/file-', 'SPOOL_IO'],
  ];
  for (const [name, errno, path, code] of failures) {
    it(`FAULTS 49, 50: ${errno} from ${name}${path && ` of ${path}`} is ${code}, and the share stays as it was`, async () => {
      put('x'.repeat(2_000));
      let opened = false;
      const before = (call: Call) => {
        opened ||= call.name === 'openSync' && String(call.args[0]).endsWith('/file');
        if (name === 'fstatSync' && !opened) return;
        if (call.name === name && new RegExp(path).test(String(call.args[0]))) throw systemError(errno);
      };
      expect(await codeOf(take({ fs: watchedFs({ before }) }))).to.equal(code);
      expect(fs.readdirSync(spoolDir)).to.deep.equal([]);
      expect(fs.readFileSync(join(share, 'file'), 'utf8')).to.equal('x'.repeat(2_000));
    });
  }

  it('carries a modification time that a manifest can hold', async () => {
    put('x');
    fs.utimesSync(join(share, 'file'), 1_700_000_000.25, 1_700_000_000.25);
    expect((await take()).snapshot.mtimeNs).to.equal(1_700_000_000_250_000_000n);
    execFileSync('touch', ['-d', '12000-01-01', join(share, 'file')]);
    expect((await take()).snapshot.mtimeNs < 2n ** 63n).to.equal(true);
  });
});

describe('intake: spool', () => {
  afterEach(removeFolders);

  it('FAULTS 49: a pack that cannot grow keeps what was whole and loses only the rest', () => {
    const folder = newFolder();
    let writes = 0;
    const before = ({ name }: Call) => {
      if (name === 'writeSync' && ++writes === 2) throw systemError('ENOSPC');
    };
    const spool = new Spool(folder, { packMaxFileBytes: 1024 * 1024, fs: watchedFs({ before }) });
    const batch = spool.begin();
    const add = (letter: string) => {
      batch.packRoom(600_000).fill(letter);
      return batch.commitPacked(600_000);
    };
    const first = add('a');
    const second = add('b'); // writes the first
    expect(() => add('c'))
      .to.throw()
      .with.property('code', 'SPOOL_FULL');
    batch.finish();
    expect([batch.isDurable(first), batch.isDurable(second)]).to.deep.equal([true, false]);
    expect(fs.statSync(join(folder, first.spoolFile)).size).to.equal(600_000);
    spool.close();
  });

  it('FAULTS 50: a file whose fsync fails is gone for good, the others of the batch stay', () => {
    const folder = newFolder();
    let syncs = 0;
    const before = ({ name }: Call) => {
      if (name === 'fsyncSync' && ++syncs === 1) throw systemError('EIO');
    };
    const spool = new Spool(folder, { packMaxFileBytes: 10, fs: watchedFs({ before }) });
    const batch = spool.begin();
    const places = ['a', 'b'].map((letter) => {
      const file = batch.openLarge();
      file.write(Buffer.from(letter));
      return file.commit();
    });
    batch.finish();
    expect(places.map((place) => batch.isDurable(place))).to.deep.equal([false, true]);
    expect(fs.readdirSync(folder)).to.deep.equal([places[1]!.spoolFile]);
    expect(batch.failure).to.have.property('code', 'SPOOL_IO');
    spool.close();
  });

  it('FAULTS 51: what nobody refers to is removed at the start', () => {
    const folder = newFolder();
    for (const name of ['pack-1', 'pack-2', 'file-3']) fs.writeFileSync(join(folder, name), '');
    const spool = new Spool(folder, { packMaxFileBytes: 10 });
    expect(spool.removeAllBut(new Set(['pack-2']))).to.equal(2);
    expect(fs.readdirSync(folder)).to.deep.equal(['pack-2']);
    spool.close();
  });
});
