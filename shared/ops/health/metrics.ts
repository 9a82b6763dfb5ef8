/**
 * The metrics of a side for Prometheus: figures of its status, and what it learns from the news about objects. Labels are
 * tenants of the configuration, names of stages and processes, states and codes: never anything an object brings along.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { ERRORS } from '../../core/errors.js';
import { StageTimes } from './stageTimes.js';
import type { HighStatus, LowStatus, SideName, SideStatus } from './status.js';

interface ObjectNews {
  readonly transfer: string;
  readonly tenant: string;
  readonly sizeBytes: number;
  readonly state: string;
  readonly code?: string;
}

/** From five milliseconds to an hour. */
const SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600];
/** States whose news is counted, and those of them whose bytes are. */
const OUTCOMES = new Set(['taken', 'held', 'refused', 'sent', 'released', 'quarantined', 'incomplete']);
const WITH_BYTES = new Set(['taken', 'sent', 'released']);

type Labels = Record<string, string>;

export class SideMetrics {
  private readonly registry = new Registry();
  private readonly gauges = new Map<string, Gauge>();
  private readonly counters = new Map<string, Counter>();
  private readonly times: StageTimes;
  private readonly outcomes: Counter;
  private readonly bytes: Counter;
  private readonly alarms: Counter;

  /** @param isTenant whether a name is one of the configuration's, so that it may be a label */
  constructor(
    side: SideName,
    private readonly isTenant: (name: string) => boolean,
  ) {
    this.registry.setDefaultLabels({ side });
    const registers = [this.registry];
    const seconds = new Histogram({
      name: 'sluice_stage_seconds',
      help: 'Time an object took for a step of its way, or for all of it (stage "total").',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
    this.times = new StageTimes(side, (stage, ms) => seconds.observe({ stage }, ms / 1000));
    this.outcomes = new Counter({
      name: 'sluice_object_events_total',
      help: 'Objects that came into a state, by the code that says why (none for the good ones).',
      labelNames: ['state', 'code'],
      registers,
    });
    this.bytes = new Counter({
      name: 'sluice_tenant_bytes_total',
      help: 'Bytes of objects of a tenant that came into a state.',
      labelNames: ['tenant', 'state'],
      registers,
    });
    this.alarms = new Counter({
      name: 'sluice_alarms_total',
      help: 'Alarms that were told, by code.',
      labelNames: ['code'],
      registers,
    });
  }

  // ---------------------------------------------------------------- news

  objects(news: readonly ObjectNews[]): void {
    const nowMs = performance.now();
    for (const { transfer, tenant, sizeBytes, state, code } of news) {
      const before = transfer === '' ? undefined : this.times.note(transfer, state, nowMs);
      // News that it was scanned finds a taken object taken.
      if (!OUTCOMES.has(state) || before === state) continue;
      this.outcomes.inc({ state, code: codeLabel(code) });
      if (WITH_BYTES.has(state) && this.isTenant(tenant)) this.bytes.inc({ tenant, state }, sizeBytes);
    }
  }

  alarm({ code }: { code: string }): void {
    this.alarms.inc({ code: codeLabel(code) });
  }

  // ---------------------------------------------------------------- status

  /** The text of all metrics, as the status says and the news has been so far. */
  async text(status: SideStatus): Promise<string> {
    this.forget();
    this.common(status);
    if (status.side === 'low') this.low(status);
    else this.high(status);
    return this.registry.metrics();
  }

  /** What is not said any more (a tenant that was removed, an alarm that is over) must not stay as it was. */
  private forget(): void {
    for (const gauge of this.gauges.values()) gauge.reset();
    for (const counter of this.counters.values()) counter.reset();
  }

  private common(status: SideStatus): void {
    this.gauge('sluice_start_time_seconds', 'When the side was started, since 1970.', status.startedAtMs / 1000);
    this.gauge('sluice_queue_store_up', 'Whether the queue store answers.', status.queueStore.isUp ? 1 : 0);
    for (const { name: stage, isPaused, ...counts } of status.stages) {
      this.gauge('sluice_stage_paused', 'Whether an operator has paused the stage.', isPaused ? 1 : 0, { stage });
      for (const [state, jobs] of Object.entries(counts))
        this.gauge('sluice_queue_jobs', 'Jobs of a stage by state.', jobs as number, { stage, state });
    }
    for (const { name: tenant, states, inside, oldest, quota } of status.tenants) {
      for (const [state, { objects, bytes }] of Object.entries(states)) {
        this.gauge('sluice_objects', 'Objects in the ledger by state.', objects, { tenant, state });
        this.gauge('sluice_object_bytes', 'Their bytes.', bytes, { tenant, state });
      }
      this.gauge('sluice_inside_objects', 'Objects inside the gateway.', inside.objects, { tenant });
      this.gauge('sluice_inside_bytes', 'Their bytes.', inside.bytes, { tenant });
      const age = 'Age of the object that has been waiting longest; 0 when nothing waits.';
      this.gauge('sluice_oldest_waiting_seconds', age, (oldest?.ageMs ?? 0) / 1000, { tenant });
      if (quota?.bytes) this.gauge('sluice_quota_bytes', 'Bytes that may be inside.', quota.bytes, { tenant });
      if (quota?.objects) this.gauge('sluice_quota_objects', 'Objects that may be inside.', quota.objects, { tenant });
    }
    const { usedBytes, limitBytes, freeBytes } = status.spool;
    this.gauge('sluice_spool_bytes', 'Bytes the spool holds, or has reserved.', usedBytes);
    this.gauge('sluice_spool_limit_bytes', 'Bytes it may hold.', limitBytes);
    this.gauge('sluice_spool_free_bytes', 'Free on its disk.', freeBytes);
    for (const { name, cpuSeconds, residentBytes, eventLoopDelayMs } of status.processes) {
      const process = { process: name };
      if (cpuSeconds !== undefined)
        this.counter('sluice_process_cpu_seconds_total', 'Processor time of a process.', cpuSeconds, process);
      if (residentBytes !== undefined)
        this.gauge('sluice_process_resident_bytes', 'Memory of a process.', residentBytes, process);
      if (eventLoopDelayMs !== undefined) {
        const pause = 'The longest pause of the main thread of a process in the last 15 seconds.';
        this.gauge('sluice_process_event_loop_delay_seconds', pause, eventLoopDelayMs / 1000, process);
      }
    }
    const late = 'How late timers of the supervisor ran, 99th percentile of the last moments.';
    this.gauge('sluice_event_loop_delay_seconds', late, status.eventLoopDelayMs / 1000);
    for (const { code, severity } of status.alarms)
      this.gauge('sluice_alarm_active', '1 while an alarm of this code holds.', 1, { code: codeLabel(code), severity });
  }

  private low({ link, intake, heldBack }: LowStatus): void {
    this.gauge('sluice_intake_entries', 'Entries in the shares.', intake.entries);
    this.gauge('sluice_intake_waiting', 'Files seen and not taken yet.', intake.waiting);
    this.gauge('sluice_intake_poll_seconds', 'How long the latest look at the shares took.', intake.pollMs / 1000);
    this.gauge('sluice_intake_held', '1 while nothing is taken.', heldBack === '' ? 0 : 1);
    this.counter('sluice_link_sent_frames_total', 'Frames handed to the system.', link.framesSent);
    this.counter('sluice_link_sent_bytes_total', 'Bytes of these frames.', link.bytesSent);
    this.counter('sluice_link_send_errors_total', 'Frames the system did not take.', link.sendErrors);
    const back = 'Datagrams that arrived at the sending socket; always 0 on a one-way link.';
    this.counter('sluice_link_arrivals_total', back, link.arrivals);
    this.gauge('sluice_link_bytes_per_second', 'Sent over the last seconds.', link.bitsPerSecond / 8);
    this.gauge('sluice_link_rate_bytes_per_second', 'The configured rate.', link.rateBps / 8);
    this.gauge('sluice_sequence_last', 'Highest sequence number given out.', link.sequenceLast);
    this.gauge('sluice_sequence_done', 'Every number up to here is sent or void.', link.sequenceDone);
  }

  private high({ link }: HighStatus): void {
    const { counters } = link;
    const value = (name: string): number => counters[name] ?? 0;
    this.counter('sluice_link_received_datagrams_total', 'Datagrams taken from the socket.', value('datagrams'));
    const dropped = 'Datagrams dropped on this machine: the socket buffer (kernel) or assembly (ring) was full.';
    if (counters.kernelDrops !== undefined)
      this.counter('sluice_link_dropped_datagrams_total', dropped, counters.kernelDrops, { by: 'kernel' });
    this.counter('sluice_link_dropped_datagrams_total', dropped, value('ringDrops'), { by: 'ring' });
    for (const [outcome, name] of FRAME_OUTCOMES)
      this.counter('sluice_link_frames_total', 'Frames by what became of them.', value(name), { outcome });
    const lost = 'Frames of the current link session that never came, as their numbers tell.';
    this.counter('sluice_link_frames_lost_total', lost, value('framesLost'));
    this.counter('sluice_link_frames_expected_total', 'Frames the session has had.', value('framesExpected'));
    this.gauge('sluice_link_bytes_per_second', 'Received over the last seconds.', link.bitsPerSecond / 8);
    this.gauge('sluice_link_silent_seconds', 'Since the last authentic frame.', link.silentMs / 1000);
    for (const [how, name] of BLOCK_OUTCOMES)
      this.counter('sluice_blocks_total', 'Source blocks by how they were completed.', value(name), { how });
    const repair = 'Repair symbols that stood in for lost ones.';
    this.counter('sluice_repair_symbols_used_total', repair, value('repairUsed'));
    this.counter('sluice_blocks_spilled_total', 'Blocks put aside on disk for want of memory.', value('spilled'));
    this.counter(
      'sluice_orphans_dropped_total',
      'Payloads given up before their envelope came.',
      value('orphansDropped'),
    );
    this.counter('sluice_envelopes_total', 'Envelopes collected.', value('envelopes'));
    this.counter('sluice_envelopes_bad_total', 'Envelopes that could not be collected.', value('badEnvelopes'));
    this.gauge('sluice_assembly_bytes', 'Memory of blocks in assembly.', value('memoryBytes'));
    this.gauge('sluice_assembly_blocks_waiting', 'Complete blocks that wait to be checked.', value('blocksWaiting'));
    this.gauge('sluice_sequence_done', 'Every number up to here is accounted for.', link.sequenceDone);
    this.gauge('sluice_sequence_gaps', 'Sequence numbers of which nothing ever came.', link.gaps);
  }

  // ---------------------------------------------------------------- parts

  private gauge(name: string, help: string, value: number, labels: Labels = {}): void {
    let gauge = this.gauges.get(name);
    if (!gauge) {
      gauge = new Gauge({ name, help, labelNames: Object.keys(labels), registers: [this.registry] });
      this.gauges.set(name, gauge);
    }
    gauge.set(labels, value);
  }

  /** A counter that is kept elsewhere and only shown here; it may begin anew, as any counter of a process may. */
  private counter(name: string, help: string, value: number, labels: Labels = {}): void {
    let counter = this.counters.get(name);
    if (!counter) {
      counter = new Counter({ name, help, labelNames: Object.keys(labels), registers: [this.registry] });
      this.counters.set(name, counter);
    }
    counter.inc(labels, value);
  }
}

const FRAME_OUTCOMES = [
  ['accepted', 'accepted'],
  ['duplicate', 'duplicate'],
  ['conflicting', 'conflicting'],
  ['late', 'late'],
  ['heartbeat', 'heartbeat'],
  ['padding', 'padding'],
  ['bad_length', 'badLength'],
  ['bad_layout', 'badLayout'],
  ['bad_version', 'badVersion'],
  ['bad_tag', 'badTag'],
  ['bad_parameters', 'badParameters'],
  ['ended_session', 'endedSession'],
  ['no_room', 'noRoom'],
] as const;
const BLOCK_OUTCOMES = [
  ['whole', 'blocksPlain'],
  ['decoded', 'blocksDecoded'],
  ['bad', 'blocksBad'],
] as const;

/** Codes are a table; what is not in it (another side's, a later release's) is one label. */
function codeLabel(code: string | undefined): string {
  if (code === undefined) return 'none';
  return Object.hasOwn(ERRORS, code) ? code : 'other';
}
