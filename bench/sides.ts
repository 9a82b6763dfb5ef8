/**
 * A whole gateway for measuring, as operators run it: low and high side as commands of their own, each with its process
 * tree, its state folder and its configuration file; keys of their own; between them a link, or `sluice link` when
 * datagrams are to be lost. The bench listens to what they print and looks at their status files, nothing else.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../shared/core/errors.js';
import { generateKeys, KEY_FILES } from '../shared/crypto/keyfiles.js';
import { BESIDE_ITS_RECEIVER } from '../shared/link/priority.js';
import { toYaml } from '../shared/ops/config/load.js';
import type { HighConfigInput, LowConfigInput } from '../shared/ops/config/schema.js';
import {
  type HighLinkStatus,
  type HighStatus,
  type LowLinkStatus,
  type LowStatus,
  STATUS_FILE,
} from '../shared/ops/health/status.js';
import { PROFILE_VARIABLE } from '../shared/ops/processes/profiling.js';
import type { HighObjectNews, LowObjectNews } from '../shared/ops/sides.js';
import { Command, type CommandOptions, type Line } from './command.js';
import { endsOf } from './namespaces.js';
import { TreeMeter } from './processTrees.js';

export interface SidesOptions {
  mtu: number;
  overhead: number;
  queues: 'auto' | 'redis-server' | 'embedded';
  transport: 'auto' | 'batched' | 'dgram';
  /** Of the simulated link; there is none unless something is to be lost. */
  loss: number;
  /** Datagrams lost in one run, once a transfer. */
  burst: number;
  seed: number;
  /** UDP port the high side listens on; 0: the system chooses. */
  linkPort: number;
  /** Network namespaces the sides run in. */
  lowNetns?: string | undefined;
  highNetns?: string | undefined;
  /** Folder for processor profiles of all their processes. */
  profile?: string | undefined;
  /** Whether the simulated link is there even if nothing is to be lost. */
  simulated?: boolean;
}

/** Figures of both ends at one moment; what is sent and lost, since the low side was started. */
export interface LinkFigures {
  framesSent: number;
  /** As the numbers of the frames tell the high side. */
  framesLost: number;
  /** Dropped before the high side could look at them; about, for a socket that takes many at once. */
  receiverDrops: number;
  /** Looked at, and dropped for want of room. */
  noRoom: number;
  /** Dropped by the machine in front of the simulated link: no loss that was asked for. */
  simulatorDrops: number;
}

/** One object on its way. */
export interface Way {
  /** Moments by state, wall clock in ms. */
  low: Map<string, number>;
  high: Map<string, number>;
  /** Path in the storage, once released. */
  publishedAs: string;
}

export const TENANT = 'bench';
const START_MS = 120_000;
const SETTLED_MS = 1_700;
const MESSAGE_MAX_BYTES = 65_507;
const UDP_HEADERS_BYTES = 28;
const SETTLE_LIMIT_MS = 15_000;

export class Sides {
  readonly share: string;
  readonly storage: string;
  /** Where originals go once they are sent. */
  readonly accepted: string;
  /** What became of every object, by its path. */
  readonly ways = new Map<string, Way>();
  /** Objects released, and objects that ended otherwise, since the bench began. */
  released = 0;
  otherwise = 0;
  queueStore = '';
  transport = { low: '', high: '' };
  rateBps = 0;
  lowMeter: TreeMeter | undefined;
  highMeter: TreeMeter | undefined;
  private readonly keys: string;
  private readonly ends: { low: string; high: string } | undefined;
  private high: Command | undefined;
  private link: Command | undefined;
  private low: Command | undefined;
  /** Whether the high side has had time to tell of this low side. */
  private isHeard = false;
  private simulatorDrops = 0;
  private simulatorDropsBefore = 0;
  /** Where the high side listens, and where the low side sends to. */
  private highPort = 0;
  private targetPort = 0;
  private named = 0;

  constructor(
    readonly base: string,
    readonly options: SidesOptions,
  ) {
    this.share = join(base, 'share');
    this.storage = join(base, 'storage', TENANT);
    this.accepted = join(base, 'accepted', 'share');
    this.keys = join(base, 'keys');
    const { lowNetns, highNetns } = options;
    if ((lowNetns === undefined) !== (highNetns === undefined)) {
      throw new SluiceError('USAGE', '--low-netns and --high-netns go together.');
    }
    if (lowNetns !== undefined && highNetns !== undefined) this.ends = endsOf(lowNetns, highNetns);
    for (const folder of [this.share, this.storage]) mkdirSync(folder, { recursive: true });
    generateKeys(this.keys);
  }

