/**
 * What tenants cost each other, on a whole gateway of real processes: how long letters of one tenant take while another
 * sends a large file (and ten thousand small ones), and how the link is shared by weight.
 */
import { closeSync, mkdirSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../shared/core/errors.js';
import { Prng } from '../shared/core/prng.js';
import { type DemoTenant, Gateway } from '../shared/ops/demo/gateway.js';
import type { HighObjectNews, LowObjectNews } from '../shared/ops/sides.js';

export interface FairnessOptions {
  /** Bytes of the large file of the tenant "flood"; 0 for none. */
  bigBytes: number;
  /** Small files of "flood" dropped at once beside it. */
  storm: number;
  stormBytes: number;
  /** Letters of the tenant "town", one after the other, and the bytes of each. */
  letters: number;
  letterBytes: number;
  rateBps: number;
  /** Seconds over which the shares of three tenants with weights 10, 20 and 50 are measured; 0 leaves it out. */
  weightsSeconds: number;
  queues: 'auto' | 'redis-server' | 'embedded';
  say: (line: string) => void;
}

export interface FairnessResult {
  /** Milliseconds from the moment a letter had its name in the share to its release, sorted. */
  lettersMs: number[];
  medianMs: number;
  /** The same from the moment it was taken: without poll interval and hold time. */
  medianFromTakenMs: number;
  /** Of the link by tenant, in parts of its weight: 1 is exact. */
  shares: Record<string, number>;
  loadAverage: number;
}

const START_MS = 120_000;
const LETTER_MS = 60_000;
const WRITE_BYTES = 1024 * 1024;

/** @throws SluiceError TIMEOUT when a letter does not arrive */
export async function benchFairness(options: FairnessOptions): Promise<FairnessResult> {
  const letters = options.letters > 0 ? await measureLetters(options) : { lettersMs: [], fromTakenMs: [] };
  const shares = options.weightsSeconds > 0 ? await measureWeights(options) : {};
  return {
    lettersMs: letters.lettersMs,
    medianMs: medianOf(letters.lettersMs),
    medianFromTakenMs: medianOf(letters.fromTakenMs),
    shares,
    loadAverage: loadavg()[0]!,
  };
}

async function measureLetters(options: FairnessOptions): Promise<{ lettersMs: number[]; fromTakenMs: number[] }> {
  const { bigBytes, storm, stormBytes, letters, letterBytes, say } = options;
  return withGateway(options, [{ name: 'flood' }, { name: 'town' }], async (place) => {
    if (bigBytes > 0) {
      say(`writing a file of ${bigBytes} bytes ...`);
      writeLarge(join(place.base, 'big'), bigBytes);
      renameSync(join(place.base, 'big'), join(place.share('flood'), 'big'));
    }
    if (storm > 0) writeStorm(join(place.share('flood'), 'storm'), storm, stormBytes);
    await place.until('flood is on the link', () =>
      place.low.some(({ tenant, state }) => tenant === 'flood' && state === 'sending'),
    );
    say('letters ...');
    const lettersMs: number[] = [];
    const fromTakenMs: number[] = [];
    for (let n = 0; n < letters; n++) {
      const name = `letter-${n}`;
      const begun = Date.now();
      drop(place.share('town'), name, new Prng(n).fill(new Uint8Array(letterBytes)));
      const released = () => place.high.find(({ path, state }) => path === name && state === 'released');
      await place.until(`${name} is released`, () => released() !== undefined);
      const taken = place.low.find(({ path, state }) => path === name && state === 'taken');
      lettersMs.push(released()!.atMs - begun);
      fromTakenMs.push(released()!.atMs - (taken?.atMs ?? begun));
      const steps = [...place.low, ...place.high].filter(({ path }) => path === name);
      const timeline = steps.map(({ state, atMs }) => `${state} ${atMs - begun}`).join(', ');
      say(`  ${lettersMs.at(-1)} ms: ${timeline}`);
      await sleep(100 + ((n * 137) % 400));
    }
    if (bigBytes > 0 && place.high.some(({ path, state }) => path === 'big' && state === 'released')) {
      throw new SluiceError('USAGE', 'The large file had been released before the last letter: take a larger one.');
    }
    return { lettersMs, fromTakenMs };
  });
}

async function measureWeights(options: FairnessOptions): Promise<Record<string, number>> {
  const { weightsSeconds, rateBps, say } = options;
  const weights = { light: 10, middle: 20, heavy: 50 };
  const tenants = Object.entries(weights).map(([name, weight]) => ({ name, weight }));
  const bytes = Math.ceil((rateBps / 8) * (weightsSeconds + 6));
  return withGateway(options, tenants, async (place) => {
    for (const { name } of tenants) {
      writeLarge(join(place.base, name), bytes);
      renameSync(join(place.base, name), join(place.share(name), 'file'));
    }
    const sending = (name: string) => place.low.some(({ tenant, state }) => tenant === name && state === 'sending');
    await place.until('all are on the link', () => tenants.every(({ name }) => sending(name)));
    await sleep(1_000);
    const sent = async () => (await place.gateway.summaries())!.low.tenantBytes;
    const before = await sent();
    say(`shares over ${weightsSeconds} s ...`);
    await sleep(weightsSeconds * 1_000);
    const after = await sent();
    const got = Object.fromEntries(tenants.map(({ name }) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
    const all = Object.values(got).reduce((sum, one) => sum + one, 0);
    const weight = Object.values(weights).reduce((sum, one) => sum + one, 0);
    return Object.fromEntries(tenants.map((one) => [one.name, round((got[one.name]! / all) * (weight / one.weight))]));
  });
}

// ------------------------------------------------------------ the gateway

interface Place {
  base: string;
  gateway: Gateway;
  low: LowObjectNews[];
  high: HighObjectNews[];
  share(tenant: string): string;
  until(what: string, holds: () => boolean): Promise<void>;
}

async function withGateway<T>(
  { rateBps, queues, say }: FairnessOptions,
  tenants: Partial<DemoTenant>[],
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const base = mkdtempSync(join(tmpdir(), 'sluice-'));
  const share = (tenant: string) => join(base, 'shares', tenant);
  for (const { name } of tenants) mkdirSync(share(name!), { recursive: true });
  mkdirSync(join(base, 'storage'));
  const [low, high]: [LowObjectNews[], HighObjectNews[]] = [[], []];
  const gateway = new Gateway(
    {
      stateDir: join(base, 'state'),
      storageRoot: join(base, 'storage'),
      tenants: tenants.map((tenant) => ({
        ...tenant,
        name: tenant.name!,
        share: share(tenant.name!),
        afterSent: 'keep',
      })),
      names: 'posix',
      link: { rate: `${rateBps / 1_000_000}Mbps`, transport: 'dgram' },
      queues,
      impairments: { seed: 60 },
      intake: { pollInterval: '200ms', holdTime: '400ms', consignmentHold: '400ms' },
    },
    {
      low: (news) => low.push(...news),
      high: (news) => high.push(...news),
      alarm: (side, { code, words }) => say(`  ${side} side: ${code}: ${words}`),
    },
  );
  const until = async (what: string, holds: () => boolean) => {
    const deadlineMs = performance.now() + (what.startsWith('letter') ? LETTER_MS : START_MS);
    while (!holds()) {
      if (gateway.failed) throw new SluiceError('CHILD_FAILED', gateway.failed);
      if (performance.now() > deadlineMs) throw new SluiceError('CHILD_FAILED', `It never came true that ${what}.`);
      await sleep(5);
    }
  };
  try {
    mkdirSync(join(base, 'state'));
    await gateway.start();
    return await work({ base, gateway, low, high, share, until });
  } finally {
    await gateway.stop();
    rmSync(base, { recursive: true, force: true });
  }
}

/** A file appears the way people drop it: under another name first. */
function drop(share: string, name: string, content: Uint8Array): void {
  writeFileSync(join(share, `${name}.part`), content);
  renameSync(join(share, `${name}.part`), join(share, name));
}

function writeLarge(path: string, bytes: number): void {
  const file = openSync(path, 'w');
  const block = new Prng(bytes).fill(new Uint8Array(WRITE_BYTES));
  for (let at = 0; at < bytes; at += block.length) writeSync(file, block, 0, Math.min(block.length, bytes - at));
  closeSync(file);
}

function writeStorm(folder: string, files: number, bytes: number): void {
  mkdirSync(folder);
  const content = new Prng(files).fill(new Uint8Array(bytes));
  for (let n = 0; n < files; n++) writeFileSync(join(folder, `f${n}`), content);
}

function medianOf(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? 0;
}

const round = (value: number) => Math.round(value * 1_000) / 1_000;
