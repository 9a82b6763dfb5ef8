/** Benches of the whole gateway: their options, and the line each prints. */
import { parseArgs } from 'node:util';
import { SluiceError } from '../shared/core/errors.js';
import { parseFraction, parseRate, parseSize } from '../shared/core/units.js';
import { about } from './about.js';
import { benchE2e } from './e2e.js';
import { readProfiles } from './profile.js';
import type { SidesOptions } from './sides.js';

const SIDES = {
  mtu: { type: 'string', default: '1500' },
  overhead: { type: 'string', default: '0.1' },
  loss: { type: 'string', default: '0' },
  burst: { type: 'string', default: '0' },
  seed: { type: 'string', default: '1' },
  rate: { type: 'string', default: 'auto' },
  queues: { type: 'string', default: 'auto' },
  transport: { type: 'string', default: 'auto' },
  'link-port': { type: 'string', default: '0' },
  'low-netns': { type: 'string' },
  'high-netns': { type: 'string' },
  profile: { type: 'string' },
  state: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const WHOLE_USAGE = `sluice bench e2e [--size 1GiB] [--runs 1] OPTIONS
       sluice bench profile DIR [--top 12] [--json]`;
export const SIDES_USAGE = `OPTIONS: [--mtu 1500] [--overhead 0.1] [--loss P] [--burst N] [--seed N] [--rate auto|RATE] [--queues auto|redis-server|embedded]
         [--transport auto|batched|dgram] [--link-port N] [--low-netns NAME --high-netns NAME] [--state DIR] [--profile DIR] [--json]`;

type Values = { [K in keyof typeof SIDES]?: string | boolean };

export async function e2eCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { ...SIDES, size: { type: 'string', default: '1GiB' }, runs: { type: 'string', default: '1' } },
  });
  const { json, ...rest } = values;
  const result = await benchE2e({
    ...sidesOf(rest),
    ...commonOf(rest),
    sizeBytes: parseSize(values.size),
    runs: whole('runs', values.runs, 1),
  });
  printed('e2e', result, json);
  return result.identical ? 0 : 1;
}

/** Where the processor was during a run with --profile. */
export function profileCommand(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { top: { type: 'string', default: '12' }, json: { type: 'boolean', default: false } },
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

function commonOf({ rate, state }: Values): { rateBps?: number; state?: string; say: (line: string) => void } {
  return {
    ...(rate === 'auto' ? {} : { rateBps: parseRate(String(rate)) }),
    ...(state === undefined ? {} : { state: String(state) }),
    say,
  };
}

function sidesOf(values: Values): SidesOptions {
  return {
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
