/** `sluice bench e2e`: large files, one after the other, through real low and high process trees. */
import { type Carried, carry, memoryOf } from './carry.js';
import { median, rounded } from './figures.js';
import { takePlace } from './place.js';
import { findRate, isOverrun, type Probe } from './rate.js';
import { Sides, type SidesOptions } from './sides.js';

export interface E2eOptions extends SidesOptions {
  sizeBytes: number;
  runs: number;
  /** Absent: found by probes. */
  rateBps?: number | undefined;
  /** Folder for everything; in memory when absent. */
  state?: string | undefined;
  say: (line: string) => void;
}

export interface E2eResult {
  rateBps: number;
  /** Which rates were tried to find it; none when it was given. */
  probes: Probe[];
  filesystem: string;
  queueStore: string;
  transportLow: string;
  transportHigh: string;
  delivered: number;
  identical: boolean;
  /** Runs that were repeated with a lower rate, because this machine dropped what it received. */
  overruns: number;
  each: Carried[];
}

/** Source, spool and storage; what is put together may lie there twice for a moment. */
const COPIES = 4;
const FIRST_RATE_BPS = 300e6;
const PROBE_SECONDS = 0.6;
const PROBE_MIN_BYTES = 24 * 1024 * 1024;
const OVERRUNS_MAX = 4;
const SLOWER = 0.85;

export async function benchE2e(options: E2eOptions): Promise<E2eResult & Record<string, unknown>> {
  const { sizeBytes, runs, mtu, overhead, state, say } = options;
  const { base, filesystem } = takePlace(state, COPIES * sizeBytes);
  const sides = new Sides(base, options);
  const stop = stopOnSignal(sides);
  try {
    let files = 0;
    const one = (bytes: number) => carry(sides, `file-${files}`, bytes, options.seed + files++);
    await sides.start(options.rateBps ?? FIRST_RATE_BPS);
    say(`${sides.queueStore}; state on ${filesystem}`);
    const found = options.rateBps === undefined ? await searchRate(options, sides, one) : undefined;
    if (found) await sides.changeRate(found.rateBps);
    const each: Carried[] = [];
    let overruns = 0;
    while (each.length < runs) {
      const carried = await one(sizeBytes);
      say(wordsOf(carried));
      if (found && overruns < OVERRUNS_MAX && isOverrun(carried)) {
        overruns++;
        await sides.changeRate(Math.round(sides.rateBps * SLOWER));
        say(`  more than this machine carries; again at ${(sides.rateBps / 1e9).toFixed(2)} Gbps`);
        each.length = 0;
      } else each.push(carried);
    }
    return {
      ...parametersOf(options),
      rateBps: sides.rateBps,
      probes: found?.probes ?? [],
      overruns,
      filesystem,
      queueStore: sides.queueStore,
      transportLow: sides.transport.low,
      transportHigh: sides.transport.high,
      ...medians(each),
      ...memoryOf(sides),
      delivered: each.filter(({ delivered }) => delivered).length,
      identical: each.every(({ identical }) => identical),
      each,
      mtu,
      overhead,
    };
  } finally {
    stop();
    await sides.remove();
  }
}

/** Everything that was asked for. */
export function parametersOf(options: E2eOptions): object {
  const { say: _say, profile: _profile, state: _state, rateBps: _rateBps, lowNetns, highNetns, ...rest } = options;
  return { ...rest, lowNetns: lowNetns ?? null, highNetns: highNetns ?? null };
}

export async function searchRate(
  { sizeBytes, mtu, overhead, say }: Pick<E2eOptions, 'sizeBytes' | 'mtu' | 'overhead' | 'say'>,
  sides: Sides,
  one: (bytes: number) => Promise<Carried>,
): Promise<{ rateBps: number; probes: Probe[] }> {
  // Frames carry 64 bytes beside the symbol, datagrams 28 more.
  const symbolBytes = Math.floor((mtu - 92) / 64) * 64;
  const wirePart = symbolBytes / (symbolBytes + 92) / (1 + overhead);
  return findRate(FIRST_RATE_BPS, wirePart, async (rateBps) => {
    await sides.changeRate(Math.round(rateBps));
    const bytes = Math.max(PROBE_MIN_BYTES, (rateBps / 8) * PROBE_SECONDS);
    const carried = await one(Math.min(sizeBytes, Math.round(bytes)));
    say(`  probe at ${(rateBps / 1e9).toFixed(2)} Gbps: ${wordsOf(carried)}`);
    return carried;
  });
}

/** The middle of every figure over the runs; sums where they are counts. */
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

function wordsOf(one: Carried): string {
  const { goodputMBps, dropToReleaseMBps, ratio, cpuSecondsLow, cpuSecondsHigh, datagramsLost, datagramsSent } = one;
  const what = one.delivered ? (one.identical ? 'identical' : 'NOT IDENTICAL') : 'not delivered';
  const speed = `${goodputMBps} MB/s (drop to release ${dropToReleaseMBps}), ratio ${ratio.toFixed(3)}`;
  return `${what}, ${speed}, CPU ${cpuSecondsLow} s low, ${cpuSecondsHigh} s high, lost ${datagramsLost} of ${datagramsSent}`;
}

/** A bench that is ended takes its sides along. */
export function stopOnSignal(sides: Sides): () => void {
  const stop = () => void sides.remove().finally(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  return () => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  };
}
