/** The log of a side: rotation, disks that are full, text that acts on a screen, and what processes say beside it. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { openLog } from '../../shared/ops/health/log.js';
import { LogFile } from '../../shared/ops/health/logFile.js';
import { attendChildren, Child } from '../../shared/ops/processes/children.js';
import { readLines } from '../../shared/ops/processes/outputLines.js';
import { newFolder, removeFolders } from '../support/folders.js';
import { until } from '../support/queues.js';
import type { EchoProtocol } from './ops-echoChild.js';

describe('log of a side', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = newFolder();
    file = join(folder, 'low.log');
  });
  afterEach(removeFolders);
  const read = (name = 'low.log') => fs.readFileSync(join(folder, name), 'utf8');
  const line = (n: number) => `${JSON.stringify({ n, text: 'x'.repeat(80) })}\n`;
  const numbers = (name: string) =>
    read(name)
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).n as number);

  it('is put aside at its size, so many files are kept, and no line is torn or lost between them', () => {
    const log = new LogFile(file, { maxSize: 1_000, keep: 2 });
    for (let n = 0; n < 35; n++) log.write(line(n));
    log.close();
    expect(fs.readdirSync(folder).sort()).to.deep.equal(['low.log', 'low.log.1', 'low.log.2']);
    const kept = ['low.log.2', 'low.log.1', 'low.log'].flatMap(numbers);
    expect(kept).to.deep.equal(Array.from({ length: kept.length }, (_, i) => 35 - kept.length + i));
    for (const name of fs.readdirSync(folder)) {
      expect(fs.statSync(join(folder, name)).size).to.be.at.most(1_000);
      expect(fs.statSync(join(folder, name)).mode & 0o777).to.equal(0o600);
    }
    const again = new LogFile(file, { maxSize: 1_000, keep: 2 });
    again.write(line(99));
    again.close();
    expect(numbers('low.log').at(-1), 'goes on after a restart').to.equal(99);
  });

  it('lines of one stretch of work are in the file when it ends, also when it fails, in order, whatever is put aside', () => {
    const log = new LogFile(file, { maxSize: 60_000, keep: 1 });
    log.write(line(0));
    log.together(() => {
      for (let n = 1; n < 600; n++) log.write(line(n));
      expect(read().split('\n').length, 'what was written with others').to.be.below(600);
    });
    const fails = () =>
      log.together(() => {
        log.together(() => log.write(line(600)));
        throw new SluiceError('INTERNAL', '');
      });
    expect(fails).to.throw(SluiceError);
    log.write(line(601));
    log.close();
    const kept = ['low.log.1', 'low.log'].flatMap(numbers);
    expect(kept).to.deep.equal(Array.from({ length: kept.length }, (_, i) => 602 - kept.length + i));
    expect(kept.length).to.be.above(300);
  });

  it('with nothing to keep it begins anew', () => {
    const log = new LogFile(file, { maxSize: 1_000, keep: 0 });
    for (let n = 0; n < 30; n++) log.write(line(n));
    log.close();
    expect(fs.readdirSync(folder)).to.deep.equal(['low.log']);
    expect(numbers('low.log').at(-1)).to.equal(29);
  });

  it('FAULTS 49: goes on in the same file when it cannot be put aside', () => {
    fs.mkdirSync(join(folder, 'low.log.1', 'in the way'), { recursive: true });
    const log = new LogFile(file, { maxSize: 500, keep: 1 });
    for (let n = 0; n < 30; n++) log.write(line(n));
    log.close();
    expect(numbers('low.log')).to.have.length(30);
  });

  it('FAULTS 49: a full disk loses lines, and the first one after it begins on a line of its own', function () {
    if (!fs.existsSync('/dev/full')) return this.skip();
    const log = new LogFile('/dev/full', { maxSize: 1e9, keep: 1 });
    expect(() => log.write(line(1))).not.to.throw();
    log.close();
  });

  it('FAULTS 63: what a terminal would act on is written as \\u, and reads back as it was', () => {
    const log = openLog('low', { level: 'info', maxSize: 1e6, keep: 1 }, file);
    const naughty = 'a\r\n\u001b[2J\u0085\u009b31m\u202eb\u2028\u{e0041}\u200b\\\u202a"}';
    log.info({ path: naughty, transfer: 'ff' }, naughty);
    const text = read();
    expect(text.match(/\n/g)).to.have.length(1);
    expect(text.trimEnd()).not.to.match(/[\p{Cc}\p{Cf}\p{Zl}]/u);
    expect(JSON.parse(text)).to.deep.include({ path: naughty, msg: naughty, side: 'low', transfer: 'ff' });
  });

  describe('what processes say beside it', () => {
    it('is cut into lines, bounded in length and number', async () => {
      const stream = new PassThrough();
      const said: string[] = [];
      readLines(stream, (text) => said.push(text));
      stream.write('first\nsec');
      stream.write(Buffer.from('ond ä').subarray(0, 5));
      stream.write(Buffer.from([0xa4]));
      stream.write('\r\n\n');
      stream.write('x'.repeat(100_000));
      stream.write('\n');
      for (let n = 0; n < 5_000; n++) stream.write(`${n}\n`);
      stream.end('last');
      await until('the end', () => said.at(-1)?.startsWith('(') === true);
      expect(said.slice(0, 2)).to.deep.equal(['first', 'second ä']);
      expect(Math.max(...said.map(({ length }) => length))).to.be.at.most(LIMITS.childOutputMaxText);
      expect(said.length).to.be.at.most(LIMITS.childOutputLines + 1);
      expect(said.at(-1)).to.match(/^\(\d+ lines left out\)$/);
    });

    it('children: what they print and that they died comes with their name', async () => {
      const heard: string[] = [];
      attendChildren({
        printed: (name, text) => heard.push(`${name} printed ${text}`),
        died: (name, how) => heard.push(`${name} died ${how}`),
      });
      const module = new URL('./ops-echoChild.js', import.meta.url);
      const child = new Child<EchoProtocol>({ name: 'echo', module });
      try {
        await child.start();
        await child.ask('exit', 3).catch(() => {});
        await until('the death', () => heard.includes('echo died exit code 3'));
        await child.ask('echo', 1);
        await child.ask('crash', null).catch(() => {});
        await until('the reason of the crash', () => heard.some((text) => /echo printed .*made by a test/.test(text)));
      } finally {
        attendChildren(undefined);
        await child.stop(0);
      }
    });
  });
});
