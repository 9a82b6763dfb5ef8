/**
 * The releasing processes: one for letters, one for everything else, because each does one thing at a time and making a
 * large file durable takes seconds (FAULTS 60). What waits for a process is asked tenant by tenant, in turn.
 *
 *   ask --> storage that hung lately -------> process of its own
 *      \--> quick: few objects, few bytes --> process
 *      \--> other -------------------------> process
 *
 * A storage that hangs (a network mount whose server is gone) stops the process that touched it, often so that not even
 * SIGKILL ends it. So nothing is ended: that process is left to that storage, and a new one does the work of the others.
 * The call that hangs stays asked for, its answer counts whenever it comes, and until then nothing else is begun for that
 * storage: what is asked meanwhile is told RELEASE_STUCK and comes again. So nothing is ever done twice at once.
 */
import { basename, join } from 'node:path';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Lane, type LaneEvents, type Releasing } from './lane.js';
import type { ReleaseOrder, ReleaserProtocol } from './messages.js';

type Requests = ReleaserProtocol['requests'];
type Asking = Exclude<keyof Requests, 'start'>;

/** What the quick process does: a letter with an attachment, or a few at once. */
const QUICK_OBJECTS = 16;
const QUICK_BYTES = 1024 * 1024;
/** What an object costs beside its bytes: an fsync or two. */
const OBJECT_COST_BYTES = 256 * 1024;

export interface LaneTimes {
  /** What is not answered within this, and the time its bytes need on a slow disk, holds nobody else up any more. */
  lateMs: number;
  /** After this it is told of. */
  stuckMs: number;
  /** A storage that has answered for so long goes back to the processes of all. */
  returnMs: number;
}
const TIMES: LaneTimes = { lateMs: 5_000, stuckMs: 30_000, returnMs: 60_000 };
const STOP_MS = 5_000;
const START_AGAIN_MS = 1_000;

export interface StuckEvents {
  /** @param storage folder of the tenant; `holdsUp`: others wait behind it, for there are no more processes to be had */
  stuck(storage: string, holdsUp: boolean): void;
  over(storage: string): void;
}

/** Processes left to one storage: the first serves it, the others are ended once they have answered. */
interface Aside {
  readonly lanes: Lane[];
  returning?: NodeJS.Timeout | undefined;
}

export class ReleaseLanes {
  private readonly quick: Lane;
  private readonly other: Lane;
  private readonly asides = new Map<string, Aside>();
  private readonly told = new Set<string>();
  private isStopping = false;

  constructor(
    private readonly make: (name: string) => Releasing,
    private readonly events: StuckEvents,
    private readonly times: LaneTimes = TIMES,
  ) {
    const laneEvents: LaneEvents = {
      late: (lane, storage, sinceMs) => this.late(lane, storage, sinceMs),
      done: (lane, storage, isEnd) => this.done(lane, storage, isEnd),
    };
    this.quick = new Lane(make(QUICK), laneEvents, times.lateMs);
    this.other = new Lane(make(OTHER), laneEvents, times.lateMs);
  }

  async start(): Promise<void> {
    await Promise.all([this.quick.process.start(), this.other.process.start()]);
  }

  /** A process that hangs in a call which cannot be interrupted is not waited for. */
  async stop(): Promise<void> {
    this.isStopping = true;
    const asides = [...this.asides.values()];
    for (const { returning } of asides) clearTimeout(returning);
    const lanes = [this.quick, this.other, ...asides.flatMap((aside) => aside.lanes)];
    for (const lane of lanes) lane.stop();
    const late = new Promise<void>((resolve) => setTimeout(resolve, 2 * STOP_MS).unref());
    await Promise.race([Promise.all(lanes.map(({ process }) => process.stop(STOP_MS))), late]);
  }

  get pids(): Record<string, number> {
    const asides = [...this.asides].flatMap(([storage, { lanes }]) =>
      lanes.map(({ process }, n) => [`releaser.${basename(storage)}${n > 0 ? `.${n}` : ''}`, process.pid ?? 0]),
    );
    const common = { releaser: this.other.process.pid ?? 0, letterReleaser: this.quick.process.pid ?? 0 };
    return { ...common, ...Object.fromEntries(asides) };
  }

