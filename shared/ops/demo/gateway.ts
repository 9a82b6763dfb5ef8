/**
 * A whole gateway on one machine: high side, simulated link and low side, each a process tree of its own with a state
 * folder of its own. The demo only listens; the sides know nothing of it or of each other.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import type { Priority } from '../../core/fairShare.js';
import { generateKeys, KEY_FILES } from '../../crypto/keyfiles.js';
import { BESIDE_ITS_RECEIVER } from '../../link/priority.js';
import type { SimulatorCounters, SimulatorOptions } from '../../link/simulator.js';
import { type FromSimulator, SIMULATOR_MODULE, type ToSimulator } from '../../link/simulatorMessages.js';
import { toYaml } from '../config/load.js';
import type { HighConfigInput, LowConfigInput } from '../config/schema.js';
import { processesOf } from '../files/stateFolder.js';
import { Child, DISK_SILENT_MS } from '../processes/children.js';
import type { ProcessIdentity } from '../queues/process.js';
import { stopRedisLeftBehind } from '../queues/redis-server.js';
import type {
  Alarm,
  HighObjectNews,
  HighProtocol,
  HighReady,
  HighSummary,
  LowObjectNews,
  LowProtocol,
  LowReady,
  LowSummary,
  NewsPage,
} from '../sides.js';

export interface DemoTenant {
  name: string;
  share: string;
  afterSent: 'move' | 'keep';
  policy?: string;
  priority?: Priority;
  weight?: number;
}

export interface GatewayOptions {
  stateDir: string;
  storageRoot: string;
  /** Folder for the receipts of both sides; beside shares and storages when absent. */
  receiptsDir?: string;
  tenants: DemoTenant[];
  names: 'posix' | 'portable';
  link: Pick<LowConfigInput['link'], 'rate' | 'overhead' | 'mtu' | 'transport'>;
  queues: 'auto' | 'redis-server' | 'embedded';
  impairments: Omit<SimulatorOptions, 'targetHost' | 'targetPort'>;
  intake: { pollInterval: string; holdTime: string; consignmentHold: string; incompleteSuffixes?: string[] };
}

export interface GatewayListeners {
  low(news: LowObjectNews[]): void;
  high(news: HighObjectNews[]): void;
  alarm(side: 'low' | 'high', alarm: Alarm): void;
}

const STOP_MS = 15_000;
const moduleOf = (path: string) => new URL(`../../../${path}`, import.meta.url);

export class Gateway {
  low!: Child<LowProtocol>;
  high!: Child<HighProtocol>;
  /** Absent until that side has started. */
  lowReady!: LowReady;
  highReady!: HighReady;
  /** Counters of the simulated link, as last told. */
  linkCounters: SimulatorCounters | undefined;
  linkPorts = { inputPort: 0, outputPort: 0 };
  /** Datagrams that arrived at the low side's sending socket. */
  arrivalsLow = 0;
  private link: ChildProcess | undefined;
  private linkEnded: Promise<void> = Promise.resolve();
  private stopping = false;
  /** Which of the three ended before the demo did, in words; empty while all are well. */
  failed = '';

  constructor(
    private readonly options: GatewayOptions,
    private readonly listeners: GatewayListeners,
  ) {}

  async start(): Promise<void> {
    const { stateDir } = this.options;
    const keys = join(stateDir, 'keys');
    if (!existsSync(join(keys, KEY_FILES.link))) generateKeys(keys);
    for (const start of [this.startHigh, this.startLink, this.startLow])
      if (!this.stopping) await start.call(this, keys);
  }

  /** Low side first, so that nothing is on its way when the link and the high side end. Works while starting, too. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.low?.stop(STOP_MS);
    await this.stopLink();
    await this.high?.stop(STOP_MS);
    // A side that was killed could not stop its queue store.
    for (const side of ['low', 'high']) await stopRedisLeftBehind(join(this.options.stateDir, side));
  }

  /** How both sides stand; undefined while one of them cannot tell (a process of it is being started again). */
  async summaries(): Promise<{ low: LowSummary; high: HighSummary } | undefined> {
    try {
      const low = await this.low.ask('summary', null);
      const high = await this.high.ask('summary', null);
      this.lowReady.pids = low.pids;
      this.highReady.pids = high.pids;
      return { low, high };
    } catch {
      return undefined;
    }
  }

  /** Everything both sides' ledgers know, the low side's first: an earlier run may have worked on this state. */
  async recall(): Promise<{ low: LowObjectNews[]; high: HighObjectNews[] }> {
    const low: LowObjectNews[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page: NewsPage<LowObjectNews> = await this.low.ask('objects', { after });
      low.push(...page.news);
      after = page.next;
    }
    const high: HighObjectNews[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const page: NewsPage<HighObjectNews> = await this.high.ask('objects', { after });
      high.push(...page.news);
      after = page.next;
    }
    return { low, high };
  }

  /** Everything that arrived where nothing may arrive. */
  highToLow(): number {
    return this.arrivalsLow + (this.linkCounters?.highToLow ?? 0);
  }

  pids(): Record<string, number> {
    const { low, high, link, lowReady, highReady } = this;
    const pids = { low: low.pid ?? 0, high: high.pid ?? 0, link: link?.pid ?? 0 };
    return { ...pids, ...prefixed('low', lowReady.pids), ...prefixed('high', highReady.pids) };
  }

