/**
 * The releasing processes: one for letters, one for everything else, because each does one thing at a time and making a
 * large file durable takes seconds (FAULTS 60). What waits for a process is asked tenant by tenant, in turn. A storage that
 * hangs holds up its process, and with it everybody's releases of that kind, until it answers or the process is given up
 * (DISK_SILENT_MS); long before that it is told whose storage it is.
 *
 *   ask --> quick: few objects, few bytes --> process
 *      \--> other -------------------------> process
 */
import { basename } from 'node:path';
import { FairShare } from '../../shared/core/fairShare.js';
import type { Child } from '../../shared/ops/processes/children.js';
import type { ReleaseOrder, ReleaserProtocol } from './messages.js';

type Requests = ReleaserProtocol['requests'];
type Asking = Exclude<keyof Requests, 'start'>;
type Releasing = Pick<Child<ReleaserProtocol>, 'ask' | 'start' | 'stop' | 'pid'>;

/** What the quick process does: a letter with an attachment, or a few at once. */
const QUICK_OBJECTS = 16;
const QUICK_BYTES = 1024 * 1024;
/** What an object costs beside its bytes: an fsync or two. */
const OBJECT_COST_BYTES = 256 * 1024;

/** An order that is not answered within this, and the time its bytes need on a slow disk, is told of. */
const STUCK_MS = 30_000;
const SLOW_BYTES_PER_MS = 10_000;

export interface LaneEvents {
  /** @param folder name of the tenant's storage folder; `about` tells this trouble apart */
  stuck(folder: string, about: string): void;
  over(about: string): void;
}

export class ReleaseLanes {
  private readonly quick: Lane;
  private readonly other: Lane;

  constructor(make: (name: string) => Releasing, events: LaneEvents, stuckMs = STUCK_MS) {
    const lane = (name: string) => new Lane(name, make(name), events, stuckMs);
    this.quick = lane('releasing letters');
    this.other = lane('releasing');
  }

  async start(): Promise<void> {
    await Promise.all([this.quick.child.start(), this.other.child.start()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.quick.child.stop(), this.other.child.stop()]);
  }

  get pids(): Record<string, number> {
    return { releaser: this.other.child.pid ?? 0, letterReleaser: this.quick.child.pid ?? 0 };
  }

  /** As `Child.ask`, once the turn of its tenant has come; `timeoutMs` counts from then. */
  ask<R extends Asking>(name: R, asked: Requests[R]['ask'], timeoutMs: number): Promise<Requests[R]['answer']> {
    const { tenant, objects, isFolder } = partsOf(asked);
    const bytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    // An object that is a payload of its own is not copied, and yet its bytes are made durable.
    const isQuick = !isFolder && objects.length <= QUICK_OBJECTS && bytes <= QUICK_BYTES;
    const lane = isQuick ? this.quick : this.other;
    const cost = bytes + objects.length * OBJECT_COST_BYTES;
    return lane.ask(tenant, cost, () => lane.child.ask(name, asked, timeoutMs));
  }
}

/** Whose storage it is: the tenants with a storage folder of this name, of which there is hardly ever more than one. */
export function stuckWords(folder: string, storages: ReadonlyMap<string, string>): string {
  const found = [...storages].filter(([, storage]) => basename(storage) === folder);
  const whose = found.map(([tenant, storage]) => `${tenant} (${storage})`).join(' or ') || folder;
  return `The storage of ${whose} has not answered.`;
}

/** Whose it is, and what it is about. All steps of a consignment's folder go to one process, which remembers where it is. */
function partsOf(asked: Requests[Asking]['ask']): {
  tenant: string;
  objects: readonly ReleaseOrder[];
  isFolder: boolean;
} {
  if (Array.isArray(asked)) return { tenant: asked[0]?.tenantFolder ?? '', objects: asked, isFolder: false };
  if ('folder' in asked) return { tenant: asked.folder.tenantFolder, objects: asked.orders, isFolder: true };
  return { tenant: asked.tenantFolder, objects: [], isFolder: true };
}

/** One process, and who waits for it. */
class Lane {
  private readonly shares = new FairShare();
  private readonly waiting = new Map<string, { cost: number; work: () => Promise<void> }[]>();
  private busy = false;

  constructor(
    private readonly name: string,
    readonly child: Releasing,
    private readonly events: LaneEvents,
    private readonly stuckMs: number,
  ) {}

  ask<T>(tenant: string, cost: number, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const line = this.waiting.get(tenant) ?? [];
      this.waiting.set(tenant, line);
      line.push({ cost, work: () => work().then(resolve, reject) });
      this.shares.join(tenant);
      this.next();
    });
  }

  private next(): void {
    const tenant = this.busy ? undefined : this.shares.next();
    if (tenant === undefined) return;
    const line = this.waiting.get(tenant)!;
    const { cost, work } = line.shift()!;
    this.shares.charge(tenant, cost);
    if (line.length === 0) {
      this.waiting.delete(tenant);
      this.shares.leave(tenant);
    }
    this.busy = true;
    const about = `${this.name} ${tenant}`;
    let isStuck = false;
    const watch = setTimeout(
      () => {
        isStuck = true;
        this.events.stuck(tenant, about);
      },
      this.stuckMs + cost / SLOW_BYTES_PER_MS,
    );
    void work().finally(() => {
      clearTimeout(watch);
      if (isStuck) this.events.over(about);
      this.busy = false;
      this.next();
    });
  }
}
