/**
 * The low side: starts its processes and queues, in order, and ends them in the opposite one. It keeps the ledger; the
 * share, the parsers, the key and the socket each belong to a process of their own.
 *
 *   share -> intake -> [scan] -> [seal] -> [send] -> one-way link          [stage] = queue stage, see stages.ts
 */
import { randomBytes } from 'node:crypto';
import { codeOf, wordsOf } from '../shared/core/errors.js';
import { DEFAULT_CLAIM } from '../shared/core/fairShare.js';
import { LIMITS } from '../shared/core/limits.js';
import { kernelInUse } from '../shared/fec/simd/kernelChoice.js';
import type { Transport } from '../shared/link/transport.js';
import { ConfigWatcher } from '../shared/ops/config/reload.js';
import { Sources } from '../shared/ops/config/sources.js';
import { ConsoleKeeper, consoleRun } from '../shared/ops/console/keeper.js';
import { processesOf, StateFolder } from '../shared/ops/files/stateFolder.js';
import { type Log, logProcesses, openLog } from '../shared/ops/health/log.js';
import { News } from '../shared/ops/health/news.js';
import { tellRemovedTenants, waitingOf } from '../shared/ops/health/removedTenants.js';
import { QuarantineKeeper } from '../shared/ops/ledger/keptBytes.js';
import type { Acts } from '../shared/ops/operators/acts.js';
import { tellDeadLetters } from '../shared/ops/operators/deadLetters.js';
import { Pauses } from '../shared/ops/operators/pauses.js';
import type { AnyStage } from '../shared/ops/operators/queueActs.js';
import { Child, isChildsEnd } from '../shared/ops/processes/children.js';
import { type Handler, openQueueStore, type QueueStore } from '../shared/ops/queues/store.js';
import { Receipts } from '../shared/ops/receipts/receipts.js';
import type { Alarm, LowObjectNews, LowReady, LowSummary, NewsPage, SideStart } from '../shared/ops/sides.js';
import { byName, NEWS_PAGE } from '../shared/ops/sides.js';
import type { PollNews } from './intake/messages.js';
import { LowLedger, type LowObject, type ObjectTold } from './ledger/ledger.js';
import { LowReceiptFacts } from './receipts/facts.js';
import { Scanner } from './scan/scanner.js';
import type { SealerProtocol } from './seal/messages.js';
import type { SenderProtocol, SenderSettings, TenantClaims } from './send/orders.js';
import {
  codingParameters,
  intakeSettings,
  intakeTenants,
  type LowSettings,
  linkParameters,
  loadLowSettings,
  makeShares,
  policiesOf,
  receiptRules,
  requiredFilters,
  senderSettings,
  tenantClaims,
} from './settings.js';
import { drainedWords } from './watch/drained.js';
import { LowHealth } from './watch/health.js';
import { ShareWatch } from './watch/shareWatch.js';
import { lowActs } from './work/acts.js';
import { Announcer } from './work/announcer.js';
import { giveUpTenant } from './work/giveUp.js';
import { Intakes } from './work/intakes.js';
import { Originals } from './work/originals.js';
import { Quarantine } from './work/quarantine.js';
import { quotaRooms } from './work/quotas.js';
import { Recorder } from './work/recorder.js';
import { Resender } from './work/resender.js';
import { SpoolKeeper } from './work/spoolKeeper.js';
import { bundleLimits, LowStages, type PayloadJob, type SealJob, type TransfersJob } from './work/stages.js';
import { unfinishedOf } from './work/unfinished.js';

export interface LowListeners {
  objects(news: LowObjectNews[]): void;
  alarm(alarm: Alarm): void;
  arrival(count: number): void;
}

const HOUSEKEEPING_MS = 500;
/** Work that fell out of the queues (a store that was away, a job that gave up) is put into them again. */
const REBUILD_MS = 60_000;
const PATHS_LOGGED = 100;
/** Jobs at once: who is next among their objects, scanner and sender decide; sealing takes turns at every payload. */
const SCANNING_AT_ONCE = 256;
const SEALING_AT_ONCE = 4;
/** Tried again until it works; jobs of an earlier run are forgotten, for the ledger says again what is to be done. */
const STAGE = { attempts: 1_000, backoffMs: 500, fresh: true } as const;

