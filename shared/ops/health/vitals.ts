/** What the system says of processes: processor time, memory, and how late their timers run. */
import { readFileSync } from 'node:fs';
import { LoopMonitor, loopDelays } from '../processes/loopDelays.js';
import type { ProcessStatus } from './status.js';

/** Clock ticks a second in /proc (proc(5)): fixed for user space on Linux, whatever the kernel runs at. */
const TICKS_A_SECOND = 100;

/** Processes by name; where the system has no /proc, only their ids are known. */
export function processStatus(pids: Readonly<Record<string, number>>): ProcessStatus[] {
  const nowMs = performance.now();
  return Object.entries(pids).map(([name, pid]) => {
    const eventLoopDelayMs = loopDelays.longestMs(pid, nowMs);
    return { name, pid, ...vitalsOf(pid), ...(eventLoopDelayMs === undefined ? {} : { eventLoopDelayMs }) };
  });
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
  private readonly monitor = new LoopMonitor();

  /** 99th percentile since the last call, milliseconds. The longest is kept with those of the children. */
  takeMs(): number {
    const { p99Ms, maxMs } = this.monitor.take();
    loopDelays.note(process.pid, maxMs, performance.now());
    return p99Ms;
  }

  stop(): void {
    this.monitor.stop();
  }
}
