/** Publishing: extraction, versions, folders that are not what they seem. */
import * as fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { expect } from 'chai';
import { extract } from '../../egress/release/extract.js';
import { Publisher, type PublishRequest } from '../../egress/release/publish.js';
import { LIMITS } from '../../shared/core/limits.js';
import { bestVia } from '../../shared/ops/files/directories.js';
import { disturb } from '../support/disturber.js';
import {
  type Call,
  contents,
  memoryFolder,
  newFolder,
  otherFileSystem,
  removeFolders,
  systemError,
  tinyFileSystem,
  watchedFs,
} from '../support/folders.js';
import { newRelease } from '../support/release.js';

const codeOf = (action: () => unknown): string => {
  try {
    action();
    return 'done';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('release: extract', () => {
  afterEach(removeFolders);

  it('takes exactly the range, private to the gateway', () => {
    const { extraction } = newRelease('f', 'some content');
    expect(extract(extraction)).to.equal('extracted');
    expect(fs.readFileSync(extraction.staged, 'utf8')).to.equal('some content');
    expect(fs.statSync(extraction.staged).mode & 0o777).to.equal(0o600);
  });

  for (const size of [0, 1, 1024 * 1024, 1024 * 1024 + 1]) {
    it(`FAULTS 31: ${size} bytes`, () => {
      const { extraction } = newRelease('f', 'x'.repeat(size));
      extract(extraction);
      expect(fs.statSync(extraction.staged).size).to.equal(size);
    });
  }

  it('FAULTS 16: other bytes are never staged, nor is a payload that is too short', () => {
    const { extraction } = newRelease();
    expect(codeOf(() => extract({ ...extraction, offsetBytes: 5 }))).to.equal('DIGEST_MISMATCH');
    expect(codeOf(() => extract({ ...extraction, offsetBytes: 100 }))).to.equal('DIGEST_MISMATCH');
    expect(fs.existsSync(extraction.staged)).to.equal(false);
  });

  it('FAULTS 51: writes anew what an interrupted run left', () => {
    const { extraction } = newRelease();
    fs.writeFileSync(extraction.staged, 'half of i');
    extract(extraction);
    expect(fs.readFileSync(extraction.staged, 'utf8')).to.equal('the object');
  });

  for (const [name, errno, code] of [
    ['writeSync', 'ENOSPC', 'STORAGE_FULL'],
    ['writeSync', 'EIO', 'RELEASE_IO'],
    ['readSync', 'EIO', 'RELEASE_IO'],
  ]) {
    it(`FAULTS 49, 50: ${errno} from ${name} is ${code} and leaves nothing`, () => {
      const { extraction } = newRelease();
      const before = (call: Call) => {
        if (call.name === name) throw systemError(errno!);
      };
      expect(codeOf(() => extract(extraction, watchedFs({ before })))).to.equal(code);
      expect(fs.existsSync(extraction.staged)).to.equal(false);
    });
  }
});

describe('release: publish', () => {
  afterEach(removeFolders);

  const publish = (request: PublishRequest, publisher = new Publisher()) => publisher.publish(request);

  it('puts the file in its place with time and modes, and then forgets the staged one', () => {
    const { storage, spool, extraction, request } = newRelease('a/b/report.pdf');
    extract(extraction);
    const publisher = new Publisher();
    const published = publisher.publish(request);
    expect(published).to.deep.equal({ publishedAs: 'a/b/report.pdf', version: 1, alreadyThere: false });
    publisher.forgetStaged(request);
    expect(contents(storage)).to.deep.equal({ 'demo/a/b/report.pdf': 'the object' });
    const stat = fs.statSync(join(storage, 'demo/a/b/report.pdf'), { bigint: true });
    expect(Number(stat.mtimeNs - request.mtimeNs) / 1e3).to.be.within(-1, 1);
    expect(stat.mode & 0o7777n).to.equal(0o640n);
    expect(fs.statSync(join(storage, 'demo/a')).mode & 0o7777).to.equal(0o750);
    expect(fs.readdirSync(spool)).to.deep.equal(['payload']);
  });

  it('takes modes as options, whatever the umask', () => {
    const { storage, extraction, request } = newRelease('a/f');
    extract(extraction);
    const umask = process.umask(0o077);
    try {
      publish(request, new Publisher({ fileMode: 0o444, folderMode: 0o2775 }));
    } finally {
      process.umask(umask);
    }
    expect(fs.statSync(join(storage, 'demo/a/f')).mode & 0o7777).to.equal(0o444);
    expect(fs.statSync(join(storage, 'demo/a')).mode & 0o7777).to.equal(0o2775);
  });

  for (const mtimeNs of [0n, -1_000_000_000n, 2n ** 63n - 1n, -(2n ** 63n)]) {
    it(`publishes with the modification time ${mtimeNs}`, () => {
      const { storage, extraction, request } = newRelease('f');
      extract(extraction);
      publish({ ...request, mtimeNs });
      expect(contents(storage)).to.deep.equal({ 'demo/f': 'the object' });
    });
  }

  it('FAULTS 53: never overwrites: the next ones become versions, whatever stands there', () => {
    const { storage, extraction, request } = newRelease('d/x.txt');
    fs.mkdirSync(join(storage, 'demo/d/x.v3.txt'), { recursive: true });
    fs.writeFileSync(join(storage, 'demo/d/x.txt'), 'theirs');
    fs.symlinkSync('/etc/passwd', join(storage, 'demo/d/x.v2.txt'));
    extract(extraction);
    expect(publish(request)).to.deep.equal({ publishedAs: 'd/x.v4.txt', version: 4, alreadyThere: false });
    expect(contents(storage)).to.deep.equal({
      'demo/d/x.txt': 'theirs',
      'demo/d/x.v2.txt': '-> /etc/passwd',
      'demo/d/x.v4.txt': 'the object',
    });
  });

  it('FAULTS 26, 53: a version of a name of 255 bytes still fits', () => {
    const { storage, extraction, request } = newRelease(`${'日'.repeat(83)}12.txt`);
    fs.mkdirSync(join(storage, 'demo'));
    fs.writeFileSync(join(storage, 'demo', request.parts[0]!), 'theirs');
    extract(extraction);
    const { publishedAs } = publish(request);
    expect(publishedAs).to.match(/^日+\.v2\.txt$/);
    expect(contents(storage)).to.have.property(`demo/${publishedAs}`, 'the object');
  });

  it('FAULTS 53: gives up after a bounded number of versions', () => {
    const { storage, extraction, request } = newRelease('f');
    extract(extraction);
    let tries = 0;
    const before = ({ name }: Call) => {
      if (name === 'linkSync' && ++tries) throw systemError('EEXIST');
    };
    expect(codeOf(() => publish(request, new Publisher({ fs: watchedFs({ before }) })))).to.equal('RELEASE_IO');
    expect(tries).to.equal(LIMITS.releaseMaxVersions);
    expect(contents(storage)).to.deep.equal({});
  });

  const plants: [string, (path: string, outside: string) => void][] = [
    ['a link to a folder', (path, outside) => fs.symlinkSync(outside, path)],
    ['a link to nowhere', (path) => fs.symlinkSync('nowhere', path)],
    ['a file', (path) => fs.writeFileSync(path, 'theirs')],
  ];
  for (const where of ['demo', 'demo/d', 'demo/d/e']) {
    for (const [what, plant] of plants) {
      it(`FAULTS 29: ${what} planted at ${where} leads nowhere`, () => {
        const { storage, extraction, request } = newRelease('d/e/f');
        const outside = newFolder();
        fs.mkdirSync(join(storage, where, '..'), { recursive: true });
        plant(join(storage, where), outside);
        const before = contents(storage);
        extract(extraction);
        expect(codeOf(() => publish(request))).to.equal('RELEASE_UNSAFE_TARGET');
        expect([contents(outside), contents(storage)]).to.deep.equal([{}, before]);
      });
    }
  }

  it('FAULTS 23: believes no path that would leave the tenant, whoever has checked it before', () => {
    const { storage, extraction, request } = newRelease('f');
    extract(extraction);
    const bad: Partial<PublishRequest>[] = [
      { parts: ['..', '..', 'x'] },
      { parts: ['a/b'] },
      { parts: [''] },
      { parts: [] },
      { parts: ['a\0'] },
      { parts: ['\ud800'] },
      { parts: ['.'] },
      { tenant: '..' },
      { tenant: 'a/b' },
      { tenant: '' },
      { tenant: '.sluice-staging' },
      { parts: ['.sluice-staging', 'f'] },
      { parts: ['.Sluice-Staging'] },
    ];
    for (const change of bad) {
      expect(
        codeOf(() => publish({ ...request, ...change })),
        JSON.stringify(change),
      ).to.match(/^NAME_/);
    }
    expect(fs.readdirSync(storage)).to.deep.equal([]);
  });

  it('does not make a storage that is not there', () => {
    const { storage, extraction, request } = newRelease('f');
    fs.rmdirSync(storage);
    extract(extraction);
    expect(codeOf(() => publish(request))).to.equal('RELEASE_IO');
    expect(fs.existsSync(storage)).to.equal(false);
  });

  it('publishes nothing when the staged file is missing or not the object', () => {
    const { storage, extraction, request } = newRelease('f');
    expect(codeOf(() => publish(request))).to.equal('RELEASE_IO');
    extract(extraction);
    fs.truncateSync(request.staged, 3);
    expect(codeOf(() => publish(request))).to.equal('DIGEST_MISMATCH');
    expect(contents(storage)).to.deep.equal({});
  });

  it('FAULTS 53: from another file system by way of a private copy, of which nothing stays', function () {
    const other = otherFileSystem();
    if (!other) this.skip();
    const { storage, extraction, request } = newRelease('d/f', 'the object', other);
    extract(extraction);
    const publisher = new Publisher();
    expect(publisher.publish(request)).to.include({ publishedAs: 'd/f', alreadyThere: false });
    expect(fs.statSync(join(storage, '.sluice-staging')).mode & 0o777).to.equal(0o700);
    expect(publisher.publish(request)).to.include({ publishedAs: 'd/f', alreadyThere: true });
    publisher.forgetStaged(request);
    expect(contents(storage)).to.deep.equal({ 'demo/d/f': 'the object' });
    expect(fs.readdirSync(storage)).to.deep.equal(['demo']);
    expect(fs.existsSync(request.staged)).to.equal(false);
  });

  it('FAULTS 53: two whole payloads from another file system at a time do not take each other for published', function () {
    const other = otherFileSystem();
    if (!other) this.skip();
    const first = newRelease('f', 'one', other);
    const second = newRelease('g', 'two!');
    const publisher = new Publisher();
    // Both are called "data" in the folder of their payload.
    const requests = [first, second].map(({ extraction, request, spool }, i) => {
      const staged = join(spool, 'data');
      extract({ ...extraction, staged });
      return { ...request, storageRoot: first.storage, staged, transfer: `transfer${i}` };
    });
    for (const request of requests) expect(publisher.place(request)).to.include({ alreadyThere: false });
    publisher.settle();
    for (const request of requests) publisher.forgetStaged(request);
    expect(contents(first.storage)).to.deep.equal({ 'demo/f': 'one', 'demo/g': 'two!' });
    expect(fs.readdirSync(first.storage)).to.deep.equal(['demo']);
  });

  it("FAULTS 53: into a tenant's folder that is a mount of its own, by way of a private copy inside it", function () {
    const disk = tinyFileSystem(1_000_000);
    if (!disk) {
      console.log('      not run: mounting a small file system needs root');
      this.skip();
    }
    try {
      const { extraction, request } = newRelease('d/f');
      const onDisk = { ...request, storageRoot: dirname(disk.path), tenant: basename(disk.path) };
      const publisher = new Publisher();
      extract(extraction);
      expect(publish(onDisk, publisher)).to.include({ publishedAs: 'd/f', alreadyThere: false });
      expect(fs.statSync(join(disk.path, '.sluice-staging')).mode & 0o777).to.equal(0o700);
      expect(publish(onDisk, publisher)).to.include({ publishedAs: 'd/f', alreadyThere: true });
      publisher.forgetStaged(onDisk);
      expect(contents(disk.path)).to.deep.equal({ 'd/f': 'the object' });
      expect(fs.readdirSync(disk.path)).to.deep.equal(['d']);
      expect(fs.existsSync(join(dirname(disk.path), '.sluice-staging'))).to.equal(false);
    } finally {
      disk.unmount();
    }
  });

  it('FAULTS 53: a copy from another file system that is not the object is not published', function () {
    const other = otherFileSystem();
    if (!other) this.skip();
    const { storage, extraction, request } = newRelease('f', 'the object', other);
    extract(extraction);
    fs.writeFileSync(request.staged, 'the obJect');
    expect(codeOf(() => publish(request))).to.equal('DIGEST_MISMATCH');
    expect(contents(storage)).to.deep.equal({});
  });

  it('FAULTS 49: a storage that is full holds the object back, shows nothing of it, and takes it when there is room', function () {
    const disk = tinyFileSystem(1_000_000);
    if (!disk) {
      console.log('      not run: mounting a small file system needs root');
      this.skip();
    }
    try {
      const { extraction, request } = newRelease('f', 'x'.repeat(600_000));
      const onDisk = { ...request, storageRoot: disk.path };
      fs.writeFileSync(join(disk.path, 'theirs'), Buffer.alloc(700_000));
      extract(extraction);
      expect(codeOf(() => publish(onDisk))).to.equal('STORAGE_FULL');
      const names = Object.keys(contents(disk.path));
      expect(names).to.deep.equal(['theirs']);
      fs.rmSync(join(disk.path, 'theirs'));
      expect(publish(onDisk)).to.include({ publishedAs: 'f', alreadyThere: false });
    } finally {
      disk.unmount();
    }
  });

  it('leaves no descriptor open, also over many folders and failures', function () {
    if (bestVia() !== 'proc') this.skip();
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const before = open();
    const { extraction, request } = newRelease('f');
    const publisher = new Publisher();
    let most = 0;
    for (let i = 0; i < 300; i++) {
      const staged = `${request.staged}-${i}`;
      extract({ ...extraction, staged });
      publisher.place({ ...request, staged, parts: [`d${i}`, 'e', 'f'] });
      codeOf(() => publisher.place({ ...request, parts: [`d${i}`, 'e', 'f', 'g'] }));
      most = Math.max(most, open());
    }
    publisher.settle();
    expect(open()).to.equal(before);
    expect(most - before).to.be.lessThan(150);
  });

  it('FAULTS 29: a folder that is swapped for a link all the time never lets a file out of the storage', async function () {
    if (bestVia() !== 'proc') this.skip();
    const { storage, extraction, request } = newRelease('d/f', 'the object', memoryFolder());
    const outside = newFolder(memoryFolder());
    const away = newFolder(memoryFolder());
    fs.mkdirSync(join(storage, 'demo/d'), { recursive: true });
    const swapper = await disturb(
      `input.n = (input.n ?? 0) + 1;
       fs.renameSync(input.d, input.away + input.n);
       fs.symlinkSync(input.outside, input.d);
       fs.unlinkSync(input.d);
       fs.mkdirSync(input.d);`,
      { d: join(storage, 'demo/d'), away: join(away, 'd'), outside },
    );
    const plain = join(storage, 'plain');
    fs.writeFileSync(plain, 'the object');
    const publisher = new Publisher();
    const outcomes: Record<string, number> = {};
    let naive = 0;
    for (let i = 0, end = Date.now() + 1_000; Date.now() < end; i++) {
      const staged = join(storage, `staged-${i}`);
      extract({ ...extraction, staged });
      const outcome = codeOf(() => publisher.publish({ ...request, staged, parts: ['d', `f${i}`] }));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      try {
        fs.linkSync(plain, join(storage, 'demo/d', `naive${i}`));
        naive++;
      } catch {
        // Caught between two names.
      }
    }
    const swaps = await swapper.stop();
    expect(fs.readdirSync(outside).filter((name) => name.startsWith('f'))).to.deep.equal([]);
    expect(outcomes.done).to.be.greaterThan(0);
    expect(swaps).to.be.greaterThan(50);
    expect(naive).to.be.greaterThan(0);
  });
});
