/**
 * `sluice demo --once`: carries one folder through a whole gateway and reports what became of every object. The input
 * folder is the tenant's share, read and never changed.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../core/errors.js';
import { formatDuration, formatSize } from '../../core/units.js';
import { StateFolder } from '../files/stateFolder.js';
import { sameFiles } from './compare.js';
import { Gateway, type GatewayOptions } from './gateway.js';
import { listInputs } from './inputs.js';
import { Outcomes } from './outcomes.js';

export interface OnceOptions {
  input: string;
  out: string;
  tenant: string;
  state?: string;
  timeoutMs: number;
  policy?: string;
  queues: GatewayOptions['queues'];
  link: GatewayOptions['link'];
  impairments: GatewayOptions['impairments'];
  /** Words for people, a line each. */
  say: (line: string) => void;
  /** Resolves when it is to end before its time: it then reports how things stand. */
  stopped: Promise<void>;
}

/** The report, as CONTRACTS fixes it. */
export interface OnceReport {
  objects: number;
  released: number;
  quarantined: number;
  incomplete: number;
  refused: number;
  held: number;
  identical: number;
  bytes: number;
  seconds: number;
  highToLowDatagrams: number;
}

const LOOK_MS = 100;
const PROGRESS_MS = 2_000;
/** Asked of a state folder: the demo that owns it, so that the same one may go on. */
const OWNER = 'demo.json';

/** Throws USAGE when input or output cannot be what they are given as. */
export async function demoOnce(options: OnceOptions): Promise<OnceReport> {
  // A share that is itself a link would not be used, so links on the way to it are followed here.
  const input = realPath(resolve(options.input));
  const out = realPath(resolve(options.out));
  const named = options.state === undefined ? undefined : realPath(resolve(options.state));
  checkFolders(input, out, named);
  const inputs = listInputs(input);
  const stateDir = named ?? mkdtempSync(join(tmpdir(), 'sluice-'));
  mkdirSync(out, { recursive: true });
  const state = StateFolder.open(stateDir);
  const resumed = StateFolder.readFile(stateDir, OWNER) !== undefined;
  state.writeFile(OWNER, { input, out });
  const outcomes = new Outcomes();
  for (const object of inputs) outcomes.expect(options.tenant, object);
  const gateway = new Gateway(gatewayOptions(options, input, out, stateDir), {
    low: (news) => outcomes.low(news),
    high: (news) => outcomes.high(news),
    alarm: (side, { code, words }) => options.say(`${side} side: ${code}: ${words}`),
  });
  let seconds = 0;
  const startedMs = performance.now();
  const stopped = options.stopped.then(() => 'stopped' as const);
  try {
    options.say(`${inputs.length} objects in ${input}`);
    const begun = await Promise.race([gateway.start(), stopped]);
    if (begun !== 'stopped') {
      const look = () => state.writeRun(runFile(gateway, out));
      look();
      const { receiveBufferBytes, transport } = gateway.highReady;
      options.say(`link: ${transport}; receive buffer ${formatSize(receiveBufferBytes)}`);
      options.say(`queues: low side ${gateway.lowReady.queueStore}; high side ${gateway.highReady.queueStore}`);
      if (resumed) await recall(gateway, outcomes);
      await finish(gateway, outcomes, options, stopped, look);
      await sayLink(gateway, options.say);
    }
    seconds = (performance.now() - startedMs) / 1000;
  } finally {
    await gateway.stop();
    state.close();
  }
  // Only now: until both sockets are closed something may still arrive at them.
  const report = await reportOf(outcomes, options, input, out, seconds, gateway.highToLow());
  const good =
    report.released === report.objects && report.identical === report.objects && report.highToLowDatagrams === 0;
  if (options.state === undefined) {
    if (good) rmSync(stateDir, { recursive: true, force: true });
    else options.say(`What the gateway knew is kept in ${stateDir}`);
  }
  return report;
}

