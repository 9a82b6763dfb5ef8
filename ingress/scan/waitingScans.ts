/**
 * Objects that wait for a scan, by tenant: tenants take turns by the bytes they have scanned (shared/core/fairShare.ts),
 * so that a flood of one delays another by no more than what is being scanned already (FAULTS 60). Within a tenant the
 * earlier one is first.
 */
import { type Claim, FairShare } from '../../shared/core/fairShare.js';
import type { ScanRequest } from './messages.js';

/** Objects up to this size go to a process as a list, up to so many and so many bytes. */
const SMALL_BYTES = 4 * 1024 * 1024;
const LIST_OBJECTS = 256;
const LIST_BYTES = 16 * 1024 * 1024;
/** What an object costs beside its bytes. */
const OBJECT_COST_BYTES = 64 * 1024;

export interface Waiting {
  readonly request: ScanRequest;
  /** Was there when a process died: from now on it is scanned alone. */
  suspect: boolean;
}

interface Numbered<W> {
  number: number;
  waiting: W;
}

interface Line<W> {
  /** Small objects, to be scanned as lists; and those that are scanned alone, for their size or under suspicion. */
  lists: Numbered<W>[];
  alone: Numbered<W>[];
}

export class WaitingScans<W extends Waiting> {
  private readonly lines = new Map<string, Line<W>>();
  private readonly shares: FairShare;
  private lastNumber = 0;
  private firstNumber = 0;
  private count = 0;

  constructor(claimOf?: (tenant: string) => Claim) {
    this.shares = new FairShare(claimOf);
  }

  get size(): number {
    return this.count;
  }

  add(waiting: W): void {
    this.place(waiting, ++this.lastNumber, false);
  }

  /** Those that were taken and are to be tried again go before everything else of their tenant. */
  addAgain(again: readonly W[]): void {
    for (const waiting of [...again].reverse()) this.place(waiting, --this.firstNumber, true);
  }

  /** The next objects for one process, all of one tenant; empty when there are none, or none that are small. */
  take(smallOnly: boolean): W[] {
    const tenant = this.shares.next((name) => this.lineFor(this.lines.get(name)!, smallOnly) !== undefined);
    if (tenant === undefined) return [];
    const line = this.lines.get(tenant)!;
    const taken = this.lineFor(line, smallOnly) === line.lists ? takeList(line.lists) : [line.alone.shift()!.waiting];
    this.count -= taken.length;
    this.shares.charge(
      tenant,
      taken.reduce((sum, { request }) => sum + request.size + OBJECT_COST_BYTES, 0),
    );
    this.leaveIfEmpty(tenant, line);
    return taken;
  }

  get tenants(): string[] {
    return [...this.lines.keys()];
  }

  takeOf(tenant: string): W[] {
    const { lists = [], alone = [] } = this.lines.get(tenant) ?? {};
    if (this.lines.delete(tenant)) this.shares.leave(tenant);
    this.count -= lists.length + alone.length;
    return [...lists, ...alone].map(({ waiting }) => waiting);
  }

  takeAll(): W[] {
    const all = [...this.lines.values()].flatMap(({ lists, alone }) =>
      [...lists, ...alone].map(({ waiting }) => waiting),
    );
    for (const tenant of this.lines.keys()) this.shares.leave(tenant);
    this.lines.clear();
    this.count = 0;
    return all;
  }

  private place(waiting: W, number: number, first: boolean): void {
    const { tenant, size } = waiting.request;
    let line = this.lines.get(tenant);
    if (!line) {
      line = { lists: [], alone: [] };
      this.lines.set(tenant, line);
      this.shares.join(tenant);
    }
    const to = waiting.suspect || size > SMALL_BYTES ? line.alone : line.lists;
    if (first) to.unshift({ number, waiting });
    else to.push({ number, waiting });
    this.count++;
  }

  private lineFor({ lists, alone }: Line<W>, smallOnly: boolean): Numbered<W>[] | undefined {
    const [small, single] = [lists[0], alone[0]];
    if (!single || (smallOnly && single.waiting.request.size > SMALL_BYTES)) return small && lists;
    return !small || single.number < small.number ? alone : lists;
  }

  private leaveIfEmpty(tenant: string, { lists, alone }: Line<W>): void {
    if (lists.length + alone.length > 0) return;
    this.lines.delete(tenant);
    this.shares.leave(tenant);
  }
}

function takeList<W extends Waiting>(lists: Numbered<W>[]): W[] {
  let end = 1;
  let bytes = lists[0]!.waiting.request.size;
  for (; end < lists.length && end < LIST_OBJECTS; end++) {
    bytes += lists[end]!.waiting.request.size;
    if (bytes > LIST_BYTES) break;
  }
  return lists.splice(0, end).map(({ waiting }) => waiting);
}