  /** Starts the high side, the simulated link if there is one, and the low side with this rate. */
  async start(rateBps: number): Promise<void> {
    await this.startHigh();
    const { loss, burst, simulated } = this.options;
    this.targetPort = this.highPort;
    if (simulated || loss > 0 || burst > 0) await this.startLink(this.options, 0);
    await this.startLow(rateBps);
  }

  /** A name no file has had yet. */
  nextName(): string {
    return `file-${this.named++}`;
  }

  /** The simulated link again, with other losses; both sides go on and see nothing of it. */
  async changeLink(lost: Pick<SidesOptions, 'loss' | 'burst' | 'seed'>): Promise<void> {
    const port = this.targetPort;
    await this.link?.stop();
    this.simulatorDropsBefore += this.simulatorDrops;
    this.simulatorDrops = 0;
    await this.startLink(lost, port);
  }

  /** The low side again, with another rate. The high side stays as it is. */
  async changeRate(rateBps: number): Promise<void> {
    if (rateBps === this.rateBps) return;
    this.lowMeter?.stop();
    await this.low?.stop();
    await this.startLow(rateBps);
  }

  /** Low side first. */
  async stop(): Promise<void> {
    this.lowMeter?.stop();
    this.highMeter?.stop();
    for (const command of [this.low, this.link, this.high]) await command?.stop();
  }

  way(path: string): Way {
    const known = this.ways.get(path);
    if (known) return known;
    const way: Way = { low: new Map(), high: new Map(), publishedAs: '' };
    this.ways.set(path, way);
    return way;
  }

  /** Waits for what both sides tell. */
  async until<T>(look: () => T | undefined | false, what: string, timeoutMs: number): Promise<T> {
    const onLow = this.low!.until(look, what, timeoutMs);
    const onHigh = this.high!.until(look, what, timeoutMs);
    onLow.catch(() => {});
    onHigh.catch(() => {});
    return Promise.race([onLow, onHigh]);
  }

  /**
   * Counters of both ends once nothing moves any more: sides look at them, and write them down, about once a second each.
   * While nothing has moved for a while, what is written down already does.
   */
  async figures({ atRest = false } = {}): Promise<LinkFigures> {
    const afterMs = atRest ? 0 : Date.now() + SETTLED_MS;
    const untilMs = Date.now() + SETTLE_LIMIT_MS;
    for (;;) {
      const low = this.statusOf('low');
      const high = this.statusOf('high');
      if (low && high && low.atMs >= afterMs && high.atMs >= afterMs) {
        this.isHeard ||= !atRest;
        return this.figuresOf(low.link, high.link);
      }
      if (Date.now() > untilMs) throw new SluiceError('CHILD_FAILED', 'The sides do not write their status.');
      await sleep(50);
    }
  }

  private figuresOf({ framesSent }: LowLinkStatus, { counters }: HighLinkStatus): LinkFigures {
    const { kernelDrops = 0, ringDrops = 0, noRoom = 0 } = counters;
    // Until it has heard of a new session, the high side tells of the one before.
    const framesLost = this.isHeard ? (counters.framesLost ?? 0) : 0;
    const receiverDrops = kernelDrops * this.datagramsOfMessage() + ringDrops;
    return {
      framesSent,
      framesLost,
      receiverDrops,
      noRoom,
      simulatorDrops: this.simulatorDropsBefore + this.simulatorDrops,
    };
  }

  /** The kernel counts what it drops in messages, and sender and receiver may have many datagrams in one. */
  private datagramsOfMessage(): number {
    if (this.link || this.transport.low !== 'batched') return 1;
    return Math.floor(MESSAGE_MAX_BYTES / (this.options.mtu - UDP_HEADERS_BYTES));
  }

  private statusOf(side: 'low'): LowStatus | undefined;
  private statusOf(side: 'high'): HighStatus | undefined;
  private statusOf(side: 'low' | 'high'): unknown {
    try {
      return JSON.parse(readFileSync(join(this.base, side, STATUS_FILE), 'utf8'));
    } catch {
      return undefined; // Not written yet.
    }
  }

  // ------------------------------------------------------------ starting