/** Where a folder is or will be, without links on the way. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realPath(dirname(path)), basename(path));
}

function checkFolders(input: string, out: string, stateDir: string | undefined): void {
  const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder(input)) throw new SluiceError('USAGE', `--input ${input} is not a folder.`);
  const lies = (inner: string, outer: string) => `${inner}/`.startsWith(`${outer}/`);
  for (const [name, folder] of Object.entries({ '--out': out, '--state': stateDir })) {
    if (folder === undefined) continue;
    if (existsSync(folder) && !isFolder(folder)) throw new SluiceError('USAGE', `${name} ${folder} is not a folder.`);
    if (lies(folder, input) || lies(input, folder))
      throw new SluiceError('USAGE', `--input and ${name} may not lie in each other.`);
  }
  if (stateDir === undefined && lies(realpathSync(tmpdir()), input)) {
    throw new SluiceError(
      'USAGE',
      `--input ${input} holds the temporary folder, where the state would lie: give --state.`,
    );
  }
  const resumed = stateDir === undefined ? undefined : StateFolder.readFile(stateDir, OWNER);
  const owned = resumed?.out === out && resumed?.input === input;
  if (existsSync(out) && !owned && readdirSync(out).length > 0) {
    throw new SluiceError('USAGE', `--out ${out} is not empty.`);
  }
}

function gatewayOptions(options: OnceOptions, input: string, out: string, stateDir: string): GatewayOptions {
  const { tenant, policy, queues, link, impairments } = options;
  return {
    stateDir,
    storageRoot: out,
    tenants: [
      { name: tenant, share: input, afterSent: 'keep', ...(policy === undefined ? {} : { policy: resolve(policy) }) },
    ],
    names: 'posix',
    // Neither beside what somebody wants sent nor into a folder that is to be compared.
    receiptsDir: join(stateDir, 'receipts'),
    link,
    queues,
    impairments,
    // The folder is all there is: a name that ends in ".part" is a name like any other.
    intake: { pollInterval: '100ms', holdTime: '200ms', consignmentHold: '1s', incompleteSuffixes: [] },
  };
}

/** An earlier run on this state may have got far. What the low side is sending once more has no end yet. */
async function recall(gateway: Gateway, outcomes: Outcomes): Promise<void> {
  const { low, high } = await gateway.recall();
  outcomes.low(low);
  outcomes.high(high);
  outcomes.low(low.filter(({ state }) => state === 'sealed' || state === 'sending'));
}

/** Returns once every object has its outcome, nothing has moved for the timeout, or there is no use in waiting. */
async function finish(
  gateway: Gateway,
  outcomes: Outcomes,
  { timeoutMs, say }: OnceOptions,
  stopped: Promise<'stopped'>,
  look: () => void,
): Promise<void> {
  let moved = '';
  let movedMs = performance.now();
  let saidMs = performance.now();
  while ((await Promise.race([sleep(LOOK_MS), stopped])) !== 'stopped') {
    if (outcomes.pending === 0) return;
    if (gateway.failed) return say(gateway.failed);
    const summaries = await gateway.summaries();
    if (!summaries) continue;
    look();
    const { low, high } = summaries;
    const { accepted = 0, blocksWaiting = 0 } = high.link;
    // Heartbeats go on for ever; they are not movement.
    const now = JSON.stringify([low.counts, high.counts, accepted, blocksWaiting, low.sequenceLast]);
    if (now !== moved) {
      moved = now;
      movedMs = performance.now();
    }
    const quietMs = performance.now() - Math.max(movedMs, outcomes.lastNewsMs);
    if (quietMs >= timeoutMs) {
      say(`nothing has moved for ${formatDuration(timeoutMs)}`);
      return;
    }
    if (performance.now() - saidMs >= PROGRESS_MS) {
      saidMs = performance.now();
      const total = outcomes.all.length;
      say(`${outcomes.count('released')} of ${total} released; ${formatSize(low.bytesSent)} sent`);
    }
  }
  say('stopped before its time');
}

