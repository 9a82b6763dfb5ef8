/** How long the main threads of this process and of its children were busy with one thing: what waits meanwhile waits so long. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 15_000;
/** Pauses remembered of one process: a child tells at most one a second. */
const REMEMBERED = 64;

/** The monitor of one process: how late its timers run. */
export class LoopMonitor {
  private readonly monitor: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.monitor.enable();
  }

  /** Since the last call, in milliseconds: the 99th percentile and the longest. */
  take(): { p99Ms: number; maxMs: number } {
    const { monitor } = this;
    // The monitor counts its own interval as delay.
    const late = (ns: number) => Math.max(0, Math.round(ns / 1e5) / 10 - RESOLUTION_MS);
    const taken =
      monitor.count === 0 ? { p99Ms: 0, maxMs: 0 } : { p99Ms: late(monitor.percentile(99)), maxMs: late(monitor.max) };
    monitor.reset();
    return taken;
  }

  stop(): void {
    this.monitor.disable();
  }
}

/** The longest pause of each process in the last quarter of a minute, by its id. */
export class LoopDelays {
  private readonly pauses = new Map<number, { atMs: number; ms: number }[]>();

  note(pid: number, ms: number, nowMs: number): void {
    const known = (this.pauses.get(pid) ?? []).filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    known.push({ atMs: nowMs, ms });
    if (known.length > REMEMBERED) known.shift();
    this.pauses.set(pid, known);
  }

  /** Milliseconds; undefined for a process that has told nothing for so long. */
  longestMs(pid: number, nowMs: number): number | undefined {
    const known = this.pauses.get(pid)?.filter(({ atMs }) => nowMs - atMs < WINDOW_MS) ?? [];
    return known.length === 0 ? undefined : Math.max(...known.map(({ ms }) => ms));
  }

  forget(pid: number): void {
    this.pauses.delete(pid);
  }
}

/** Those of this process and of its children. */
export const loopDelays = new LoopDelays();
