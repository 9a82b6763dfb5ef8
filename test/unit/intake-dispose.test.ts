/** What becomes of the original once its object was sent: moved, kept or deleted, and only if it is still that file. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type DisposeRequest, dispose } from '../../ingress/intake/dispose.js';
import { identityOf } from '../../ingress/intake/identity.js';
import {
  type Call,
  contents,
  newFolder,
  otherFileSystem,
  removeFolders,
  systemError,
  watchedFs,
} from '../support/folders.js';

describe('intake: the original after it was sent', () => {
  let base: string;
  let share: string;
  beforeEach(() => {
    base = newFolder();
    share = join(base, 'share');
    fs.mkdirSync(share);
  });
  afterEach(removeFolders);

  const put = (path: string, content = 'x') => {
    fs.mkdirSync(join(share, path, '..'), { recursive: true });
    fs.writeFileSync(join(share, path), content);
  };
  const request = (path: string, mode: DisposeRequest['mode'], transfer = 'a1'): DisposeRequest => ({
    share,
    rawPath: Buffer.from(path),
    identity: identityOf(fs.lstatSync(join(share, path), { bigint: true })),
    transfer,
    mode,
    acceptedFolder: join(base, 'accepted'),
  });

  it('keeps it when asked to', () => {
    put('a');
    expect(dispose(request('a', 'keep'))).to.deep.equal({ outcome: 'kept', reason: 'asked' });
    expect(contents(base)).to.deep.equal({ 'share/a': 'x' });
  });

  it('moves it, with its path', () => {
    put('d/e/a.txt');
    expect(dispose(request('d/e/a.txt', 'move'))).to.deep.equal({ outcome: 'moved', path: 'd/e/a.txt' });
    expect(contents(base)).to.deep.equal({ 'accepted/d/e/a.txt': 'x' });
  });

  it('FAULTS 53: a second one of the same name becomes a version', () => {
    for (const content of ['1', '2', '3']) {
      put('d/a.txt', content);
      dispose(request('d/a.txt', 'move', `a${content}`));
    }
    expect(contents(base)).to.deep.equal({
      'accepted/d/a.txt': '1',
      'accepted/d/a.v2.txt': '2',
      'accepted/d/a.v3.txt': '3',
    });
  });

  it('deletes it', () => {
    put('d/a');
    expect(dispose(request('d/a', 'delete'))).to.deep.equal({ outcome: 'deleted' });
    expect(contents(base)).to.deep.equal({});
  });

  for (const mode of ['move', 'delete'] as const) {
    const changes: [string, (path: string) => void][] = [
      ['changed', (path) => fs.appendFileSync(path, 'y')],
      ['replaced', (path) => [fs.rmSync(path), fs.writeFileSync(path, 'x')]],
      ['touched', (path) => fs.utimesSync(path, 1, 1)],
    ];
    for (const [what, change] of changes) {
      it(`FAULTS 30: ${mode} leaves a file alone that was ${what} since`, () => {
        put('a');
        const asked = request('a', mode);
        change(join(share, 'a'));
        const before = contents(share);
        expect(dispose(asked)).to.deep.equal({ outcome: 'kept', reason: 'changed' });
        expect(contents(base)).to.deep.equal({ 'share/a': before.a });
      });
    }

    it(`FAULTS 30: ${mode} puts back what somebody exchanged in the last moment`, () => {
      put('a', 'old');
      const before = ({ name, args }: Call) => {
        if (name !== 'renameSync' || !String(args[0]).endsWith('/a')) return;
        fs.rmSync(join(share, 'a'));
        fs.writeFileSync(join(share, 'a'), 'new');
      };
      const asked = request('a', mode);
      expect(dispose(asked, { fs: watchedFs({ before }) })).to.deep.equal({ outcome: 'kept', reason: 'changed' });
      expect(contents(base)).to.deep.equal({ 'share/a': 'new' });
    });

    it(`FAULTS 30: ${mode} loses neither of two files that are dropped in the last moment`, () => {
      put('a', 'old');
      const hook = (when: 'before' | 'after', content: string) => (call: Call) => {
        if (call.name !== 'renameSync' || !String(call.args[0]).endsWith('/a')) return;
        if (when === 'before') fs.rmSync(join(share, 'a'));
        fs.writeFileSync(join(share, 'a'), content);
      };
      const asked = request('a', mode);
      dispose(asked, { fs: watchedFs({ before: hook('before', 'second'), after: hook('after', 'third') }) });
      expect(contents(base)).to.deep.equal({ 'share/a': 'third', 'share/a.v2': 'second' });
    });

    it(`FAULTS 29: ${mode} does not follow a folder that has become a link`, () => {
      put('d/a');
      const asked = request('d/a', mode);
      fs.renameSync(join(share, 'd'), join(base, 'elsewhere'));
      fs.symlinkSync(join(base, 'elsewhere'), join(share, 'd'));
      expect(dispose(asked)).to.deep.equal({ outcome: 'kept', reason: 'gone' });
      expect(contents(join(base, 'elsewhere'))).to.deep.equal({ a: 'x' });
    });

    it(`FAULTS 51: ${mode} can be repeated after a crash at any call`, () => {
      for (let crashAt = 1; ; crashAt++) {
        put('d/a.txt', 'content');
        const asked = request('d/a.txt', mode, `c${crashAt}`);
        let calls = 0;
        const after = () => {
          if (++calls === crashAt) throw systemError('ECRASH');
        };
        let crashed = false;
        try {
          dispose(asked, { fs: watchedFs({ after }) });
        } catch {
          crashed = true;
        }
        dispose(asked);
        const left = contents(base);
        if (mode === 'delete') expect(left, `crash at call ${crashAt}`).to.deep.equal({});
        else expect(left, `crash at call ${crashAt}`).to.deep.equal({ 'accepted/d/a.txt': 'content' });
        fs.rmSync(join(base, 'accepted'), { recursive: true, force: true });
        if (!crashed) {
          expect(crashAt).to.be.greaterThan(8);
          break;
        }
      }
    });
  }

  it('keeps the name, flat, where a link stands on the way among the accepted', () => {
    put('d/a');
    const outside = newFolder();
    fs.mkdirSync(join(base, 'accepted'));
    fs.symlinkSync(outside, join(base, 'accepted/d'));
    expect(dispose(request('d/a', 'move'))).to.deep.equal({ outcome: 'moved', path: 'a' });
    expect(contents(outside)).to.deep.equal({});
  });

  it('moves also where the system does not let us link the file of another user', () => {
    put('a', 'new');
    fs.mkdirSync(join(base, 'accepted'));
    fs.writeFileSync(join(base, 'accepted/a'), 'old');
    const before = ({ name }: Call) => {
      if (name === 'linkSync') throw systemError('EPERM');
    };
    const result = dispose(request('a', 'move'), { fs: watchedFs({ before }) });
    expect(result).to.deep.equal({ outcome: 'moved', path: 'a.v2' });
    expect(contents(base)).to.deep.equal({ 'accepted/a': 'old', 'accepted/a.v2': 'new' });
  });

  it('FAULTS 53: leaves the share alone when the accepted folder is on another file system', function () {
    const other = otherFileSystem();
    if (!other) this.skip();
    put('a');
    const asked = { ...request('a', 'move'), acceptedFolder: newFolder(other) };
    expect(dispose(asked)).to.deep.equal({ outcome: 'kept', reason: 'other-file-system' });
    expect(contents(base)).to.deep.equal({ 'share/a': 'x' });
  });

  it('says when it is gone', () => {
    put('a');
    const asked = request('a', 'delete');
    fs.rmSync(join(share, 'a'));
    expect(dispose(asked)).to.deep.equal({ outcome: 'kept', reason: 'gone' });
  });
});