export class LowSide {
  private ledger!: LowLedger;
  private store!: QueueStore;
  private scanner!: Scanner;
  private sealer!: Child<SealerProtocol>;
  private sender!: Child<SenderProtocol>;
  private intake!: Intakes;
  private stages!: LowStages;
  private announcer!: Announcer;
  private resender!: Resender;
  private acts!: Acts;
  private consoleKeeper!: ConsoleKeeper;
  private readonly queues = new Map<string, AnyStage>();
  private spool!: SpoolKeeper;
  private quarantineKeeper!: QuarantineKeeper;
  private log!: Log;
  private news!: News<LowObjectNews>;
  private recorder!: Recorder;
  private health: LowHealth | undefined;
  private originals!: Originals;
  private pauses!: Pauses;
  private receipts!: Receipts;
  private sourcePort = 0;
  private transport: Transport = 'dgram';
  private fallback = '';
  private session = '';
  private claims: TenantClaims = {};
  private configWatcher: ConfigWatcher<LowSettings> | undefined;
  /** The same objects all the time: what changes in them are the tenants. */
  private readonly config: LowSettings['config'];
  private readonly rules: LowSettings['rules'];
  private nextRebuildMs = performance.now() + REBUILD_MS;
  private intakeHeld = '';
  /** The alarm about it that was raised. */
  private heldCode = '';
  private readonly shareWatch = new ShareWatch({
    alarm: (code, words, about) => this.news.alarm(code, words, about),
    over: (code, about) => this.news.over(code, about),
    changed: (tenants) => this.receipts.changed(tenants),
    nowMs: () => performance.now(),
  });
  /** Size of the largest file that waits for room in the spool. */
  private wantedBytes = 0;
  private housekeeping: NodeJS.Timeout | undefined;
  private readonly startedMs = Date.now();

  private constructor(
    private readonly state: StateFolder,
    private readonly settings: LowSettings,
    private readonly listeners: LowListeners,
  ) {
    this.config = settings.config;
    this.rules = settings.rules;
  }

  static async start({ configFile, stateDir }: SideStart, listeners: LowListeners): Promise<LowSide> {
    const sources = new Sources();
    const load = (noted: Sources) => loadLowSettings(configFile, { stateDir, sources: noted });
    const side = new LowSide(StateFolder.open(stateDir), load(sources), listeners);
    try {
      await side.open();
      side.writeRun();
      side.watchConfig(load, sources);
    } catch (error) {
      await side.stop();
      throw error;
    }
    return side;
  }

  ready(): LowReady {
    return {
      pids: this.pids(),
      sourcePort: this.sourcePort,
      queueStore: this.store.description,
      transport: this.transport,
      shares: byName(this.config.tenants, ({ share }) => share),
      accepted: byName(this.config.tenants, ({ accepted }) => accepted),
      receipts: byName(this.config.tenants, ({ receipts }) => receipts),
      console: this.consoleKeeper.console,
    };
  }

  async summary(): Promise<LowSummary> {
    const { framesSent, bytesSent, sendErrors, arrivals, tenantBytes } = await this.sender.ask('counters', null);
    return {
      pids: this.pids(),
      counts: this.ledger.counts(),
      framesSent,
      bytesSent,
      sendErrors,
      arrivals,
      tenantBytes,
      sequenceLast: this.ledger.sequenceLast(),
      sequenceDone: this.ledger.sequenceDone(),
      spoolBytes: this.ledger.spoolBytes(),
      intakeHeld: drainedWords(this.ledger) || this.intakeHeld,
    };
  }

  /** What has become of the objects after this position, from the ledger. */
  objectsAfter(after: number): NewsPage<LowObjectNews> {
    const page = this.ledger.page(after, NEWS_PAGE);
    const next = page.length < NEWS_PAGE ? null : page.at(-1)!.position;
    return { news: page.map(({ object }) => this.newsOf(object)), next };
  }

  /** The queues last: what still runs hears of the end from the process it asked, and its job waits for the next start. */
  async stop(): Promise<void> {
    clearInterval(this.housekeeping);
    this.health?.stop();
    this.configWatcher?.stop();
    this.announcer?.stop();
    this.pauses?.close();
    await this.consoleKeeper?.stop();
    await this.intake?.stop();
    await this.sender?.stop();
    await this.scanner?.close();
    await this.sealer?.stop();
    await this.store?.close();
    await this.receipts?.stop();
    this.ledger?.close();
    this.state.close();
  }

