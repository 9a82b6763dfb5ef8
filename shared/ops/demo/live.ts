/**
 * `npm start`: a gateway with two tenants, sample files in their shares, a table of what became of them, and then a
 * gateway to play with until Ctrl-C.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration, formatSize } from '../../core/units.js';
import { TOKEN_FILE } from '../console/tokenFile.js';
import { StateFolder } from '../files/stateFolder.js';
import { sameFiles } from './compare.js';
import { Gateway, type GatewayOptions } from './gateway.js';
import { runFile } from './once.js';
import { type Followed, Outcomes } from './outcomes.js';
import { samplesFor, writeSamples } from './samples.js';

export interface LiveOptions {
  state?: string;
  queues: GatewayOptions['queues'];
  link: GatewayOptions['link'];
  impairments: GatewayOptions['impairments'];
  say: (line: string) => void;
  /** Resolves when it is to end. */
  stopped: Promise<void>;
}

const TENANTS = ['finance', 'registry'] as const;
const SAMPLES_MS = 60_000;
const LOOK_MS = 1_000;

export async function demoLive(options: LiveOptions): Promise<0 | 1> {
  const { say } = options;
  const temporary = options.state === undefined;
  const stateDir = options.state ? resolve(options.state) : mkdtempSync(join(tmpdir(), 'sluice-'));
  const state = StateFolder.open(stateDir);
  const shares = Object.fromEntries(TENANTS.map((tenant) => [tenant, state.folder(`shares/${tenant}`)]));
  const storage = state.folder('storage');
  const outcomes = new Outcomes();
  let running = true;
  let table = false;
  let looking: NodeJS.Timeout | undefined;
  const gateway = new Gateway(gatewayOptions(options, stateDir, shares, storage), {
    low: (news) => {
      outcomes.low(news);
      if (table) for (const item of news) say(`  low   ${item.tenant}/${item.path}: ${item.state}${reason(item)}`);
    },
    high: (news) => {
      outcomes.high(news);
      if (table) for (const item of news) say(`  high  ${item.tenant}/${item.path}: ${item.state}${reason(item)}`);
    },
    alarm: (side, { code, words }) => say(`  ${side} side: ${code}: ${words}`),
  });
  void options.stopped.then(() => {
    running = false;
  });
  let good = false;
  try {
    say('starting low side, simulated one-way link and high side ...');
    await Promise.race([gateway.start(), options.stopped]);
    if (!running) return 1;
    state.writeRun(runFile(gateway, storage));
    const failed = new Promise<void>((resolve) => {
      looking = setInterval(async () => {
        if (gateway.failed) return resolve();
        if (await gateway.summaries()) state.writeRun(runFile(gateway, storage));
      }, LOOK_MS);
    });
    say(`queues: low side ${gateway.lowReady.queueStore}`);
    say(`        high side ${gateway.highReady.queueStore}`);
    sayConsoles(gateway, stateDir, say);
    const originals = await dropSamples(state, shares, outcomes);
    await follow(outcomes, say, () => running && gateway.failed === '');
    good = await printTable(outcomes.all, originals, storage, say);
    table = true;
    if (running) {
      say('\nThe shares are being watched. Drop files and see them arrive; Ctrl-C ends it.');
      for (const tenant of TENANTS) say(`  share of ${tenant.padEnd(9)} ${shares[tenant]}`);
      say(`  storage            ${storage}`);
      say(`  ledgers and logs   ${stateDir}`);
    }
    await Promise.race([options.stopped, failed]);
    if (gateway.failed) {
      say(`\n${gateway.failed}; logs are in ${stateDir}`);
      good = false;
    }
    say('\nending ...');
  } finally {
    clearInterval(looking);
    await gateway.stop();
    state.close();
  }
  if (temporary && good) rmSync(stateDir, { recursive: true, force: true });
  return good ? 0 : 1;
}

function sayConsoles({ lowReady, highReady }: Gateway, stateDir: string, say: (line: string) => void): void {
  for (const [side, { console: served }] of [
    ['low', lowReady],
    ['high', highReady],
  ] as const) {
    if (!served) continue;
    say(`console of the ${side} side: ${served.url}`);
    say(`        its token: ${served.token}  (also in ${join(stateDir, side, TOKEN_FILE)})`);
  }
}

const reason = ({ code, detail }: { code?: string; detail?: string }) => (code ? ` (${code} ${detail ?? ''})` : '');

function gatewayOptions(
  { queues, link, impairments }: LiveOptions,
  stateDir: string,
  shares: Record<string, string>,
  storageRoot: string,
): GatewayOptions {
  return {
    stateDir,
    storageRoot,
    tenants: TENANTS.map((name) => ({ name, share: shares[name]!, afterSent: 'move' })),
    names: 'portable',
    link,
    queues,
    impairments,
    intake: { pollInterval: '200ms', holdTime: '400ms', consignmentHold: '1s' },
  };
}

/** Writes the samples, and a copy of each to compare with later: the originals move on once they have been sent. */
async function dropSamples(state: StateFolder, shares: Record<string, string>, outcomes: Outcomes): Promise<string> {
  const originals = state.folder('samples');
  for (const tenant of TENANTS) {
    const samples = samplesFor(tenant);
    const copies = join(originals, tenant);
    mkdirSync(copies, { recursive: true });
    writeSamples(copies, samples, renameSync);
    for (const [path, content] of samples) {
      const rawPath = Buffer.from(path).toString('latin1');
      outcomes.expect(tenant, { rawPath, path, sizeBytes: content.length });
    }
    writeSamples(shares[tenant]!, samples, renameSync);
  }
  return originals;
}

async function follow(outcomes: Outcomes, say: (line: string) => void, running: () => boolean): Promise<void> {
  const untilMs = performance.now() + SAMPLES_MS;
  let said = '';
  while (running() && outcomes.pending > 0 && performance.now() < untilMs) {
    await sleep(100);
    const all = outcomes.all;
    const states = new Map<string, number>();
    for (const { state } of all) states.set(state, (states.get(state) ?? 0) + 1);
    const line = [...states].map(([state, count]) => `${count} ${state}`).join(', ');
    if (line !== said) say(`  ${line}`);
    said = line;
  }
}

async function printTable(
  all: readonly Followed[],
  originals: string,
  storage: string,
  say: (line: string) => void,
): Promise<boolean> {
  const rows = [['tenant', 'file', 'size', 'state', 'time', 'SHA-256']];
  let good = true;
  for (const { tenant, path, sizeBytes, state, tookMs, publishedAs } of all) {
    const equal =
      state === 'released' && (await sameFiles(join(originals, tenant, path), join(storage, tenant, publishedAs)));
    good &&= equal;
    rows.push([tenant, path, formatSize(sizeBytes), state, formatDuration(tookMs), equal ? 'equal' : 'NOT EQUAL']);
  }
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  say('');
  for (const row of rows)
    say(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
  return good;
}
