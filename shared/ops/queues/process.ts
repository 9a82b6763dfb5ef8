/**
 * Which process a number means. A pid alone is reused by the system; a pid together with its start time and the boot
 * it started in names one process for good, so nothing is ever signalled that is not ours.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat (proc(5)); empty where the system has no /proc. */
  readonly startTicks: string;
  /** Random name of the boot the ticks count from; empty where the system has none. */
  readonly bootId: string;
}

/** The process that runs under this pid now, or undefined when none does (a zombie counts as none). */
export function identityOf(pid: number): ProcessIdentity | undefined {
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  const bootId = read('/proc/sys/kernel/random/boot_id');
  if (bootId === undefined) return answers(pid) ? { pid, startTicks: '', bootId: '' } : undefined;
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields?.[0];
  const startTicks = fields?.[19];
  if (state === undefined || startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTicks, bootId };
}

/** Whether exactly this process still runs. */
export function isAlive(known: ProcessIdentity): boolean {
  const now = identityOf(known.pid);
  return now !== undefined && now.startTicks === known.startTicks && now.bootId === known.bootId;
}

/**
 * Sends a signal to exactly this process. Without a start time nobody can know whether the pid was reused, so nothing
 * is sent then.
 * @returns whether the signal was sent
 */
export function signal(known: ProcessIdentity, name: 'SIGTERM' | 'SIGKILL'): boolean {
  if (known.startTicks === '' || !isAlive(known)) return false;
  try {
    return process.kill(known.pid, name);
  } catch {
    return false;
  }
}

/** Waits until the process is gone; true when it is. */
export async function untilGone(known: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const until = performance.now() + timeoutMs;
  while (isAlive(known)) {
    if (performance.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

/** A process identity out of a file, which may hold anything. */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  const { pid, startTicks, bootId } = (value ?? {}) as Partial<Record<keyof ProcessIdentity, unknown>>;
  if (typeof pid !== 'number' || typeof startTicks !== 'string' || typeof bootId !== 'string') return undefined;
  return Number.isSafeInteger(pid) && pid > 1 ? { pid, startTicks, bootId } : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function answers(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