  private pids(): Record<string, number> {
    const { scanner, sealer, sender, intake, receipts } = this;
    const scanning = Object.fromEntries(scanner.pids.map((pid, i) => [`scan.${i}`, pid]));
    const others = { sealer: sealer.pid ?? 0, sender: sender.pid ?? 0, receipts: receipts.pid };
    return { ...intake.pids, ...scanning, ...others, ...this.consoleKeeper?.pids };
  }

  private writeRun(): void {
    const { startedMs, sourcePort } = this;
    const { queueStore, shares, accepted, receipts, pids, console: served } = this.ready();
    const processes = processesOf({ supervisor: process.pid, ...pids });
    const folders = { shares, accepted, receipts };
    const command = processesOf({ command: process.ppid });
    const ports = { source: sourcePort };
    this.state.writeRun({
      startedMs,
      ...command,
      processes,
      ports,
      ...consoleRun('low', served),
      queueStore,
      ...folders,
    });
  }

  // ------------------------------------------------------------ start

  private async open(): Promise<void> {
    const { state, config } = this;
    this.log = openLog('low', config.log, state.file('low.log'));
    this.news = new News(this.log);
    logProcesses(this.log, this.news);
    this.news.onObjects((news) => this.listeners.objects(news));
    this.news.onAlarm((alarm) => this.listeners.alarm(alarm));
    const objectsDir = state.folder('spool/objects');
    const envelopesDir = state.folder('spool/envelopes');
    this.ledger = new LowLedger(state.file('ledger.sqlite'), Date.now);
    const coding = codingParameters(config);
    this.claims = tenantClaims(config);
    this.pauses = new Pauses({
      memory: this.ledger,
      changed: (stage, paused) => this.pausedChanged(stage, paused),
      alarm: (code, words) => this.news.alarm(code, words),
    });
    this.openProcesses();
    this.scanner.warm();
    await this.sealer.start();
    await this.sender.start();
    this.stages = new LowStages({
      ledger: this.ledger,
      scanner: this.scanner,
      sealer: this.sealer,
      sender: this.sender,
      quarantine: new Quarantine(state.folder('quarantine'), objectsDir),
      objectsDir,
      envelopesDir,
      rules: this.rules,
      coding,
      bundles: bundleLimits(config.link),
      now: Date.now,
      changed: (transfers) => this.changed(transfers),
      sent: (objects) => this.afterSent(objects),
      alarm: (code, words) => this.news.alarm(code, words),
    });
    this.recorder = new Recorder({
      ledger: this.ledger,
      stages: this.stages,
      changed: (transfers) => this.changed(transfers),
      recorded: (id) => this.intake.recorded(id),
      settle: (consignments) => this.stages.gate.settle(consignments),
      alarm: (code, words) => this.news.alarm(code, words),
    });
    this.originals = new Originals(
      this.ledger,
      this.intake,
      () => config.tenants,
      (code, words) => this.news.alarm(code, words),
    );
    this.quarantineKeeper = new QuarantineKeeper({
      books: this.ledger.keptBytes,
      folder: state.folder('quarantine'),
      retentionOf: () => config.retention.quarantine,
      shortest: () => config.retention.quarantine,
      alarm: (code, words, about) => this.news.alarm(code, words, about),
    });
    const retentionOf = (tenant: string) => config.tenants.find(({ name }) => name === tenant)?.retention;
    this.spool = new SpoolKeeper(
      this.ledger,
      { ...config.spool, retentionOf },
      { objects: objectsDir, envelopes: envelopesDir },
    );
    this.receipts = new Receipts({
      side: 'low',
      module: new URL('./receipts/process.js', import.meta.url),
      outbox: this.ledger.receipts,
      facts: new LowReceiptFacts(
        this.ledger,
        () => receiptRules(config),
        (tenant) => this.shareWatch.of(tenant),
      ),
      tenants: () => config.tenants,
      retentionMs: () => config.retention.receipts,
      news: this.news,
    });
    this.resender = new Resender(this.ledger, this.stages, coding);
    this.acts = lowActs(
      this.ledger,
      this.resender,
      this.queueTools(),
      () => this.holdIntake(false),
      Date.now,
      (tenant) => this.giveUp(tenant),
    );
    await this.openQueues();
    const consoleServed = this.openConsole();
    this.announcer = new Announcer(this.ledger, this.sealer, this.sender, config.link.heartbeatInterval, (error) =>
      this.notSealed(error),
    );
    const notAgain = this.resender.adaptToLink();
    if (notAgain.length > 0) {
      const words = 'not sent again: the link has other parameters now; ask again to send it as a new transfer';
      this.log.warn({ paths: notAgain.slice(0, PATHS_LOGGED), objects: notAgain.length }, words);
    }
    await this.receipts.start();
    await this.rebuild();
    await this.carryOutRequests();
    makeShares(config);
    await this.intake.start();
    this.health?.start();
    await consoleServed;
    this.announcer.start(this.session, linkParameters(config));
    this.housekeeping = setInterval(() => this.keepHouse(), HOUSEKEEPING_MS);
    const { sourcePort, transport } = this;
    this.log.info(
      { queueStore: this.store.description, sourcePort, transport, erasureCode: kernelInUse() },
      'low side started',
    );
  }

