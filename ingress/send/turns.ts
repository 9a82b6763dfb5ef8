/**
 * Which payload goes on next, of all the sender was asked to send. Tenants share the link by weight and class
 * (shared/core/fairShare.ts); within a tenant a few payloads take turns, and small ones never wait for large ones.
 *
 *   add --> waiting in the tenant's line --> running: a few of each tenant, each turn one quantum --> done
 *                   ▲                                  │
 *                   └── gives its memory back between ─┘
 *                       two groups when others wait for it
 *
 * Pure: what a turn is and what it costs is told by whoever takes it.
 */
import { type Claim, FairShare } from '../../shared/core/fairShare.js';

export interface Work {
  readonly tenant: string;
  /** Large work holds memory while it runs, and few of a tenant run at once. */
  readonly large: boolean;
  readonly memoryBytes: number;
}

/** After a turn: in the middle of a group of blocks, between two, or at the end. */
export type After = 'inside' | 'between' | 'done';

/** Payloads of one tenant that take turns; the others wait until one is done. */
const SMALL_AT_ONCE = 4;
const LARGE_AT_ONCE = 2;

class Line<W extends Work> {
  /** Next turn first. */
  readonly running: W[] = [];
  readonly small: W[] = [];
  readonly large: W[] = [];
  runningSmall = 0;
  runningLarge = 0;
}

export class Turns<W extends Work> {
  private readonly lines = new Map<string, Line<W>>();
  private readonly shares: FairShare;
  /** Tenants whose next large payload waits for memory, the longest waiting first. */
  private readonly waitingForMemory = new Set<string>();
  private heldBytes = 0;

  constructor(
    claimOf: (tenant: string) => Claim,
    private readonly memoryMaxBytes: number,
  ) {
    this.shares = new FairShare(claimOf);
  }

  add(work: W): void {
    const line = this.lineOf(work.tenant);
    (work.large ? line.large : line.small).push(work);
    this.admit(work.tenant, line);
  }

  /** Something short that is due now: it is the next of its tenant. */
  addClosing(work: W): void {
    const line = this.lineOf(work.tenant);
    line.runningSmall++;
    line.running.unshift(work);
    this.shares.join(work.tenant);
  }

  /** Takes the next one out; to be answered with `took`. */
  next(): W | undefined {
    const tenant = this.shares.next();
    return tenant === undefined ? undefined : this.lines.get(tenant)!.running.shift();
  }

  /** What came of the turn of `work`, and what it cost. */
  took(work: W, cost: number, after: After): void {
    const { tenant } = work;
    const line = this.lineOf(tenant);
    this.shares.charge(tenant, cost);
    if (after === 'done') {
      this.release(work, line);
    } else if (after === 'between' && work.large && this.waitingForMemory.size > 0) {
      line.large.unshift(work);
      this.waitingForMemory.add(tenant);
      this.release(work, line);
    } else {
      line.running.push(work);
    }
    this.admit(tenant, line);
    if (line.running.length > 0) return;
    this.shares.leave(tenant);
    if (line.small.length + line.large.length === 0) this.lines.delete(tenant);
  }

  private lineOf(tenant: string): Line<W> {
    const known = this.lines.get(tenant);
    if (known) return known;
    const line = new Line<W>();
    this.lines.set(tenant, line);
    return line;
  }

  private release(work: W, line: Line<W>): void {
    if (!work.large) {
      line.runningSmall--;
      return;
    }
    line.runningLarge--;
    this.heldBytes -= work.memoryBytes;
    for (const tenant of [...this.waitingForMemory]) {
      const waiting = this.lines.get(tenant);
      if (waiting && !this.admitLarge(tenant, waiting)) return;
    }
  }

  private admit(tenant: string, line: Line<W>): void {
    while (line.small.length > 0 && line.runningSmall < SMALL_AT_ONCE) {
      line.runningSmall++;
      line.running.push(line.small.shift()!);
      this.shares.join(tenant);
    }
    // Who waits already is first.
    if (this.waitingForMemory.size === 0) this.admitLarge(tenant, line);
    else if (line.large.length > 0 && line.runningLarge < LARGE_AT_ONCE) this.waitingForMemory.add(tenant);
  }

  /** Lets large payloads of a tenant run; false when memory is short. One alone always may. */
  private admitLarge(tenant: string, line: Line<W>): boolean {
    this.waitingForMemory.delete(tenant);
    while (line.large.length > 0 && line.runningLarge < LARGE_AT_ONCE) {
      const bytes = line.large[0]!.memoryBytes;
      if (this.heldBytes > 0 && this.heldBytes + bytes > this.memoryMaxBytes) {
        this.waitingForMemory.add(tenant);
        return false;
      }
      this.heldBytes += bytes;
      line.runningLarge++;
      line.running.push(line.large.shift()!);
      this.shares.join(tenant);
    }
    return true;
  }
}
