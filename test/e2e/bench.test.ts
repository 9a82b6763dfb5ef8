/** The benches of the whole gateway in miniature, through the command line, so that none of them can rot. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { concurrently, type Line, QUICK_STORE, type Workplace } from '../support/cli.js';

const COMMON = ['--queues', QUICK_STORE, '--rate', '80Mbps', '--json'];
const ABOUT = ['bench', 'machine', 'cores', 'kernel', 'node', 'commit', 'filesystem', 'queueStore', 'transportLow'];
const ASKED = ['mtu', 'overhead', 'loss', 'burst', 'seed', 'queues', 'transport', 'rateBps', 'lowNetns', 'highNetns'];

async function measured(
  place: Workplace,
  what: string,
  ...args: string[]
): Promise<{ line: Line; code: number | null }> {
  const run = place.sluice('bench', what, ...args, ...COMMON, '--state', place.folder('state'));
  const { code, stderr, stdout } = await run.ended;
  const [line, ...others] = run.lines();
  expect(line, stderr).not.to.equal(undefined);
  expect(others, stdout).to.deep.equal([]);
  expect(line).to.include.keys(...ABOUT, ...ASKED);
  expect(line!.bench).to.equal(what);
  await place.expectNothingRuns();
  return { line: line!, code };
}

const above = (line: Line, least: number, ...names: string[]) => {
  for (const name of names) expect(line[name], name).to.be.a('number').above(least);
};

describe('bench of the whole gateway', function () {
  this.timeout(240_000);

  concurrently(3, {
    'e2e: goodput, cost of both sides, and the bytes compared': async (place) => {
      const { line, code } = await measured(place, 'e2e', '--size', '3MiB', '--mtu', '9000', '--overhead', '0.2');
      expect(code).to.equal(0);
      expect(line).to.include({ identical: true, delivered: 1, runs: 1, mtu: 9000, overhead: 0.2, rateBps: 80e6 });
      above(line, 0, 'goodputMBps', 'dropToReleaseMBps', 'sha256MBps', 'ratio');
      // What is paced at 80 Mbps brings at most 10 MB/s of anything.
      expect(line.goodputMBps).to.be.below(10);
      expect(line.dropToReleaseMBps).to.be.at.most(line.goodputMBps as number);
      if (process.platform !== 'linux') return;
      above(line, 0.01, 'cpuSecondsLow', 'cpuSecondsHigh');
      above(line, 20, 'rssMaxLowMB', 'rssMaxHighMB');
      // 354 symbols of 8896 bytes and their repair; envelopes, padding, heartbeats and what an idle link adds.
      expect(line.datagramsSent).to.be.within(424, 2_500);
      expect(line.datagramsLost).to.be.within(0, 200);
    },

    'link: what is far beyond the budget does not arrive, and that is said': async (place) => {
      const args = ['--size', '2MiB', '--runs', '1', '--loss', '0.3', '--overhead', '0.1'];
      const { line, code } = await measured(place, 'link', ...args);
      expect(code).to.equal(0);
      expect(line).to.include({ delivered: 0, runs: 1, loss: 0.3, overhead: 0.1, goodputMBps: 0 });
      const lost = (line.datagramsLost as number) / (line.datagramsSent as number);
      expect(lost).to.be.within(0.2, 0.4);
    },

    'files: many small ones': async (place) => {
      const { line, code } = await measured(place, 'files', '--count', '40', '--size', '2KiB');
      expect(code).to.equal(0);
      expect(line).to.include({ count: 40, sizeBytes: 2048, released: 40, identical: true });
      above(line, 0, 'filesPerSecond', 'seconds');
    },

    'matrix: cells are measured once, and reported': async (place) => {
      const results = place.folder('results');
      const matrix = async () => {
        const args = ['--scale', 'small', '--groups', 'fec', '--dir', results];
        const { code, stderr } = await place.sluice('bench', 'matrix', ...args).ended;
        expect(code, stderr).to.equal(0);
        return readFileSync(join(results, 'matrix.ndjson'), 'utf8');
      };
      const measured = await matrix();
      expect(JSON.parse(measured)).to.include({ group: 'fec', k: 64, repair: 8, lost: 2, runs: 1 });
      expect(readdirSync(results).sort()).to.deep.equal(['README.md', 'matrix.ndjson']);
      expect(await matrix(), 'a second time').to.equal(measured);
    },

    'latency: one file after the other': async (place) => {
      const { line, code } = await measured(place, 'latency', '--count', '3', '--size', '100KiB');
      expect(code).to.equal(0);
      expect(line).to.include({ count: 3, sizeBytes: 102_400, delivered: 3 });
      expect(line.p50Ms).to.be.within(1, 30_000);
      expect(line.p99Ms).to.be.at.least(line.p50Ms as number);
    },
  });
});