  private openConsole(): Promise<void> {
    const { config, state, queues, acts, news } = this;
    this.consoleKeeper = new ConsoleKeeper({
      side: 'low',
      stateDir: state.path,
      config: config.console,
      stages: queues,
      acts,
      news,
    });
    this.health?.status.onPush((push) => this.consoleKeeper.push(push));
    return this.consoleKeeper.start();
  }

  private openProcesses(): void {
    const { config, state, rules } = this;
    this.scanner = new Scanner({
      policyByTenant: policiesOf(rules),
      scratchDir: state.folder('scratch'),
      timeoutMs: config.scan.timeout,
      memoryMaxBytes: config.scan.memory,
      poolSize: config.scan.processes,
      claimOf: (tenant) => this.claims[tenant] ?? DEFAULT_CLAIM,
    });
    this.sealer = new Child<SealerProtocol>({
      name: 'sealing',
      module: new URL('./seal/process.js', import.meta.url),
      onStart: async (child) => {
        await child.ask('start', { keyFile: config.keys.signing, required: requiredFilters(rules) });
      },
    });
    this.sender = new Child<SenderProtocol>({
      name: 'sending',
      module: new URL('./send/process.js', import.meta.url),
      onStart: async (child) => {
        const { sourcePort, transport, fallback } = await child.ask('start', this.newSession());
        this.sourcePort = sourcePort;
        this.transport = transport;
        if (fallback !== undefined) this.fellBack(fallback);
      },
      onEvent: {
        arrival: ({ count }) => this.arrival(count),
        fallback: ({ words }) => this.fellBack(words),
        progress: ({ object, fraction }) => this.stages.sendProgress(object, fraction),
      },
    });
    const objectsDir = state.folder('spool/objects');
    this.intake = new Intakes({
      dir: state.path,
      settings: (serves) => {
        this.ledger.consignments.forgetHalfTaken(serves);
        return intakeSettings(this.config, this.rules, this.ledger, objectsDir);
      },
      batch: (batch, isWaited) => this.recorder.recordUntilDone(batch, isWaited),
      polled: (news) => this.polled(news),
      alarm: (code, words, about) => this.news.alarm(code, words, about),
      over: (code, about) => this.news.over(code, about),
    });
  }

  /** Said once for one reason, however often the sender is started again. */
  private fellBack(words: string): void {
    this.transport = 'dgram';
    if (words !== this.fallback) this.news.alarm('TRANSPORT_FALLBACK', words);
    this.fallback = words;
  }

  /** A link session is one run of the sender. */
  private newSession(): SenderSettings {
    this.session = randomBytes(8).toString('hex');
    this.announcer?.start(this.session, linkParameters(this.config));
    return senderSettings(this.config, this.session, this.pauses.has('send'));
  }

