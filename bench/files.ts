/** `sluice bench files`: many small files at once, as on an ordinary morning: from the first drop to the last release. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { memoryOf, movedBetween } from './carry.js';
import { discard, drop, isIdentical, prepare } from './content.js';
import { rounded, sum } from './figures.js';
import { usedBetween } from './processTrees.js';
import type { Sides } from './sides.js';
import { saidOf, type WholeOptions, withSides } from './whole.js';

export interface FilesOptions extends WholeOptions {
  count: number;
  sizeBytes: number;
}

/** What most machines carry with most transports; small files are not bound by it. */
const RATE_BPS = 400e6;
const FOLDER_FILES = 1_000;
const COPIES = 4;
/** A small file takes at least a page on most file systems, and an inode. */
const FILE_BYTES_LEAST = 8 * 1024;
const PATIENCE_MS = 60_000;
const SLOWEST_FILES_PER_SECOND = 10;

export function benchFiles(options: FilesOptions): Promise<Record<string, unknown> & { identical: boolean }> {
  const { count, sizeBytes, say } = options;
  return withSides(options, COPIES * count * Math.max(sizeBytes, FILE_BYTES_LEAST), async (sides, filesystem) => {
    await sides.start(options.rateBps ?? RATE_BPS);
    const names = Array.from({ length: count }, (_, n) => `folder-${Math.floor(n / FOLDER_FILES)}/file-${n}`);
    names.forEach((name, n) => void prepare(sides.share, name, sizeBytes, options.seed + n));
    const before = await sides.figures({ atRest: true });
    const cpuBefore = { low: sides.lowMeter!.cpuSeconds(), high: sides.highMeter!.cpuSeconds() };
    say(`${count} files of ${sizeBytes} bytes ...`);
    const firstDropMs = Date.now();
    for (const name of names) drop(sides.share, name);
    const lastDropMs = Date.now();
    const all = () => sides.released + sides.otherwise >= count;
    await sides.until(all, 'end of all files', PATIENCE_MS + (count / SLOWEST_FILES_PER_SECOND) * 1_000);
    const cpuLow = usedBetween(cpuBefore.low, sides.lowMeter!.cpuSeconds());
    const cpuHigh = usedBetween(cpuBefore.high, sides.highMeter!.cpuSeconds());
    const after = await sides.figures();

    const lastReleaseMs = Math.max(...names.map((name) => sides.ways.get(name)?.high.get('released') ?? 0));
    const seconds = (lastReleaseMs - firstDropMs) / 1_000;
    const identical = names.filter((name) => arrived(sides, name)).length;
    return {
      ...saidOf(options, sides, filesystem),
      filesPerSecond: seconds > 0 ? rounded(sides.released / seconds) : 0,
      seconds: rounded(seconds, 3),
      dropSeconds: rounded((lastDropMs - firstDropMs) / 1_000, 3),
      released: sides.released,
      identical: identical === count,
      cpuSecondsLow: rounded(sum(Object.values(cpuLow)), 2),
      cpuSecondsHigh: rounded(sum(Object.values(cpuHigh)), 2),
      cpuLow,
      cpuHigh,
      ...memoryOf(sides),
      ...movedBetween(before, after),
    };
  });
}

function arrived(sides: Sides, name: string): boolean {
  const original = [join(sides.accepted, name), join(sides.share, name)].find(existsSync);
  const released = join(sides.storage, sides.ways.get(name)?.publishedAs || name);
  if (original === undefined || !isIdentical(original, released)) return false;
  discard(released);
  return true;
}
