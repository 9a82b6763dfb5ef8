/** What failed for good stays so until an operator says otherwise (shared/ops/operators/deadLetters.ts). */
import { join } from 'node:path';
import { expect } from 'chai';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { unfinishedOf } from '../../ingress/work/unfinished.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Acts } from '../../shared/ops/operators/acts.js';
import { tellDeadLetters } from '../../shared/ops/operators/deadLetters.js';
import { type AnyStage, registerQueueActs } from '../../shared/ops/operators/queueActs.js';
import type { ShownJob } from '../../shared/ops/queues/store.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { taken, verdict } from '../support/ledgers.js';

const REASON = 'QUEUE_JOB_FATAL: The gateway ended again and again while it worked on this.';

describe('FAULTS 55: dead letters', () => {
  let file: string;
  let ledger: LowLedger;
  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    ledger = new LowLedger(file, () => 7);
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });
  const take = (name: string): string => {
    const object = taken(name);
    ledger.addTaken([object]);
    return object.transfer;
  };
  const bury = (stage: string, key: string, data: object = {}, failedMs = 5) =>
    ledger.deadLetters.of(stage).bury({ key, title: `title of ${key}`, data, reason: REASON, attempts: 2, failedMs });
  const waiting = () => unfinishedOf(ledger).scan.map(({ transfer }) => transfer);

  it('are left out, also after a restart and however they are grouped, until an operator retries them', () => {
    const [poison, beside, later] = ['poison', 'beside', 'later'].map(take) as [string, string, string];
    bury('scan', poison, { transfers: [poison, beside] });
    ledger.close();
    ledger = new LowLedger(file, () => 7);
    expect(waiting()).to.deep.equal([later]);
    expect(ledger.deadLetters.count('scan'), 'one job').to.equal(1);
    expect(ledger.deadLetters.count('seal')).to.equal(0);
    expect(ledger.deadLetters.revive('scan', poison)).to.deep.equal([poison]);
    expect(waiting()).to.deep.equal([poison, beside, later]);
  });

  it('are forgotten when their object is decided otherwise, and when there are too many of them', () => {
    const poison = take('poison');
    bury('scan', poison);
    expect(waiting()).to.deep.equal([]);
    ledger.setVerdict(poison, verdict('pass'));
    unfinishedOf(ledger);
    expect(ledger.deadLetters.count('scan')).to.equal(0);
    const transfers = Array.from({ length: LIMITS.deadLetters }, (_, i) => `t${i}`);
    bury('send', 'many', { transfers }, 9);
    bury('send', 'older', {}, 1);
    expect(ledger.deadLetters.has('send', 'older')).to.equal(false);
    expect(ledger.deadLetters.has('send', 't0')).to.equal(true);
  });

  it('are shown when the store has forgotten them, and tried again by key, by id and by stage', async () => {
    let rebuilds = 0;
    let inStore: Pick<ShownJob, 'id' | 'key' | 'title' | 'attempts' | 'reason'>[] = [];
    const of = (id?: string) => inStore.filter((job) => id === undefined || job.id === id);
    const desk = {
      jobs: async () => inStore,
      job: async (id: string) => of(id).map((job) => ({ job, state: 'failed' }))[0],
      retry: async (id?: string) => {
        const again = of(id);
        inStore = inStore.filter((job) => !again.includes(job));
        return again.length;
      },
    };
    const acts = new Acts(ledger.requests, () => 7);
    const stages = new Map([['scan', { name: 'scan', desk } as unknown as AnyStage]]);
    registerQueueActs(acts, { stages, rebuildSoon: () => rebuilds++, deadLetters: ledger.deadLetters });
    const ask = (kind: string, argument: string) =>
      acts.perform({ kind, argument, who: 'eve', why: 'mended', origin: 'test' });
    const failed = async () =>
      JSON.parse((await ask('?failed', 'all')).slice('yes: '.length)).map(({ job }: { job: string }) => job);

    expect(await ask('retry', 'scan')).to.match(/^yes: nothing in stage scan has failed for good/);
    bury('scan', 'key-a');
    bury('scan', 'key-b');
    inStore = [{ id: '4', key: 'key-a', title: 'a', attempts: 2, reason: REASON }];
    expect(await failed()).to.deep.equal(['4', 'key-b']);
    expect(await ask('retry', 'scan/4')).to.equal('yes: 1 failed job is tried again.');
    expect(rebuilds, 'the store had it').to.equal(0);
    expect(await failed()).to.deep.equal(['key-b']);
    expect(await ask('retry', 'scan/key-b')).to.equal('yes: 1 failed job is tried again.');
    expect(rebuilds, 'the store had forgotten it').to.equal(1);
    expect(await ask('retry', 'scan/key-b')).to.match(/^no: .*sluice queues failed scan/);
    bury('scan', 'key-a');
    bury('scan', 'key-b');
    expect(await ask('retry', 'all')).to.equal('yes: 2 failed jobs are tried again.');
    expect(await failed()).to.deep.equal([]);
  });

  it('are an alarm as long as there are any', () => {
    const said: string[] = [];
    const tell = () =>
      tellDeadLetters(
        ledger.deadLetters,
        ['scan'],
        (code, words, about) => said.push(`${code} ${about} ${words}`),
        (code, about) => said.push(`over ${code} ${about}`),
      );
    bury('scan', 'key-a');
    tell();
    ledger.deadLetters.revive('scan');
    tell();
    expect(said[0]).to.contain('QUEUE_JOB_FAILED scan').and.contain('title of key-a').and.contain(REASON);
    expect(said[1]).to.equal('over QUEUE_JOB_FAILED scan');
  });
});
