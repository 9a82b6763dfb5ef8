/** Options of the benches of the whole gateway, as they are written on the command line. */
import { SluiceError } from '../shared/core/errors.js';
import { parseFraction, parseRate } from '../shared/core/units.js';
import type { WholeOptions } from './whole.js';

export const text = (value: string) => ({ type: 'string', default: value }) as const;

export const SIDES = {
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

export const SIDES_USAGE = `OPTIONS: [--mtu 1500] [--overhead 0.1] [--loss P] [--burst N] [--seed N] [--rate auto|RATE] [--queues auto|redis-server|embedded]
         [--transport auto|batched|dgram] [--link-port N] [--low-netns NAME --high-netns NAME] [--state DIR] [--profile DIR] [--json]`;

type Values = { [K in keyof typeof SIDES]?: string | boolean };

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

export function sidesOf(values: Values): WholeOptions {
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

export function whole(name: string, text: unknown, lowest: number): number {
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

export function choice<Choice extends string>(name: string, text: unknown, choices: readonly Choice[]): Choice {
  const found = choices.find((one) => one === text);
  if (found === undefined) throw new SluiceError('USAGE', `--${name} is ${choices.join(', ')}.`);
  return found;
}
