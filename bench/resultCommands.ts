/** The benches in a row, what became of their results, and what a profile says. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SluiceError } from '../shared/core/errors.js';
import { parseDuration } from '../shared/core/units.js';
import { ROOT } from './about.js';
import { choice, SIDES, say, sidesOf, text, whole } from './commandOptions.js';
import { baselineOf, compare, comparisonWords, readBaseline, writeBaseline } from './compare.js';
import { runMatrix } from './matrix.js';
import { FULL, GROUPS, SMALL } from './plan.js';
import { readProfiles } from './profile.js';
import { writeReport } from './report.js';
import { Results } from './results.js';

export const RESULT_USAGE = `sluice bench matrix [--groups ${GROUPS.join(',')}] [--only TEXT] [--again] [--limit 25m] [--scale full|small] [--dir DIR] [--disk DIR] OPTIONS
       sluice bench report [--dir DIR]
       sluice bench compare [--set] [--dir DIR] [--baseline FILE] [--json]
       sluice bench profile DIR [--top 12] [--json]`;

const DIR = text(join(ROOT, 'bench', 'results'));
const BASELINE = 'baseline.json';

/** 1 when the time did not suffice for all. */
export async function matrixCommand(args: string[]): Promise<number> {
  const { mtu: _mtu, overhead: _overhead, loss: _loss, burst: _burst, json: _json, ...common } = SIDES;
  const groups = text(GROUPS.join(','));
  const own = { groups, only: text(''), limit: text('25m'), scale: text('full'), dir: DIR, disk: text(tmpdir()) };
  const { values } = parseArgs({ args, options: { ...common, ...own, again: { type: 'boolean', default: false } } });
  const results = new Results(values.dir);
  const left = await runMatrix({
    scale: choice('scale', values.scale, ['full', 'small']) === 'full' ? FULL : SMALL,
    groups: values.groups.split(',').map((group) => choice('groups', group, GROUPS)),
    only: values.only,
    again: values.again,
    limitMs: parseDuration(values.limit),
    whole: sidesOf({ ...values, mtu: '1500', overhead: '0.1', loss: '0', burst: '0' }),
    diskFolder: values.disk,
    results,
    say,
  });
  say(`written in ${values.dir}: ${writeReport(results).join(', ')}`);
  if (left.length > 0) say(`no time was left for ${left.length} cells; the same command goes on with them`);
  return left.length > 0 ? 1 : 0;
}

/** Pictures and page again, from the results that are there. */
export function reportCommand(args: string[]): number {
  const { values } = parseArgs({ args, options: { dir: DIR } });
  say(`written in ${values.dir}: ${writeReport(new Results(values.dir)).join(', ')}`);
  return 0;
}

/** 1 when something is worse than the baseline beyond noise. */
export function compareCommand(args: string[]): number {
  const set = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({ args, options: { dir: DIR, baseline: { type: 'string' }, set, json: set } });
  const results = new Results(values.dir).all();
  const file = values.baseline ?? join(values.dir, BASELINE);
  if (values.set) {
    writeBaseline(file, baselineOf(results));
    say(`${file} holds ${results.length} cells.`);
    return 0;
  }
  const comparison = compare(readBaseline(file), results);
  if (values.json) process.stdout.write(`${JSON.stringify(comparison)}\n`);
  else process.stdout.write(`${comparisonWords(comparison).join('\n')}\n`);
  return comparison.changes.some(({ isBetter }) => !isBetter) ? 1 : 0;
}

/** Where the processor was during a run with --profile. */
export function profileCommand(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { top: text('12'), json: { type: 'boolean', default: false } },
  });
  const [folder] = positionals;
  if (folder === undefined) throw new SluiceError('USAGE', 'Name the folder that --profile named.');
  for (const thread of readProfiles(folder, whole('top', values.top, 1))) {
    if (values.json) process.stdout.write(`${JSON.stringify(thread)}\n`);
    else {
      process.stdout.write(`${thread.process}: ${thread.busySeconds} s busy (${thread.file})\n`);
      for (const { where, seconds } of thread.hottest)
        process.stdout.write(`  ${seconds.toFixed(3).padStart(8)}  ${where}\n`);
    }
  }
  return 0;
}