  /**
   * As `Child.ask`, once the turn of its tenant has come; `timeoutMs` counts from then. RELEASE_STUCK when its storage
   * does not answer just now.
   */
  async ask<R extends Asking>(name: R, asked: Requests[R]['ask'], timeoutMs: number): Promise<Requests[R]['answer']> {
    const { storage, objects, isFolder } = partsOf(asked);
    const bytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    // An object that is a payload of its own is not copied, and yet its bytes are made durable.
    const isQuick = !isFolder && objects.length <= QUICK_OBJECTS && bytes <= QUICK_BYTES;
    const aside = this.asides.get(storage);
    if (aside?.lanes.some(({ hangs }) => hangs)) throw new SluiceError('RELEASE_STUCK', '');
    const lane = aside?.lanes[0] ?? (isQuick ? this.quick : this.other);
    const cost = bytes + objects.length * OBJECT_COST_BYTES;
    return lane.ask(storage, cost, (process) => process.ask(name, asked, timeoutMs));
  }

  // ------------------------------------------------------------ storages that hang

  private late(lane: Lane, storage: string, sinceMs: number): void {
    if (this.isStopping) return;
    const isCommon = lane === this.quick || lane === this.other;
    const aside = this.asides.get(storage);
    const mayLeave = aside !== undefined || this.asides.size < LIMITS.releaseMaxAside;
    if (isCommon && mayLeave) this.setAside(lane, storage, aside);
    for (const one of [this.quick, this.other, ...(aside?.lanes ?? [])]) one.refuse(storage);
    if (sinceMs < this.times.stuckMs || this.told.has(storage)) return;
    this.told.add(storage);
    this.events.stuck(storage, isCommon && !mayLeave);
  }

  private setAside(lane: Lane, storage: string, aside: Aside = { lanes: [] }): void {
    aside.lanes.push(lane.leave(this.make(lane === this.quick ? QUICK : OTHER)));
    this.asides.set(storage, aside);
    this.startAgain(lane);
  }

  /** A first start may fail (no memory, too many processes): then another one. */
  private startAgain(lane: Lane): void {
    lane.process.start().catch(() => {
      setTimeout(() => {
        if (this.isStopping) return;
        lane.process = this.make(lane === this.quick ? QUICK : OTHER);
        this.startAgain(lane);
      }, START_AGAIN_MS).unref();
    });
  }

  private done(lane: Lane, storage: string, isEnd: boolean): void {
    const aside = this.asides.get(storage);
    const hangs = [this.quick, this.other, ...(aside?.lanes ?? [])].some((one) => one.isLateAt(storage));
    // The end of a process is no answer of the storage.
    if (!isEnd && !hangs && this.told.delete(storage)) this.events.over(storage);
    if (!aside || this.isStopping) return;
    if (lane !== aside.lanes[0] && aside.lanes.includes(lane)) {
      aside.lanes.splice(aside.lanes.indexOf(lane), 1);
      void lane.process.stop(STOP_MS);
    }
    clearTimeout(aside.returning);
    aside.returning = setTimeout(() => this.giveBack(storage, aside), this.times.returnMs).unref();
  }

  private giveBack(storage: string, aside: Aside): void {
    if (this.isStopping || !aside.lanes.every(({ isIdle }) => isIdle)) return;
    this.asides.delete(storage);
    for (const { process } of aside.lanes) void process.stop(STOP_MS);
  }
}

/** Whose storage it is. */
export function stuckWords(storage: string, storages: ReadonlyMap<string, string>, holdsUp: boolean): string {
  const found = [...storages].filter(([, folder]) => folder === storage).map(([tenant]) => tenant);
  const whose = found.length > 0 ? `${found.join(' or ')} (${storage})` : storage;
  return `The storage of ${whose} has not answered${holdsUp ? ', and releases of others wait behind it' : ''}.`;
}

const QUICK = 'releasing letters';
const OTHER = 'releasing';

/** Where it goes to, and what it is about. All steps of a consignment's folder go to one process, which remembers where it is. */
function partsOf(asked: Requests[Asking]['ask']): {
  storage: string;
  objects: readonly ReleaseOrder[];
  isFolder: boolean;
} {
  if (Array.isArray(asked)) return { storage: storageOf(asked[0]), objects: asked, isFolder: false };
  if ('folder' in asked) return { storage: storageOf(asked.folder), objects: asked.orders, isFolder: true };
  return { storage: storageOf(asked), objects: [], isFolder: true };
}

const storageOf = (order: Pick<ReleaseOrder, 'storageRoot' | 'tenantFolder'> | undefined): string =>
  order ? join(order.storageRoot, order.tenantFolder) : '';
