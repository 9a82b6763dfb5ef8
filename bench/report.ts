/** What people look at: pictures and a page of tables, made of stored results alone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Chart, lineChart } from './chart.js';
import { type Group, percent } from './plan.js';
import type { Result, Results } from './results.js';

/** Writes the page (README.md) and the pictures into the folder of the results; the names of the files. */
export function writeReport(results: Results): string[] {
  const all = results.all();
  const pictures = new Map(chartsOf(all).map(([name, chart]) => [name, lineChart(chart)]));
  const files = new Map([...pictures, ['README.md', pageOf(all, [...pictures.keys()])]]);
  mkdirSync(results.folder, { recursive: true });
  for (const [name, content] of files) writeFileSync(join(results.folder, name), content);
  return [...files.keys()];
}

// ------------------------------------------------------------ pictures

/** For every MTU: goodput against loss and against bursts, a line for each overhead. */
function chartsOf(all: Result[]): [string, Chart][] {
  return [
    ...chartsOver(all, 'loss', ({ loss }) => Number(((loss as number) * 100).toFixed(3)), {
      title: 'Goodput against loss',
      what: 'each datagram lost or not by chance',
      xLabel: 'datagrams lost (%)',
    }),
    ...chartsOver(all, 'burst', ({ burst }) => burst as number, {
      title: 'Goodput against bursts',
      what: 'one run of datagrams lost in each file',
      xLabel: 'datagrams lost one after the other (logarithmic)',
      logarithmic: true,
    }),
  ];
}

function chartsOver(
  all: Result[],
  group: 'loss' | 'burst',
  x: (result: Result) => number,
  { title, what, ...axis }: Pick<Chart, 'title' | 'xLabel' | 'logarithmic'> & { what: string },
): [string, Chart][] {
  return valuesOf(all, group, 'mtu').map((mtu) => {
    const cells = of(all, group).filter((one) => one.mtu === mtu);
    const series = valuesOf(cells, group, 'overhead').map((overhead) => ({
      name: `${percent(overhead)} overhead`,
      points: sorted(cells.filter((one) => one.overhead === overhead)).map((one) => ({ x: x(one), y: goodput(one) })),
    }));
    const first = cells[0]!;
    const files = `Files of ${mib(first)} through the whole gateway, ${what}; 0: not every file arrived.`;
    const chart = {
      title: `${title}, MTU ${mtu}`,
      subtitles: [files, whereOf(first)],
      yLabel: 'goodput (MB/s)',
      series,
    };
    return [`goodput-against-${group}-${mtu}.svg`, { ...chart, ...axis }];
  });
}

/** A link on which some files are lost carries files of that size at no speed one could promise. */
const goodput = ({ delivered, runs, goodputMBps }: Result): number =>
  delivered === runs ? (goodputMBps as number) : 0;

// ------------------------------------------------------------ page