  private async startHigh(): Promise<void> {
    const { mtu, transport, queues, linkPort, highNetns } = this.options;
    const config: HighConfigInput = {
      tenants: [{ name: TENANT, storage: this.storage, names: 'posix' }],
      keys: { trusted: this.keys, link: join(this.keys, KEY_FILES.link) },
      link: { listen: `${this.ends?.high ?? '127.0.0.1'}:${linkPort}`, mtu, transport },
      queues: { store: queues },
    };
    this.high = this.side('high', config, highNetns, (line) => this.heardHigh(line as never));
    const ready = await this.high.line(({ event }) => event === 'ready', '"ready"', START_MS);
    this.highPort = ready.port as number;
    this.transport.high = ready.transport as string;
    this.highMeter = new TreeMeter(this.high.pid);
  }

  private async startLink(
    { loss, burst, seed }: Pick<SidesOptions, 'loss' | 'burst' | 'seed'>,
    port: number,
  ): Promise<void> {
    const { lowNetns } = this.options;
    const { low, high } = this.ends ?? { low: '127.0.0.1', high: '127.0.0.1' };
    const args = ['--json', '--target', `${high}:${this.highPort}`, '--listen', `${low}:${port}`, '--output-host', low];
    const lost = ['--seed', String(seed), '--loss', String(loss), ...(burst > 0 ? ['--burst', String(burst)] : [])];
    this.link = new Command('link', [...args, ...lost], {
      netns: lowNetns,
      ...this.profiling('link'),
      onLine: ({ type, kernelDropped = 0, sendFailed = 0 }) => {
        if (type === 'counters') this.simulatorDrops = (kernelDropped as number) + (sendFailed as number);
      },
    });
    const ready = await this.link.line(({ type }) => type === 'ready', '"ready"', START_MS);
    this.targetPort = ready.inputPort as number;
  }

  private async startLow(rateBps: number): Promise<void> {
    const { mtu, overhead, transport, queues, lowNetns } = this.options;
    const target = `${this.link ? (this.ends?.low ?? '127.0.0.1') : (this.ends?.high ?? '127.0.0.1')}:${this.targetPort}`;
    this.rateBps = rateBps;
    this.isHeard = false;
    // What is written there is of the side that was before.
    rmSync(join(this.base, 'low', STATUS_FILE), { force: true });
    const config: LowConfigInput = {
      tenants: [{ name: TENANT, share: this.share, names: 'posix', retention: '0ms' }],
      keys: { signing: join(this.keys, KEY_FILES.signing), link: join(this.keys, KEY_FILES.link) },
      link: {
        target,
        ...(this.ends ? { source: this.ends.low } : {}),
        rate: `${rateBps}bps`,
        mtu,
        overhead,
        transport,
      },
      queues: { store: queues },
    };
    this.low = this.side('low', config, lowNetns, (line) => this.heardLow(line as never));
    // Before it starts its processes: they inherit it.
    setPriority(this.low.pid, BESIDE_ITS_RECEIVER);
    const ready = await this.low.line(({ event }) => event === 'ready', '"ready"', START_MS);
    this.queueStore = (ready.queueStore as string).replace(/ on \/.*/, '');
    this.transport.low = ready.transport as string;
    this.lowMeter = new TreeMeter(this.low.pid);
  }

  private side(side: 'low' | 'high', config: object, netns: string | undefined, onLine: (line: Line) => void): Command {
    const file = join(this.base, `${side}.yaml`);
    writeFileSync(file, toYaml(config), { mode: 0o600 });
    const args = ['--config', file, '--state', join(this.base, side), '--json'];
    return new Command(side, args, { netns, ...this.profiling(side), onLine });
  }

  private profiling(part: string): Pick<CommandOptions, 'env'> {
    const { profile } = this.options;
    return profile === undefined ? {} : { env: { [PROFILE_VARIABLE]: join(profile, part) } };
  }

  private heardLow({ event, path, state, atMs }: LowObjectNews & { event: string }): void {
    if (event === 'object') this.way(path).low.set(state, atMs);
  }

  private heardHigh({ event, path, state, atMs, publishedAs }: HighObjectNews & { event: string }): void {
    if (event !== 'object') return;
    const way = this.way(path);
    if (publishedAs !== undefined) way.publishedAs = publishedAs;
    if (!way.high.has(state)) {
      if (state === 'released') this.released++;
      if (state === 'quarantined' || state === 'incomplete') this.otherwise++;
    }
    way.high.set(state, atMs);
  }
}
