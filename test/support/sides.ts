/** Both sides as an operator sets them up: keys by `sluice keygen`, one YAML file each, `sluice low` and `sluice high`. */
import { createSocket } from 'node:dgram';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { generateKeys } from '../../shared/crypto/keyfiles.js';
import { toYaml } from '../../shared/ops/config/load.js';
import type { HighConfigInput, LowConfigInput } from '../../shared/ops/config/schema.js';
import { kill, type Line, QUICK_STORE, type Run, type RunFile, readJson, type Workplace } from './cli.js';

export interface Sides {
  share: string;
  /** Where originals go once they are sent. */
  accepted: string;
  storage: string;
  keys: string;
  lowState: string;
  highState: string;
  /** Configuration files. */
  low: string;
  high: string;
}

/** Makes folders, and keys with `sluice keygen`. The configuration files are written once the addresses are known. */
export async function setUpSides(place: Workplace): Promise<Sides> {
  const made = await place.sluice('keygen', '--out', join(place.base, 'keys')).ended;
  expect(made.code, made.stderr).to.equal(0);
  return sidesIn(place);
}

/** The same with keys made here and now, for tests that are not about them. */
export function setUpSidesQuickly(place: Workplace): Sides {
  generateKeys(join(place.base, 'keys'));
  return sidesIn(place);
}

function sidesIn(place: Workplace): Sides {
  const keys = join(place.base, 'keys');
  place.folder('storage');
  return {
    share: place.folder('share'),
    accepted: join(place.base, 'accepted', 'share'),
    storage: join(place.base, 'storage', 'town'),
    keys,
    lowState: join(place.base, 'low'),
    highState: join(place.base, 'high'),
    low: join(place.base, 'low.yaml'),
    high: join(place.base, 'high.yaml'),
  };
}

export function writeHigh(sides: Sides, listen: string, more: Partial<HighConfigInput['link']> = {}): void {
  const config: HighConfigInput = {
    tenants: [{ name: 'town', storage: sides.storage, names: 'posix' }],
    keys: { trusted: sides.keys, link: join(sides.keys, 'link.key') },
    link: { listen, ...more },
    queues: { store: QUICK_STORE },
  };
  fs.writeFileSync(sides.high, toYaml(config));
}

export function writeLow(sides: Sides, target: string, more: Partial<LowConfigInput['link']> = {}): void {
  const config: LowConfigInput = {
    tenants: [{ name: 'town', share: sides.share, names: 'posix' }],
    keys: { signing: join(sides.keys, 'signing.key'), link: join(sides.keys, 'link.key') },
    link: { target, ...more },
    intake: { pollInterval: '50ms', holdTime: '100ms', consignmentHold: '100ms' },
    queues: { store: QUICK_STORE },
  };
  fs.writeFileSync(sides.low, toYaml(config));
}

export const startHigh = (place: Workplace, { high, highState }: Sides): Run =>
  place.sluice('high', '--config', high, '--state', highState, '--json');
export const startLow = (place: Workplace, { low, lowState }: Sides): Run =>
  place.sluice('low', '--config', low, '--state', lowState, '--json');

export const ready = (run: Run): Promise<Line> => run.line(({ event }) => event === 'ready', '"ready"', 90_000);

/** Object news with this state, so far. */
export const inState = (run: Run, state: string): Line[] =>
  run.lines().filter((line) => line.event === 'object' && line.state === state);

/** A file appears in the share the way people drop it: under another name first. */
export function drop(sides: Sides, name: string, content: string | Uint8Array): void {
  const path = join(sides.share, name);
  fs.mkdirSync(join(path, '..'), { recursive: true });
  fs.writeFileSync(`${path}.part`, content);
  fs.renameSync(`${path}.part`, path);
}

/** A port nobody listens on, for a side that keeps its port over restarts. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((bound) => socket.bind(0, '127.0.0.1', bound));
  const { port } = socket.address();
  await new Promise<void>((closed) => socket.close(() => closed()));
  return port;
}

/** The supervisor dies without a word; the command says so, takes away what is left, and ends with 1. */
export async function killSupervisor(run: Run, stateDir: string): Promise<void> {
  const { processes } = readJson(join(stateDir, 'run.json')) as RunFile;
  kill(processes.supervisor!.pid, 'SIGKILL');
  const { code, stderr } = await run.ended;
  expect(code, stderr).to.equal(1);
  expect(stderr).to.include('ended unexpectedly');
}
