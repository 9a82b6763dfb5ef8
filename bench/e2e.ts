/**
 * `sluice bench e2e` and `sluice bench link`: large files, one after the other, through real low and high process trees;
 * the one asks how fast they arrive, the other how many of them.
 */
import { type Carried, memoryOf } from './carry.js';
import { COPIES, carryAll, medians, type RunsOptions } from './runs.js';
import { saidOf, withSides } from './whole.js';

export type E2eResult = { delivered: number; identical: boolean; each: Carried[] } & Record<string, unknown>;
export type LinkResult = { delivered: number; runs: number; loss: number; overhead: number } & Record<string, unknown>;

export function benchE2e(options: RunsOptions): Promise<E2eResult> {
  return withSides(options, COPIES * options.sizeBytes, async (sides, filesystem) => {
    const { each, probes, overruns } = await carryAll(options, sides);
    return {
      ...saidOf(options, sides, filesystem),
      ...medians(each, options.sizeBytes),
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
      ...medians(each, options.sizeBytes),
      ...memoryOf(sides),
      probes,
      overruns,
    };
  });
}
