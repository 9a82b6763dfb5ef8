/** What operators ask for: recorded before it is done, done once and in order, also when something is away meanwhile. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../shared/core/errors.js';
import { readToken } from '../../shared/ops/console/tokenFile.js';
import { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { Acts } from '../../shared/ops/operators/acts.js';
import { ADD_WHO, REQUESTS_TABLE, Requests } from '../../shared/ops/operators/requests.js';

const asked = (kind: string, argument = '') => ({ kind, argument, who: 'eve', why: 'a test', origin: 'console' });

describe('acts of operators', () => {
  let folder: string;
  let file: LedgerFile;
  let requests: Requests;
  let acts: Acts;
  let nowMs: number;

  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), 'sluice-test-'));
    nowMs = 1_000;
    file = new LedgerFile(join(folder, 'ledger.sqlite'), 'low', [REQUESTS_TABLE, ADD_WHO]);
    requests = new Requests(file, () => nowMs);
    acts = new Acts(requests, () => nowMs);
  });
  afterEach(() => {
    file.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('are on record, with who and why, when they are carried out', async () => {
    let found: unknown;
    acts.register('pause', async (stage) => {
      found = requests.acts(9).map(({ kind, who, why, answer }) => [kind, who, why, answer]);
      return `yes: ${stage} is paused.`;
    });
    expect(await acts.perform(asked('pause', 'scan'))).to.equal('yes: scan is paused.');
    expect(found).to.deep.equal([['pause', 'eve', 'a test', null]]);
    expect(requests.acts(9)[0]).to.include({ answer: 'yes: scan is paused.', answeredMs: 1_000 });
  });

  it('are not carried out when they cannot be recorded', async () => {
    let done = 0;
    acts.register('pause', async () => {
      done++;
      return 'yes:';
    });
    // As on a disk that is full.
    file.run = () => {
      throw new SluiceError('SPOOL_IO', 'full');
    };
    expect(await acts.perform(asked('pause')).catch(() => 'refused')).to.equal('refused');
    expect(done).to.equal(0);
  });

  it('wait while what they need is away, and are done once, in their order', async () => {
    const done: string[] = [];
    let away = true;
    acts.register('retry', async (what) => {
      if (away) throw new SluiceError('QUEUE_STORE_UNAVAILABLE', 'away');
      done.push(what);
      return 'yes: done.';
    });
    acts.register('break', async () => {
      throw new TypeError('/a/path of ours');
    });
    requests.add(asked('retry', 'one'));
    requests.add(asked('retry', 'two'));
    expect(await acts.carryOut().catch((error) => error.code)).to.equal('QUEUE_STORE_UNAVAILABLE');
    away = false;
    await Promise.all([acts.carryOut(), acts.carryOut(), acts.perform(asked('retry', 'three'))]);
    await acts.carryOut();
    expect(done).to.deep.equal(['one', 'two', 'three']);
    expect(await acts.perform(asked('break')))
      .to.match(/^no: INTERNAL: /)
      .and.not.include('/a/path');
    expect(await acts.perform(asked('obliterate'))).to.match(/^no: /);
  });

  it('FAULTS 63: hold no more text than is allowed, on one line; questions leave no trace', async () => {
    acts.register('pause', async () => 'yes: done.');
    acts.register('?queues', async () => 'yes: []');
    await acts.perform({ ...asked('pause', 'scan'), who: `a\r\n\u202eb${'x'.repeat(2_000)}` });
    const [act] = requests.acts(9);
    expect(act!.who)
      .to.have.length(500)
      .and.not.match(/[\r\n\u202e]/);
    const question = requests.add(asked('?queues'));
    await acts.carryOut();
    expect(requests.answerOf(question)).to.equal('yes: []');
    requests.forget(question);
    const left = requests.add(asked('?queues'));
    nowMs += 61_000;
    await acts.carryOut();
    expect(requests.answerOf(left), 'nobody waits for it any more').to.equal(null);
    expect(requests.open()).to.deep.equal([]);
    expect(requests.acts(9)).to.have.length(1);
  });

  it('FAULTS 66: the token of a console is private, stays, and is made anew when others could read it', () => {
    const first = readToken(folder);
    const path = join(folder, 'console.token');
    expect(fs.statSync(path).mode & 0o077).to.equal(0);
    expect(first).to.include({ renewed: false });
    expect(readToken(folder)).to.deep.equal(first);
    fs.chmodSync(path, 0o644);
    const second = readToken(folder);
    expect(second.renewed).to.equal(true);
    expect(second.token).not.to.equal(first.token);
    expect(fs.statSync(path).mode & 0o077).to.equal(0);
    fs.writeFileSync(path, 'short\n');
    expect(readToken(folder).renewed).to.equal(true);
  });
});
