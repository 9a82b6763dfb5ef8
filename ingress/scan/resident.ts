/** What the parent can see and limit of a process that may have been taken over: resident memory and system limits. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Memory a process asks the system for and never touches, such as the stacks of its threads. */
const HEADROOM_BYTES = 1024 ** 3;

/** Resident memory of a process in bytes; undefined when it is gone or the system does not say (not Linux). */
export function residentBytes(pid: number): number | undefined {
  try {
    const match = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return match ? Number(match[1]) * 1024 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Limits in the kernel, behind what the parent watches: memory that grows faster than anybody looks, and core dumps of
 * other people's documents. Best effort: without `prlimit` there is only the watching.
 */
export function limitProcess(pid: number, memoryMaxBytes: number): Promise<void> {
  const limits = [`--data=${memoryMaxBytes + HEADROOM_BYTES}`, '--core=0', '--nofile=256'];
  return new Promise((resolve) => {
    execFile('prlimit', [`--pid=${pid}`, ...limits], { timeout: 5_000 }, () => resolve());
  });
}
