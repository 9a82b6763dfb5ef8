/**
 * `sluice bench compare`: what changed beyond noise between results and a stored baseline. A figure has changed when no
 * run of the one lies among the runs of the other, and their medians differ by more than a part that any machine varies
 * by from hour to hour. On another machine only what does not depend on its speed is compared: parts of its SHA-256 rate.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { SluiceError } from '../shared/core/errors.js';
import { median, rounded } from './figures.js';
import type { Result } from './results.js';

export interface Spread {
  median: number;
  lowest: number;
  highest: number;
  runs: number;
}

export interface Baseline {
  machine: string;
  cores: number;
  node: string;
  commit: string;
  /** Cell -> figure -> its runs. */
  cells: Record<string, Record<string, Spread>>;
}

export interface Change {
  cell: string;
  figure: string;
  before: Spread;
  after: Spread;
  /** 0.1: a tenth more than before. */
  difference: number;
  isBetter: boolean;
}

export interface Comparison {
  isSameMachine: boolean;
  /** Cells that both have. */
  compared: number;
  changes: Change[];
  /** Cells of the baseline that were not measured. */
  missing: string[];
}

/** Medians that differ by less are the same, whatever the runs say: few runs show little of the noise. */
const NOISE = 0.08;

interface Rule {
  /** Whether more is better. */
  up: boolean;
  /** Whether it means the same on a machine of another speed. */
  anywhere: boolean;
}

const RULES: Record<string, Rule> = {
  deliveredPart: { up: true, anywhere: true },
  ratio: { up: true, anywhere: true },
  dropToReleaseRatio: { up: true, anywhere: true },
  cpuOfHashingLow: { up: false, anywhere: true },
  cpuOfHashingHigh: { up: false, anywhere: true },
  goodputMBps: { up: true, anywhere: false },
  dropToReleaseMBps: { up: true, anywhere: false },
  filesPerSecond: { up: true, anywhere: false },
  p50Ms: { up: false, anywhere: false },
  p99Ms: { up: false, anywhere: false },
  encodeMBps: { up: true, anywhere: false },
  decodeMBps: { up: true, anywhere: false },
  rssMaxLowMB: { up: false, anywhere: true },
  rssMaxHighMB: { up: false, anywhere: true },
};

export function baselineOf(results: Result[]): Baseline {
  const [first] = results;
  if (!first) throw new SluiceError('USAGE', 'There are no results to make a baseline of: run "npm run bench" first.');
  const { machine, cores, node, commit } = first;
  const cells = Object.fromEntries(results.map((result) => [result.cell, spreadsOf(result)]));
  return { machine, cores, node, commit, cells };
}

export function compare(baseline: Baseline, results: Result[]): Comparison {
  const same = ({ machine, cores }: Result) => machine === baseline.machine && cores === baseline.cores;
  const isSameMachine = results.every(same);
  const changes: Change[] = [];
  const measured = new Set<string>();
  for (const result of results) {
    const before = baseline.cells[result.cell];
    if (!before) continue;
    measured.add(result.cell);
    const after = spreadsOf(result);
    for (const [figure, rule] of Object.entries(RULES)) {
      if (!rule.anywhere && !same(result)) continue;
      const change = changeOf(before[figure], after[figure]);
      if (change === undefined) continue;
      const isBetter = rule.up === change > 0;
      changes.push({
        cell: result.cell,
        figure,
        before: before[figure]!,
        after: after[figure]!,
        difference: change,
        isBetter,
      });
    }
  }
  changes.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference));
  const missing = Object.keys(baseline.cells).filter((cell) => !measured.has(cell));
  return { isSameMachine, compared: measured.size, changes, missing };
}

/** By how much it changed; undefined when that is noise. */
function changeOf(before: Spread | undefined, after: Spread | undefined): number | undefined {
  if (!before || !after) return undefined;
  const overlap = before.lowest <= after.highest && after.lowest <= before.highest;
  const difference = before.median === 0 ? (after.median === 0 ? 0 : 1) : after.median / before.median - 1;
  return overlap || Math.abs(difference) <= NOISE ? undefined : difference;
}

function spreadsOf(result: Result): Record<string, Spread> {
  const spreads: Record<string, Spread> = {};
  const runs = result.each.map((run) => ({ ...run, ...derivedOf(run, result) }));
  for (const figure of Object.keys(RULES)) {
    const values = runs.map((run) => (run as Record<string, unknown>)[figure]).filter(isFigure);
    const whole = result[figure];
    if (values.length === 0 && isFigure(whole)) values.push(whole);
    if (values.length > 0) spreads[figure] = spreadOf(values);
  }
  spreads.deliveredPart = spreadOf([result.delivered / result.runs]);
  return spreads;
}

const isFigure = (value: unknown): value is number => Number.isFinite(value);

/** Processor time in the time one core needs to hash the same bytes. */
function derivedOf(run: Record<string, unknown>, { sizeBytes }: Result): Record<string, number> {
  const { sha256MBps, cpuSecondsLow, cpuSecondsHigh } = run;
  if (typeof sha256MBps !== 'number' || typeof sizeBytes !== 'number') return {};
  const hashing = sizeBytes / 1e6 / sha256MBps;
  return {
    cpuOfHashingLow: (cpuSecondsLow as number) / hashing,
    cpuOfHashingHigh: (cpuSecondsHigh as number) / hashing,
  };
}

function spreadOf(values: number[]): Spread {
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  return {
    median: rounded(median(values), 4),
    lowest: rounded(lowest, 4),
    highest: rounded(highest, 4),
    runs: values.length,
  };
}

// ------------------------------------------------------------ file and words

export function readBaseline(file: string): Baseline {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Baseline;
  } catch {
    throw new SluiceError('USAGE', `${file} is no baseline; "sluice bench compare --set" makes one of the results.`);
  }
}

export function writeBaseline(file: string, baseline: Baseline): void {
  writeFileSync(file, `${JSON.stringify(baseline, null, 1)}\n`);
}

export function comparisonWords({ isSameMachine, compared, changes, missing }: Comparison): string[] {
  const words = [
    `${compared} cells compared${isSameMachine ? '' : '; another machine: only what does not depend on its speed'}.`,
  ];
  if (missing.length > 0) words.push(`${missing.length} cells of the baseline were not measured.`);
  if (changes.length === 0) words.push('Nothing changed beyond noise.');
  for (const { cell, figure, before, after, difference, isBetter } of changes) {
    const by = `${difference > 0 ? '+' : ''}${(difference * 100).toFixed(0)} %`;
    words.push(
      `${isBetter ? 'better' : 'WORSE '}  ${by.padStart(7)}  ${figure}: ${range(before)} -> ${range(after)}  (${cell})`,
    );
  }
  return words;
}

const range = ({ median: middle, lowest, highest }: Spread): string =>
  lowest === highest ? String(middle) : `${middle} [${lowest}..${highest}]`;
