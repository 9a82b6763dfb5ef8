/** Walking a share: every entry is named once, and what is no plain file says why. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { type WalkOptions, type WalkStep, walkShare } from '../../ingress/intake/share.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Directory } from '../../shared/ops/files/directories.js';
import { newFolder, removeFolders, systemError, watchedFs } from '../support/folders.js';

describe('intake: walking a share', () => {
  let share: string;
  beforeEach(() => {
    share = newFolder();
  });
  afterEach(removeFolders);

  const put = (path: string, content = 'x') => {
    fs.mkdirSync(join(share, path, '..'), { recursive: true });
    fs.writeFileSync(join(share, path), content);
  };
  const walk = (options: WalkOptions = {}): WalkStep[] => {
    const root = Directory.openRoot(share);
    try {
      return [...walkShare(root, options)];
    } finally {
      root.close();
    }
  };
  const shown = (steps: WalkStep[]) =>
    steps.map((step) => {
      const code = step.kind === 'entry' ? step.refusal?.code : step.kind === 'trouble' ? step.code : undefined;
      return `${step.kind} ${step.rawPath}${code ? ` ${code}` : ''}`;
    });

  it('names every file at any depth, dotfiles too, and no folder', () => {
    for (const path of ['b', 'a/x', 'a/b/y', '.hidden', 'a/.git/config', 'A']) put(path);
    fs.mkdirSync(join(share, 'empty/nested'), { recursive: true });
    const expected = ['.hidden', 'A', 'a/.git/config', 'a/b/y', 'a/x', 'b'].map((path) => `entry ${path}`);
    expect(shown(walk())).to.deep.equal(expected);
  });

  it('FAULTS 27: leaves alone what is called .part, but not what only resembles it', () => {
    for (const path of ['a.part', 'd.part/inside', '.part', 'a.PART', 'part', 'x.partial']) put(path);
    expect(shown(walk())).to.deep.equal([
      'incomplete .part',
      'entry a.PART',
      'incomplete a.part',
      'incomplete d.part',
      'entry part',
      'entry x.partial',
    ]);
    expect(shown(walk({ incompleteSuffixes: [] })).every((step) => step.startsWith('entry '))).to.equal(true);
    expect(shown(walk({ incompleteSuffixes: ['.tmp', 'tial'] })).at(-1)).to.equal('incomplete x.partial');
  });

  it('leaves reserved folders out only when told, and only at the top', () => {
    for (const path of ['accepted/x', 'receipts/y', 'd/accepted/z']) put(path);
    expect(shown(walk())).to.have.length(3);
    expect(shown(walk({ reservedTopFolders: ['accepted', 'receipts'] }))).to.deep.equal(['entry d/accepted/z']);
  });

  it('FAULTS 28: refuses links, hard links, pipes, sockets and folders that are links', async () => {
    put('file');
    fs.symlinkSync('/etc/passwd', join(share, 'link'));
    fs.symlinkSync('/etc', join(share, 'linked-folder'));
    fs.symlinkSync('nowhere', join(share, 'dangling'));
    put('twin');
    fs.linkSync(join(share, 'twin'), join(share, 'twin2'));
    execFileSync('mkfifo', [join(share, 'pipe')]);
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(share, 'socket'), done));
    try {
      expect(shown(walk())).to.deep.equal([
        'entry dangling INTAKE_NOT_REGULAR',
        'entry file',
        'entry link INTAKE_NOT_REGULAR',
        'entry linked-folder INTAKE_NOT_REGULAR',
        'entry pipe INTAKE_NOT_REGULAR',
        'entry socket INTAKE_NOT_REGULAR',
        'entry twin INTAKE_HARD_LINKED',
        'entry twin2 INTAKE_HARD_LINKED',
      ]);
    } finally {
      server.close();
    }
  });

  it('FAULTS 28: refuses a device (needs root)', function () {
    if (process.getuid?.() !== 0) this.skip();
    try {
      execFileSync('mknod', [join(share, 'null'), 'c', '1', '3'], { stdio: 'ignore' });
    } catch {
      this.skip();
    }
    expect(shown(walk())).to.deep.equal(['entry null INTAKE_NOT_REGULAR']);
  });

  it('FAULTS 26: goes no deeper than the limit and says so', () => {
    let path = share;
    for (let depth = 0; depth < LIMITS.walkMaxDepth + 3; depth++) {
      path = join(path, 'd');
      fs.mkdirSync(path);
    }
    const steps = walk();
    expect(steps).to.have.length(1);
    expect(steps[0]).to.have.nested.property('refusal.code', 'NAME_TOO_LONG');
    expect(steps[0]!.rawPath.toString().split('/')).to.have.length(LIMITS.walkMaxDepth + 1);
  });

  it('reports a folder that cannot be read and goes on', () => {
    for (const path of ['a/x', 'b/y', 'c/z']) put(path);
    const failing = watchedFs({
      before: ({ name, args }) => {
        const path = String(args[0]);
        if (name === 'openSync' && path.endsWith('/a')) throw systemError('EACCES');
        if (name === 'lstatSync' && path.endsWith('/y')) throw systemError('EACCES');
      },
    });
    const root = Directory.openRoot(share, { fs: failing });
    const steps = [...walkShare(root)];
    root.close();
    expect(shown(steps)).to.deep.equal(['trouble a INTAKE_UNREADABLE', 'trouble b INTAKE_UNREADABLE', 'entry c/z']);
  });

  it('closes every folder, also when it is left early', function () {
    if (!fs.existsSync('/proc/self/fd')) this.skip();
    put('a/b/c/d/e/file');
    const before = fs.readdirSync('/proc/self/fd').length;
    walk();
    const root = Directory.openRoot(share);
    for (const _step of walkShare(root)) break;
    root.close();
    expect(fs.readdirSync('/proc/self/fd').length).to.equal(before);
  });
});
