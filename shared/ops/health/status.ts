/**
 * How a side stands: plain data, the same for the console, `sluice status`, `sluice top` and metrics. Each supervisor
 * builds it about twice a second (ingress/watch/status.ts, egress/watch/status.ts) from figures that are kept as things happen.
 *
 * Times named ...AtMs are wall clock (milliseconds since 1970), for people to read; spans named ...Ms are spans.
 */
import type { Severity } from '../../core/errors.js';
import type { KernelInUse } from '../../fec/kernelName.js';
import type { Transport } from '../../link/transport.js';

export type SideName = 'low' | 'high';

/** Objects in one state. */
export interface Tally {
  readonly objects: number;
  readonly bytes: number;
}

/** One queue stage. */
export interface StageStatus {
  readonly name: string;
  readonly waiting: number;
  readonly active: number;
  /** Failed a try and put off. */
  readonly delayed: number;
  /** Given up until the next rebuild, or for good. */
  readonly failed: number;
  readonly isPaused: boolean;
}

export interface TenantStatus {
  readonly name: string;
  /** By state of objects; states without objects are left out. */
  readonly states: Readonly<Record<string, Tally>>;
  /** What is inside the gateway: low side taken and not yet sent, high side announced and not yet released. */
  readonly inside: Tally;
  /** Age of the object inside that has been waiting longest, and its state; absent when nothing waits. */
  readonly oldest?: { readonly state: string; readonly ageMs: number };
  /** What `inside` may come to; absent without a quota. */
  readonly quota?: { readonly bytes?: number; readonly objects?: number };
}

/** An alarm that holds now. It is state, rebuilt after a restart, and not a record: the log is the record. */
export interface ActiveAlarm {
  readonly code: string;
  readonly severity: Severity;
  /** The particulars, as last said. */
  readonly words: string;
  /** What to do, for an operator. */
  readonly remedy: string;
  readonly sinceMs: number;
  readonly lastMs: number;
  /** How often it was raised. */
  readonly count: number;
}

/** Something that was said: an alarm that is over, or news that never was one (LINK_BACK). */
export interface PastAlarm extends ActiveAlarm {
  /** When it was over; absent for what is only news. */
  readonly clearedMs?: number;
}

export interface ProcessStatus {
  readonly name: string;
  /** 0 while it is not running. */
  readonly pid: number;
  /** Processor time so far, user and system, in seconds; absent where the system does not tell. */
  readonly cpuSeconds?: number;
  readonly residentBytes?: number;
  /** The longest pause of its main thread in the last 15 seconds; absent while it has told none. */
  readonly eventLoopDelayMs?: number;
}

export interface SpoolStatus {
  readonly usedBytes: number;
  readonly limitBytes: number;
  /** Free on its disk. */
  readonly freeBytes: number;
}

interface CommonStatus {
  /** When this was written, wall clock. */
  readonly atMs: number;
  /** When the side was started. */
  readonly startedAtMs: number;
  readonly queueStore: { readonly description: string; readonly isUp: boolean };
  /** What the erasure code runs on. */
  readonly erasureCode: KernelInUse;
  readonly stages: readonly StageStatus[];
  readonly tenants: readonly TenantStatus[];
  /** All tenants together. */
  readonly states: Readonly<Record<string, Tally>>;
  readonly spool: SpoolStatus;
  readonly alarms: readonly ActiveAlarm[];
  /** The latest ones, newest first. */
  readonly recent: readonly PastAlarm[];
  readonly processes: readonly ProcessStatus[];
  /** 99th percentile of how late the supervisor's timers ran since the status before. */
  readonly eventLoopDelayMs: number;
}

export interface LowStatus extends CommonStatus {
  readonly side: 'low';
  /** Why nothing is taken at the moment; empty otherwise. */
  readonly heldBack: string;
  readonly intake: { readonly entries: number; readonly waiting: number; readonly pollMs: number };
  readonly link: LowLinkStatus;
}

export interface HighStatus extends CommonStatus {
  readonly side: 'high';
  readonly link: HighLinkStatus;
}

export type SideStatus = LowStatus | HighStatus;

export interface LowLinkStatus {
  /** How datagrams reach the system, now. */
  readonly transport: Transport;
  readonly framesSent: number;
  readonly bytesSent: number;
  readonly sendErrors: number;
  /** Datagrams that arrived at the sending socket: always 0 on a one-way link. */
  readonly arrivals: number;
  /** Over the last seconds. */
  readonly bitsPerSecond: number;
  /** As configured. */
  readonly rateBps: number;
  /** Highest sequence number given out; every number up to `sequenceDone` has been sent or is void. */
  readonly sequenceLast: number;
  readonly sequenceDone: number;
}

export interface HighLinkStatus {
  readonly transport: Transport;
  /** Milliseconds since the last authentic frame. */
  readonly silentMs: number;
  readonly isSilent: boolean;
  /** Over the last seconds, of datagrams taken from the socket. */
  readonly bitsPerSecond: number;
  /** Every sequence number up to here is accounted for. */
  readonly sequenceDone: number;
  /** Sequence numbers of which nothing ever came. */
  readonly gaps: number;
  /** Of the receiving process, by name: see ReceiverCounters and AssemblyCounters. */
  readonly counters: Readonly<Record<string, number>>;
}

/** What a supervisor pushes to its console process. */
export interface StatusPush {
  readonly status: SideStatus;
  /** Prometheus text. */
  readonly metrics: string;
}

/** The file in a side's state folder that holds its status, written about once a second. */
export const STATUS_FILE = 'status.json';
/** A status older than this is not how things stand: the side has ended or hangs. */
export const STATUS_STALE_MS = 10_000;
