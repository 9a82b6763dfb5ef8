/**
 * `sluice bench matrix`: everything that is published, cell by cell. What was measured with the same code on the same
 * machine is not measured again, so that a matrix that was ended, or ran out of time, goes on where it stood.
 */
import { about } from './about.js';
import { type Carried, memoryOf } from './carry.js';
import { benchFec } from './fec.js';
import { median } from './figures.js';
import { benchFiles } from './files.js';
import { benchLatency } from './latency.js';
import { type Cell, type Group, type Scale, type Sitting, sittingsOf } from './plan.js';
import type { Result, Results } from './results.js';
import { COPIES, carryRuns, medians, startAtRate } from './runs.js';
import { saidOf, type WholeOptions, withSides } from './whole.js';

export interface MatrixOptions {
  scale: Scale;
  groups: readonly Group[];
  /** Only cells whose id holds this text. */
  only: string;
  /** Also what has been measured already. */
  again: boolean;
  /** No cell is begun later than this after the start. */
  limitMs: number;
  /** What all cells have in common. */
  whole: WholeOptions;
  /** Folder on a disk, for what is measured there. */
  diskFolder: string;
  results: Results;
  say: (line: string) => void;
}

/** Figures that are kept of every run: what is compared, and what explains it. */
const KEPT = [
  'delivered',
  'identical',
  'goodputMBps',
  'dropToReleaseMBps',
  'sha256MBps',
  'ratio',
  'dropToReleaseRatio',
  'cpuSecondsLow',
  'cpuSecondsHigh',
  'datagramsSent',
  'datagramsLost',
  'receiverDrops',
  'simulatorDrops',
] as const satisfies readonly (keyof Carried)[];
/** Cells in a row that carried nothing before the rest of a sitting is left out. */
const NOTHING_TWICE = 2;

/** Ids of cells that were left out because the time was over. */
export async function runMatrix(options: MatrixOptions): Promise<string[]> {
  const matrix = new Matrix(options);
  for (const sitting of sittingsOf(options.scale)) await matrix.sit(sitting);
  await matrix.files();
  await matrix.latency();
  await matrix.fec();
  return matrix.left;
}

class Matrix {
  readonly left: string[] = [];
  private readonly about = about();
  private readonly untilMs: number;
  /** Rates that were found, by the kind of link. */
  private readonly rates = new Map<string, number>();

  constructor(private readonly options: MatrixOptions) {
    this.untilMs = performance.now() + options.limitMs;
  }

  async sit(sitting: Sitting): Promise<void> {
    const { mtu, overhead, simulated, sizeBytes, cells } = sitting;
    if (!cells.some((cell) => this.isWanted(cell.id, sitting.group))) return;
    if (this.isLate()) return void this.left.push(...cells.map(({ id }) => id));
    const { whole, say } = this.options;
    const link = `mtu ${mtu}${simulated ? ', simulated' : ''}`;
    const rateBps = whole.rateBps ?? this.rates.get(link);
    const state = sitting.group === 'disk' ? this.options.diskFolder : whole.state;
    const asked = { ...whole, state, mtu, overhead, simulated, rateBps, sizeBytes, runs: 1 };
    await withSides(asked, COPIES * sizeBytes, async (sides, filesystem) => {
      say(`${link}, overhead ${overhead}`);
      await startAtRate(asked, sides);
      if (whole.rateBps === undefined) this.rates.set(link, rateBps ?? sides.rateBps);
      let nothing = 0;
      for (const cell of cells) {
        if (nothing === NOTHING_TWICE) break;
        if (this.isLate()) this.left.push(cell.id);
        else if (this.isWanted(cell.id, sitting.group)) {
          say(cell.id);
          if (simulated) await sides.changeLink({ ...cell, seed: whole.seed });
          this.put(sitting.group, cell.id, await this.carryCell(sitting, cell, sides, filesystem));
          if (!simulated && whole.rateBps === undefined) this.rates.set(link, sides.rateBps);
        }
        nothing = this.options.results.get(cell.id)?.delivered === 0 ? nothing + 1 : 0;
      }
    });
  }

