/**
 * How fast the boards answer with many finished jobs in the store while a storm of others passes. More of them, and the
 * figures:  SLUICE_FINISHED_JOBS=100000 npx mocha --no-config --timeout 600000 dist/test/e2e/board-latency.test.js
 */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConsoleKeeper } from '../../shared/ops/console/keeper.js';
import { Acts } from '../../shared/ops/operators/acts.js';
import type { AnyStage } from '../../shared/ops/operators/queueActs.js';
import { openQueueStore, type Stage } from '../../shared/ops/queues/store.js';
import { lowStatus } from '../support/console.js';

const FINISHED = Number(process.env.SLUICE_FINISHED_JOBS ?? 4_000);
/** The embedded store keeps no more than a hundred: each finished job looks through all of them. */
const FINISHED_OF = { 'redis-server': FINISHED, embedded: Math.min(FINISHED, 100) } as const;
/** Jobs of the storm that come at a time, and a pause between: the embedded store does some tens a second on a busy machine. */
const STORM_OF = { 'redis-server': 200, embedded: 2 } as const;
const PAUSE_MS_OF = { 'redis-server': 0, embedded: 250 } as const;
const ROUNDS = 60;
const WITHIN_MS = 200;

type Work = { transfers: string[] };

for (const kind of ['redis-server', 'embedded'] as const) {
  describe(`boards on ${kind}: ${FINISHED_OF[kind]} finished jobs and a storm`, function () {
    this.timeout(600_000);

    it(`answer within ${WITHIN_MS} ms`, async () => {
      const dir = fs.mkdtempSync(join(tmpdir(), 'sluice-board-'));
      const count = FINISHED_OF[kind];
      const store = await openQueueStore({ side: 'low', store: kind, dir, keepFinished: count });
      let storm = true;
      let done = 0;
      const stages = new Map<string, AnyStage>();
      const open = async (name: string): Promise<Stage<Work>> => {
        const stage = await store.stage<Work>(name, { concurrency: 16 }, async (_, job) => {
          job.progress(50);
          job.log('half way');
          done++;
        });
        stages.set(name, stage as AnyStage);
        return stage;
      };
      const scan = await open('scan');
      await open('seal');
      await open('send');
      const add = (first: number, many: number) =>
        scan.add(
          Array.from({ length: many }, (_, i) => ({
            key: `${first + i}`,
            title: `town: folder/file ${first + i}.pdf and 255 more`,
            data: { transfers: Array.from({ length: 256 }, (_, n) => `${first + i}${n}`.padStart(32, '0')) },
          })),
        );
      const until = async (wanted: number) => {
        while (done < wanted) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      const keeper = new ConsoleKeeper({
        side: 'low',
        stateDir: dir,
        config: { enabled: true, listen: { host: '127.0.0.1', port: 0 }, readOnly: true, sessionLifetime: 60_000 },
        stages,
        acts: new Acts({} as never, Date.now),
        news: { alarm: (code, words) => expect.fail(`${code} ${words}`), over: () => {} },
      });
      let raging: Promise<void> = Promise.resolve();
      try {
        await keeper.start();
        keeper.push({ status: lowStatus(), metrics: '' });
        let added = 0;
        const step = Math.min(count, 500);
        for (; added < count; added += step) {
          await add(added, step);
          await until(added - 2_000);
        }
        await until(count);
        raging = (async () => {
          while (storm) {
            await add(added, STORM_OF[kind]);
            added += STORM_OF[kind];
            await until(added - 2 * STORM_OF[kind]);
            await new Promise((resolve) => setTimeout(resolve, PAUSE_MS_OF[kind]));
          }
        })();
        const { url, token } = keeper.console!;
        const times: number[] = [];
        const paths = [
          '/boards/api/queues?activeQueue=scan&status=latest&page=1&jobsPerPage=10',
          '/boards/api/queues?activeQueue=scan&status=completed&page=7&jobsPerPage=10',
          '/boards/api/queues',
          '/api/status',
          '/',
        ];
        const headers = { authorization: `Bearer ${token}` };
        // Whoever opens a page for the first time waits for it; from then on it is there.
        for (const path of paths) while ((await fetch(`${url}${path}`, { headers })).status !== 200);
        const doneBefore = done;
        for (let round = 0; round < ROUNDS; round++) {
          const begunMs = performance.now();
          const response = await fetch(`${url}${paths[round % paths.length]}`, { headers });
          const text = await response.text();
          times.push(performance.now() - begunMs);
          expect(response.status, text.slice(0, 200)).to.equal(200);
          if (round % paths.length === 0) {
            const [queue] = JSON.parse(text).queues;
            expect(queue.counts.completed).to.be.within(count / 2, 2 * count);
            expect(queue.jobs.length).to.be.above(0);
          }
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        times.sort((a, b) => a - b);
        const at = (share: number) => Math.round(times[Math.floor(share * (times.length - 1))]!);
        process.stderr.write(
          `      p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms, while ${done - doneBefore} jobs passed\n`,
        );
        expect(done, 'the storm did pass').to.be.above(doneBefore);
        expect(at(0.5), 'median').to.be.below(WITHIN_MS);
        // On a machine that does other work as well the tail is the machine's; where it is measured it counts.
        if (process.env.SLUICE_FINISHED_JOBS) expect(at(0.95), '95th percentile').to.be.below(WITHIN_MS);
      } finally {
        storm = false;
        await raging.catch(() => {});
        await keeper.stop();
        await store.close();
        fs.rmSync(dir, { recursive: true, force: true });
      }
    });
  });
}
