/** Processor time and memory of whole process trees, as Linux tells them; elsewhere nothing is known and nothing is claimed. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';

export interface ProcessFacts {
  readonly pid: number;
  /** What it is: the folder of its module ("send", "receive"), or the program ("redis-server"). */
  readonly name: string;
  /** User and system time, its own and that of children that have ended, in seconds. */
  readonly cpuSeconds: number;
  /** Most memory it had resident at a time so far (VmHWM). */
  readonly peakBytes: number;
}

/** Clock ticks a second in /proc (proc(5)). */
const TICKS_A_SECOND = 100;
const SAMPLE_MS = 1_000;

/** A process and everything below it. Time of descendants that have ended is in whoever waited for them. */
export function processTree(root: number): ProcessFacts[] {
  const children = new Map<number, number[]>();
  for (const name of listing('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(Number(name)) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const pids = [root];
  for (let i = 0; i < pids.length; i++) pids.push(...(children.get(pids[i]!) ?? []));
  return pids.map(factsOf).filter((facts) => facts !== undefined);
}

function listing(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Fields of /proc/PID/stat behind the program's name, which is in parentheses and may hold anything. */
function statOf(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return undefined; // It has just ended.
  }
}

function factsOf(pid: number): ProcessFacts | undefined {
  try {
    // utime to cstime are fields 14 to 17 of the whole line.
    const ticks = statOf(pid).slice(11, 15);
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return {
      pid,
      name: nameOf(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')),
      cpuSeconds: ticks.reduce((sum, field) => sum + Number(field), 0) / TICKS_A_SECOND,
      peakBytes: Number(peak ?? 0) * 1024,
    };
  } catch {
    return undefined; // It has just ended.
  }
}

function nameOf(command: string[]): string {
  const module = command.slice(1).find((part) => part.endsWith('.js'));
  if (module === undefined) return basename((command[0] ?? '').split(/[ :]/)[0]!) || 'unknown';
  if (module.endsWith('bin/sluice.js')) return 'command';
  return module.endsWith('/main.js') ? 'supervisor' : basename(dirname(module));
}

/** What a process tree has used between two moments, and the peak of its largest process. */
export class TreeMeter {
  private readonly timer: NodeJS.Timeout;
  private peak = { name: 'unknown', bytes: 0 };

  constructor(private readonly root: number) {
    // A process that ends takes its peak with it, so it is looked at while it lives.
    this.timer = setInterval(() => this.look(), SAMPLE_MS);
    this.look();
  }

  /** Seconds so far, by process; add up to those of the whole tree. */
  cpuSeconds(): Map<string, number> {
    const seconds = new Map<string, number>();
    for (const { name, cpuSeconds } of this.look()) seconds.set(name, (seconds.get(name) ?? 0) + cpuSeconds);
    return seconds;
  }

  /** The process that had most memory at a time since its start. */
  largest(): { name: string; bytes: number } {
    this.look();
    return this.peak;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): ProcessFacts[] {
    const tree = processTree(this.root);
    for (const { name, peakBytes } of tree) if (peakBytes > this.peak.bytes) this.peak = { name, bytes: peakBytes };
    return tree;
  }
}

/** What was used in between, by process; processes that used nothing are left out. */
export function usedBetween(before: Map<string, number>, after: Map<string, number>): Record<string, number> {
  const used = [...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(used.filter(([, seconds]) => seconds >= 0.005).sort((a, b) => b[1] - a[1]));
}
