/** How the high side stands, built from figures that are kept as things happen. */
import { kernelInUse } from '../../shared/fec/simd/kernelChoice.js';
import type { Transport } from '../../shared/link/transport.js';
import { Meter } from '../../shared/ops/health/meter.js';
import type { News } from '../../shared/ops/health/news.js';
import type { StageWatch } from '../../shared/ops/health/stageWatch.js';
import type { HighStatus } from '../../shared/ops/health/status.js';
import { statesOf, type TenantSettings, tenantsOf } from '../../shared/ops/health/statusParts.js';
import type { TenantTally } from '../../shared/ops/health/tallies.js';
import { type EventLoopDelay, processStatus } from '../../shared/ops/health/vitals.js';
import type { HighObjectNews } from '../../shared/ops/sides.js';
import { HIGH_FINISHED, type HighLedger } from '../ledger/ledger.js';
import type { ReceiverCounters } from '../receive/messages.js';
import type { LinkPosition } from '../work/position.js';

export interface HighStatusTools {
  ledger: HighLedger;
  news: Pick<News<HighObjectNews>, 'alarms'>;
  stages: StageWatch;
  eventLoop: EventLoopDelay;
  position: Pick<LinkPosition, 'isSilent'>;
  startedAtMs: number;
  queueStore: () => string;
  tenants: () => readonly TenantSettings[];
  pids: () => Record<string, number>;
  /** As last told. */
  counters: () => ReceiverCounters | undefined;
  silentMs: () => number;
  transport: () => Transport;
  /** Bytes of a frame on this link. */
  frameBytes: number;
  spool: () => { usedBytes: number; limitBytes: number; freeBytes: number };
}

/** Announced and not yet released or rejected; what is incomplete waits for a resend. */
export const isInside = ({ state }: TenantTally): boolean => !(HIGH_FINISHED as readonly string[]).includes(state);

export class HighStatusBuilder {
  private readonly meter = new Meter();

  constructor(private readonly tools: HighStatusTools) {}

  build(): HighStatus {
    const { ledger, news, stages, eventLoop, position, startedAtMs } = this.tools;
    const tallies = ledger.tallies.all();
    const atMs = Date.now();
    const counters = flat(this.tools.counters());
    const datagrams = counters.datagrams ?? 0;
    return {
      side: 'high',
      atMs,
      startedAtMs,
      queueStore: { description: this.tools.queueStore(), isUp: stages.isUp },
      erasureCode: kernelInUse(),
      stages: stages.stages,
      tenants: tenantsOf(ledger.tallies, tallies, this.tools.tenants(), isInside, atMs),
      states: statesOf(tallies),
      spool: this.tools.spool(),
      alarms: news.alarms.active(),
      recent: news.alarms.recent(),
      processes: processStatus({ supervisor: process.pid, ...this.tools.pids() }),
      eventLoopDelayMs: eventLoop.takeMs(),
      link: {
        transport: this.tools.transport(),
        silentMs: Math.round(this.tools.silentMs()),
        isSilent: position.isSilent,
        bitsPerSecond: Math.round(8 * this.tools.frameBytes * this.meter.note(datagrams, performance.now())),
        sequenceDone: ledger.sequencesAccounted(),
        gaps: ledger.gapCount(),
        counters,
      },
    };
  }
}

/** The receiver's figures under one roof; what is told of single payloads is left out. */
function flat(counters: ReceiverCounters | undefined): Record<string, number> {
  if (!counters) return {};
  const { assembly, quietMs: _, ...socket } = counters;
  return { ...socket, ...assembly };
}
