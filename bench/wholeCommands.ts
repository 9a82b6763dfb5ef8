/** The benches of the whole gateway, one command each, and the line it prints. */
import { parseArgs } from 'node:util';
import { parseSize } from '../shared/core/units.js';
import { about } from './about.js';
import { SIDES, say, sidesOf, text, whole } from './commandOptions.js';
import { benchE2e, benchLink } from './e2e.js';
import { benchFiles } from './files.js';
import { benchLatency } from './latency.js';

export const WHOLE_USAGE = `sluice bench e2e [--size 1GiB] [--runs 1] OPTIONS
       sluice bench link [--size 200MiB] [--runs 20] [--loss P] [--burst N] OPTIONS
       sluice bench files [--count 5000] [--size 16KiB] OPTIONS
       sluice bench latency [--count 100] [--size 1000000B] OPTIONS`;

/** 1 unless everything arrived as it was. */
export async function e2eCommand(args: string[]): Promise<number> {
  const options = { ...SIDES, size: text('1GiB'), runs: text('1') };
  const { values } = parseArgs({ args, options });
  const result = await benchE2e({ ...sidesOf(values), ...runsOf(values) });
  printed('e2e', result, values.json);
  return result.identical ? 0 : 1;
}

/** Says how many arrived; that some did not is an answer and no failure. */
export async function linkCommand(args: string[]): Promise<number> {
  const options = { ...SIDES, size: text('200MiB'), runs: text('20') };
  const { values } = parseArgs({ args, options });
  const result = await benchLink({ ...sidesOf(values), simulated: true, ...runsOf(values) });
  printed('link', result, values.json);
  return 0;
}

export async function filesCommand(args: string[]): Promise<number> {
  const options = { ...SIDES, size: text('16KiB'), count: text('5000') };
  const { values } = parseArgs({ args, options });
  const count = whole('count', values.count, 1);
  const result = await benchFiles({ ...sidesOf(values), count, sizeBytes: parseSize(values.size) });
  printed('files', result, values.json);
  return result.identical ? 0 : 1;
}

export async function latencyCommand(args: string[]): Promise<number> {
  const options = { ...SIDES, size: text('1000000B'), count: text('100') };
  const { values } = parseArgs({ args, options });
  const count = whole('count', values.count, 1);
  const result = await benchLatency({ ...sidesOf(values), count, sizeBytes: parseSize(values.size) });
  printed('latency', result, values.json);
  return result.delivered === count ? 0 : 1;
}

function printed(bench: string, result: object, json: boolean): void {
  const line = { bench, ...about(), ...result };
  if (json) process.stdout.write(`${JSON.stringify(line)}\n`);
  else say(JSON.stringify(line, null, 2));
}

function runsOf({ size, runs }: { size: string; runs: string }): { sizeBytes: number; runs: number } {
  return { sizeBytes: parseSize(size), runs: whole('runs', runs, 1) };
}
