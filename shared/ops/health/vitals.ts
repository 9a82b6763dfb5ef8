/** What the system says of processes: processor time and memory, and how late this process's timers run. */
import { readFileSync } from 'node:fs';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessStatus } from './status.js';

/** Clock ticks a second in /proc (proc(5)): fixed for user space on Linux, whatever the kernel runs at. */
const TICKS_A_SECOND = 100;
const MONITOR_RESOLUTION_MS = 20;

/** Processes by name; where the system has no /proc, only their ids are known. */
export function processStatus(pids: Readonly<Record<string, number>>): ProcessStatus[] {
  return Object.entries(pids).map(([name, pid]) => ({ name, pid, ...vitalsOf(pid) }));
}

function vitalsOf(pid: number): { cpuSeconds?: number; residentBytes?: number } {
  if (pid <= 0) return {};
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold anything; utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { cpuSeconds, ...(resident === undefined ? {} : { residentBytes: Number(resident) * 1024 }) };
  } catch {
    return {}; // It has just ended, or there is no /proc.
  }
}

/** How late timers of this process run. */
export class EventLoopDelay {
  private readonly monitor: IntervalHistogram = monitorEventLoopDelay({ resolution: MONITOR_RESOLUTION_MS });

  constructor() {
    this.monitor.enable();
  }

  /** 99th percentile since the last call, milliseconds. */
  takeMs(): number {
    const { monitor } = this;
    // The monitor counts its own interval as delay.
    const lateMs = monitor.count === 0 ? 0 : monitor.percentile(99) / 1e6 - MONITOR_RESOLUTION_MS;
    monitor.reset();
    return Math.max(0, Math.round(lateMs * 10) / 10);
  }

  stop(): void {
    this.monitor.disable();
  }
}
