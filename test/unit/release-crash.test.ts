/** FAULTS 50-52: releasing over crashes at every call and over disks that fail. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { extract } from '../../egress/release/extract.js';
import { Publisher } from '../../egress/release/publish.js';
import type { FileSystem } from '../../shared/ops/files/directories.js';
import { type Call, contents, otherFileSystem, removeFolders, systemError, watchedFs } from '../support/folders.js';
import { newRelease, type ReleaseBench } from '../support/release.js';

/** What the release process does for one object; `ledger` is written where it would say "released". */
function release({ extraction, request }: ReleaseBench, ledger: string[], useFs: FileSystem = fs): void {
  if (ledger.length === 0) {
    const publisher = new Publisher({ fs: useFs });
    try {
      extract(extraction, useFs);
      const { publishedAs } = publisher.publish(request);
      ledger.push(publishedAs);
    } finally {
      publisher.close();
    }
  }
  new Publisher({ fs: useFs }).forgetStaged(request);
}

function replaceFolder(path: string): void {
  fs.rmSync(path, { recursive: true });
  fs.symlinkSync('nowhere', path);
}

describe('release: crashes and failing disks', () => {
  afterEach(removeFolders);

  const other = otherFileSystem();
  for (const [place, under] of [
    ['the same file system', undefined],
    ['another file system', other],
  ] as const) {
    for (const taken of [false, true]) {
      it(`FAULTS 51, 52: a crash after any call, storage on ${place}${taken ? ', name taken' : ''}: published once`, function () {
        if (place !== 'the same file system' && !under) this.skip();
        let calls = 0;
        for (let crashAt = 1, crashed = true; crashed; crashAt++) {
          const bench = newRelease('d/e/f.txt', 'the object', under);
          if (taken) {
            fs.mkdirSync(join(bench.storage, 'demo/d/e'), { recursive: true });
            fs.writeFileSync(join(bench.storage, 'demo/d/e/f.txt'), 'theirs');
          }
          calls = 0;
          // A process that dies does nothing afterwards, not even its finally blocks.
          const dead = () => {
            if (calls >= crashAt) throw systemError('ECRASH');
          };
          const after = () => {
            calls++;
            dead();
          };
          const crashing = watchedFs({ before: dead, after });
          const ledger: string[] = [];
          crashed = false;
          try {
            release(bench, ledger, crashing);
          } catch {
            crashed = true;
          }
          const half = contents(bench.storage);
          for (const [path, content] of Object.entries(half)) {
            if (path.startsWith('demo/'))
              expect(content, `crash ${crashAt}: ${path}`).to.be.oneOf(['theirs', 'the object']);
          }
          release(bench, ledger);
          const name = taken ? 'demo/d/e/f.v2.txt' : 'demo/d/e/f.txt';
          const expected = taken ? { 'demo/d/e/f.txt': 'theirs', [name]: 'the object' } : { [name]: 'the object' };
          expect(contents(bench.storage), `crash after call ${crashAt}`).to.deep.equal(expected);
          expect(fs.readdirSync(bench.storage), `crash after call ${crashAt}`).to.deep.equal(['demo']);
          expect(fs.readdirSync(bench.spool)).to.deep.equal(['payload']);
          expect(ledger).to.deep.equal([name.slice('demo/'.length)]);
          removeFolders();
        }
        expect(calls).to.be.greaterThan(20);
      });
    }
  }

  for (const [place, under] of [
    ['the same file system', undefined],
    ['another file system', other],
  ] as const) {
    for (const [deed, act] of [
      ['taken away', (path: string) => fs.unlinkSync(path)],
      ['changed', (path: string) => fs.writeFileSync(path, 'changed by the tenant')],
      ['replaced by a folder that is a link', (path: string) => replaceFolder(dirname(path))],
    ] as const) {
      it(`FAULTS 51: what the tenant has ${deed} after a crash of ours, storage on ${place}, counts as released`, function () {
        if (place !== 'the same file system' && !under) this.skip();
        let afterwards = 0;
        for (let crashAt = 1, crashed = true; crashed; crashAt++) {
          const bench = newRelease('d/f', 'the object', under);
          const published = join(bench.storage, 'demo/d/f');
          let calls = 0;
          const dead = () => {
            if (calls >= crashAt) throw systemError('ECRASH');
          };
          const after = () => {
            calls++;
            dead();
          };
          crashed = false;
          try {
            release(bench, [], watchedFs({ before: dead, after }));
          } catch {
            crashed = true;
          }
          const forgotten = fs.readdirSync(bench.spool).length === 1;
          if (crashed && !forgotten && fs.existsSync(published)) {
            afterwards++;
            // No tenant is quicker than the clock of a file system ticks.
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 12);
            act(published);
            const before = contents(bench.storage);
            const ledger: string[] = [];
            release(bench, ledger);
            const left = Object.entries(before).filter(([path]) => !path.startsWith('.sluice-staging'));
            expect(contents(bench.storage), `crash after call ${crashAt}`).to.deep.equal(Object.fromEntries(left));
            expect(ledger).to.deep.equal(['d/f']);
            expect(fs.readdirSync(bench.spool)).to.deep.equal(['payload']);
          }
          removeFolders();
        }
        expect(afterwards).to.be.greaterThan(3);
      });
    }
  }

  it('FAULTS 51: what the tenant has moved away before the restart is not published again', () => {
    const bench = newRelease('f');
    extract(bench.extraction);
    new Publisher().publish(bench.request);
    fs.renameSync(join(bench.storage, 'demo/f'), join(bench.storage, 'demo/mine'));
    const again = new Publisher().publish(bench.request);
    expect(again).to.include({ alreadyThere: true });
    expect(contents(bench.storage)).to.deep.equal({ 'demo/mine': 'the object' });
  });

  it('FAULTS 52: data is safe before it has a name, each name before the answer, in every folder that was made', () => {
    const bench = newRelease('a/b/f');
    extract(bench.extraction);
    const paths = new Map<number, string>();
    const trace: string[] = [];
    const real = (fd: number) => fs.readlinkSync(`/proc/self/fd/${fd}`).replace(bench.storage, 'storage');
    if (!fs.existsSync('/proc/self/fd')) return;
    const before = ({ name, args }: Call) => {
      if (name === 'fsyncSync') paths.set(args[0] as number, real(args[0] as number));
      if (name === 'fsyncSync') trace.push(`fsync ${paths.get(args[0] as number)}`);
      if (name === 'futimesSync' || name === 'fchmodSync' || name === 'mkdirSync') trace.push(name);
    };
    const after = ({ name }: Call) => {
      if (name === 'linkSync') trace.push('link');
    };
    const publisher = new Publisher({ fs: watchedFs({ before, after }) });
    publisher.publish(bench.request);
    const data = trace.indexOf(`fsync ${bench.request.staged}`);
    const link = trace.indexOf('link');
    expect(data).to.be.greaterThan(trace.lastIndexOf('futimesSync'));
    expect(data).to.be.greaterThan(trace.lastIndexOf('fchmodSync'));
    expect(link).to.be.greaterThan(data);
    for (const folder of ['storage', 'storage/demo', 'storage/demo/a', 'storage/demo/a/b']) {
      expect(trace.indexOf(`fsync ${folder}`), folder).to.be.greaterThan(link);
    }
    // The folders are known to be safe now; the next file needs its own folder only.
    trace.length = 0;
    const staged = `${bench.request.staged}2`;
    extract({ ...bench.extraction, staged });
    publisher.publish({ ...bench.request, staged, parts: ['a', 'b', 'g'] });
    expect(trace.filter((step) => step.startsWith('fsync storage'))).to.deep.equal(['fsync storage/demo/a/b']);
  });

  it('FAULTS 52: many files of a folder share one fsync of it', () => {
    const bench = newRelease('d/f');
    let folderSyncs = 0;
    const before = ({ name, args }: Call) => {
      if (name === 'fsyncSync' && fs.fstatSync(args[0] as number).isDirectory()) folderSyncs++;
    };
    const publisher = new Publisher({ fs: watchedFs({ before }) });
    for (let i = 0; i < 20; i++) {
      const staged = `${bench.request.staged}-${i}`;
      extract({ ...bench.extraction, staged });
      publisher.place({ ...bench.request, staged, parts: ['d', `f${i}`] });
    }
    expect(folderSyncs).to.equal(0);
    publisher.settle();
    expect(folderSyncs).to.equal(3); // d, demo, storage
  });

  it('FAULTS 50: after a failed fsync of the data the file is written anew, never just synced again', () => {
    const bench = newRelease('f');
    extract(bench.extraction);
    const inodes: bigint[] = [];
    let failures = 2;
    const before = ({ name, args }: Call) => {
      if (name !== 'fsyncSync') return;
      const stat = fs.fstatSync(args[0] as number, { bigint: true });
      if (stat.isDirectory()) return;
      inodes.push(stat.ino);
      if (failures-- > 0) throw systemError('EIO');
    };
    const publisher = new Publisher({ fs: watchedFs({ before }) });
    for (let i = 0; i < 2; i++) {
      expect(() => publisher.publish(bench.request))
        .to.throw()
        .with.property('code', 'RELEASE_IO');
      expect(contents(bench.storage)).to.deep.equal({});
    }
    publisher.publish(bench.request);
    expect(inodes).to.have.length(3);
    for (const i of [1, 2]) expect(inodes[i]).not.to.equal(inodes[i - 1]);
    publisher.forgetStaged(bench.request);
    expect(contents(bench.storage)).to.deep.equal({ 'demo/f': 'the object' });
    expect(fs.readdirSync(bench.spool)).to.deep.equal(['payload']);
  });

  it('FAULTS 50: what the disk has lost is not published when it is written anew', () => {
    const bench = newRelease('f');
    extract(bench.extraction);
    const before = ({ name }: Call) => {
      if (name === 'fsyncSync') throw systemError('EIO');
    };
    const failing = new Publisher({ fs: watchedFs({ before }) });
    expect(() => failing.publish(bench.request))
      .to.throw()
      .with.property('code', 'RELEASE_IO');
    const [suspect] = fs.readdirSync(bench.spool).filter((name) => name.endsWith('.suspect'));
    fs.writeFileSync(join(bench.spool, suspect!), '\0'.repeat(10));
    expect(() => new Publisher().publish(bench.request))
      .to.throw()
      .with.property('code', 'DIGEST_MISMATCH');
    expect(contents(bench.storage)).to.deep.equal({});
  });

  it('FAULTS 50: when the fsync of a folder fails nothing counts as released, and the repetition finds the same name', () => {
    const bench = newRelease('d/f');
    extract(bench.extraction);
    let failures = 1;
    const before = ({ name, args }: Call) => {
      if (name !== 'fsyncSync' || !fs.fstatSync(args[0] as number).isDirectory()) return;
      if (failures-- > 0) throw systemError('EIO');
    };
    const publisher = new Publisher({ fs: watchedFs({ before }) });
    expect(() => publisher.publish(bench.request))
      .to.throw()
      .with.property('code', 'RELEASE_IO');
    expect(publisher.publish(bench.request)).to.include({ publishedAs: 'd/f', alreadyThere: true });
    expect(contents(bench.storage)).to.deep.equal({ 'demo/d/f': 'the object' });
  });
});
