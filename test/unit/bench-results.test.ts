/** What the bench makes of what it measured: rates, results that are kept, pictures, pages, and what changed. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Carried } from '../../bench/carry.js';
import { lineChart } from '../../bench/chart.js';
import { baselineOf, compare, comparisonWords, readBaseline, writeBaseline } from '../../bench/compare.js';
import { FULL, SMALL, sittingsOf } from '../../bench/plan.js';
import { findRate } from '../../bench/rate.js';
import { writeReport } from '../../bench/report.js';
import { type Result, Results } from '../../bench/results.js';

/** A run on a machine that sends and takes so many Mbps. */
function runAt(rateBps: number, sendsMbps: number, takesMbps: number): Carried {
  const sentMBps = Math.min(rateBps / 1e6, sendsMbps) / 8;
  const receiverDrops = sentMBps * 8 > takesMbps ? 500 : 0;
  return { sentMBps, goodputMBps: sentMBps, datagramsSent: 10_000, receiverDrops, simulatorDrops: 0 } as Carried;
}

function result(cell: string, goodputs: number[], more: Partial<Result> = {}): Result {
  const each = goodputs.map((goodputMBps) => ({
    goodputMBps,
    ratio: goodputMBps / 1_000,
    sha256MBps: 1_000,
    cpuSecondsLow: 1,
  }));
  const about = {
    machine: 'm',
    cores: 2,
    kernel: 'k',
    node: 'v20.0.0',
    commit: 'abc',
    loadBefore: 0.1,
    measuredAt: '2026-01-01',
  };
  const asked = { mtu: 1500, overhead: 0.1, loss: 0.01, burst: 0, sizeBytes: 1024 ** 2, rateBps: 1e9 };
  const middle = goodputs[goodputs.length >> 1]!;
  return {
    cell,
    group: 'loss',
    ...about,
    ...asked,
    goodputMBps: middle,
    delivered: each.length,
    runs: each.length,
    each,
    ...more,
  };
}