  private async openQueues(): Promise<void> {
    const { stages, state, config } = this;
    this.store = await openQueueStore({
      side: 'low',
      ...config.queues,
      dir: state.path,
      onTrouble: (error) => {
        this.news.alarm(error.code, error.detail);
        if (error.code === 'QUEUE_JOB_LOST') this.nextRebuildMs = 0;
        if (error.code !== 'QUEUE_STORE_EMPTIED') return;
        this.nextRebuildMs = 0;
        this.pauses.storeEmptied();
      },
      onOver: (code) => {
        this.news.over(code);
        this.nextRebuildMs = 0;
      },
    });
    const open = <Data extends object>(name: string, concurrency: number, handle: Handler<Data>) =>
      this.store.stage<Data>(
        name,
        { concurrency, ...STAGE, paused: this.pauses.has(name), dead: this.ledger.deadLetters.of(name) },
        handle,
      );
    const opened = {
      scan: await open<TransfersJob>('scan', SCANNING_AT_ONCE, (data, job) => stages.runScan(data, job)),
      seal: await open<SealJob>('seal', SEALING_AT_ONCE, (data) => stages.runSeal(data)),
      send: await open<PayloadJob>('send', LIMITS.sendingAtOnce, (data, job) => stages.runSend(data, job)),
    };
    stages.use(opened);
    for (const stage of Object.values(opened)) this.pauses.watch(stage);
    this.health = new LowHealth({
      state,
      config: () => this.config,
      ledger: this.ledger,
      news: this.news,
      store: this.store,
      stages: Object.values(opened),
      intakes: this.intake,
      sender: this.sender,
      pids: () => this.pids(),
      startedAtMs: this.startedMs,
      transport: () => this.transport,
      freeBytes: () => this.spool.freeBytes(),
    });
    for (const stage of Object.values(opened)) this.queues.set(stage.name, stage as AnyStage);
  }

  private queueTools() {
    const rebuildSoon = () => {
      this.nextRebuildMs = 0;
    };
    return { stages: this.queues, rebuildSoon, deadLetters: this.ledger.deadLetters };
  }

  /** Puts everything the ledger knows to be unfinished into the queues, whatever they held before. */
  private async rebuild(): Promise<void> {
    this.tellRemoved();
    const { ledger, stages } = this;
    const unfinished = unfinishedOf(ledger);
    for (const transfers of byTenant(unfinished.scan)) await stages.enqueueScan(transfers);
    for (const transfers of byTenant(unfinished.seal)) await stages.enqueueSeal(transfers);
    await stages.gate.settleAll();
    for (const payload of unfinished.sealing) await stages.enqueueSealing(payload);
    for (const payload of unfinished.send) await stages.enqueueSend(payload);
    this.tellDead();
    this.originals.again();
  }

  // ------------------------------------------------------------ tenants that change

  private watchConfig(load: (sources: Sources) => LowSettings, sources: Sources): void {
    const tools = {
      load,
      prepare: (next: LowSettings) => makeShares(next.config),
      apply: (next: LowSettings) => this.useTenants(next),
      alarm: (code: string, words: string) => this.news.alarm(code, words),
      over: (code: string) => this.news.over(code),
    };
    this.configWatcher = new ConfigWatcher(tools, this.settings, sources);
    this.configWatcher.start();
  }

  /** Reads the configuration again at once; what came of it is in the log, also when that is nothing. */
  reload(): void {
    const words = this.configWatcher?.reload();
    if (words !== undefined) this.log.info(`configuration read again, as asked (SIGHUP): ${words}`);
  }

  private readonly removedTold = new Set<string>();

  private tellDead(): void {
    tellDeadLetters(
      this.ledger.deadLetters,
      this.queues.keys(),
      (code, words, about) => this.news.alarm(code, words, about),
      (code, about) => this.news.over(code, about),
    );
  }

  private tellRemoved(): void {
    tellRemovedTenants({
      waiting: waitingOf(
        this.ledger.tallies.all(),
        ({ state, isSpooled }) => isSpooled && (state === 'taken' || state === 'held'),
      ),
      served: new Set(this.config.tenants.map(({ name }) => name)),
      told: this.removedTold,
      alarm: (code, words, about) => this.news.alarm(code, words, about),
      over: (code, about) => this.news.over(code, about),
    });
  }

  private async giveUp(tenant: string): Promise<string> {
    const { ledger, stages, spool, config } = this;
    const serves = (name: string) => config.tenants.some((one) => one.name === name);
    const changed = (transfers: readonly string[]) => this.changed(transfers);
    const answer = await giveUpTenant(tenant, { ledger, stages, spool, serves, changed });
    this.tellRemoved();
    return answer;
  }

  private useTenants(next: LowSettings): void {
    const { config, rules } = this;
    config.tenants = next.config.tenants;
    rules.clear();
    for (const [name, rule] of next.rules) rules.set(name, rule);
    this.scanner.usePolicies(policiesOf(rules));
    this.claims = tenantClaims(config);
    this.sender.tell('claims', this.claims);
    this.intake.setTenants(intakeTenants(config.tenants, rules));
    this.receipts.tenantsChanged();
    this.sealer.ask('require', requiredFilters(rules)).catch((error) => this.notSealed(error));
    // What was held for a tenant that is back goes on.
    this.nextRebuildMs = 0;
  }

