/** One suite for every kind of queue store: whatever a stage may rely on, it may rely on everywhere. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { isAlive } from '../../shared/ops/queues/process.js';
import { findRedisServer } from '../../shared/ops/queues/redis-server.js';
import { openQueueStore, type QueueStore } from '../../shared/ops/queues/store.js';
import type { DeadJob } from '../../shared/ops/queues/types.js';
import { reached, refusal, serverOf, startOwner, until, type Work, work } from '../support/queues.js';

for (const kind of ['redis-server', 'embedded'] as const) {
  describe(`queues on ${kind}`, function () {
    this.timeout(30_000);
    let dir: string;
    let store: QueueStore;
    const troubles: SluiceError[] = [];
    const open = (more: { side?: 'high' } = {}) =>
      openQueueStore({
        side: 'low',
        // Without a PATH nothing is found, so "auto" ends at the embedded store.
        store: 'auto',
        path: kind === 'embedded' ? '' : undefined,
        dir,
        closeTimeoutMs: 300,
        onTrouble: (error) => troubles.push(error),
        ...more,
      });

    before(async function () {
      if (kind === 'redis-server' && findRedisServer() === undefined) {
        console.log('      skipped: neither redis-server nor valkey-server is on the PATH');
        this.skip();
      }
      dir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
      // What cannot be read as a database is made anew, which costs no more than making the first one.
      const damaged = join(dir, 'queues', 'embedded');
      mkdirSync(damaged, { recursive: true });
      writeFileSync(join(damaged, 'PG_VERSION'), '17\n');
      store = await open();
    });
    after(async () => {
      await store?.close();
      if (dir) rmSync(dir, { recursive: true, force: true });
    });

    it('"auto" finds it and says which one is in use and where', () => {
      expect(store.kind).to.equal(kind);
      expect(store.description).to.contain(dir);
    });

    it('FAULTS 54: says that a database that could not be read was made anew', () => {
      expect(troubles.map(({ code }) => code)).to.deep.equal(kind === 'embedded' ? ['QUEUE_STORE_EMPTIED'] : []);
      troubles.length = 0;
    });

    it('hands each added job to the handler, with its id and the number of the try', async () => {
      const seen: [string, number, string][] = [];
      const stage = await store.stage<Work>('plain', { concurrency: 2 }, async (data, job) => {
        job.progress(50);
        job.log('half of it \u0000 is done');
        job.progress(Number.NaN);
        seen.push([data.id, job.attempt, typeof job.id]);
      });
      await stage.add([work('a'), work('b')]);
      await reached(stage, { completed: 2, active: 0 });
      expect(seen.sort()).to.deep.equal([
        ['a', 1, 'string'],
        ['b', 1, 'string'],
      ]);
    });

    it('FAULTS 55: what failed for good is buried with its reason; what only ran out of tries is not', async () => {
      const buried: DeadJob[] = [];
      const dead = { bury: (job: DeadJob) => buried.push(job), count: () => buried.length + 2 };
      const stage = await store.stage<Work>(
        'buried',
        { concurrency: 1, attempts: 2, backoffMs: 1, dead },
        async (data) => {
          throw data.id === 'permanent' ? new SluiceError('SCAN_CRASHED', 'here') : new Error('may pass');
        },
      );
      await stage.add([work('permanent'), work('poison')]);
      await until('both failed', async () => (await stage.failures(9)).length === 2);
      const told = new Map(buried.map(({ key, title, reason }) => [key, [title, reason.split(':')[0]]]));
      expect([...told]).to.deep.equal([[work('permanent').key, ['file permanent', 'SCAN_CRASHED']]]);
      expect((await stage.counts()).failed, 'no fewer than are buried').to.be.at.least(3);
    });

    it('takes a key once while its job waits or runs, and again when it has finished', async () => {
      let runs = 0;
      let finish = () => {};
      const stage = await store.stage<Work>('keys', { concurrency: 4 }, async () => {
        runs++;
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
      });
      await stage.pause();
      await stage.add([work('1', 'same'), work('2', 'same')]);
      await stage.add([work('3', 'same')]);
      expect((await stage.counts()).waiting, 'while waiting').to.equal(1);
      await stage.resume();
      await until('the job runs', () => runs === 1);
      await stage.add([work('4', 'same')]);
      expect((await stage.counts()).waiting, 'while running').to.equal(0);
      finish();
      await reached(stage, { completed: 1 });
      await stage.add([work('5', 'same')]);
      await until('the key is taken again', () => runs === 2);
      finish();
      await reached(stage, { completed: 2 });
    });

    it('FAULTS 55: tries again what may pass later, and fails what will not, at once, with code and sentence', async () => {
      const tries: Record<string, number[]> = {};
      const options = { concurrency: 3, attempts: 3, backoffMs: 10 };
      const stage = await store.stage<Work>('failures', options, async ({ id }, job) => {
        tries[id] ??= [];
        tries[id].push(job.attempt);
        if (id === 'passes' && job.attempt < 3) throw new SluiceError('SCAN_UNAVAILABLE', 'Not yet.');
        if (id === 'permanent') throw new SluiceError('SCAN_CRASHED', 'a\u0000b \ud800 \u202ename');
        if (id === 'poison') throw new TypeError('no such thing');
      });
      await stage.add([work('passes'), work('permanent'), work('poison')]);
      await reached(stage, { completed: 1, failed: 2, delayed: 0, active: 0 });
      expect(tries).to.deep.equal({ passes: [1, 2, 3], permanent: [1], poison: [1, 2, 3] });
      const failures = await stage.failures(10);
      const reasons = Object.fromEntries(failures.map(({ title, reason }) => [title, reason]));
      expect(reasons['file permanent']).to.match(/^SCAN_CRASHED: The scanner stopped .* a\ufffdb \ufffd \ufffdname$/);
      expect(reasons['file poison']).to.equal('INTERNAL: no such thing');
      // A key that failed is free again.
      await stage.add([work('permanent')]);
      await reached(stage, { failed: 3 });
    });

    it('stops a stage and starts it again', async () => {
      let runs = 0;
      const stage = await store.stage<Work>('pausing', { concurrency: 1 }, async () => {
        runs++;
      });
      await stage.pause();
      expect(await stage.isPaused()).to.equal(true);
      await stage.add([work('a')]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(runs).to.equal(0);
      await stage.resume();
      await until('the job runs', () => runs === 1);
    });

    it('tells its owner of a pause by itself or through the store, and opens paused when told to', async () => {
      const heard: string[] = [];
      const options = { concurrency: 1, fresh: true, paused: true };
      const stage = await store.stage<Work>('watched', options, async () => {});
      stage.onPaused((paused, asked) => heard.push(`${paused}${asked ? ' asked' : ''}`));
      expect(heard).to.deep.equal(['true']);
      await stage.resume();
      await stage.pause();
      expect(heard.splice(0)).to.deep.equal(['true', 'false asked', 'true asked']);
      // As a console does it, on a connection of its own.
      const { queue } = stage as unknown as { queue: { resume(): Promise<void> } };
      await queue.resume();
      await until('it is heard', () => heard.length === 1);
      expect(heard).to.deep.equal(['false']);
    });

    it("FAULTS 60: a newcomer's job starts next, however many another tenant has waiting", async () => {
      const seen: string[] = [];
      const stage = await store.stage<Work>('turns', { concurrency: 1 }, async ({ id }) => {
        seen.push(id);
        if (id === 'flood 0') {
          await stage.add([
            { ...work('letter 1'), tenant: 'town' },
            { ...work('letter 2'), tenant: 'town' },
          ]);
        }
      });
      await stage.pause();
      await stage.add(Array.from({ length: 200 }, (_, i) => ({ ...work(`flood ${i}`), tenant: 'flood' })));
      expect((await stage.counts()).waiting).to.equal(200);
      await stage.resume();
      await until('all are done', () => seen.length === 202, 10_000);
      // One more may have been fetched already when they came.
      expect(seen.indexOf('letter 1')).to.be.at.most(3);
      expect(seen.indexOf('letter 2')).to.be.at.most(6);
      expect(seen.filter((id) => id.startsWith('flood'))).to.deep.equal(
        Array.from({ length: 200 }, (_, i) => `flood ${i}`),
      );
    });

    it('shows an operator its jobs, tries them again, takes them out; never one that runs', async () => {
      let fail = true;
      const release: (() => void)[] = [];
      const stage = await store.stage<Work>('desk', { concurrency: 1, attempts: 1 }, async ({ id }, job) => {
        job.log(`line of ${id}`);
        if (id === 'runs') await new Promise<void>((resolve) => release.push(resolve));
        if (id === 'bad' && fail) throw new SluiceError('SCAN_CRASHED', 'on <script>');
      });
      const { desk } = stage;
      await stage.add([work('bad')]);
      await reached(stage, { failed: 1 });
      const [bad] = await desk.jobs(['failed'], 0, 9);
      expect(bad).to.include({ title: 'file bad', attempts: 1, attemptsMax: 1 });
      expect(bad!.reason).to.match(/^SCAN_CRASHED: .*<script>$/);
      expect(await desk.log(bad!.id)).to.deep.equal(['line of bad']);
      expect(await desk.job('no such job')).to.equal(undefined);
      fail = false;
      expect(await desk.promote(bad!.id), 'it was not put off').to.equal(0);
      expect(await desk.retry(bad!.id)).to.equal(1);
      await reached(stage, { failed: 0, completed: 1 });
      expect(await desk.retry(), 'nothing has failed').to.equal(0);
      await stage.add([work('runs'), work('waits'), { ...work('waits too'), tenant: 'town' }]);
      await reached(stage, { active: 1, waiting: 2 });
      const [running] = await desk.jobs(['active'], 0, 9);
      expect(await desk.remove(running!.id), 'it runs').to.equal(0);
      const waiting = await desk.jobs(['waiting'], 0, 9);
      expect(waiting).to.have.length(2);
      expect(await desk.remove(waiting[0]!.id)).to.equal(1);
      expect(await desk.clean('waiting')).to.equal(1);
      expect(await stage.counts()).to.include({ active: 1, waiting: 0 });
      await until('it runs', () => release.length === 1);
      release[0]!();
      await reached(stage, { active: 0, completed: 2 });
      expect(await desk.clean('completed')).to.equal(2);
    });

    it('forgets all jobs when cleared, stays paused if it was, and takes their keys again', async () => {
      const seen: string[] = [];
      const stage = await store.stage<Work>('clearing', { concurrency: 1, attempts: 1 }, async ({ id }) => {
        if (id === 'bad') throw new Error('bad');
        seen.push(id);
      });
      await stage.add([work('bad')]);
      await reached(stage, { failed: 1 });
      await stage.pause();
      await stage.add([work('old', 'a'), work('b')]);
      await stage.clear();
      expect(await stage.counts()).to.deep.equal({ waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 });
      expect(await stage.isPaused(), 'paused as before').to.equal(true);
      await stage.add([work('new', 'a')]);
      await stage.resume();
      await until('the new job runs', () => seen.length === 1);
      expect(seen).to.deep.equal(['new']);
      await stage.clear();
      expect(await stage.isPaused(), 'running as before').to.equal(false);
    });

    it('FAULTS 54: never runs two handlers of one key at once, even when cleared under a running one', async () => {
      let running = 0;
      let most = 0;
      let runs = 0;
      let finish = () => {};
      const stage = await store.stage<Work>('fenced', { concurrency: 4 }, async ({ id }) => {
        running++;
        most = Math.max(most, running);
        if (id === 'first') {
          await new Promise<void>((resolve) => {
            finish = resolve;
          });
        }
        running--;
        runs++;
      });
      await stage.add([work('first', 'key')]);
      await until('the first runs', () => running === 1);
      await stage.clear();
      await stage.add([work('second', 'key')]);
      await reached(stage, { active: 1 });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(runs).to.equal(0);
      finish();
      await until('both are done', () => runs === 2);
      expect(most).to.equal(1);
      await reached(stage, { active: 0, waiting: 0, completed: 1 });
    });

    it('handles a thousand jobs, each once, no more at a time than allowed', async () => {
      const seen = new Map<string, number>();
      let running = 0;
      let most = 0;
      const stage = await store.stage<Work>('many', { concurrency: 8 }, async ({ id }) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        seen.set(id, (seen.get(id) ?? 0) + 1);
        running--;
      });
      await stage.add(Array.from({ length: 1_000 }, (_, i) => work(String(i))));
      await until('all are done', () => seen.size === 1_000, 15_000);
      await reached(stage, { waiting: 0, active: 0 });
      expect([...seen.values()].every((times) => times === 1)).to.equal(true);
      expect(most).to.be.within(2, 8);
      // Finished jobs are trimmed: as many are kept as the kind of store can afford.
      expect((await stage.counts()).completed).to.be.within(1, 1_000);
    });

    it('refuses jobs that are more than identifiers, or that a store cannot hold, and adds none of the batch', async () => {
      const stage = await store.stage<Work>('refusing', { concurrency: 1 }, async () => {});
      await stage.pause();
      const bad = {
        'too large': work('x'.repeat(LIMITS.queueJobMaxBytes)),
        'a NUL': work('a\u0000'),
        'half a surrogate pair': work('\ud800'),
        'an empty key': work('x', ''),
        'a long key': work('x', 'k'.repeat(LIMITS.queueKeyMaxBytes + 1)),
        'a control character in the key': work('x', 'a\nb'),
      };
      for (const [what, job] of Object.entries(bad)) {
        expect(await refusal(stage.add([work('good'), job])), what).to.equal('QUEUE_JOB_INVALID');
      }
      expect((await stage.counts()).waiting).to.equal(0);
      // What merely looks like it is text like any other.
      const title = `\u202e\u0000\ud800${'long'.repeat(100)}`;
      await stage.add([{ key: 'k', title, data: { id: '\\u0000 \\\\ud800 \ud83d\ude00' } }]);
      expect((await stage.counts()).waiting).to.equal(1);
    });

    it('keeps jobs and pauses over a restart, and gives back what was still running', async () => {
      const seen: string[] = [];
      const first = await store.stage<Work>('kept', { concurrency: 1 }, async () => {});
      await first.pause();
      await first.add([work('a'), work('b')]);
      const stuck = await store.stage<Work>('stuck', { concurrency: 1 }, () => new Promise(() => {}));
      await stuck.add([work('c')]);
      await reached(stuck, { active: 1 });
      await store.close();
      expect(await refusal(first.add([work('late')]))).to.equal('QUEUE_STORE_UNAVAILABLE');
      expect(await refusal(first.counts())).to.equal('QUEUE_STORE_UNAVAILABLE');

      store = await open();
      const handle = async ({ id }: Work) => {
        seen.push(id);
      };
      const again = await store.stage<Work>('kept', { concurrency: 1 }, handle);
      expect(await again.isPaused()).to.equal(true);
      expect((await again.counts()).waiting).to.equal(2);
      await store.stage<Work>('stuck', { concurrency: 1 }, handle);
      await until('the job that was running runs again', () => seen.includes('c'));
      await again.resume();
      await until('the others run', () => seen.length === 3);
      expect(seen.slice(1)).to.deep.equal(['a', 'b']);
    });

    it('starts a fresh stage without the jobs of an earlier run', async () => {
      const stage = await store.stage<Work>('fresh', { concurrency: 1 }, async () => {});
      await stage.pause();
      await stage.add([work('old')]);
      await store.close();
      store = await open();
      const again = await store.stage<Work>('fresh', { concurrency: 1, fresh: true }, async () => {});
      expect((await again.counts()).waiting).to.equal(0);
      expect(await again.isPaused(), 'an operator said so').to.equal(true);
    });

    it('refuses a second process, and a second opening in this one', async () => {
      expect(await refusal(open())).to.equal('STATE_IN_USE');
    });

    it('refuses the other side', async () => {
      await store.close();
      expect(await refusal(open({ side: 'high' }))).to.equal('STATE_WRONG_SIDE');
      store = await open();
    });

    it('FAULTS 51: after its process was killed, what waited and what ran is handled at once', async () => {
      await store.close();
      const owner = startOwner(
        { side: 'low', store: kind, dir },
        `const stage = await store.stage('killed', { concurrency: 1 }, () => {
           console.log('running');
           return new Promise(() => {});
         });
         await stage.add(['a', 'b', 'c'].map((id) => ({ key: id, title: id, data: { id } })));
         console.log('added');`,
      );
      await owner.said('running');
      await owner.said('added');
      const server = serverOf(dir);
      owner.process.kill('SIGKILL');
      expect(await owner.ended).to.equal('SIGKILL');

      const began = performance.now();
      const seen: string[] = [];
      store = await open();
      if (kind === 'redis-server') expect(serverOf(dir), 'the orphan is taken over').to.deep.equal(server);
      await store.stage<Work>('killed', { concurrency: 1 }, async ({ id }) => {
        seen.push(id);
      });
      await until('all three run', () => seen.length === 3);
      expect(seen.sort()).to.deep.equal(['a', 'b', 'c']);
      // Far less than the lock of a job lasts.
      expect(performance.now() - began).to.be.below(5_000);
    });

    it('ends with its process: nothing is left running, and nothing keeps the process', async () => {
      await store.close();
      // Ctrl-C goes to the whole group of the terminal: the store must live until the workers have finished.
      const owner = startOwner(
        { side: 'low', store: kind, dir },
        `let begun;
         const running = new Promise((resolve) => { begun = resolve; });
         const interrupted = new Promise((resolve) => process.on('SIGINT', () => resolve()));
         const stage = await store.stage('child', { concurrency: 1 }, async () => {
           begun();
           await interrupted;
           await new Promise((resolve) => setTimeout(resolve, 400));
         });
         await stage.add([{ key: 'k', title: 't', data: {} }]);
         await running;
         console.log('running');
         await interrupted;
         await store.close();
         console.log('closed');`,
      );
      await owner.said('running');
      const server = serverOf(dir);
      expect(server === undefined).to.equal(kind === 'embedded');
      process.kill(-(owner.process.pid as number), 'SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 150));
      if (server) expect(isAlive(server), 'the server, before the workers have finished').to.equal(true);
      await owner.said('closed');
      const lingering = new Promise((resolve) => setTimeout(() => resolve('lingering'), 1_500));
      expect(await Promise.race([owner.ended, lingering])).to.equal(0);
      if (server) expect(isAlive(server), 'the server').to.equal(false);

      store = await open();
      const stage = await store.stage<Work>('child', { concurrency: 1 }, async () => {});
      expect((await stage.counts()).completed, 'the running job was let finish').to.equal(1);
      // In all of this suite, the troubles were the jobs that were to fail, and the job that was cleared while it ran.
      expect([...new Set(troubles.map(({ code }) => code))]).to.have.members(['QUEUE_JOB_FAILED', 'QUEUE_JOB_LOST']);
    });
  });
}
