/** The state of one poll over one tenant's share: how far it has been walked, and what has been counted. */
import type { ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { Directory, type DirectoryOptions, errnoOf } from '../../shared/ops/files/directories.js';
import { showName } from '../../shared/wire/names.js';
import { type Refusal, type WalkOptions, type WalkStep, walkShare } from './share.js';

export interface Counts {
  /** Everything met that is not a folder and not left alone for its name. */
  entries: number;
  /** Seen, but not yet left alone for long enough. */
  waiting: number;
  /** Stable and not taken: intake is on hold, the spool is full, or it is being taken right now. */
  stable: number;
  /** Stable and not taken, because the tenant's quota is used up. */
  overQuota: number;
  /** Left alone: its name says that it is not complete. */
  incomplete: number;
  taken: number;
  refused: number;
  held: number;
}

export interface Trouble {
  readonly tenant: string;
  readonly path: string;
  readonly code: ErrorCode;
  readonly detail: string;
}

export interface ShareReport extends Counts {
  readonly elapsedMs: number;
  /** Folders that could not be read and the like, the first hundred; everything in here is safe to show. */
  readonly troubles: Trouble[];
  readonly troubleCount: number;
  /** Why nothing (more) was taken: the reason given to hold(), or what the spool said. */
  readonly heldBack: Refusal | null;
  /** Size of the largest file that waits for room in the spool, 0 when none does. */
  readonly wantedBytes: number;
}

export interface PollReport extends ShareReport {
  readonly tenants: ReadonlyMap<string, ShareReport>;
}

/** One walk over one tenant's share, a step at a time. */
export class Walk {
  readonly counts: Counts = noCounts();
  done = false;
  /** Whether everything there is was met. */
  complete = true;
  /** Devices of what was met: all of them were mounted. */
  readonly devices = new Set<bigint>();
  private readonly root: Directory | undefined;
  private readonly steps: Generator<WalkStep, void, void> | undefined;

  constructor(
    private readonly tenant: { readonly name: string; readonly share: string },
    options: WalkOptions & DirectoryOptions,
    private readonly round: Round,
  ) {
    try {
      this.root = Directory.openRoot(tenant.share, options);
      this.devices.add(this.root.id.dev);
      this.steps = walkShare(this.root, options);
    } catch (error) {
      const errno = errnoOf(error);
      if (!errno) throw error;
      this.trouble('', 'INTAKE_UNREADABLE', `The share gives ${errno}.`);
      this.done = true;
    }
  }

  /** The next step; 'other' for one that asks for nothing; undefined at the end. */
  next(): Exclude<WalkStep, { kind: 'trouble' }> | 'other' | undefined {
    const next = this.steps?.next();
    if (!next || next.done) {
      this.done = true;
      this.close();
      return undefined;
    }
    const step = next.value;
    if (step.kind === 'trouble') {
      this.troubled(step);
      return 'other';
    }
    if (step.kind === 'consignment') {
      this.devices.add(step.directory.id.dev);
      this.counts.entries += step.members.length;
      for (const inside of step.open) if (inside.kind === 'trouble') this.troubled(inside);
    } else {
      this.devices.add(step.stat.dev);
      if (step.kind === 'entry') this.counts.entries++;
    }
    return step;
  }

  close(): void {
    this.steps?.return();
    this.root?.close();
  }

  private troubled(step: Extract<WalkStep, { kind: 'trouble' }>): void {
    this.trouble(showName(step.rawPath), step.code, step.detail);
  }

  private trouble(path: string, code: ErrorCode, detail: string): void {
    this.complete = false;
    this.round.trouble({ tenant: this.tenant.name, path, code, detail });
  }
}

/** What one poll adds up to. */
export class Round {
  heldBack: Refusal | null = null;
  /** After the spool has failed nothing more is taken in this poll. */
  spoolFailed = false;
  /** Larger files are not tried in this poll: the disk was full before one of them was copied. */
  limitBytes = Number.POSITIVE_INFINITY;
  wantedBytes = 0;
  private readonly troubles: Trouble[] = [];
  private troubleCount = 0;

  trouble(trouble: Trouble): void {
    if (this.troubleCount++ < TROUBLES_SHOWN) this.troubles.push(trouble);
  }

  spoolTrouble(error: SluiceError): void {
    this.spoolFailed = true;
    this.heldBack ??= { code: error.code, detail: error.detail };
  }

  /** A file waits for so much room. */
  wants(sizeBytes: number): void {
    this.wantedBytes = Math.max(this.wantedBytes, sizeBytes);
  }

  /** The disk was full before a file of this size was copied. Halved, so that no poll copies more than twice in vain. */
  diskFull(sizeBytes: number): void {
    this.limitBytes = Math.min(this.limitBytes, sizeBytes / 2);
  }

  report(counts: Counts, elapsedMs: number): ShareReport {
    const { troubles, troubleCount, heldBack, wantedBytes } = this;
    return { ...counts, elapsedMs, troubles, troubleCount, heldBack, wantedBytes };
  }
}

const TROUBLES_SHOWN = 100;

/** All shares together. */
export function sumOf(tenants: ReadonlyMap<string, ShareReport>, elapsedMs: number): PollReport {
  const reports = [...tenants.values()];
  const all = noCounts();
  for (const report of reports) for (const name of Object.keys(all) as (keyof Counts)[]) all[name] += report[name];
  return {
    ...all,
    elapsedMs,
    tenants,
    troubles: reports.flatMap(({ troubles }) => troubles).slice(0, TROUBLES_SHOWN),
    troubleCount: reports.reduce((sum, { troubleCount }) => sum + troubleCount, 0),
    heldBack: reports.find(({ heldBack }) => heldBack)?.heldBack ?? null,
    wantedBytes: Math.max(0, ...reports.map(({ wantedBytes }) => wantedBytes)),
  };
}

export function noCounts(): Counts {
  return { entries: 0, waiting: 0, stable: 0, overQuota: 0, incomplete: 0, taken: 0, refused: 0, held: 0 };
}
