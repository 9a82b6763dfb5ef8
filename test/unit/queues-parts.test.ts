/** The parts of the queue stores that need no store: processes, folders, words, reports. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { codeOf, type SluiceError } from '../../shared/core/errors.js';
import { claimFolder } from '../../shared/ops/queues/folder.js';
import {
  identityOf,
  isAlive,
  type ProcessIdentity,
  parseIdentity,
  signal,
  untilGone,
} from '../../shared/ops/queues/process.js';
import { reportTo } from '../../shared/ops/queues/troubles.js';
import { isPlain, parseRedisAddress, plain } from '../../shared/ops/queues/words.js';

describe('queues: which process', () => {
  it('knows this process, and no process that is not', () => {
    const self = identityOf(process.pid) as ProcessIdentity;
    expect(isAlive(self)).to.equal(true);
    expect(isAlive({ ...self, startTicks: `${self.startTicks}0` }), 'another start').to.equal(false);
    expect(isAlive({ ...self, bootId: 'another boot' }), 'another boot').to.equal(false);
    for (const pid of [0, 1, -1, 1.5, Number.NaN, 2 ** 22 + 1])
      expect(identityOf(pid), String(pid)).to.equal(undefined);
  });

  it('signals exactly the process that is meant, and sees its end', async () => {
    // A name with spaces and parentheses, as it stands in the middle of /proc/PID/stat.
    const child = spawn(process.execPath, ['-e', 'process.title = ") Z 1 (x) y"; setInterval(() => {}, 1000)'], {
      stdio: 'ignore',
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const known = identityOf(child.pid as number) as ProcessIdentity;
    expect(signal({ ...known, startTicks: '1' }, 'SIGKILL'), 'another start').to.equal(false);
    expect(signal({ ...known, startTicks: '' }, 'SIGKILL'), 'an unknown start').to.equal(false);
    expect(await untilGone(known, 30)).to.equal(false);
    expect(signal(known, 'SIGKILL')).to.equal(true);
    expect(await untilGone(known, 5_000)).to.equal(true);
  });

  it('reads an identity from a file that may hold anything', () => {
    const good = { pid: 7, startTicks: '1', bootId: 'b' };
    expect(parseIdentity(good)).to.deep.equal(good);
    for (const bad of [
      undefined,
      null,
      1,
      'x',
      [],
      {},
      { ...good, pid: '7' },
      { ...good, pid: -7 },
      { ...good, pid: 1 },
    ]) {
      expect(parseIdentity(bad), JSON.stringify(bad)).to.equal(undefined);
    }
  });
});

describe('queues: the folder of a store', () => {
  let dir: string;
  const code = (side: 'low' | 'high') => {
    try {
      claimFolder(dir, side);
      return 'none';
    } catch (error) {
      return codeOf(error);
    }
  };
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('belongs to its owner alone, to one process at a time, and to one side for good', () => {
    const folder = claimFolder(dir, 'low');
    expect(statSync(folder.path).mode & 0o777).to.equal(0o700);
    expect(code('low')).to.equal('STATE_IN_USE');
    folder.release();
    expect(code('high')).to.equal('STATE_WRONG_SIDE');
    expect(code('low')).to.equal('none');
  });

  it('is taken from an owner that has died, whatever has its pid now', () => {
    const folder = claimFolder(dir, 'low');
    const file = join(folder.path, 'owner.json');
    const owner = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...owner, startTicks: '1' }));
    expect(code('low')).to.equal('none');
    writeFileSync(file, '{"pid":');
    expect(code('low')).to.equal('none');
  });

  it('does not mind a side that was never written down to its end', () => {
    mkdirSync(join(dir, 'queues'));
    writeFileSync(join(dir, 'queues', 'side'), '');
    expect(code('high')).to.equal('none');
    expect(readFileSync(join(dir, 'queues', 'side'), 'utf8')).to.equal('high\n');
  });

  it('says so when it cannot be made', () => {
    writeFileSync(join(dir, 'queues'), 'a file');
    expect(code('low')).to.equal('SPOOL_IO');
  });
});

describe('queues: words', () => {
  it('makes any text one bounded line that every store takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 1, max: 50 }), (text, max) => {
        const result = plain(text, max);
        expect(result.length).to.be.at.most(max);
        expect(isPlain(result)).to.equal(true);
        expect(JSON.stringify(result)).not.to.match(/\\u0000|\\n/);
      }),
      { seed: 7, numRuns: 300 },
    );
    expect(plain('a\u0000\u202e\ud800b', 10)).to.equal('a\ufffd\ufffd\ufffdb');
    expect(plain('abcdef', 4)).to.equal('abc…');
    expect(plain('été 日本 😀', 20)).to.equal('été 日本 😀');
  });

  it('never cuts a character in half', () => {
    for (let max = 1; max < 8; max++) expect(isPlain(plain('😀😀😀😀', max)), String(max)).to.equal(true);
  });

  it('FAULTS 66: shows an address without its secrets and takes them out of what a driver says', () => {
    const address = parseRedisAddress('rediss://me:p%40ss@[::1]:6380/2?password=other');
    expect(address.shown).to.equal('rediss://me@[::1]:6380/2');
    expect(address.redact('p@ss, p%40ss and other are wrong')).to.equal('***, *** and *** are wrong');
    expect(parseRedisAddress('redis://localhost').redact('nothing to hide')).to.equal('nothing to hide');
  });
});

describe('queues: reports of trouble', () => {
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('tells the first at once, then one for all that followed, each code for itself', async () => {
    const told: string[] = [];
    const troubles = reportTo((error: SluiceError) => told.push(`${error.code} ${error.detail}`), 40);
    for (let i = 1; i <= 5; i++) troubles.report('QUEUE_STORE_UNAVAILABLE', `try ${i}`);
    troubles.report('CHILD_FAILED', 'once');
    expect(told).to.deep.equal(['QUEUE_STORE_UNAVAILABLE try 1', 'CHILD_FAILED once']);
    await wait(100);
    expect(told.slice(2)).to.deep.equal(['QUEUE_STORE_UNAVAILABLE try 5 (4 times)']);
    await wait(100);
    troubles.report('QUEUE_STORE_UNAVAILABLE', 'much later');
    expect(told.at(-1)).to.equal('QUEUE_STORE_UNAVAILABLE much later');
    troubles.report('QUEUE_STORE_UNAVAILABLE', 'put off');
    troubles.close();
    troubles.report('CHILD_FAILED', 'after the end');
    await wait(60);
    expect(told).to.have.length(4);
  });

  it('survives a listener that fails, and having none', () => {
    reportTo(() => {
      throw new TypeError('no');
    }, 10).report('CHILD_FAILED', 'x');
    reportTo(undefined, 10).report('CHILD_FAILED', 'x');
  });
});
