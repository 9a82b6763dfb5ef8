/** Publishing a consignment: all of it or nothing, once, over crashes at every call and disks that fail (FAULTS 50-53). */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type FolderMember, FolderPublisher, type FolderRequest } from '../../egress/release/publishFolder.js';
import type { FileSystem } from '../../shared/ops/files/directories.js';
import {
  type Call,
  contents,
  memoryFolder,
  newFolder,
  otherFileSystem,
  removeFolders,
  systemError,
  watchedFs,
} from '../support/folders.js';

const ID = 'c0'.repeat(16);
const FILES: Record<string, string> = {
  '.consignment': '',
  a: 'first',
  'sub/deep/b': 'second',
  large: 'a file of its own',
};
/** As the tenant sees it. */
const PUBLISHED = (root = 'demo/année/2026') =>
  Object.fromEntries(Object.entries(FILES).map(([path, text]) => [`${root}/${path}`, text]));
const sorted = (found: Record<string, string>) => Object.fromEntries(Object.entries(found).sort());

interface Bench {
  storage: string;
  spool: string;
  notes: string;
  request: FolderRequest;
  members: FolderMember[];
}

/** All but the large one are in one payload, that is one by itself. */
function newBench(under?: string): Bench {
  const base = newFolder(memoryFolder());
  const [spool, notes] = [join(base, 'spool'), join(base, 'notes')];
  const storage = under ? newFolder(under) : join(base, 'storage');
  for (const path of [spool, notes, storage]) fs.mkdirSync(path, { recursive: true });
  const bundled = Object.entries(FILES).filter(([name]) => name !== 'large');
  fs.writeFileSync(join(spool, 'bundle'), bundled.map(([, text]) => text).join(''));
  fs.writeFileSync(join(spool, 'large'), FILES.large!);
  let offsetBytes = 0;
  const members = Object.entries(FILES).map(([path, text]): FolderMember => {
    const whole = path === 'large';
    const sha256 = createHash('sha256').update(text).digest();
    const member = { parts: path.split('/'), sha256, sizeBytes: text.length, mtimeNs: 1_700_000_000_123_456_789n };
    if (whole) return { ...member, whole, payload: join(spool, 'large'), offsetBytes: 0 };
    offsetBytes += text.length;
    return { ...member, whole, payload: join(spool, 'bundle'), offsetBytes: offsetBytes - text.length };
  });
  const request = { storageRoot: storage, tenant: 'demo', parts: ['année', '2026'], consignment: ID };
  return { storage, spool, notes, request, members };
}

/** What the release process does; `ledger` is written where it would say "released". */
function release({ notes, request, members }: Bench, ledger: string[], useFs: FileSystem = fs): void {
  const publisher = new FolderPublisher(notes, { fs: useFs });
  if (ledger.length === 0) {
    if (!publisher.begin(request)) for (const member of members) publisher.add(request, member);
    ledger.push(publisher.publish(request).publishedAs);
  }
  publisher.forget(request);
}