  private async carryCell(
    { mtu, overhead, simulated, sizeBytes, runs }: Sitting,
    { loss, burst }: Cell,
    sides: Parameters<typeof carryRuns>[1],
    filesystem: string,
  ): Promise<Figures> {
    const asked = { ...this.options.whole, mtu, overhead, simulated, loss, burst, sizeBytes, runs };
    // Beyond what the overhead can make good a lower rate helps nobody.
    const isWithin = loss < overhead / (1 + overhead);
    const adapts = this.options.whole.rateBps !== undefined || !isWithin ? 'no' : simulated ? 'slower' : 'both';
    const { each, overruns } = await carryRuns(asked, sides, adapts);
    return {
      ...saidOf(asked, sides, filesystem),
      ...medians(each, sizeBytes),
      ...memoryOf(sides),
      overruns,
      delivered: each.filter(({ identical }) => identical).length,
      runs,
      each: each.map((one) => Object.fromEntries(KEPT.map((name) => [name, one[name]]))),
    };
  }

  files(): Promise<void> {
    const { count, sizeBytes, runs } = this.options.scale.files;
    const id = `files ${count} of ${sizeBytes} bytes`;
    return this.repeat(
      'files',
      id,
      runs,
      ({ identical }) => identical === true,
      () => benchFiles({ ...this.options.whole, count, sizeBytes }),
    );
  }

  latency(): Promise<void> {
    const { count, sizeBytes, runs } = this.options.scale.latency;
    const id = `latency of ${sizeBytes} bytes`;
    return this.repeat(
      'latency',
      id,
      runs,
      ({ delivered }) => delivered === count,
      () => benchLatency({ ...this.options.whole, count, sizeBytes }),
    );
  }

  async fec(): Promise<void> {
    const { k, repair, lost: losts, runs } = this.options.scale.fec;
    for (const lost of losts) {
      const measure = async () => {
        const { scalar, simd, ...what } = await benchFec({ k, repair, lost, runs });
        const { encodeMBps, decodeMBps } = simd ?? scalar;
        return { ...what, kernel: simd ? 'simd' : 'scalar', encodeMBps, decodeMBps };
      };
      await this.repeat('fec', `fec k ${k}, repair ${repair}, lost ${lost}`, 1, () => true, measure);
    }
  }

  /** A bench that makes all of its sides itself, some times over. */
  private async repeat(
    group: Group,
    id: string,
    runs: number,
    isGood: (line: Record<string, unknown>) => boolean,
    measure: () => Promise<Record<string, unknown>>,
  ): Promise<void> {
    if (!this.isWanted(id, group)) return;
    if (this.isLate()) return void this.left.push(id);
    this.options.say(id);
    const lines: Record<string, unknown>[] = [];
    for (let run = 0; run < runs; run++) lines.push(await measure());
    const figures = lines.map(figuresOf);
    const names = Object.keys(figures[0]!);
    const middle = Object.fromEntries(names.map((name) => [name, median(figures.map((one) => one[name]!))]));
    const delivered = lines.filter(isGood).length;
    this.put(group, id, { ...lines[0], ...middle, delivered, runs, each: figures });
  }

  private put(group: Group, cell: string, figures: Figures): void {
    const measuredAt = new Date().toISOString();
    this.options.results.put({ cell, group, ...this.about, measuredAt, ...figures } satisfies Result);
  }

  private isWanted(id: string, group: Group): boolean {
    const { groups, only, again, results } = this.options;
    if (!groups.includes(group) || !id.includes(only)) return false;
    const known = results.get(id);
    const { machine, cores, commit } = this.about;
    return again || known?.commit !== commit || known.machine !== machine || known.cores !== cores;
  }

  private isLate(): boolean {
    return performance.now() > this.untilMs;
  }
}

type Figures = { delivered: number; runs: number; each: Record<string, unknown>[] } & Record<string, unknown>;

/** What was measured and not asked for: numbers that differ from run to run. */
function figuresOf(line: Record<string, unknown>): Record<string, number> {
  const figure = /(MBps|PerSecond|Seconds(Low|High)|seconds|MB|Ms)$/;
  const entries = Object.entries(line).filter(([name, value]) => figure.test(name) && typeof value === 'number');
  return Object.fromEntries(entries) as Record<string, number>;
}
