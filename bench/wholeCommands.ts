/** Benches of the whole gateway: their options, and the line each prints. */
import { parseArgs } from 'node:util';
import { SluiceError } from '../shared/core/errors.js';
import { parseFraction, parseRate, parseSize } from '../shared/core/units.js';
import { about } from './about.js';
import { benchE2e, benchLink } from './e2e.js';
import { benchFiles } from './files.js';
import { benchLatency } from './latency.js';
import { readProfiles } from './profile.js';
import type { WholeOptions } from './whole.js';

const text = (value: string) => ({ type: 'string', default: value }) as const;

const SIDES = {
  mtu: text('1500'),
  overhead: text('0.1'),
  loss: text('0'),
  burst: text('0'),
  seed: text('1'),
  rate: text('auto'),
  queues: text('auto'),
  transport: text('auto'),
  'link-port': text('0'),
  'low-netns': { type: 'string' },
  'high-netns': { type: 'string' },
  profile: { type: 'string' },
  state: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const WHOLE_USAGE = `sluice bench e2e [--size 1GiB] [--runs 1] OPTIONS
       sluice bench link [--size 200MiB] [--runs 20] [--loss P] [--burst N] OPTIONS
       sluice bench files [--count 5000] [--size 16KiB] OPTIONS
       sluice bench latency [--count 100] [--size 1000000B] OPTIONS
       sluice bench profile DIR [--top 12] [--json]`;
export const SIDES_USAGE = `OPTIONS: [--mtu 1500] [--overhead 0.1] [--loss P] [--burst N] [--seed N] [--rate auto|RATE] [--queues auto|redis-server|embedded]
         [--transport auto|batched|dgram] [--link-port N] [--low-netns NAME --high-netns NAME] [--state DIR] [--profile DIR] [--json]`;

type Values = { [K in keyof typeof SIDES]?: string | boolean };

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

/** Where the processor was during a run with --profile. */
export function profileCommand(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { top: text('12'), json: { type: 'boolean', default: false } },
  });
  const [folder] = positionals;
  if (folder === undefined) throw new SluiceError('USAGE', 'Name the folder that --profile named.');
  for (const thread of readProfiles(folder, whole('top', values.top, 1))) {
    if (values.json) process.stdout.write(`${JSON.stringify(thread)}\n`);
    else {
      process.stdout.write(`${thread.process}: ${thread.busySeconds} s busy (${thread.file})\n`);
      for (const { where, seconds } of thread.hottest)
        process.stdout.write(`  ${seconds.toFixed(3).padStart(8)}  ${where}\n`);
    }
  }
  return 0;
}

function printed(bench: string, result: object, json: boolean): void {
  const line = { bench, ...about(), ...result };
  if (json) process.stdout.write(`${JSON.stringify(line)}\n`);
  else say(JSON.stringify(line, null, 2));
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function runsOf({ size, runs }: { size: string; runs: string }): { sizeBytes: number; runs: number } {
  return { sizeBytes: parseSize(size), runs: whole('runs', runs, 1) };
}

function sidesOf(values: Values): WholeOptions {
  const { rate, state } = values;
  return {
    say,
    ...(rate === 'auto' ? {} : { rateBps: parseRate(String(rate)) }),
    ...(state === undefined ? {} : { state: String(state) }),
    mtu: whole('mtu', values.mtu, 1),
    overhead: number('overhead', values.overhead),
    loss: parseFraction(String(values.loss)),
    burst: whole('burst', values.burst, 0),
    seed: whole('seed', values.seed, 0),
    queues: choice('queues', values.queues, ['auto', 'redis-server', 'embedded']),
    transport: choice('transport', values.transport, ['auto', 'batched', 'dgram']),
    linkPort: whole('link-port', values['link-port'], 0),
    lowNetns: values['low-netns'] as string | undefined,
    highNetns: values['high-netns'] as string | undefined,
    profile: values.profile as string | undefined,
  };
}

function whole(name: string, text: unknown, lowest: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(String(text)) || value < lowest) {
    throw new SluiceError('USAGE', `--${name} is a whole number of at least ${lowest}.`);
  }
  return value;
}

function number(name: string, text: unknown): number {
  const value = Number(text);
  if (String(text).trim() === '' || !(value >= 0)) throw new SluiceError('USAGE', `--${name} is a number.`);
  return value;
}

function choice<Choice extends string>(name: string, text: unknown, choices: readonly Choice[]): Choice {
  const found = choices.find((one) => one === text);
  if (found === undefined) throw new SluiceError('USAGE', `--${name} is ${choices.join(', ')}.`);
  return found;
}