  // ------------------------------------------------------------ events

  /** A process that ended is told by whoever starts it again, and asked again by itself. */
  private notSealed(error: unknown): void {
    if (!isChildsEnd(error)) this.news.alarm('SEAL_UNAVAILABLE', wordsOf(error));
  }

  private polled(news: PollNews): void {
    for (const words of news.troubles) this.news.alarm('INTAKE_UNREADABLE', words);
    // An operator who drains the side knows why nothing is taken.
    const held = drainedWords(this.ledger) === '' ? news.heldBackCode : '';
    if (this.heldCode !== '' && this.heldCode !== held) this.news.over(this.heldCode);
    if (held !== '' && this.heldCode !== held) this.news.alarm(held, news.heldBack);
    this.heldCode = held;
    this.health?.polled(news);
    this.shareWatch.polled(news.tenants);
    this.intakeHeld = news.heldBack;
    this.wantedBytes = news.wantedBytes;
  }

  /** Something came where nothing can come from (FAULTS 62). */
  private arrival(count: number): void {
    this.news.alarm('LINK_NOT_ONE_WAY', `${count} datagrams have arrived at the sending socket.`);
    this.listeners.arrival(count);
  }

  /** What runs already must rest, too: the sender within a turn, the scanner after what it scans. */
  private pausedChanged(stage: string, paused: boolean): void {
    this.log.info({ stage, paused }, paused ? 'stage paused' : 'stage resumed');
    if (stage === 'send') this.sender.tell('pause', { paused });
    if (stage === 'scan') this.scanner.pause(paused);
    this.receipts?.changed(this.config.tenants.map(({ name }) => name));
  }

  private afterSent(objects: readonly LowObject[]): void {
    this.announcer?.soon();
    this.originals.afterSent(objects);
  }

  private changed(transfers: readonly string[]): void {
    this.news.objects(this.ledger.told(transfers).map((object) => this.newsOf(object)));
  }

  private newsOf(object: ObjectTold): LowObjectNews {
    const consignment = object.consignment ? this.ledger.consignments.get(object.consignment) : undefined;
    return {
      ...newsOf(object),
      ...(consignment ? { consignment: { id: consignment.id, root: consignment.root } } : {}),
    };
  }

  // ------------------------------------------------------------ housekeeping

  private keepHouse(): void {
    try {
      this.writeRun();
      // What is removed for its age waits when the clock was set (FAULTS 22).
      const isTrusted = this.health?.status.clockWatch.isTrusted ?? true;
      if (isTrusted) this.quarantineKeeper.look(Date.now());
      this.holdIntake(isTrusted);
      this.carryOutRequests().catch((error) => this.news.alarm(codeOf(error), wordsOf(error)));
      if (performance.now() >= this.nextRebuildMs) {
        this.nextRebuildMs = performance.now() + REBUILD_MS;
        this.rebuild().catch((error) => this.news.alarm(codeOf(error), wordsOf(error)));
      }
    } catch (error) {
      this.news.alarm('SPOOL_IO', wordsOf(error));
    }
  }

  /** Tells intake how much it may take, and whether it may take anything. */
  private holdIntake(isClockTrusted: boolean): void {
    const full = this.spool.look(Date.now(), this.wantedBytes, isClockTrusted);
    this.intake.hold({
      reason: drainedWords(this.ledger) || full,
      roomBytes: this.spool.roomBytes(this.wantedBytes),
      quotas: quotaRooms(this.config.tenants, this.ledger.tallies.all()),
    });
  }

  private carryOutRequests(): Promise<void> {
    return this.acts.carryOut();
  }
}

/** A job is of one tenant, for tenants take turns by jobs. */
function byTenant(waiting: readonly { transfer: string; tenant: string }[]): string[][] {
  const found = new Map<string, string[]>();
  for (const { transfer, tenant } of waiting) {
    const mine = found.get(tenant);
    if (mine) mine.push(transfer);
    else found.set(tenant, [transfer]);
  }
  return [...found.values()];
}

function newsOf(object: ObjectTold): LowObjectNews {
  const { transfer, sequence, tenant, path, sizeBytes, state, code, detail, rawPath } = object;
  return {
    transfer,
    sequence,
    tenant,
    path,
    rawPath: Buffer.from(rawPath).toString('latin1'),
    sizeBytes,
    state,
    ...(code ? { code } : {}),
    ...(detail ? { detail } : {}),
    atMs: Date.now(),
  };
}
