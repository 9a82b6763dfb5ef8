/** What the benches of the whole gateway have in common: options, a gateway that goes away again, and what a line says of both. */
import { rmSync } from 'node:fs';
import { takePlace } from './place.js';
import { Sides, type SidesOptions } from './sides.js';

export interface WholeOptions extends SidesOptions {
  /** Absent: found by probes, or what is enough. */
  rateBps?: number | undefined;
  /** Folder for everything; in memory when absent. */
  state?: string | undefined;
  say: (line: string) => void;
}

/**
 * Runs the work with sides that have not been started, in a folder of their own, and takes both away afterwards.
 * @param bytes what will lie in the folder at a time, all copies together
 */
export async function withSides<T>(
  options: WholeOptions,
  bytes: number,
  work: (sides: Sides, filesystem: string) => Promise<T>,
): Promise<T> {
  const { base, filesystem } = takePlace(options.state, bytes);
  let sides: Sides | undefined;
  const remove = async () => {
    await sides?.stop();
    rmSync(base, { recursive: true, force: true });
  };
  // A bench that is ended takes its sides along.
  const stop = () => void remove().finally(() => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  try {
    sides = new Sides(base, options);
    return await work(sides, filesystem);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    await remove();
  }
}

/** Everything that was asked for, and what came of "auto". */
export function saidOf<Options extends WholeOptions>(options: Options, sides: Sides, filesystem: string): object {
  const { say: _say, profile: _profile, state: _state, rateBps, lowNetns, highNetns, ...rest } = options;
  return {
    ...rest,
    lowNetns: lowNetns ?? null,
    highNetns: highNetns ?? null,
    isRateGiven: rateBps !== undefined,
    rateBps: sides.rateBps,
    filesystem,
    queueStore: sides.queueStore,
    transportLow: sides.transport.low,
    transportHigh: sides.transport.high,
  };
}