  /** The same with start times, so that nobody takes a later process for one of these. */
  processes(): Record<string, ProcessIdentity> {
    return processesOf(this.pids());
  }

  private async startHigh(keys: string): Promise<void> {
    const { options } = this;
    const { mtu, transport } = options.link;
    const config: HighConfigInput = {
      tenants: options.tenants.map(({ name }) => ({
        name,
        names: options.names,
        ...this.receipts('high', name),
      })),
      storageRoot: options.storageRoot,
      keys: { trusted: keys, link: join(keys, KEY_FILES.link) },
      link: { listen: '127.0.0.1:0', ...defined({ mtu, transport }) },
      queues: { store: options.queues },
    };
    this.high = new Child<HighProtocol>({
      silentMs: DISK_SILENT_MS,
      name: 'high side',
      module: moduleOf('egress/main.js'),
      restart: false,
      onExit: ({ expected, code }) => this.ended('high side', expected, code),
      onEvent: {
        objects: (news) => this.listeners.high(news),
        alarm: (alarm) => {
          // While the low side is still being started, silence is no news.
          if (this.lowReady || alarm.code !== 'LINK_SILENT') this.listeners.alarm('high', alarm);
        },
      },
    });
    await this.high.start();
    this.highReady = await this.high.ask('start', this.startOf('high', config), START_MS);
  }

  private async startLow(keys: string): Promise<void> {
    const { options } = this;
    const config: LowConfigInput = {
      tenants: options.tenants.map(({ name, share, afterSent, policy, priority, weight }) => ({
        name,
        share,
        afterSent,
        names: options.names,
        ...this.receipts('low', name),
        ...defined({ policy, priority, weight }),
      })),
      keys: { signing: join(keys, KEY_FILES.signing), link: join(keys, KEY_FILES.link) },
      link: { target: `127.0.0.1:${this.linkPorts.inputPort}`, ...defined(options.link) },
      intake: options.intake,
      queues: { store: options.queues },
    };
    this.low = new Child<LowProtocol>({
      silentMs: DISK_SILENT_MS,
      name: 'low side',
      module: moduleOf('ingress/main.js'),
      restart: false,
      onExit: ({ expected, code }) => this.ended('low side', expected, code),
      onEvent: {
        objects: (news) => this.listeners.low(news),
        alarm: (alarm) => this.listeners.alarm('low', alarm),
        arrival: ({ count }) => {
          this.arrivalsLow = count;
        },
      },
    });
    await this.low.start();
    if (this.low.pid !== undefined) setPriority(this.low.pid, BESIDE_ITS_RECEIVER);
    this.lowReady = await this.low.ask('start', this.startOf('low', config), START_MS);
  }

  private receipts(side: 'low' | 'high', tenant: string): { receipts?: string } {
    const { receiptsDir } = this.options;
    if (receiptsDir === undefined) return {};
    mkdirSync(join(receiptsDir, side), { recursive: true });
    return { receipts: join(receiptsDir, side, tenant) };
  }

  private ended(part: string, expected: boolean, code: number | null = null): void {
    if (expected || this.stopping) return;
    // A supervisor ends in order when it is sent SIGTERM; nothing is left for a demo without it.
    this.failed ||= code === 0 ? `the ${part} was ended` : `the ${part} ended unexpectedly`;
  }

  private startOf(side: 'low' | 'high', config: object): { configFile: string; stateDir: string } {
    const { stateDir } = this.options;
    const configFile = join(stateDir, `${side}.yaml`);
    mkdirSync(dirname(configFile), { recursive: true, mode: 0o700 });
    writeFileSync(configFile, toYaml(config), { mode: 0o600 });
    return { configFile, stateDir: join(stateDir, side) };
  }

  private startLink(): Promise<void> {
    const link = fork(SIMULATOR_MODULE, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.link = link;
    // Its last counters may be read after its exit: the channel closes when nothing more comes.
    const exited = new Promise<void>((resolve) => link.once('exit', () => resolve()));
    const closed = new Promise<void>((resolve) => link.once('disconnect', () => resolve()));
    this.linkEnded = Promise.all([exited, closed]).then(() => {});
    link.once('exit', () => this.ended('simulated link', false));
    const options = { ...this.options.impairments, targetHost: '127.0.0.1', targetPort: this.highReady.port };
    link.send({ type: 'start', options } satisfies ToSimulator);
    return new Promise((resolve, reject) => {
      link.on('message', (message: FromSimulator) => {
        if (message.type === 'ready') {
          this.linkPorts = message;
          resolve();
        } else if (message.type === 'counters') {
          this.linkCounters = message;
        } else {
          reject(new SluiceError(message.code, message.words));
        }
      });
      link.once('exit', (code) => reject(new SluiceError('CHILD_FAILED', `The simulated link ended with ${code}.`)));
    });
  }

  private async stopLink(): Promise<void> {
    if (!this.link?.connected) return;
    this.link.send({ type: 'stop' } satisfies ToSimulator);
    await this.linkEnded;
  }
}

/** The embedded queue store alone takes five seconds to start cold, on a busy machine more. */
const START_MS = 120_000;

/** Without the keys that are undefined: the configuration distinguishes "not given" from "given as nothing". */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never;
}

const prefixed = (prefix: string, pids: Record<string, number>) =>
  Object.fromEntries(Object.entries(pids).map(([name, pid]) => [`${prefix}.${name}`, pid]));