describe('bench results', () => {
  let folder = '';
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), 'sluice-bench-test-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  describe('the rate', () => {
    const found = async (sends: number, takes: number) => {
      const tried: number[] = [];
      const { rateBps, probes } = await findRate(300e6, 1, async (bps) => {
        tried.push(bps);
        return runAt(bps, sends, takes);
      });
      expect(probes.map((probe) => probe.rateBps)).to.deep.equal(tried);
      expect(tried.length).to.be.below(16);
      return rateBps / 1e6;
    };

    it('is just below what the receiver takes', async () => {
      for (const takes of [200, 400, 1_000, 5_000])
        expect(await found(1e9, takes), `${takes}`).to.be.within(takes * 0.7, takes);
    });

    it('is a little less than a sender reaches by itself that is slower than its receiver', async () => {
      expect(await found(700, 5_000)).to.be.within(600, 700);
    });

    it('is found on a machine that drops at any rate, too', async () => {
      expect(await found(1e9, 1)).to.be.within(20, 60);
    });
  });

  it('the plan: every overhead at every MTU, ids that differ, the curve first of what loses', () => {
    const sittings = sittingsOf(FULL);
    const ids = sittings.flatMap(({ cells }) => cells.map(({ id }) => id));
    expect(new Set(ids).size).to.equal(ids.length);
    expect(sittings.filter(({ group }) => group === 'clean')).to.have.length(6);
    expect(sittings.every(({ group, simulated }) => simulated === (group === 'loss' || group === 'burst'))).to.equal(
      true,
    );
    expect(sittings.map(({ group }) => group)).to.deep.equal(
      [...sittings.map(({ group }) => group)].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)),
    );
    expect(sittingsOf(SMALL).length).to.equal(4);
  });
  const ORDER = ['clean', 'disk', 'loss', 'burst'];

  it('results: the latest of each cell, over restarts', () => {
    const results = new Results(folder);
    results.put(result('a', [1]));
    results.put(result('b', [2]));
    results.put(result('a', [3]));
    expect(new Results(folder).all().map(({ cell, goodputMBps }) => [cell, goodputMBps])).to.deep.equal([
      ['a', 3],
      ['b', 2],
    ]);
    expect(fs.readdirSync(folder)).to.deep.equal(['matrix.ndjson']);
  });

  it('a picture has axes with units, a line and a legend for each series, and no text that could be markup', () => {
    const svg = lineChart({
      title: 'a < b & "c"',
      subtitles: ['one', 'two'],
      xLabel: 'lost (%)',
      yLabel: 'goodput (MB/s)',
      series: [
        {
          name: 'first',
          points: [
            { x: 0, y: 10 },
            { x: 20, y: 0 },
          ],
        },
        {
          name: 'second',
          points: [
            { x: 0, y: 5 },
            { x: 20, y: 7.5 },
          ],
        },
      ],
    });
    expect(svg).to.include('a &lt; b &amp; &quot;c&quot;').and.to.include('lost (%)').and.to.include('goodput (MB/s)');
    expect(svg.match(/>(first|second)</g)).to.have.length(2);
    // The highest value is at the top of the axis, 0 at its bottom, and the first x at its left.
    expect(svg).to.include('M70 84 L610 392');
    expect(svg).not.to.include('NaN');
    expect(svg).not.to.match(/background|<rect[^>]*width="760"/);
  });

  it('a picture of nothing, and one of a single point, are pictures', () => {
    const empty = { title: 't', subtitles: [], xLabel: 'x', yLabel: 'y', series: [] };
    expect(lineChart(empty)).not.to.include('NaN');
    const one = { ...empty, logarithmic: true, series: [{ name: 's', points: [{ x: 100, y: 0 }] }] };
    expect(lineChart(one)).not.to.include('NaN');
  });

  it('the page: tables and pictures of what was measured, and goodput 0 where a file did not arrive', () => {
    const results = new Results(folder);
    results.put(result('one', [100, 101, 102]));
    results.put(result('two', [50, 51, 52], { loss: 0.05, delivered: 2 }));
    expect(writeReport(results)).to.deep.equal(['goodput-against-loss-1500.svg', 'README.md']);
    const page = fs.readFileSync(join(folder, 'README.md'), 'utf8');
    expect(page).to.include('| 1500 | 10 % | 1 % | 3/3 | 101.0 |').and.to.include('| 1500 | 10 % | 5 % | 2/3 | 51.0 |');
    expect(page).to.include('![goodput against loss 1500](goodput-against-loss-1500.svg)');
    const svg = fs.readFileSync(join(folder, 'goodput-against-loss-1500.svg'), 'utf8');
    expect(svg).to.match(/M70 \d+(\.\d+)? L|M\d+(\.\d+)? \d+(\.\d+)? L610 392/);
  });

  describe('what changed', () => {
    const earlier = () => baselineOf([result('one', [100, 104, 108]), result('gone', [1])]);

    it('is nothing as long as runs lie among each other, or medians within noise', () => {
      const { changes, missing, compared } = compare(earlier(), [result('one', [90, 95, 101])]);
      expect(changes).to.deep.equal([]);
      expect(missing).to.deep.equal(['gone']);
      expect(compared).to.equal(1);
      expect(compare(earlier(), [result('one', [109, 110, 111])]).changes).to.deep.equal([]);
    });

    it('is named with both spreads, and which way it went', () => {
      const { changes } = compare(earlier(), [result('one', [50, 52, 54])]);
      expect(changes.map(({ figure, isBetter }) => [figure, isBetter])).to.deep.equal([
        ['ratio', false],
        ['goodputMBps', false],
      ]);
      expect(changes[0]!.difference).to.be.closeTo(-0.5, 1e-9);
      expect(compare(earlier(), [result('one', [200, 210, 220])]).changes.every(({ isBetter }) => isBetter)).to.equal(
        true,
      );
      expect(comparisonWords(compare(earlier(), [result('one', [50, 52, 54])])).join('\n')).to.include(
        'WORSE     -50 %  goodputMBps: 104 [100..108] -> 52 [50..54]  (one)',
      );
    });

    it('counts less time of the processor as better, and files that no longer arrive as worse', () => {
      const cheap = result('one', [100, 104, 108], { delivered: 2 });
      for (const run of cheap.each) run.cpuSecondsLow = 0.5;
      const { changes } = compare(earlier(), [cheap]);
      expect(changes.map(({ figure, isBetter }) => [figure, isBetter])).to.deep.equal([
        ['cpuOfHashingLow', true],
        ['deliveredPart', false],
      ]);
    });

    it('on another machine is only what does not depend on its speed', () => {
      const { changes, isSameMachine } = compare(earlier(), [result('one', [50, 52, 54], { machine: 'other' })]);
      expect(isSameMachine).to.equal(false);
      expect(changes.map(({ figure }) => figure)).to.deep.equal(['ratio']);
    });

    it('a baseline is read as it was written', () => {
      const file = join(folder, 'baseline.json');
      writeBaseline(file, earlier());
      expect(readBaseline(file)).to.deep.equal(earlier());
      expect(() => readBaseline(join(folder, 'none'))).to.throw();
    });
  });
});
