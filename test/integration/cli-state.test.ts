/** The state folder: one living process at a time, and files that are never half there (FAULTS 51). */
import { execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { SluiceError } from '../../shared/core/errors.js';
import { processesOf, StateFolder } from '../../shared/ops/files/stateFolder.js';
import { identityOf } from '../../shared/ops/queues/process.js';
import { ROOT } from '../support/cli.js';
import { newFolder, removeFolders } from '../support/folders.js';

const MODULE = pathToFileURL(join(ROOT, 'dist', 'shared', 'ops', 'files', 'stateFolder.js')).href;

describe('state folder', () => {
  afterEach(removeFolders);

  const lockOf = (folder: string) => join(folder, 'lock.json');
  const expectInUse = (folder: string) => {
    let code = '';
    try {
      StateFolder.open(folder);
    } catch (error) {
      code = (error as SluiceError).code;
    }
    expect(code).to.equal('STATE_IN_USE');
  };

  it('is made private, held once, and free again when closed', () => {
    const folder = join(newFolder(), 'a', 'b');
    expect(StateFolder.isHeld(folder)).to.equal(false);
    const state = StateFolder.open(folder);
    expect(fs.statSync(folder).mode & 0o777).to.equal(0o700);
    expect(StateFolder.isHeld(folder)).to.equal(true);
    expectInUse(folder);
    state.writeRun({ here: 1 });
    state.close();
    expect(StateFolder.isHeld(folder)).to.equal(false);
    expect(fs.readdirSync(folder)).to.deep.equal([]);
    StateFolder.open(folder).close();
  });

  it('is taken over from a process that is gone, has another start time, or wrote only half of its lock', () => {
    const gone = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
    const me = identityOf(process.pid)!;
    const left = [{ ...me, pid: gone }, { ...me, startTicks: '1' }, { ...me, bootId: 'another' }, { pid: 'x' }];
    for (const text of [...left.map((identity) => JSON.stringify(identity)), '', '{"pid":']) {
      const folder = newFolder();
      fs.writeFileSync(lockOf(folder), text);
      const state = StateFolder.open(folder);
      expect(JSON.parse(fs.readFileSync(lockOf(folder), 'utf8'))).to.deep.equal(me);
      expect(fs.readdirSync(folder)).to.deep.equal(['lock.json']);
      state.close();
    }
  });

  it('is given to exactly one of many that come at once, also over the lock of a dead process', async function () {
    this.timeout(30_000);
    const folder = newFolder();
    fs.writeFileSync(lockOf(folder), '{"pid":');
    const code = `import { StateFolder } from ${JSON.stringify(MODULE)};
      process.stdin.once('data', () => {
        try { StateFolder.open(${JSON.stringify(folder)}); console.log('held'); } catch (error) { console.log(error.code); }
        setTimeout(() => {}, 60_000);
      });
      console.log('ready');`;
    const many = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      child.stdout.setEncoding('utf8');
      return child;
    });
    const hear = (child: (typeof many)[number]) => new Promise<string>((said) => child.stdout.once('data', said));
    try {
      await Promise.all(many.map(hear));
      const answers = Promise.all(many.map(hear));
      for (const child of many) child.stdin.write('now');
      expect((await answers).map((text) => text.trim()).sort()).to.deep.equal([
        ...Array(5).fill('STATE_IN_USE'),
        'held',
      ]);
      expect(fs.readdirSync(folder)).to.deep.equal(['lock.json']);
    } finally {
      for (const child of many) child.kill('SIGKILL');
    }
  });

  it('writes run.json in one step, and only when it changes', () => {
    const state = StateFolder.open(newFolder());
    const file = state.file('run.json');
    state.writeRun({ pids: [1] });
    const { ino } = fs.statSync(file);
    state.writeRun({ pids: [1] });
    expect(fs.statSync(file).ino, 'untouched').to.equal(ino);
    state.writeRun({ pids: [2] });
    expect(StateFolder.readFile(state.path, 'run.json')).to.deep.equal({ pids: [2] });
    expect(fs.statSync(file).mode & 0o077).to.equal(0);
    expect(fs.readdirSync(state.path).sort()).to.deep.equal(['lock.json', 'run.json']);
    state.close();
  });

  it('names processes with their start times and leaves out those that are gone', () => {
    expect(processesOf({ me: process.pid, nobody: 0, none: 2 ** 22 + 1 })).to.deep.equal({
      me: identityOf(process.pid),
    });
  });
});