/** Where datagrams were lost, and what it took to make up for it. */
async function sayLink(gateway: Gateway, say: (line: string) => void): Promise<void> {
  const summaries = await gateway.summaries();
  if (!summaries) return;
  const { low, high } = summaries;
  const { link } = high;
  const { lost = 0, burstLost = 0, outageLost = 0, kernelDropped = 0, sendFailed = 0 } = gateway.linkCounters ?? {};
  say(
    `low side: ${low.framesSent} frames sent, ${low.sendErrors} not taken by the system; ` +
      `link: ${lost + burstLost + outageLost} lost as asked, ${kernelDropped} overrun, ${sendFailed} not delivered`,
  );
  say(
    `high side: ${link.datagrams} datagrams, ${link.kernelDrops ?? '?'} dropped by the kernel, ${link.ringDrops} by the ring; ` +
      `${link.framesLost} of ${link.framesExpected} frames missing, ${link.repairUsed} symbols rebuilt, ` +
      `${link.blocksDecoded} blocks decoded, ${link.blocksPlain} whole, ${link.blocksBad} bad, ${link.spilled} put aside, ` +
      `${link.noRoom} symbols without room, ${link.conflicting} conflicting`,
  );
}

async function reportOf(
  outcomes: Outcomes,
  options: OnceOptions,
  input: string,
  out: string,
  seconds: number,
  highToLowDatagrams: number,
): Promise<OnceReport> {
  const all = outcomes.all;
  let identical = 0;
  let bytes = 0;
  for (const object of all) {
    if (object.outcome === 'released') {
      bytes += object.sizeBytes;
      const raw = Buffer.from(object.rawPath, 'latin1');
      const put = Buffer.concat([Buffer.from(`${input}/`), raw]);
      const got = Buffer.concat([Buffer.from(`${out}/${options.tenant}/`), raw]);
      if (await sameFiles(put, got)) identical++;
      else options.say(`${object.path}: released as ${object.publishedAs}, and not the same bytes at its path`);
    } else {
      const outcome = object.outcome === 'pending' ? object.state : object.outcome;
      const named = object.transfer === '' ? '' : ` (transfer ${object.transfer})`;
      options.say(`${object.path}: ${outcome} ${object.code} ${object.detail}${named}`);
    }
  }
  const released = outcomes.count('released');
  const quarantined = outcomes.count('quarantined');
  const refused = outcomes.count('refused');
  // Sent and not decided by now counts as incomplete; whatever never left the low side is still held there.
  const sent = all.filter(
    ({ outcome, state }) => outcome === 'incomplete' || (outcome === 'pending' && isOnItsWay(state)),
  );
  const incomplete = sent.length;
  return {
    objects: all.length,
    released,
    quarantined,
    incomplete,
    refused,
    held: all.length - released - quarantined - refused - incomplete,
    identical,
    bytes,
    seconds: Number(seconds.toFixed(3)),
    highToLowDatagrams,
  };
}

const isOnItsWay = (state: string): boolean => ['sending', 'sent', 'assembling', 'verifying'].includes(state);

/** What stands in run.json: where everything is, for whoever looks on. */
export function runFile(gateway: Gateway, storage: string): object {
  const { lowReady, highReady, linkPorts } = gateway;
  return {
    startedMs: Date.now(),
    processes: gateway.processes(),
    ports: {
      lowSource: lowReady.sourcePort,
      linkInput: linkPorts.inputPort,
      linkOutput: linkPorts.outputPort,
      high: highReady.port,
    },
    consoles: { low: lowReady.console?.url ?? null, high: highReady.console?.url ?? null },
    consoleTokens: { low: lowReady.console?.token ?? null, high: highReady.console?.token ?? null },
    queues: { low: lowReady.queueStore, high: highReady.queueStore },
    shares: lowReady.shares,
    accepted: lowReady.accepted,
    receipts: { low: lowReady.receipts, high: highReady.receipts },
    storage,
    storages: highReady.storage,
  };
}
