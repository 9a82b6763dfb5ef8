/** One file through the whole gateway: what it took, what it cost, and whether it arrived as it was. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { discard, drop, isIdentical, prepare } from './content.js';
import { median, megabytes, rounded, sum } from './figures.js';
import { usedBetween } from './processTrees.js';
import { sha256MBps } from './sha256.js';
import type { LinkFigures, Sides, Way } from './sides.js';

export interface Carried {
  delivered: boolean;
  identical: boolean;
  /** Object bytes / (handed to the sender, before the first of them is read from the spool, to released); 0 unless delivered. */
  goodputMBps: number;
  /** Object bytes / (the file had its name in the share to released). */
  dropToReleaseMBps: number;
  /** Object bytes / (handed to the sender to the last frame being on its way): how fast the sender was. */
  sentMBps: number;
  /** One core, measured before and after. */
  sha256MBps: number;
  ratio: number;
  dropToReleaseRatio: number;
  /** Of the whole process trees, from the drop until it was released and sent. */
  cpuSecondsLow: number;
  cpuSecondsHigh: number;
  cpuLow: Record<string, number>;
  cpuHigh: Record<string, number>;
  datagramsSent: number;
  datagramsLost: number;
  receiverDrops: number;
  simulatorDrops: number;
  /** Milliseconds from the drop to each state. */
  timeline: Record<string, number>;
}

/** Bytes a second below which something is broken. */
const SLOWEST = 2_000_000;
const PATIENCE_MS = 45_000;

export async function carry(sides: Sides, name: string, bytes: number, seed: number): Promise<Carried> {
  prepare(sides.share, name, bytes, seed);
  const hashed = sha256MBps();
  const before = await sides.figures({ atRest: true });
  const cpuBefore = { low: sides.lowMeter!.cpuSeconds(), high: sides.highMeter!.cpuSeconds() };
  const droppedMs = drop(sides.share, name);
  const way = await arrival(sides, name, PATIENCE_MS + (bytes / SLOWEST) * 1_000);
  const cpuLow = usedBetween(cpuBefore.low, sides.lowMeter!.cpuSeconds());
  const cpuHigh = usedBetween(cpuBefore.high, sides.highMeter!.cpuSeconds());
  hashed.push(...sha256MBps());
  const after = await sides.figures();

  const releasedMs = way.high.get('released');
  const delivered = releasedMs !== undefined;
  const released = join(sides.storage, way.publishedAs || name);
  const original = [join(sides.accepted, name), join(sides.share, name)].find(existsSync) ?? '';
  const identical = delivered && isIdentical(original, released);
  discard(released);
  discard(original);
  const speed = (fromMs: number | undefined, toMs: number | undefined) =>
    fromMs !== undefined && toMs !== undefined ? bytes / 1_000 / Math.max(1, toMs - fromMs) : 0;
  const goodput = speed(way.low.get('sending'), releasedMs);
  const dropToRelease = speed(droppedMs, releasedMs);
  const sha256 = median(hashed);
  return {
    delivered,
    identical,
    goodputMBps: rounded(goodput),
    dropToReleaseMBps: rounded(dropToRelease),
    sentMBps: rounded(speed(way.low.get('sending'), way.low.get('sent'))),
    sha256MBps: rounded(sha256),
    ratio: rounded(goodput / sha256, 4),
    dropToReleaseRatio: rounded(dropToRelease / sha256, 4),
    cpuSecondsLow: rounded(sum(Object.values(cpuLow)), 2),
    cpuSecondsHigh: rounded(sum(Object.values(cpuHigh)), 2),
    cpuLow: roundedAll(cpuLow),
    cpuHigh: roundedAll(cpuHigh),
    ...movedBetween(before, after),
    timeline: timelineOf(way, droppedMs),
  };
}

/** Waits until an object has its last state on both sides, or something ended otherwise than by a release. */
export async function arrival(sides: Sides, name: string, timeoutMs: number): Promise<Way> {
  const way = sides.way(name);
  const before = sides.otherwise;
  const refused = () => way.low.has('refused') || way.low.has('held');
  // What is not there at all is incomplete by its number alone: it has no name on the high side.
  const decided = () => way.high.has('released') || sides.otherwise > before;
  await sides.until(() => refused() || (decided() && way.low.has('sent')), `end of ${name}`, timeoutMs);
  return way;
}

/** What happened on the link in between. */
export function movedBetween(before: LinkFigures, after: LinkFigures) {
  const datagramsLost = Math.max(0, after.framesLost - before.framesLost);
  return {
    datagramsSent: after.framesSent - before.framesSent,
    datagramsLost,
    receiverDrops: Math.min(datagramsLost, after.receiverDrops - before.receiverDrops) + after.noRoom - before.noRoom,
    simulatorDrops: Math.min(datagramsLost, after.simulatorDrops - before.simulatorDrops),
  };
}

function timelineOf({ low, high }: Way, droppedMs: number): Record<string, number> {
  const moments = [...low, ...high].map(([state, atMs]) => [state, atMs - droppedMs] as const);
  return Object.fromEntries(moments.sort((a, b) => a[1] - b[1]));
}

function roundedAll(seconds: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(seconds).map(([name, value]) => [name, rounded(value, 2)]));
}

/** The largest process of each side so far. */
export function memoryOf({ lowMeter, highMeter }: Sides): object {
  const [low, high] = [lowMeter!.largest(), highMeter!.largest()];
  return {
    rssMaxLowMB: megabytes(low.bytes),
    rssMaxLowProcess: low.name,
    rssMaxHighMB: megabytes(high.bytes),
    rssMaxHighProcess: high.name,
  };
}

/** A run in a line for people. */
export function wordsOf(one: Carried): string {
  const { goodputMBps, dropToReleaseMBps, ratio, cpuSecondsLow, cpuSecondsHigh, datagramsLost, datagramsSent } = one;
  const what = one.delivered ? (one.identical ? 'identical' : 'NOT IDENTICAL') : 'not delivered';
  const speed = `${goodputMBps} MB/s (drop to release ${dropToReleaseMBps}), ratio ${ratio.toFixed(3)}`;
  const drops = one.receiverDrops + one.simulatorDrops;
  const lost = `lost ${datagramsLost} of ${datagramsSent}${drops > 0 ? `, ${drops} of them dropped by this machine` : ''}`;
  return `${what}, ${speed}, CPU ${cpuSecondsLow} s low, ${cpuSecondsHigh} s high, ${lost}`;
}