describe('release of consignments', () => {
  afterEach(removeFolders);

  it('gives the folder its name in one step, with modes and times of its files; nothing is left over', () => {
    const bench = newBench();
    const ledger: string[] = [];
    let seen = 0;
    const before = () => {
      const visible = Object.keys(contents(bench.storage)).filter((path) => path.startsWith('demo/'));
      if (visible.length > 0) seen++;
      expect(visible.length, 'all or nothing').to.be.oneOf([0, 4]);
    };
    release(bench, ledger, watchedFs({ before }));
    expect(seen).to.be.greaterThan(0);
    expect(ledger).to.deep.equal(['année/2026']);
    expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED()));
    expect(fs.readdirSync(bench.storage)).to.deep.equal(['demo']);
    expect(fs.readdirSync(bench.notes)).to.deep.equal([]);
    for (const name of ['a', 'large']) {
      const stat = fs.statSync(join(bench.storage, 'demo/année/2026', name));
      expect([stat.mode & 0o777, Math.round(stat.mtimeMs)]).to.deep.equal([0o640, 1_700_000_000_123]);
    }
    for (const folder of ['', 'sub', 'sub/deep']) {
      expect(fs.statSync(join(bench.storage, 'demo/année/2026', folder)).mode & 0o777).to.equal(0o750);
    }
  });

  it('the bytes of a large file are not copied when the storage is on the same file system', () => {
    const bench = newBench();
    const { ino } = fs.statSync(join(bench.spool, 'large'));
    release(bench, []);
    expect(fs.statSync(join(bench.storage, 'demo/année/2026/large')).ino).to.equal(ino);
  });

  for (const [what, make] of [
    [
      'a folder with files',
      (path: string) => {
        fs.mkdirSync(path, { recursive: true });
        fs.writeFileSync(join(path, 'a'), 'theirs');
      },
    ],
    ['an empty folder', (path: string) => fs.mkdirSync(path, { recursive: true })],
    [
      'a file',
      (path: string) => {
        fs.mkdirSync(join(path, '..'), { recursive: true });
        fs.writeFileSync(path, 'theirs');
      },
    ],
    [
      'a link',
      (path: string) => {
        fs.mkdirSync(join(path, '..'), { recursive: true });
        fs.symlinkSync('/nowhere', path);
      },
    ],
  ] as const) {
    it(`FAULTS 53: where ${what} has the name it gets a version and is merged with nothing`, () => {
      const bench = newBench();
      make(join(bench.storage, 'demo/année/2026'));
      const before = contents(bench.storage);
      const ledger: string[] = [];
      release(bench, ledger);
      expect(ledger).to.deep.equal(['année/2026.v2']);
      expect(contents(bench.storage)).to.deep.equal(sorted({ ...before, ...PUBLISHED('demo/année/2026.v2') }));
      expect(fs.lstatSync(join(bench.storage, 'demo/année/2026')), 'theirs stays').to.not.equal(undefined);
    });
  }

  it('a consignment inside the folder of another is a folder of its own there, and never merged', () => {
    const bench = newBench();
    release(bench, []);
    const inner = {
      ...bench,
      request: { ...bench.request, consignment: 'd0'.repeat(16), parts: ['année', '2026', 'sub'] },
    };
    const ledger: string[] = [];
    release(inner, ledger);
    expect(ledger).to.deep.equal(['année/2026/sub.v2']);
    expect(contents(bench.storage)).to.deep.equal(sorted({ ...PUBLISHED(), ...PUBLISHED('demo/année/2026/sub.v2') }));
  });

  const other = otherFileSystem() === memoryFolder() ? tmpdir() : undefined;
  for (const [place, under] of [
    ['the same file system', undefined],
    ['another file system', other],
  ] as const) {
    for (const taken of [false, true]) {
      it(`FAULTS 51, 52: a crash after any call, storage on ${place}${taken ? ', name taken' : ''}: nothing half visible, published once`, function () {
        if (place !== 'the same file system' && !under) this.skip();
        this.timeout(60_000);
        let calls = 0;
        for (let crashAt = 1, crashed = true; crashed; crashAt++) {
          const bench = newBench(under);
          const theirs = join(bench.storage, 'demo/année/2026');
          if (taken) fs.mkdirSync(theirs, { recursive: true });
          if (taken) fs.writeFileSync(join(theirs, 'a'), 'theirs');
          const untouched = contents(bench.storage);
          calls = 0;
          const dead = () => {
            if (calls >= crashAt) throw systemError('ECRASH');
          };
          const after = () => {
            calls++;
            dead();
          };
          const ledger: string[] = [];
          crashed = false;
          try {
            release(bench, ledger, watchedFs({ before: dead, after }));
          } catch {
            crashed = true;
          }
          const name = taken ? 'année/2026.v2' : 'année/2026';
          const wanted = sorted({ ...untouched, ...PUBLISHED(`demo/${name}`) });
          const visible = Object.fromEntries(
            Object.entries(contents(bench.storage)).filter(([path]) => path.startsWith('demo/')),
          );
          expect(visible, `crash after call ${crashAt}`).to.be.deep.oneOf([untouched, wanted]);
          release(bench, ledger);
          expect(contents(bench.storage), `crash after call ${crashAt}`).to.deep.equal(wanted);
          expect(fs.readdirSync(bench.storage)).to.deep.equal(['demo']);
          expect(fs.readdirSync(bench.notes)).to.deep.equal([]);
          expect(ledger).to.deep.equal([name]);
          removeFolders();
        }
        expect(calls).to.be.greaterThan(40);
      });
    }
  }

  it('FAULTS 51: what the tenant has moved away after a crash of ours counts as released', () => {
    let afterwards = 0;
    for (let crashAt = 1, crashed = true; crashed; crashAt++) {
      const bench = newBench();
      const published = join(bench.storage, 'demo/année/2026');
      let calls = 0;
      const dead = () => {
        if (calls >= crashAt) throw systemError('ECRASH');
      };
      const after = () => {
        calls++;
        dead();
      };
      const first: string[] = [];
      crashed = false;
      try {
        release(bench, first, watchedFs({ before: dead, after }));
      } catch {
        crashed = true;
      }
      // Once the ledger has it, nobody asks again.
      if (crashed && first.length === 0 && fs.existsSync(published)) {
        afterwards++;
        fs.renameSync(published, join(bench.storage, 'mine'));
        const publisher = new FolderPublisher(bench.notes);
        const found = publisher.publish(bench.request);
        expect(found, 'and it is said').to.include({ publishedAs: 'année/2026', isMissing: true });
        publisher.forget(bench.request);
        expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED('mine')));
      }
      removeFolders();
    }
    expect(afterwards).to.be.greaterThan(2);
  });

  for (const [what, devChanges] of [
    ['the disk has another number after the reboot', true],
    ['the folder has another inode number', false],
  ] as const) {
    it(`FAULTS 51: ${what}: what lies out of sight is published, and never taken for published`, () => {
      const bench = newBench();
      const before = ({ name, args }: Call) => {
        if (name === 'renameSync' && String(args[0]).endsWith(ID)) throw systemError('EIO');
      };
      expect(() => release(bench, [], watchedFs({ before }))).to.throw();
      const file = join(bench.notes, `${ID}.folder`);
      const note = JSON.parse(fs.readFileSync(file, 'utf8')) as { ino: string };
      const odd = devChanges ? { dev: '424242' } : { ino: '424242' };
      fs.writeFileSync(file, JSON.stringify({ ...note, ...odd }));
      const publisher = new FolderPublisher(bench.notes);
      expect(publisher.begin(bench.request)).to.equal(true);
      expect(publisher.publish(bench.request)).to.include({ publishedAs: 'année/2026', isMissing: false });
      publisher.forget(bench.request);
      expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED()));
    });
  }

  it('FAULTS 51: a note of an earlier version, with the number of a disk that is another one now, counts', () => {
    const bench = newBench();
    const before = ({ name, args }: Call) => {
      if (name === 'renameSync' && String(args[0]).endsWith(ID)) throw systemError('EIO');
    };
    expect(() => release(bench, [], watchedFs({ before }))).to.throw();
    const { ino } = fs.statSync(join(bench.storage, '.sluice-staging', ID), { bigint: true });
    fs.writeFileSync(join(bench.notes, `${ID}.folder`), JSON.stringify({ dev: '424242', ino: `${ino}` }));
    const ledger: string[] = [];
    release(bench, ledger);
    expect([ledger, contents(bench.storage)]).to.deep.equal([['année/2026'], sorted(PUBLISHED())]);
  });

  it('FAULTS 51: half a folder that an earlier run left elsewhere is not taken for the one of the note', () => {
    const bench = newBench();
    const publisher = new FolderPublisher(bench.notes);
    publisher.begin(bench.request);
    for (const member of bench.members) publisher.add(bench.request, member);
    publisher.publish(bench.request);
    const half = join(bench.storage, 'demo/.sluice-staging', ID);
    fs.mkdirSync(half, { recursive: true });
    fs.writeFileSync(join(half, 'a'), 'first');
    expect(publisher.publish(bench.request)).to.include({ publishedAs: 'année/2026', isMissing: false });
    publisher.forget(bench.request);
    expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED()));
  });

  it('FAULTS 52: data and every folder are safe before the note, the note before the name, the name before the answer', () => {
    const bench = newBench();
    if (!fs.existsSync('/proc/self/fd')) return;
    const trace: string[] = [];
    const real = (fd: number) => fs.readlinkSync(`/proc/self/fd/${fd}`).replace(bench.storage, 'storage');
    const before = ({ name, args }: Call) => {
      if (name === 'fsyncSync') trace.push(`fsync ${real(args[0] as number)}`);
    };
    const after = ({ name, args }: Call) => {
      if (name === 'renameSync') trace.push(`rename to ${String(args[1]).split('/').at(-1)}`);
    };
    const publisher = new FolderPublisher(bench.notes, { fs: watchedFs({ before, after }) });
    publisher.begin(bench.request);
    for (const member of bench.members) publisher.add(bench.request, member);
    publisher.publish(bench.request);
    const at = (step: string) => {
      expect(trace).to.include(step);
      return trace.lastIndexOf(step);
    };
    const hidden = `storage/.sluice-staging/${ID}`;
    const note = at(`rename to ${ID}.folder`);
    const name = at('rename to 2026');
    for (const file of ['a', '.consignment', 'sub/deep/b', 'sub/deep', 'sub', ''])
      expect(at(`fsync ${join(hidden, file)}`.replace(/\/$/, '')), file).to.be.lessThan(note);
    expect(at(`fsync ${join(bench.spool, 'large')}`)).to.be.lessThan(note);
    for (const folder of ['storage/.sluice-staging', 'storage'])
      expect(trace.indexOf(`fsync ${folder}`), `${folder} before the note`).to.be.within(0, note);
    expect(at(`fsync ${bench.notes}`)).to.be.lessThan(name);
    for (const folder of ['storage/.sluice-staging', 'storage/demo/année', 'storage/demo', 'storage'])
      expect(at(`fsync ${folder}`), folder).to.be.greaterThan(name);
  });

  for (const [what, code, hook] of [
    ['a full disk', 'STORAGE_FULL', ({ name }: Call) => name === 'writeSync' && systemError('ENOSPC')],
    ['a failed fsync', 'RELEASE_IO', ({ name }: Call) => name === 'fsyncSync' && systemError('EIO')],
  ] as const) {
    it(`FAULTS 49, 50: ${what} shows nothing and is overcome by building it anew`, () => {
      for (let failAt = 1, failed = true; failed; failAt++) {
        const bench = newBench();
        let calls = 0;
        const before = (call: Call) => {
          const error = hook(call);
          if (error && ++calls === failAt) throw error;
        };
        const failing = watchedFs({ before });
        failed = false;
        const ledger: string[] = [];
        try {
          release(bench, ledger, failing);
        } catch (error) {
          failed = true;
          expect(error).to.have.property('code').that.is.oneOf([code, 'SPOOL_IO']);
          const visible = Object.keys(contents(bench.storage)).filter((path) => path.startsWith('demo/'));
          expect(visible.length, `at ${failAt}`).to.be.oneOf([0, 4]);
        }
        if (failed) release(bench, ledger);
        expect(contents(bench.storage), `at ${failAt}`).to.deep.equal(sorted(PUBLISHED()));
        removeFolders();
      }
    });
  }

  it('two members with one name, or a file where another has its folder, are no folder', () => {
    const bench = newBench();
    const [, a, b] = bench.members;
    for (const parts of [['a'], ['sub'], ['a', 'below']]) {
      const publisher = new FolderPublisher(bench.notes);
      publisher.begin(bench.request);
      for (const member of [a!, b!]) publisher.add(bench.request, member);
      expect(() => publisher.add(bench.request, { ...a!, parts }), parts.join('/'))
        .to.throw()
        .with.property('code', 'CONSIGNMENT_INVALID');
      publisher.forget(bench.request);
    }
    expect(contents(bench.storage)).to.deep.equal({});
  });

  it('FAULTS 16: a member whose bytes are not the sealed ones stops all of it', () => {
    const bench = newBench();
    fs.writeFileSync(join(bench.spool, 'bundle'), 'firstSECOND');
    expect(() => release(bench, []))
      .to.throw()
      .with.property('code', 'DIGEST_MISMATCH');
    expect(Object.keys(contents(bench.storage)).filter((path) => path.startsWith('demo/'))).to.deep.equal([]);
  });

  it('FAULTS 29, 61: neither a link on the way nor the reserved name is followed', () => {
    const bench = newBench();
    const outside = newFolder();
    fs.mkdirSync(join(bench.storage, 'demo'));
    fs.symlinkSync(outside, join(bench.storage, 'demo', 'année'));
    expect(() => release(bench, []))
      .to.throw()
      .with.property('code', 'RELEASE_UNSAFE_TARGET');
    expect(fs.readdirSync(outside)).to.deep.equal([]);
    for (const parts of [['.sluice-staging'], ['..', 'x'], ['']]) {
      const publisher = new FolderPublisher(bench.notes);
      expect(() => publisher.begin({ ...bench.request, parts }), parts.join('/'))
        .to.throw()
        .with.property('code', 'NAME_UNSAFE_PATH');
    }
  });

  it('a storage in whose root nothing can be made is built in the folder of the tenant', () => {
    const bench = newBench();
    fs.mkdirSync(join(bench.storage, 'demo'));
    const before = ({ name, args }: Call) => {
      const root = `/proc/self/fd/`;
      const path = String(args[0]);
      if (name !== 'mkdirSync' || !path.startsWith(root) || !path.endsWith('.sluice-staging')) return;
      const fd = Number(path.slice(root.length).split('/')[0]);
      if (fs.readlinkSync(`${root}${fd}`) === bench.storage) throw systemError('EACCES');
    };
    const ledger: string[] = [];
    release(bench, ledger, watchedFs({ before }));
    expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED()));
    expect(fs.readdirSync(join(bench.storage, 'demo'))).to.deep.equal(['année']);
  });

  it('FAULTS 51: what an earlier process has built in the folder of the tenant is found there and published', () => {
    const bench = newBench();
    const exdev = ({ name, args }: Call) => {
      if (name !== 'renameSync' || !String(args[0]).endsWith(ID)) return;
      const fd = Number(String(args[0]).split('/')[4]);
      const from = fs.readlinkSync(`/proc/self/fd/${fd}`);
      throw systemError(from === join(bench.storage, '.sluice-staging') ? 'EXDEV' : 'ECRASH');
    };
    const publisher = new FolderPublisher(bench.notes, { fs: watchedFs({ before: exdev }) });
    for (let tries = 0; tries < 2; tries++) {
      publisher.begin(bench.request);
      for (const member of bench.members) publisher.add(bench.request, member);
      expect(() => publisher.publish(bench.request)).to.throw();
    }
    expect(fs.readdirSync(bench.notes)).to.deep.equal([`${ID}.folder`]);
    const ledger: string[] = [];
    release(bench, ledger);
    expect(ledger).to.deep.equal(['année/2026']);
    expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED()));
  });

  it('FAULTS 55: a folder for hidden things that others take away in the meantime is made again', () => {
    const bench = newBench();
    fs.mkdirSync(join(bench.storage, 'demo'));
    let removed = 0;
    const before = ({ name, args }: Call) => {
      if (name === 'mkdirSync' && String(args[0]).endsWith(ID) && removed++ < 2)
        fs.rmdirSync(join(bench.storage, '.sluice-staging'));
    };
    release(bench, [], watchedFs({ before }));
    expect(removed).to.equal(3);
    expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED()));
  });

  it('where no rename leads from the root of the storage into it, it is built anew in the folder of the tenant', () => {
    const bench = newBench();
    const before = ({ name, args }: Call) => {
      if (name !== 'renameSync' || !String(args[0]).endsWith(ID)) return;
      const fd = Number(String(args[0]).split('/')[4]);
      if (fs.readlinkSync(`/proc/self/fd/${fd}`) === join(bench.storage, '.sluice-staging')) throw systemError('EXDEV');
    };
    const publisher = new FolderPublisher(bench.notes, { fs: watchedFs({ before }) });
    const attempt = () => {
      if (!publisher.begin(bench.request)) for (const member of bench.members) publisher.add(bench.request, member);
      return publisher.publish(bench.request);
    };
    expect(attempt).to.throw().with.property('code', 'RELEASE_IO');
    expect(attempt().publishedAs).to.equal('année/2026');
    publisher.forget(bench.request);
    expect(contents(bench.storage)).to.deep.equal(sorted(PUBLISHED()));
    expect([fs.readdirSync(bench.storage), fs.readdirSync(join(bench.storage, 'demo'))]).to.deep.equal([
      ['demo'],
      ['année'],
    ]);
  });
});
