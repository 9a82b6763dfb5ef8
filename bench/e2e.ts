/**
 * `sluice bench e2e` and `sluice bench link`: large files, one after the other, through real low and high process trees;
 * the one asks how fast they arrive, the other how many of them.
 */
import { type Carried, carry, memoryOf, wordsOf } from './carry.js';
import { median, rounded } from './figures.js';
import { findRate, isOverrun, type Probe } from './rate.js';
import type { Sides } from './sides.js';
import { saidOf, type WholeOptions, withSides } from './whole.js';

export interface RunsOptions extends WholeOptions {
  sizeBytes: number;
  runs: number;
}

interface Runs {
  each: Carried[];
  /** Which rates were tried to find the one used; none when it was given. */
  probes: Probe[];
  /** Times all runs were begun again with a lower rate, because this machine dropped what it received. */
  overruns: number;
}

export type E2eResult = { delivered: number; identical: boolean; each: Carried[] } & Record<string, unknown>;
export type LinkResult = { delivered: number; runs: number; loss: number; overhead: number } & Record<string, unknown>;

/** Source, spool and storage; what is put together may lie there twice for a moment. */
const COPIES = 4;
const FIRST_RATE_BPS = 300e6;
/** A probe lasts so long at least: behind the buffers of a machine it shows what it really carries. */
const PROBE_SECONDS = 1;
const PROBE_MIN_BYTES = 16 * 1024 * 1024;
const OVERRUNS_MAX = 4;
const SLOWER = 0.85;

export function benchE2e(options: RunsOptions): Promise<E2eResult> {
  return withSides(options, COPIES * options.sizeBytes, async (sides, filesystem) => {
    const { each, probes, overruns } = await carryAll(options, sides);
    return {
      ...saidOf(options, sides, filesystem),
      ...medians(each),
      ...memoryOf(sides),
      delivered: each.filter(({ delivered }) => delivered).length,
      identical: each.every(({ identical }) => identical),
      probes,
      overruns,
      each,
    };
  });
}

export function benchLink(options: RunsOptions): Promise<LinkResult> {
  const { runs, loss, overhead } = options;
  return withSides(options, COPIES * options.sizeBytes, async (sides, filesystem) => {
    const { each, probes, overruns } = await carryAll(options, sides);
    return {
      ...saidOf(options, sides, filesystem),
      delivered: each.filter(({ identical }) => identical).length,
      runs,
      loss,
      overhead,
      ...medians(each),
      ...memoryOf(sides),
      probes,
      overruns,
    };
  });
}

/** Carries the files at the rate that was given or found. */
async function carryAll(options: RunsOptions, sides: Sides): Promise<Runs> {
  const { sizeBytes, runs, seed, say } = options;
  let files = 0;
  const one = (bytes: number) => carry(sides, `file-${files}`, bytes, seed + files++);
  await sides.start(options.rateBps ?? FIRST_RATE_BPS);
  say(`queues: ${sides.queueStore}; link: ${sides.transport.low} to ${sides.transport.high}`);
  const found = options.rateBps === undefined ? await searchRate(options, sides, one) : undefined;
  if (found) await sides.changeRate(found.rateBps);
  say(`rate ${inGbps(sides.rateBps)}`);
  const each: Carried[] = [];
  let overruns = 0;
  while (each.length < runs) {
    const carried = await one(sizeBytes);
    say(`  ${wordsOf(carried)}`);
    each.push(carried);
    if (!found || !isOverrun(carried) || overruns === OVERRUNS_MAX) continue;
    overruns++;
    await sides.changeRate(Math.round(sides.rateBps * SLOWER));
    say(`  that is more than this machine carries; again at ${inGbps(sides.rateBps)}`);
    each.length = 0;
  }
  return { each, probes: found?.probes ?? [], overruns };
}

function searchRate(
  { sizeBytes, mtu, overhead, say }: RunsOptions,
  sides: Sides,
  one: (bytes: number) => Promise<Carried>,
) {
  // Beside its symbol a frame has 64 bytes and a datagram 28 more; symbols are multiples of 64.
  const symbolBytes = Math.floor((mtu - 92) / 64) * 64;
  const objectPart = symbolBytes / (symbolBytes + 92) / (1 + overhead);
  return findRate(FIRST_RATE_BPS, objectPart, async (rateBps) => {
    await sides.changeRate(Math.round(rateBps));
    const bytes = Math.max(PROBE_MIN_BYTES, (rateBps / 8) * objectPart * PROBE_SECONDS);
    const carried = await one(Math.min(sizeBytes, Math.round(bytes)));
    say(`  probe at ${inGbps(rateBps)}: ${wordsOf(carried)}`);
    return carried;
  });
}

/** The middle of every figure over the runs. */
function medians(each: readonly Carried[]): object {
  const middle = (of: (one: Carried) => number, digits = 1) => rounded(median(each.map(of)), digits);
  return {
    goodputMBps: middle((one) => one.goodputMBps),
    dropToReleaseMBps: middle((one) => one.dropToReleaseMBps),
    sha256MBps: middle((one) => one.sha256MBps),
    ratio: middle((one) => one.ratio, 4),
    dropToReleaseRatio: middle((one) => one.dropToReleaseRatio, 4),
    cpuSecondsLow: middle((one) => one.cpuSecondsLow, 2),
    cpuSecondsHigh: middle((one) => one.cpuSecondsHigh, 2),
    datagramsSent: middle((one) => one.datagramsSent, 0),
    datagramsLost: middle((one) => one.datagramsLost, 0),
    receiverDrops: middle((one) => one.receiverDrops, 0),
    simulatorDrops: middle((one) => one.simulatorDrops, 0),
  };
}

const inGbps = (bps: number): string => `${(bps / 1e9).toFixed(2)} Gbps`;
