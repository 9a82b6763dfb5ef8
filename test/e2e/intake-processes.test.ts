/** Real intake processes over real shares: silence, quotas, tenants that change, a storm of files. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BatchMessage, IntakeTenant, PollNews } from '../../ingress/intake/messages.js';
import { Intakes } from '../../ingress/work/intakes.js';
import { newFolder, removeFolders } from '../support/folders.js';

const NO_HOLD = { reason: null, roomBytes: Number.POSITIVE_INFINITY, quotas: {} };

describe('intake processes', function () {
  this.timeout(60_000);
  let intakes: Intakes | undefined;
  let housekeeping: NodeJS.Timeout | undefined;
  afterEach(async () => {
    clearInterval(housekeeping);
    await intakes?.stop();
    intakes = undefined;
    removeFolders();
  });

  async function start(options: { pollMs?: number; stuckMs?: number; holdMs?: number } = {}) {
    const base = newFolder();
    for (const folder of ['a', 'b', 'c', 'spool']) fs.mkdirSync(join(base, folder));
    const tenant = (name: string): IntakeTenant => ({
      name,
      share: join(base, name),
      names: 'posix',
      maxObjectBytes: 1e9,
      accepted: join(base, 'accepted', name),
      afterSent: 'keep',
    });
    const taken: BatchMessage['taken'] = [];
    const batches: BatchMessage[] = [];
    const waited: (() => boolean)[] = [];
    const alarms: string[] = [];
    const over: string[] = [];
    let news: PollNews | undefined;
    const started = new Intakes({
      dir: base,
      settings: () => ({
        tenants: ['a', 'b'].map(tenant),
        spoolDir: join(base, 'spool'),
        pollMs: options.pollMs ?? 50,
        holdMs: options.holdMs ?? 50,
        consignmentHoldMs: options.holdMs ?? 50,
        incompleteSuffixes: ['.part'],
        batchMaxFiles: 256,
        batchMaxBytes: 64 * 1024 * 1024,
        packMaxFileBytes: 256 * 1024,
        symbolBytes: 1408,
        blockSymbols: 4096,
        keepSpoolFiles: batches.flatMap((batch) => batch.taken.map(({ spoolFile }) => spoolFile)),
        known: batches.flatMap((batch) =>
          batch.taken.map(({ rawPath, fingerprint }) => {
            return { tenant: batch.tenant, rawPath, fingerprint, state: 'taken' as const };
          }),
        ),
      }),
      batch: (batch, isWaited) => {
        batches.push(batch);
        waited.push(isWaited);
        taken.push(...batch.taken);
        started.recorded(batch.id);
      },
      polled: (told) => {
        news = told;
      },
      alarm: (code, _words, about) => alarms.push(`${code} ${about}`),
      over: (code, about) => over.push(`${code} ${about}`),
      stuckMs: options.stuckMs ?? 30_000,
    });
    intakes = started;
    await started.start();
    housekeeping = setInterval(() => started.hold(NO_HOLD), 100);
    return { base, tenant, taken, batches, waited, alarms, over, intakes: started, news: () => news };
  }

  async function until(what: () => boolean): Promise<void> {
    for (const end = Date.now() + 20_000; !what(); ) {
      if (Date.now() > end) throw new Error('It has not come to that.');
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  it('FAULTS 32: takes what was there before the start and what comes later; an event brings a slow poll forward', async () => {
    const { base, taken } = await start({ pollMs: 3_600_000, holdMs: 100 });
    await new Promise((done) => setTimeout(done, 300));
    fs.mkdirSync(join(base, 'a/new'));
    fs.writeFileSync(join(base, 'a/new/late'), 'x');
    await until(() => taken.length === 1);
    fs.writeFileSync(join(base, 'b/x.part'), 'x');
    await new Promise((done) => setTimeout(done, 300));
    fs.renameSync(join(base, 'b/x.part'), join(base, 'b/x'));
    await until(() => taken.length === 2);
  });

  it('tells twice a second what lies in each share', async () => {
    const { base, news, intakes } = await start({ holdMs: 86_400_000 });
    for (const path of ['a/1', 'a/2', 'a/3.part', 'b/1']) fs.writeFileSync(join(base, path), '');
    await until(() => news()?.waiting === 3);
    const none = { entries: 0, waiting: 0, stable: 0, overQuota: 0, incomplete: 0 };
    expect(news()!.tenants).to.deep.equal({
      a: { ...none, entries: 2, waiting: 2, incomplete: 1 },
      b: { ...none, entries: 1, waiting: 1 },
    });
    expect(Object.keys(intakes.pids)).to.deep.equal(['intake']);
  });

  it('serves other tenants at once when the configuration changes', async () => {
    const { base, tenant, taken, intakes } = await start();
    fs.writeFileSync(join(base, 'a/1'), '');
    await until(() => taken.length === 1);
    intakes.setTenants([tenant('a'), tenant('c')]);
    await new Promise((done) => setTimeout(done, 200));
    for (const path of ['a/2', 'b/2', 'c/2']) fs.writeFileSync(join(base, path), '');
    await until(() => taken.length === 3);
    await new Promise((done) => setTimeout(done, 300));
    expect(taken.map(({ spoolFile: _, path }) => path)).to.deep.equal(['1', '2', '2']);
  });

  it('a process that falls silent is ended, the tenant it was at gets one of its own, and nothing is taken twice', async () => {
    const { base, taken, waited, alarms, over, intakes } = await start({ stuckMs: 2_500 });
    fs.writeFileSync(join(base, 'a/1'), '');
    fs.writeFileSync(join(base, 'b/1'), '');
    await until(() => taken.length === 2);
    expect(waited.every((isWaited) => isWaited())).to.equal(true);
    const ended = [...waited];
    const stopped = intakes.pids.intake!;
    process.kill(stopped, 'SIGSTOP');
    // As if it had been touching that share.
    fs.writeFileSync(join(base, 'intake-0.at'), 'a');
    await until(() => alarms.length > 0);
    expect(alarms).to.deep.equal(['INTAKE_STUCK a']);
    await until(() => (intakes.pids['intake.a'] ?? 0) !== 0 && ![0, stopped].includes(intakes.pids.intake!));
    fs.writeFileSync(join(base, 'a/2'), '');
    fs.writeFileSync(join(base, 'b/2'), '');
    await until(() => taken.length === 4);
    await new Promise((done) => setTimeout(done, 700));
    expect(taken).to.have.length(4);
    expect(
      ended.some((isWaited) => isWaited()),
      'the process that took these has ended',
    ).to.equal(false);
    expect(over).to.deep.equal([]);
    // Its own process may hang as it likes.
    process.kill(intakes.pids['intake.a']!, 'SIGSTOP');
    fs.writeFileSync(join(base, 'b/3'), '');
    await until(() => taken.length === 5);
    await until(() => alarms.length === 2);
    process.kill(intakes.pids['intake.a']!, 'SIGCONT');
    fs.writeFileSync(join(base, 'a/3'), '');
    await until(() => taken.length === 6 && over.length > 0);
    expect(over).to.deep.equal(['INTAKE_STUCK a']);
  });

  it('FAULTS 32: 20,000 files dropped at once are all taken, each once, while letters of another tenant go on', async () => {
    const { base, taken, batches } = await start();
    const script = `i=0; while [ $i -lt 20 ]; do mkdir d$i; (cd d$i; seq 1000 | xargs touch); i=$((i+1)); done`;
    execFileSync('sh', ['-c', script], { cwd: join(base, 'a') });
    const start2 = performance.now();
    fs.writeFileSync(join(base, 'b/letter'), 'x');
    await until(() => batches.some(({ tenant }) => tenant === 'b'));
    const letterMs = performance.now() - start2;
    await until(() => taken.length === 20_001);
    expect(new Set(batches.flatMap(({ tenant, taken }) => taken.map(({ path }) => `${tenant}/${path}`))).size).to.equal(
      20_001,
    );
    expect(letterMs).to.be.lessThan(3_000);
  });
});
