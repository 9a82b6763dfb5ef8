/** How the low side stands, built from figures that are kept as things happen. */
import { kernelInUse } from '../../shared/fec/simd/kernelChoice.js';
import type { Transport } from '../../shared/link/transport.js';
import { Meter } from '../../shared/ops/health/meter.js';
import type { News } from '../../shared/ops/health/news.js';
import type { StageWatch } from '../../shared/ops/health/stageWatch.js';
import type { LowStatus } from '../../shared/ops/health/status.js';
import { statesOf, type TenantSettings, tenantsOf } from '../../shared/ops/health/statusParts.js';
import { type EventLoopDelay, processStatus } from '../../shared/ops/health/vitals.js';
import type { LowObjectNews } from '../../shared/ops/sides.js';
import type { PollNews } from '../intake/messages.js';
import type { LowLedger } from '../ledger/ledger.js';
import type { SenderCounters } from '../send/orders.js';
import { isInside } from '../work/quotas.js';
import { drainedWords } from './drained.js';

export interface LowStatusTools {
  ledger: LowLedger;
  news: Pick<News<LowObjectNews>, 'alarms'>;
  stages: StageWatch;
  eventLoop: EventLoopDelay;
  startedAtMs: number;
  queueStore: () => string;
  tenants: () => readonly TenantSettings[];
  pids: () => Record<string, number>;
  /** As last told. */
  polled: () => PollNews | undefined;
  counters: () => SenderCounters | undefined;
  transport: () => Transport;
  rateBps: () => number;
  spool: () => { limitBytes: number; freeBytes: number };
}

const NO_COUNTERS: SenderCounters = { framesSent: 0, bytesSent: 0, sendErrors: 0, arrivals: 0, tenantBytes: {} };

export class LowStatusBuilder {
  private readonly meter = new Meter();

  constructor(private readonly tools: LowStatusTools) {}

  build(): LowStatus {
    const { ledger, news, stages, eventLoop, startedAtMs } = this.tools;
    const tallies = ledger.dead.inTallies(ledger.tallies.all());
    const atMs = Date.now();
    const polled = this.tools.polled();
    const counters = this.tools.counters() ?? NO_COUNTERS;
    const { framesSent, bytesSent, sendErrors, arrivals } = counters;
    return {
      side: 'low',
      atMs,
      startedAtMs,
      queueStore: { description: this.tools.queueStore(), isUp: stages.isUp },
      erasureCode: kernelInUse(),
      stages: stages.stages,
      tenants: tenantsOf(ledger.tallies, tallies, this.tools.tenants(), isInside, atMs),
      states: statesOf(tallies),
      spool: { usedBytes: ledger.spoolBytes(), ...this.tools.spool() },
      alarms: news.alarms.active(),
      recent: news.alarms.recent(),
      processes: processStatus({ supervisor: process.pid, ...this.tools.pids() }),
      eventLoopDelayMs: eventLoop.takeMs(),
      heldBack: drainedWords(ledger) || (polled?.heldBack ?? ''),
      intake: {
        entries: polled?.entries ?? 0,
        waiting: polled?.waiting ?? 0,
        pollMs: Math.round(polled?.elapsedMs ?? 0),
      },
      link: {
        transport: this.tools.transport(),
        framesSent,
        bytesSent,
        sendErrors,
        arrivals,
        bitsPerSecond: Math.round(8 * this.meter.note(bytesSent, performance.now())),
        rateBps: this.tools.rateBps(),
        sequenceLast: ledger.sequenceLast(),
        sequenceDone: ledger.sequenceDone(),
      },
    };
  }
}