function pageOf(all: Result[], pictures: string[]): string {
  const kinds = [...new Set(all.map(whereOf))];
  const lines = [
    '# Measured',
    '',
    'Written by `npm run bench`; what each figure means and how to repeat it is in [docs/BENCH.md](../../docs/BENCH.md). Every line',
    'of [matrix.ndjson](matrix.ndjson) carries machine, parameters and the figures of each run; the tables show medians.',
    '',
    ...kinds.map((kind) => `- ${kind}; load average before: ${loadsOf(all, kind)}`),
    '',
    ...pictures.flatMap((name) => [`![${name.replace('.svg', '').replaceAll('-', ' ')}](${name})`, '']),
    ...section(all, 'clean', 'Large files, nothing lost', [...COMMON, ...SPEED, ...COST]),
    ...section(all, 'disk', 'A large file with everything on a disk', [
      ...COMMON,
      FILESYSTEM,
      ...SPEED,
      ...COST.slice(0, 2),
    ]),
    ...section(all, 'loss', 'Independent loss (through the simulated link)', [
      ...COMMON,
      LOSS,
      ...SPEED,
      ...COST.slice(0, 2),
    ]),
    ...section(all, 'burst', 'One burst a file (through the simulated link)', [...COMMON, BURST, ...SPEED]),
    ...section(all, 'files', 'Small files, first drop to last release', [
      ['files', ({ count }) => String(count)],
      ['bytes each', ({ sizeBytes }) => String(sizeBytes)],
      ['files/s', figure('filesPerSecond')],
      ['identical', ({ delivered, runs }) => `${delivered} of ${runs} runs`],
      ['CPU s low', figure('cpuSecondsLow', 2)],
      ['CPU s high', figure('cpuSecondsHigh', 2)],
      ...COST.slice(2),
    ]),
    ...section(all, 'latency', 'One file on an idle gateway, stable to released', [
      ['bytes', ({ sizeBytes }) => String(sizeBytes)],
      ['files', ({ count, runs }) => `${runs} x ${count}`],
      ['p50 ms', figure('p50Ms', 0)],
      ['p99 ms', figure('p99Ms', 0)],
    ]),
    ...section(all, 'fec', 'Erasure code, one thread', [
      ['k', ({ k }) => String(k)],
      ['repair', ({ repair }) => String(repair)],
      ['lost', ({ lost }) => String(lost)],
      ['kernel', ({ kernel }) => String(kernel)],
      ['encode MB/s', figure('encodeMBps', 0)],
      ['decode MB/s', figure('decodeMBps', 0)],
    ]),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

type Column = [string, (result: Result) => string];

const figure =
  (name: string, digits = 1) =>
  (result: Result): string =>
    typeof result[name] === 'number' ? (result[name] as number).toFixed(digits) : '-';
const COMMON: Column[] = [
  ['MTU', ({ mtu }) => String(mtu)],
  ['overhead', ({ overhead }) => percent(overhead as number)],
];
const FILESYSTEM: Column = ['file system', ({ filesystem }) => String(filesystem)];
const LOSS: Column = ['loss', ({ loss }) => percent(loss as number)];
const BURST: Column = ['burst', ({ burst }) => String(burst)];
const SPEED: Column[] = [
  ['delivered', ({ delivered, runs }) => `${delivered}/${runs}`],
  ['goodput MB/s', figure('goodputMBps')],
  ['ratio', figure('ratio', 3)],
  ['drop to release MB/s', figure('dropToReleaseMBps')],
  ['rate Gbps', ({ rateBps }) => ((rateBps as number) / 1e9).toFixed(2)],
];
const COST: Column[] = [
  ['CPU s/GiB low', figure('cpuSecondsPerGiBLow', 2)],
  ['CPU s/GiB high', figure('cpuSecondsPerGiBHigh', 2)],
  ['largest low MB', ({ rssMaxLowMB, rssMaxLowProcess }) => `${rssMaxLowMB} (${rssMaxLowProcess})`],
  ['largest high MB', ({ rssMaxHighMB, rssMaxHighProcess }) => `${rssMaxHighMB} (${rssMaxHighProcess})`],
];

function section(all: Result[], group: Group, title: string, columns: Column[]): string[] {
  const rows = sorted(of(all, group));
  if (rows.length === 0) return [];
  const row = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    row(columns.map(([name]) => name)),
    row(columns.map(() => '---:')),
    ...rows.map((result) => row(columns.map(([, write]) => write(result)))),
    '',
  ];
}

// ------------------------------------------------------------ results

const of = (all: Result[], group: Group): Result[] => all.filter((one) => one.group === group);

const ORDER = ['mtu', 'overhead', 'loss', 'burst', 'count', 'lost'];
function sorted(results: Result[]): Result[] {
  const key = (result: Result, name: string) => (typeof result[name] === 'number' ? (result[name] as number) : 0);
  return [...results].sort((a, b) => {
    const name = ORDER.find((one) => key(a, one) !== key(b, one));
    return name === undefined ? 0 : key(a, name) - key(b, name);
  });
}

const valuesOf = (results: Result[], group: Group, name: string): number[] =>
  [...new Set(of(results, group).map((one) => one[name] as number))].sort((a, b) => a - b);

const whereOf = ({ cores, machine, node, commit }: Result): string =>
  `${cores} cores (${machine}), Node ${node.replace('v', '')}, commit ${commit}`;
const loadsOf = (all: Result[], kind: string): string => {
  const loads = all.filter((one) => whereOf(one) === kind).map(({ loadBefore }) => loadBefore);
  return [...new Set(loads)].join(', ');
};
const mib = ({ sizeBytes }: Result): string => `${Math.round((sizeBytes as number) / 1024 ** 2)} MiB`;
