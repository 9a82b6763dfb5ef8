/** Everything that watches the low side without taking part in its work: status, metrics, pruning. */
import { wordsOf } from '../../shared/core/errors.js';
import type { Transport } from '../../shared/link/transport.js';
import type { LowConfig } from '../../shared/ops/config/load.js';
import type { StateFolder } from '../../shared/ops/files/stateFolder.js';
import { SideMetrics } from '../../shared/ops/health/metrics.js';
import type { News } from '../../shared/ops/health/news.js';
import { StageWatch } from '../../shared/ops/health/stageWatch.js';
import { type StageOfState, StarvationWatch } from '../../shared/ops/health/starvation.js';
import { StatusKeeper } from '../../shared/ops/health/statusKeeper.js';
import { EventLoopDelay } from '../../shared/ops/health/vitals.js';
import { Pruning } from '../../shared/ops/ledger/prune.js';
import type { Child } from '../../shared/ops/processes/children.js';
import type { QueueStore, Stage } from '../../shared/ops/queues/store.js';
import type { LowObjectNews } from '../../shared/ops/sides.js';
import { systemClock } from '../../shared/ops/systemClock.js';
import type { FileInShare, PollNews } from '../intake/messages.js';
import type { LowLedger, LowState } from '../ledger/ledger.js';
import type { SenderCounters, SenderProtocol } from '../send/orders.js';
import type { Intakes } from '../work/intakes.js';
import { LowPruner } from './pruner.js';
import { LowStatusBuilder } from './status.js';

export interface LowHealthTools {
  state: StateFolder;
  config: () => LowConfig;
  ledger: LowLedger;
  news: News<LowObjectNews>;
  store: QueueStore;
  stages: readonly Pick<Stage<never>, 'name' | 'counts' | 'isPaused'>[];
  sender: Pick<Child<SenderProtocol>, 'ask'>;
  intakes: Pick<Intakes, 'ask'>;
  pids: () => Record<string, number>;
  startedAtMs: number;
  transport: () => Transport;
  /** Free on the disk of the spool. */
  freeBytes: () => number;
}

const COUNTERS_MS = 500;
const STAGES_OF_STATES: Record<LowState, StageOfState> = {
  held: {},
  taken: { waitsIn: 'scan' },
  refused: { movedIn: 'scan' },
  withdrawn: {},
  sealed: { waitsIn: 'send', movedIn: 'scan' },
  sending: { waitsIn: 'send', movedIn: 'send' },
  sent: { movedIn: 'send' },
};

export class LowHealth {
  readonly status: StatusKeeper;
  private readonly eventLoop = new EventLoopDelay();
  private readonly starvation: StarvationWatch;
  private polledLast: PollNews | undefined;
  private counters: SenderCounters | undefined;
  private readonly pruning: Pruning;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly tools: LowHealthTools) {
    const { state, config, ledger, news, store, pids, startedAtMs, freeBytes } = tools;
    const stages = new StageWatch(tools.stages, {
      away: () => news.alarm('QUEUE_STORE_UNAVAILABLE', 'It does not answer.'),
      back: () => news.over('QUEUE_STORE_UNAVAILABLE'),
    });
    const builder = new LowStatusBuilder({
      ledger,
      news,
      stages,
      eventLoop: this.eventLoop,
      startedAtMs,
      queueStore: () => store.description,
      tenants: () => config().tenants,
      pids,
      polled: () => this.polledLast,
      counters: () => this.counters,
      transport: tools.transport,
      rateBps: () => config().link.rate,
      spool: () => ({ limitBytes: config().spool.highWater, freeBytes: freeBytes() }),
    });
    const metrics = new SideMetrics('low', (name) => config().tenants.some((tenant) => tenant.name === name));
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
    const lie = (tenant: string, files: FileInShare[]) => tools.intakes.ask('lie', { tenant, files });
    const pruner = new LowPruner({ finished: ledger.finished, lie });
    this.pruning = new Pruning({
      retentionMs: () => config().retention.finished,
      isTrusted: () => this.status.clockWatch.isTrusted,
      step: (beforeMs) => pruner.step(beforeMs),
      shrink: () => ledger.shrink(),
      trouble: (error) => news.alarm('SPOOL_IO', `Finished objects cannot be removed: ${wordsOf(error)}`, 'ledger'),
    });
  }

  /** Intake has looked at the shares. */
  polled(news: PollNews): void {
    this.polledLast = news;
  }

  start(): void {
    const count = () => {
      this.starvation.look(this.tools.ledger.tallies.all());
      this.tools.sender.ask('counters', null).then(
        (counters) => {
          this.counters = counters;
          this.starvation.served('send', counters.tenantBytes);
        },
        // It is being started again; the last figures stand.
        () => {},
      );
    };
    count();
    this.timer = setInterval(count, COUNTERS_MS);
    this.status.start();
    this.pruning.start();
  }

  stop(): void {
    clearInterval(this.timer);
    this.pruning.stop();
    this.status.stop();
    this.eventLoop.stop();
  }
}
