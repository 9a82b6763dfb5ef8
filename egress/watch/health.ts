/** Everything that watches the high side without taking part in its work: status, metrics, pruning. */
import { wordsOf } from '../../shared/core/errors.js';
import type { Transport } from '../../shared/link/transport.js';
import type { HighConfig } from '../../shared/ops/config/load.js';
import type { StateFolder } from '../../shared/ops/files/stateFolder.js';
import { SideMetrics } from '../../shared/ops/health/metrics.js';
import type { News } from '../../shared/ops/health/news.js';
import { StageWatch } from '../../shared/ops/health/stageWatch.js';
import { type StageOfState, StarvationWatch } from '../../shared/ops/health/starvation.js';
import { StatusKeeper } from '../../shared/ops/health/statusKeeper.js';
import { EventLoopDelay } from '../../shared/ops/health/vitals.js';
import { Pruning } from '../../shared/ops/ledger/prune.js';
import type { QueueStore, Stage } from '../../shared/ops/queues/store.js';
import type { HighObjectNews } from '../../shared/ops/sides.js';
import { systemClock } from '../../shared/ops/systemClock.js';
import type { HighLedger, HighState } from '../ledger/ledger.js';
import type { ReceiverCounters } from '../receive/messages.js';
import type { LinkPosition } from '../work/position.js';
import { LinkWatch } from './linkWatch.js';
import { MissingWatch } from './missingWatch.js';
import { HighStatusBuilder } from './status.js';

export interface HighHealthTools {
  state: StateFolder;
  config: () => HighConfig;
  ledger: HighLedger;
  news: News<HighObjectNews>;
  store: QueueStore;
  stages: readonly Pick<Stage<never>, 'name' | 'counts' | 'isPaused'>[];
  position: Pick<LinkPosition, 'isSilent'>;
  pids: () => Record<string, number>;
  startedAtMs: number;
  transport: () => Transport;
  /** Bytes of a frame on this link. */
  frameBytes: number;
  /** Bytes that payloads have reserved, and what is free on the disk of the spool. */
  room: () => { usedBytes: number; freeBytes: number };
}

const STAGES_OF_STATES: Partial<Record<HighState, StageOfState>> = {
  verifying: { waitsIn: 'release' },
  released: { movedIn: 'release' },
  quarantined: { movedIn: 'release' },
};

export class HighHealth {
  readonly status: StatusKeeper;
  private readonly eventLoop = new EventLoopDelay();
  private readonly starvation: StarvationWatch;
  private readonly linkWatch: LinkWatch;
  private readonly missing: MissingWatch;
  private readonly pruning: Pruning;
  private counters: ReceiverCounters | undefined;
  private silentMs = 0;

  constructor(private readonly tools: HighHealthTools) {
    const { state, config, ledger, news, store, position, pids, startedAtMs, frameBytes, room } = tools;
    this.linkWatch = new LinkWatch((code, words, about) => news.alarm(code, words, about));
    this.missing = new MissingWatch({ ledger, news });
    const stages = new StageWatch(tools.stages, {
      away: () => news.alarm('QUEUE_STORE_UNAVAILABLE', 'It does not answer.'),
      back: () => news.over('QUEUE_STORE_UNAVAILABLE'),
    });
    const builder = new HighStatusBuilder({
      ledger,
      news,
      stages,
      eventLoop: this.eventLoop,
      position,
      startedAtMs,
      queueStore: () => store.description,
      tenants: () => config().tenants,
      pids,
      counters: () => this.counters,
      silentMs: () => this.silentMs,
      transport: tools.transport,
      frameBytes,
      spool: () => ({ ...room(), limitBytes: config().assembly.spoolMax }),
    });
    const metrics = new SideMetrics('high', (name) => config().tenants.some((tenant) => tenant.name === name));
    this.starvation = new StarvationWatch({
      clock: systemClock,
      limitMs: () => config().alarms.starvation,
      states: STAGES_OF_STATES,
      alarm: (code, words, about) => news.alarm(code, words, about),
      over: (code, about) => news.over(code, about),
    });
    news.onObjects((objects) => {
      metrics.objects(objects);
      this.starvation.objects(objects);
    });
    news.onAlarm((alarm) => metrics.alarm(alarm));
    this.status = new StatusKeeper({ state, news, stages, metrics, build: () => builder.build() });
    this.pruning = new Pruning({
      retentionMs: () => config().retention.finished,
      isTrusted: () => this.status.clockWatch.isTrusted,
      step: (beforeMs) => ledger.finished.prune(beforeMs) > 0,
      shrink: () => ledger.shrink(),
      trouble: (error) => news.alarm('SPOOL_IO', `Finished objects cannot be removed: ${wordsOf(error)}`, 'ledger'),
    });
  }

  /** The receiver has told its counters. */
  heard(counters: ReceiverCounters, silentMs: number): void {
    this.counters = counters;
    this.silentMs = silentMs;
    this.linkWatch.look(counters, performance.now());
    this.starvation.look(this.tools.ledger.tallies.all());
    this.missing.look();
  }

  start(): void {
    this.missing.look();
    this.status.start();
    this.pruning.start();
  }

  stop(): void {
    this.pruning.stop();
    this.status.stop();
    this.eventLoop.stop();
  }
}
