/**
 * One releasing process and who waits for it: it does one thing at a time, for one storage after the other in turn. When
 * what it does takes too long, it can be left to that storage, and the others go on with another process.
 */

import { codeOf, SluiceError } from '../../shared/core/errors.js';
import { FairShare } from '../../shared/core/fairShare.js';
import type { Child } from '../../shared/ops/processes/children.js';
import type { ReleaserProtocol } from './messages.js';

export type Releasing = Pick<Child<ReleaserProtocol>, 'ask' | 'start' | 'stop' | 'pid'>;

export interface LaneEvents {
  /** What is being done for this storage is not answered, for so long already; said again and again. */
  late(lane: Lane, storage: string, sinceMs: number): void;
  /** It has been answered; `isEnd`: no, its process has ended. */
  done(lane: Lane, storage: string, isEnd: boolean): void;
}

interface Work {
  cost: number;
  /** Resolves once it is answered; true when its process has ended instead. */
  begin: (process: Releasing) => Promise<boolean>;
  refuse: (error: SluiceError) => void;
}

interface Doing {
  readonly storage: string;
  readonly sinceMs: number;
  /** The lane it is in: its process may be left to its storage meanwhile. */
  lane: Lane;
  isLate: boolean;
  watch: NodeJS.Timeout | undefined;
}

/** The time its bytes may need on a slow disk is no lateness. */
const SLOW_BYTES_PER_MS = 10_000;

export class Lane {
  private readonly shares = new FairShare();
  private readonly waiting = new Map<string, Work[]>();
  private doing: Doing | undefined;

  constructor(
    public process: Releasing,
    private readonly events: LaneEvents,
    private readonly lateMs: number,
  ) {}

  /** Whether what it does is late. */
  get hangs(): boolean {
    return this.doing?.isLate ?? false;
  }

  isLateAt(storage: string): boolean {
    return this.doing?.storage === storage && this.doing.isLate;
  }

  get isIdle(): boolean {
    return this.doing === undefined && this.waiting.size === 0;
  }

  ask<T>(storage: string, cost: number, work: (process: Releasing) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const line = this.waiting.get(storage) ?? [];
      this.waiting.set(storage, line);
      const answered = (value: T) => {
        resolve(value);
        return false;
      };
      const failed = (error: unknown) => {
        reject(error);
        return codeOf(error) === 'CHILD_FAILED';
      };
      line.push({ cost, begin: (process) => work(process).then(answered, failed), refuse: reject });
      this.shares.join(storage);
      this.next();
    });
  }

  /** Those who wait for this storage are told to come again. */
  refuse(storage: string): void {
    const line = this.waiting.get(storage) ?? [];
    this.waiting.delete(storage);
    this.shares.leave(storage);
    for (const { refuse } of line) refuse(new SluiceError('RELEASE_STUCK', ''));
  }

  /**
   * Leaves the process to what it does just now, which is neither ended nor asked for a second time: whenever the storage
   * answers, that counts. Everybody else goes on with another process.
   */
  leave(other: Releasing): Lane {
    const left = new Lane(this.process, this.events, this.lateMs);
    left.doing = this.doing;
    if (left.doing) left.doing.lane = left;
    this.doing = undefined;
    this.process = other;
    this.next();
    return left;
  }

  /** Nothing that waits is begun, and no lateness told, any more. */
  stop(): void {
    for (const storage of [...this.waiting.keys()]) this.refuse(storage);
    clearTimeout(this.doing?.watch);
  }

  private next(): void {
    const storage = this.doing ? undefined : this.shares.next();
    if (storage === undefined) return;
    const line = this.waiting.get(storage)!;
    const { cost, begin } = line.shift()!;
    this.shares.charge(storage, cost);
    if (line.length === 0) {
      this.waiting.delete(storage);
      this.shares.leave(storage);
    }
    const doing: Doing = { storage, sinceMs: performance.now(), lane: this, isLate: false, watch: undefined };
    this.doing = doing;
    const slowMs = cost / SLOW_BYTES_PER_MS;
    const look = () => {
      doing.isLate = true;
      doing.watch = setTimeout(look, this.lateMs);
      this.events.late(doing.lane, storage, performance.now() - doing.sinceMs - slowMs);
    };
    doing.watch = setTimeout(look, this.lateMs + slowMs);
    const over = (isEnd: boolean) => {
      clearTimeout(doing.watch);
      doing.lane.doing = undefined;
      this.events.done(doing.lane, storage, isEnd);
      doing.lane.next();
    };
    void begin(this.process).then(over);
  }
}
