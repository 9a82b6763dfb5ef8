/**
 * The high side: starts its processes and queues, in order, and ends them in the opposite one. It keeps the ledger;
 * the socket, the judgement and the storages each belong to a process of their own. Nothing here sends anything.
 *
 *   one-way link -> receive, assemble -> [verify] -> ... -> [release] -> storage        [stage] = queue stage, see stages.ts
 */
import { readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../shared/core/bytes.js';
import { codeOf, wordsOf } from '../shared/core/errors.js';
import { LIMITS } from '../shared/core/limits.js';
import { readLinkKey } from '../shared/crypto/keyfiles.js';
import { kernelInUse } from '../shared/fec/simd/kernelChoice.js';
import { symbolBytesForMtu } from '../shared/ops/config/derive.js';
import { type HighConfig, loadHighConfig } from '../shared/ops/config/load.js';
import { ConfigWatcher } from '../shared/ops/config/reload.js';
import { Sources } from '../shared/ops/config/sources.js';
import { ConsoleKeeper, consoleRun } from '../shared/ops/console/keeper.js';
import { writeDurablySoon } from '../shared/ops/files/durableFiles.js';
import { processesOf, StateFolder } from '../shared/ops/files/stateFolder.js';
import { type Log, logProcesses, openLog } from '../shared/ops/health/log.js';
import { News } from '../shared/ops/health/news.js';
import { tellRemovedTenants, waitingOf } from '../shared/ops/health/removedTenants.js';
import { Acts } from '../shared/ops/operators/acts.js';
import { tellDeadLetters } from '../shared/ops/operators/deadLetters.js';
import { Pauses } from '../shared/ops/operators/pauses.js';
import { type AnyStage, registerQueueActs } from '../shared/ops/operators/queueActs.js';
import { Child, DISK_SILENT_MS } from '../shared/ops/processes/children.js';
import { type Handler, openQueueStore, type QueueStore, type Stage } from '../shared/ops/queues/store.js';
import { Receipts } from '../shared/ops/receipts/receipts.js';
import type { Alarm, HighObjectNews, HighReady, HighSummary, NewsPage, SideStart } from '../shared/ops/sides.js';
import { byName, NEWS_PAGE } from '../shared/ops/sides.js';
import { frameBytes } from '../shared/wire/frame.js';
import { showName } from '../shared/wire/names.js';
import { halvesOf, type ObjectId } from '../shared/wire/statements.js';
import { HighLedger, type HighObject, type HighPayload } from './ledger/ledger.js';
import { HighReceiptFacts } from './receipts/facts.js';
import type { Listening, ReceiverCounters, ReceiverProtocol } from './receive/messages.js';
import { ReleaseLanes, stuckWords } from './release/lanes.js';
import type { ReleaserProtocol } from './release/messages.js';
import { finisherThreads, makeStorages, storagesOf, verifierRules } from './settings.js';
import type { VerifierProtocol } from './verify/messages.js';
import { HighHealth } from './watch/health.js';
import { ParameterWatch } from './watch/linkParameters.js';
import { Admissions } from './work/admissions.js';
import { LinkPosition } from './work/position.js';
import { HighRetention } from './work/retention.js';
import { AssemblyRoom } from './work/room.js';
import { spoolDiskOf } from './work/spoolDisk.js';
import { type EnvelopeJob, HighStages, type PayloadJob } from './work/stages.js';

export interface HighListeners {
  objects(news: HighObjectNews[]): void;
  alarm(alarm: Alarm): void;
}

const HOUSEKEEPING_MS = 200;
/** Tried again until it works; jobs of an earlier run are forgotten, for the ledger says again what is to be done. */
const STAGE = { attempts: 1_000, backoffMs: 500, fresh: true } as const;
const ENDED_SESSIONS = 64;
/** Jobs at once. Releasing ones wait for the releasing processes, which take turns between tenants. */
const VERIFYING_AT_ONCE = 16;
const RELEASING_AT_ONCE = 64;
const SMALL_ENVELOPE_BYTES = 8 * 1024;
/** Work that fell out of the queues (a store that was away, a job that gave up) is put into them again. */
const REBUILD_MS = 60_000;

export class HighSide {
  private ledger!: HighLedger;
  private store!: QueueStore;
  private verifier!: Child<VerifierProtocol>;
  private releaser!: ReleaseLanes;
  private receiver!: Child<ReceiverProtocol>;
  private stages!: HighStages;
  private verifyStage!: Stage<EnvelopeJob>;
  private releaseStage!: Stage<PayloadJob>;
  private acts!: Acts;
  private pauses!: Pauses;
  private consoleKeeper!: ConsoleKeeper;
  private readonly queues = new Map<string, AnyStage>();
  private position!: LinkPosition;
  private retention!: HighRetention;
  private room!: AssemblyRoom;
  private receipts!: Receipts;
  private log!: Log;
  private news!: News<HighObjectNews>;
  private listening: Listening = { port: 0, receiveBufferBytes: 0, transport: 'dgram' };
  /** Why it is not the transport that was asked for, as it was said. */
  private fallback: string | undefined;
  /** Envelopes that have arrived and are not dealt with yet. */
  private readonly verifying = new Set<ObjectId>();
  private counters: ReceiverCounters | undefined;
  private receiverSinceMs = performance.now();
  private nextRebuildMs = 0;
  private readonly admissions = new Admissions();
  private readonly wallStartedMs = Date.now();
  private housekeeping: NodeJS.Timeout | undefined;
  private parameterWatch!: ParameterWatch;
  private health: HighHealth | undefined;

  private configWatcher: ConfigWatcher<{ config: HighConfig }> | undefined;
  private readonly storages: Map<string, string>;

  private constructor(
    private readonly state: StateFolder,
    /** The same object all the time: what changes in it are the tenants. */
    private readonly config: HighConfig,
    private readonly listeners: HighListeners,
  ) {
    this.storages = new Map(storagesOf(config));
  }

  static async start({ configFile, stateDir }: SideStart, listeners: HighListeners): Promise<HighSide> {
    const sources = new Sources();
    const load = (noted: Sources) => ({ config: loadHighConfig(configFile, { stateDir, sources: noted }) });
    const side = new HighSide(StateFolder.open(stateDir), load(sources).config, listeners);
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

  ready(): HighReady {
    return {
      pids: this.pids(),
      ...this.listening,
      queueStore: this.store.description,
      storage: byName(this.config.tenants, ({ storage }) => storage),
      receipts: byName(this.config.tenants, ({ receipts }) => receipts),
      console: this.consoleKeeper.console,
    };
  }

  async summary(): Promise<HighSummary> {
    const { assembly, quietMs: _, ...socket } = await this.receiver.ask('counters', null);
    return {
      pids: this.pids(),
      counts: this.ledger.counts(),
      link: { ...socket, ...assembly },
      sequenceDone: this.ledger.sequencesAccounted(),
    };
  }

  /** What has become of the objects after this position, from the ledger; with the last of them, numbers never seen. */
  objectsAfter(after: number): NewsPage<HighObjectNews> {
    const page = this.ledger.page(after, NEWS_PAGE);
    const news = page.map(({ object }) => this.newsOf(object));
    if (page.length === NEWS_PAGE) return { news, next: page.at(-1)!.position };
    return { news: [...news, ...this.ledger.gaps(LIMITS.sequenceFirstContact).map(newsOfGap)], next: null };
  }

  /** The queues last: what still runs hears of the end from the process it asked, and its job waits for the next start. */
  async stop(): Promise<void> {
    clearInterval(this.housekeeping);
    this.health?.stop();
    this.configWatcher?.stop();
    await this.consoleKeeper?.stop();
    await this.receiver?.stop();
    await this.releaser?.stop();
    await this.verifier?.stop();
    this.pauses?.close();
    this.stages?.releaseGate.shut(false);
    await this.store?.close();
    await this.receipts?.stop();
    this.ledger?.close();
    this.state.close();
  }

  private pids(): Record<string, number> {
    const { receiver, verifier, releaser, receipts } = this;
    const own = { receiver: receiver.pid ?? 0, verifier: verifier.pid ?? 0, ...releaser.pids, receipts: receipts.pid };
    return { ...own, ...this.consoleKeeper?.pids };
  }

  private writeRun(): void {
    const { queueStore, storage, receipts, pids, port, console: served } = this.ready();
    const processes = processesOf({ supervisor: process.pid, ...pids });
    const command = processesOf({ command: process.ppid });
    const about = {
      startedMs: this.wallStartedMs,
      ...command,
      processes,
      ports: { link: port },
      queueStore,
      storage,
      receipts,
    };
    this.state.writeRun({ ...about, ...consoleRun('high', served) });
  }

  // ------------------------------------------------------------ start

  private async open(): Promise<void> {
    const { state, config } = this;
    this.log = openLog('high', config.log, state.file('high.log'));
    this.news = new News(this.log);
    logProcesses(this.log, this.news);
    this.news.onObjects((news) => this.listeners.objects(news));
    this.news.onAlarm((alarm) => this.listeners.alarm(alarm));
    this.ledger = new HighLedger(state.file('ledger.sqlite'), Date.now);
    this.pauses = new Pauses({
      memory: this.ledger,
      changed: (stage, paused) => this.pausedChanged(stage, paused),
      alarm: (code, words) => this.news.alarm(code, words),
    });
    this.position = new LinkPosition(
      this.ledger,
      { reorderWindowMs: config.link.reorderWindow, silenceMs: config.link.silence },
      {
        incomplete: (payload) => this.incomplete(payload),
        consignmentIncomplete: (consignment) => this.stages.consignmentIncomplete(consignment),
        unseen: (history, sequence) => this.unseen(history, sequence),
        sessionEnded: (session) => this.receiver.tell('endSession', { session: halvesOf(session).low }),
        alarm: (code, words) => this.news.alarm(code, words),
        linkIsBack: () => {
          this.news.over('LINK_SILENT');
          this.news.alarm('LINK_BACK', 'The link was silent and carries frames again.');
        },
      },
    );
    this.openProcesses();
    this.room = new AssemblyRoom(
      { ...config.assembly, objectsMax: LIMITS.assemblyMaxObjects, tenants: () => this.config.tenants },
      spoolDiskOf(state.folder('spool/assembly')),
    );
    this.stages = new HighStages({
      ledger: this.ledger,
      verifier: this.verifier,
      releaser: this.releaser,
      receiver: this.receiver,
      envelopesDir: state.folder('spool/envelopes'),
      assemblyDir: state.folder('spool/assembly'),
      quarantineDir: state.folder('quarantine'),
      storages: this.storages,
      room: this.room,
      changed: (payload) => this.changed(payload),
      alarm: (code, words, about) => this.news.alarm(code, words, about),
      over: (code, about) => this.news.over(code, about),
      verified: (envelope) => this.verifying.delete(envelope),
      release: (payloads) => this.enqueueReleases(payloads),
    });
    this.receipts = new Receipts({
      side: 'high',
      module: new URL('./receipts/process.js', import.meta.url),
      outbox: this.ledger.receipts,
      facts: new HighReceiptFacts(this.ledger),
      tenants: () => config.tenants,
      retentionMs: () => config.retention.receipts,
      news: this.news,
    });
    this.parameterWatch = new ParameterWatch(
      { ...config.link, memory: config.assembly.memory },
      {
        alarm: (code, words, about) => this.news.alarm(code, words, about),
        over: (code, about) => this.news.over(code, about),
      },
    );
    this.retention = new HighRetention({
      config,
      ledger: this.ledger,
      stages: this.stages,
      quarantineDir: state.folder('quarantine'),
      alarm: (code, words, about) => this.news.alarm(code, words, about),
    });
    await this.verifier.start();
    await this.releaser.start();
    await this.openQueues();
    await this.receipts.start();
    this.consoleKeeper = new ConsoleKeeper({
      side: 'high',
      stateDir: state.path,
      config: config.console,
      stages: this.queues,
      acts: this.acts,
      news: this.news,
    });
    const consoleServed = this.consoleKeeper.start();
    this.ledger.waiting.forgetRoom();
    this.removeLeftovers();
    // The socket opens last: from then on everything that arrives finds its way.
    await this.receiver.start();
    await this.rebuild();
    this.guard(() => this.stages.tidy());
    this.health = new HighHealth({
      state,
      config: () => this.config,
      ledger: this.ledger,
      news: this.news,
      store: this.store,
      stages: [this.verifyStage, this.releaseStage],
      position: this.position,
      pids: () => this.pids(),
      startedAtMs: this.wallStartedMs,
      transport: () => this.listening.transport,
      frameBytes: frameBytes(symbolBytesForMtu(config.link.mtu)),
      room: () => ({ usedBytes: this.room.usedBytes, freeBytes: freeBytesOf(state.path) }),
    });
    this.housekeeping = setInterval(() => void this.keepHouse(), HOUSEKEEPING_MS);
    this.health.status.onPush((push) => this.consoleKeeper.push(push));
    this.health.start();
    await consoleServed;
    this.log.info(
      { ...this.listening, queueStore: this.store.description, erasureCode: kernelInUse() },
      'high side started',
    );
  }

  private openProcesses(): void {
    const { config, state } = this;
    const { keys, link, assembly } = config;
    this.verifier = new Child<VerifierProtocol>({
      name: 'verifying',
      module: new URL('./verify/process.js', import.meta.url),
      onStart: async (child) => {
        await child.ask('start', { trusted: keys.trusted, tenants: verifierRules(config) });
      },
    });
    this.releaser = new ReleaseLanes(
      (name) =>
        new Child<ReleaserProtocol>({
          silentMs: DISK_SILENT_MS,
          name,
          module: new URL('./release/process.js', import.meta.url),
          onStart: async (child) => {
            await child.ask('start', { stagingDir: state.folder('spool/staging') });
          },
        }),
      {
        stuck: (storage, holdsUp) =>
          this.news.alarm('RELEASE_STUCK', stuckWords(storage, this.storages, holdsUp), storage),
        over: (storage) => {
          this.news.over('RELEASE_STUCK', storage);
          this.nextRebuildMs = 0;
        },
      },
    );
    this.receiver = new Child<ReceiverProtocol>({
      name: 'receiving',
      module: new URL('./receive/process.js', import.meta.url),
      onStart: async (child) => {
        const { fallback, ...listening } = await child.ask('start', {
          host: link.listen.host,
          transport: link.transport,
          // The port the system chose once is kept when the process has to be started again.
          port: this.listening.port || link.listen.port,
          linkKey: toHex(readLinkKey(keys.link)),
          frameMaxBytes: frameBytes(symbolBytesForMtu(link.mtu)),
          receiveBufferBytes: link.receiveBuffer,
          spoolDir: state.folder('spool/assembly'),
          assemblyBytes: assembly.memory,
          orphanBytes: assembly.orphans,
          decoders: finisherThreads(assembly.decoders, availableParallelism()),
        });
        this.listening = listening;
        if (listening.receiveBufferBytes < link.receiveBuffer) {
          const { receiveBufferBytes } = listening;
          const words = 'the kernel gives a smaller receive buffer than link.receiveBuffer: see net.core.rmem_max';
          this.log.warn({ receiveBufferBytes, asked: link.receiveBuffer }, words);
        }
        if (fallback !== undefined && fallback !== this.fallback) this.news.alarm('TRANSPORT_FALLBACK', fallback);
        this.fallback = fallback;
        for (const session of this.ledger.endedSessions(ENDED_SESSIONS)) {
          child.tell('endSession', { session: halvesOf(session).low });
        }
        for (const state of ['assembling', 'incomplete'] as const) {
          for (const payload of this.ledger.payloadsIn(state)) {
            if (!payload.isExpired && this.stages.takeRoom(payload))
              child.tell('expect', this.stages.expectation(payload));
          }
        }
        this.receiverSinceMs = performance.now();
      },
      onEvent: {
        envelope: ({ object, bytes }) => this.guard(() => this.envelope(object, bytes)),
        heartbeat: ({ bytes }) => this.guard(() => this.heartbeat(bytes)),
        assembled: ({ object, contradicts }) => this.guard(() => this.assembled(object, contradicts)),
        badBlock: ({ object, sbn }) =>
          this.news.alarm('DIGEST_MISMATCH', `Block ${sbn} of payload ${object} was discarded.`),
        trouble: ({ code, words }) => this.news.alarm(code, words),
      },
    });
    makeStorages(config);
  }

  private async openQueues(): Promise<void> {
    const { config, state, stages } = this;
    this.store = await openQueueStore({
      side: 'high',
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
    this.verifyStage = await open<EnvelopeJob>('verify', VERIFYING_AT_ONCE, (data, job) => stages.runVerify(data, job));
    this.releaseStage = await open<PayloadJob>('release', RELEASING_AT_ONCE, (data) => stages.runRelease(data));
    for (const stage of [this.verifyStage, this.releaseStage]) {
      this.queues.set(stage.name, stage as never);
      this.pauses.watch(stage);
    }
    this.acts = new Acts(this.ledger.requests, Date.now);
    registerQueueActs(this.acts, this.queueTools());
    this.acts.register('give-up', async (tenant) => this.giveUp(tenant));
  }

  private queueTools() {
    const rebuildSoon = () => {
      this.nextRebuildMs = 0;
    };
    return { stages: this.queues, rebuildSoon, deadLetters: this.ledger.deadLetters };
  }

  /** Folders of payloads that are closed, which a crash left behind. */
  private removeLeftovers(): void {
    const open = new Set<string>();
    for (const state of ['assembling', 'incomplete', 'assembled'] as const) {
      for (const payload of this.ledger.payloadsIn(state)) {
        if (!payload.isExpired) open.add(payload.object);
        if (state === 'assembled') this.stages.takeRoom(payload);
      }
    }
    const folder = this.state.folder('spool/assembly');
    for (const name of readdirSync(folder)) {
      if (!open.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
    }
  }

  /** Puts everything spool and ledger know to be unfinished into the queues, whatever they held before. */
  private async rebuild(): Promise<void> {
    this.tellRemoved();
    this.stages.remind();
    const { deadLetters } = this.ledger;
    const files = readdirSync(this.state.folder('spool/envelopes'));
    const envelopes = files.flatMap((file) => /^([0-9a-f]{16})\.envelope$/.exec(file)?.[1] ?? []);
    for (const envelope of deadLetters.leaveOut('verify', envelopes)) {
      await this.enqueueVerify(envelope, sizeOf(this.stages.envelopeFile(envelope)));
    }
    for (const payload of deadLetters.leaveOut('release', this.ledger.payloadsToRelease())) {
      await this.enqueueRelease(payload);
    }
    this.tellDead();
  }

  /** Whose it is nobody knows before it is verified; the envelope of a letter is small, and waits for no large ones. */
  private async enqueueVerify(envelope: ObjectId, sizeBytes: number): Promise<void> {
    this.verifying.add(envelope);
    const tenant = sizeBytes <= SMALL_ENVELOPE_BYTES ? 'small' : 'large';
    await this.verifyStage.add([{ key: envelope, title: `envelope ${envelope}`, tenant, data: { envelope } }]);
  }

  private async enqueueRelease(payload: ObjectId): Promise<void> {
    const [first, ...more] = this.ledger.objectsOfPayload(payload);
    const title = first
      ? `${first.tenant}: ${first.path}${more.length > 0 ? ` and ${more.length} more` : ''}`
      : payload;
    const tenant = first?.tenant ?? '';
    const consignment = this.ledger.consignments.ofPayload(payload);
    const of = consignment ? ` (consignment ${consignment.root}/)` : '';
    await this.releaseStage.add([{ key: payload, title: title + of, tenant, data: { payload } }]);
  }

  private enqueueReleases(payloads: readonly ObjectId[]): void {
    for (const payload of payloads) {
      this.enqueueRelease(payload).catch((error) => this.news.alarm(codeOf(error), wordsOf(error)));
    }
  }

  // ------------------------------------------------------------ tenants that change

  private watchConfig(load: (sources: Sources) => { config: HighConfig }, sources: Sources): void {
    const tools = {
      load,
      prepare: (next: { config: HighConfig }) => makeStorages(next.config),
      apply: (next: { config: HighConfig }) => this.useTenants(next.config),
      alarm: (code: string, words: string) => this.news.alarm(code, words),
      over: (code: string) => this.news.over(code),
    };
    this.configWatcher = new ConfigWatcher(tools, { config: this.config }, sources);
    this.configWatcher.start();
  }

  /** Reads the configuration again at once; what came of it is in the log, also when that is nothing. */
  reload(): void {
    const words = this.configWatcher?.reload();
    if (words !== undefined) this.log.info(`configuration read again, as asked (SIGHUP): ${words}`);
  }

  private readonly removedTold = new Set<string>();
  private toldWaitingMs = 0;

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
      waiting: waitingOf(this.ledger.tallies.all(), ({ state }) => state === 'verifying' || state === 'assembling'),
      served: new Set(this.config.tenants.map(({ name }) => name)),
      told: this.removedTold,
      alarm: (code, words, about) => this.news.alarm(code, words, about),
      over: (code, about) => this.news.over(code, about),
    });
  }

  private giveUp(tenant: string): string {
    const name = showName(tenant);
    if (tenant === '') return 'no: which tenant?';
    if (this.storages.has(tenant)) return `no: the tenant "${name}" is in the configuration; take it away there first.`;
    const objects = this.stages.giveUp(tenant);
    this.tellRemoved();
    if (objects === 0) return `yes: nothing waits here for the tenant "${name}".`;
    return `yes: ${objects} objects of "${name}" are given up; what had come of them whole goes into the quarantine for its retention.`;
  }

  private useTenants({ tenants }: HighConfig): void {
    const { config, storages } = this;
    config.tenants = tenants;
    this.receipts.tenantsChanged();
    storages.clear();
    for (const [name, storage] of storagesOf(config)) storages.set(name, storage);
    this.guard(async () => {
      await this.verifier.ask('tenants', verifierRules(config));
    });
    this.guard(() => this.stages.tidy());
    // What waited for a tenant that is back goes on.
    this.nextRebuildMs = 0;
  }

  // ------------------------------------------------------------ events

  /** An envelope has been collected: kept on disk, unread, until the verify stage has looked at it. */
  private async envelope(object: ObjectId, bytes: Uint8Array): Promise<void> {
    // From now on, so that the position of the link waits for it.
    this.verifying.add(object);
    try {
      await writeDurablySoon(this.stages.envelopeFile(object), bytes);
    } catch (error) {
      this.verifying.delete(object);
      this.news.alarm(codeOf(error), `An envelope cannot be kept: ${wordsOf(error)}`);
      this.receiver.tell('collectAgain', { envelope: object });
      return;
    }
    this.enqueueVerify(object, bytes.length).catch((error) => this.news.alarm(codeOf(error), wordsOf(error)));
  }

  private async heartbeat(bytes: Uint8Array): Promise<void> {
    const answer = await this.verifier.ask('heartbeat', bytes);
    if (!answer.ok) return this.news.alarm(answer.code, `A heartbeat was not believed. ${answer.detail}`);
    this.parameterWatch.announced(answer.value.parameters);
    this.position.heartbeat(answer.value, performance.now());
  }

  /** What goes wrong with one piece of news is said; it must not end the side. What was lost is found again by rebuild. */
  private guard(work: () => void | Promise<void>): void {
    Promise.resolve()
      .then(work)
      .catch((error) => this.news.alarm(codeOf(error), wordsOf(error)));
  }

  private sinceAdmissionMs(payload: ObjectId): number {
    return this.admissions.sinceMs(payload, performance.now(), this.receiverSinceMs);
  }

  private async assembled(object: ObjectId, contradicts: boolean): Promise<void> {
    const payload = this.ledger.payload(object);
    if (payload?.state !== 'assembling' && payload?.state !== 'incomplete') return;
    await this.ledger.commits.do(() => this.stages.recordAssembled(payload, contradicts));
    if (contradicts) this.news.alarm('MANIFEST_INVALID', `Payload ${object}: its digests contradict each other.`);
    this.changed(object);
    await this.enqueueRelease(object);
  }

  /** Releasing rests between two batches; verifying ends with the envelopes that are being looked at. */
  private pausedChanged(stage: string, paused: boolean): void {
    this.log.info({ stage, paused }, paused ? 'stage paused' : 'stage resumed');
    if (stage === 'release') this.stages.releaseGate.shut(paused);
    this.receipts?.changed(this.config.tenants.map(({ name }) => name));
  }

  private incomplete({ object }: HighPayload): void {
    this.ledger.setPayload(object, 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
    this.receiver.tell('park', { object });
    this.changed(object);
  }

  private unseen(history: string, sequence: number): void {
    // Of a member of a consignment more is known than its number.
    const consignment = this.ledger.consignments.ofNumber(history, sequence);
    const known = consignment
      ? { tenant: consignment.tenant, consignment: { id: consignment.id, root: consignment.root } }
      : {};
    this.news.objects([{ ...newsOfGap(sequence), ...known }]);
  }

  private changed(payload: ObjectId): void {
    this.admissions.note(payload, performance.now());
    const consignment = this.ledger.consignments.ofPayload(payload);
    this.news.objects(this.ledger.objectsOfPayload(payload).map((object) => this.newsOf(object, consignment)));
  }

  private newsOf(object: HighObject, consignment = this.ledger.consignments.ofPayload(object.payload)): HighObjectNews {
    return {
      ...newsOf(object),
      ...(consignment ? { consignment: { id: consignment.id, root: consignment.root } } : {}),
    };
  }

  // ------------------------------------------------------------ housekeeping

  private tellWaiting(nowMs: number): void {
    if (nowMs - this.toldWaitingMs < LIMITS.waitingNamedAfterMs) return;
    this.toldWaitingMs = nowMs;
    this.ledger.waiting.tell();
  }

  private async keepHouse(): Promise<void> {
    try {
      this.writeRun();
      this.counters = await this.receiver.ask('counters', null);
      const { assembly, oversize, quietMs } = this.counters;
      const now = performance.now();
      const busy = assembly.blocksWaiting > 0 || this.verifying.size > 0;
      const silentMs = assembly.silentMs ?? now - this.receiverSinceMs;
      this.health?.heard(this.counters, silentMs);
      this.position.tick(now, {
        silentMs,
        busy,
        quietMs: (payload) => quietMs[payload] ?? this.sinceAdmissionMs(payload),
      });
      this.stages.expectAgain();
      this.tellWaiting(now);
      // What is removed for its age waits when the clock was set (FAULTS 22).
      if (this.health?.status.clockWatch.isTrusted) this.retention.look(Date.now(), (payload) => quietMs[payload]);
      this.guard(() => this.acts.carryOut());
      if (now >= this.nextRebuildMs) {
        this.nextRebuildMs = now + REBUILD_MS;
        await this.rebuild();
      }
      this.parameterWatch.tooLong(oversize, now);
    } catch (error) {
      this.log.debug({ error: wordsOf(error) }, 'housekeeping');
    }
  }
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Of a sequence number of which nothing ever came, nothing but the number is known. */
function newsOfGap(sequence: number): HighObjectNews {
  const nothing = { transfer: '', tenant: '', path: '', sizeBytes: 0 };
  return { ...nothing, sequence, state: 'incomplete', code: 'TRANSFER_UNSEEN', atMs: Date.now() };
}

function newsOf(object: HighObject): HighObjectNews {
  const { transfer, sequence, tenant, path, sizeBytes, state, code, detail, publishedAs } = object;
  return {
    transfer,
    sequence,
    tenant,
    path,
    sizeBytes,
    state,
    ...(code ? { code } : {}),
    ...(detail ? { detail } : {}),
    ...(publishedAs === null ? {} : { publishedAs }),
    atMs: Date.now(),
  };
}
