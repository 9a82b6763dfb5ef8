/** Files carried one after the other at one rate, found or given, and the middle of what they say. */
import { type Carried, carry, wordsOf } from './carry.js';
import { median, rounded } from './figures.js';
import { findRate, isOverrun, objectPartOf, type Probe, reachedPart } from './rate.js';
import type { Sides } from './sides.js';
import type { WholeOptions } from './whole.js';

export interface RunsOptions extends WholeOptions {
  sizeBytes: number;
  runs: number;
}

export interface Runs {
  each: Carried[];
  /** Which rates were tried to find the one used; none when it was given. */
  probes: Probe[];
  /** Times all runs were begun again with a lower rate, because this machine dropped what it received. */
  overruns: number;
}

/** Source, spool and storage; what is put together may lie there twice for a moment. */
export const COPIES = 4;
const FIRST_RATE_BPS = 300e6;
/** A probe lasts so long at least: behind the buffers of a machine it shows what it really carries. */
const PROBE_SECONDS = 1;
const PROBE_MIN_BYTES = 16 * 1024 * 1024;
const OVERRUNS_MAX = 6;
const SLOWER = 0.85;
const FASTER_MAX = 3;
const FASTER = 1.2;
/** A sender that uses so much of its rate would use more. */
const BOUND = 0.9;

/** Starts the sides and carries the files at the rate that was given or found. */
export async function carryAll(options: RunsOptions, sides: Sides): Promise<Runs> {
  const probes = await startAtRate(options, sides);
  const { each, overruns } = await carryRuns(options, sides, options.rateBps === undefined ? 'both' : 'no');
  return { each, probes, overruns };
}

/** Starts the sides with the rate that was given, or with one that is found now; the probes that found it. */
export async function startAtRate(options: RunsOptions, sides: Sides): Promise<Probe[]> {
  const { rateBps, say } = options;
  await sides.start(rateBps ?? FIRST_RATE_BPS);
  say(`queues: ${sides.queueStore}; link: ${sides.transport.low} to ${sides.transport.high}`);
  const found = rateBps === undefined ? await searchRate(options, sides) : undefined;
  if (found) await sides.changeRate(found.rateBps);
  say(`rate ${inGbps(sides.rateBps)}`);
  return found?.probes ?? [];
}

/**
 * Carries the files through sides that run. A rate that was found by short probes may be too high, and then this machine
 * drops what it receives, or too low, and then it is what bounds: all files are begun again at another one.
 * @param adapts which of the two is looked for
 */
export async function carryRuns(
  { sizeBytes, runs, seed, mtu, overhead, say }: RunsOptions,
  sides: Sides,
  adapts: 'no' | 'slower' | 'both',
): Promise<Pick<Runs, 'each' | 'overruns'>> {
  const each: Carried[] = [];
  let overruns = 0;
  let faster = 0;
  /** The rate before it was raised: known to be carried. */
  let carriedBps = 0;
  const again = async (rateBps: number) => {
    await sides.changeRate(Math.round(rateBps));
    say(`  again at ${inGbps(sides.rateBps)}`);
    each.length = 0;
  };
  while (each.length < runs) {
    const carried = await carry(sides, sides.nextName(), sizeBytes, seed + each.length);
    say(`  ${wordsOf(carried)}`);
    each.push(carried);
    if (adapts !== 'no' && isOverrun(carried) && overruns < OVERRUNS_MAX) {
      overruns++;
      // What it did not reach does not count: the pace must become one that is felt.
      await again(carriedBps || sides.rateBps * Math.min(1, reached(carried)) * SLOWER);
      carriedBps = 0;
    } else if (adapts === 'both' && overruns === 0 && faster < FASTER_MAX && reached(carried) > BOUND) {
      faster++;
      carriedBps = sides.rateBps;
      await again(sides.rateBps * FASTER);
    }
  }
  return { each, overruns };

  function reached(carried: Carried): number {
    return reachedPart(carried, sides.rateBps, objectPartOf(mtu, overhead));
  }
}

function searchRate({ sizeBytes, mtu, overhead, seed, say }: RunsOptions, sides: Sides) {
  const objectPart = objectPartOf(mtu, overhead);
  return findRate(FIRST_RATE_BPS, objectPart, async (rateBps) => {
    await sides.changeRate(Math.round(rateBps));
    const bytes = Math.max(PROBE_MIN_BYTES, (rateBps / 8) * objectPart * PROBE_SECONDS);
    const carried = await carry(sides, sides.nextName(), Math.min(sizeBytes, Math.round(bytes)), seed);
    say(`  probe at ${inGbps(rateBps)}: ${wordsOf(carried)}`);
    return carried;
  });
}

/** The middle of every figure over the runs. */
export function medians(each: readonly Carried[], sizeBytes: number): object {
  const gib = sizeBytes / 1024 ** 3;
  const middle = (of: (one: Carried) => number, digits = 1) => rounded(median(each.map(of)), digits);
  return {
    goodputMBps: middle((one) => one.goodputMBps),
    dropToReleaseMBps: middle((one) => one.dropToReleaseMBps),
    sha256MBps: middle((one) => one.sha256MBps),
    ratio: middle((one) => one.ratio, 4),
    dropToReleaseRatio: middle((one) => one.dropToReleaseRatio, 4),
    cpuSecondsLow: middle((one) => one.cpuSecondsLow, 2),
    cpuSecondsHigh: middle((one) => one.cpuSecondsHigh, 2),
    cpuSecondsPerGiBLow: middle((one) => one.cpuSecondsLow / gib, 2),
    cpuSecondsPerGiBHigh: middle((one) => one.cpuSecondsHigh / gib, 2),
    datagramsSent: middle((one) => one.datagramsSent, 0),
    datagramsLost: middle((one) => one.datagramsLost, 0),
    receiverDrops: middle((one) => one.receiverDrops, 0),
    simulatorDrops: middle((one) => one.simulatorDrops, 0),
  };
}

const inGbps = (bps: number): string => `${(bps / 1e9).toFixed(2)} Gbps`;
