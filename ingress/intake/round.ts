/** The state of one poll: how far each tenant's share has been walked, and what has been counted. */
import type { ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Directory, type DirectoryOptions, errnoOf } from '../../shared/ops/directories.js';
import { type NamesProfile, showName } from '../../shared/wire/names.js';
import { KnownEntries } from './known.js';
import { type Refusal, type WalkOptions, type WalkStep, walkShare } from './share.js';

export interface TenantShare {
  readonly name: string;
  /** Folder that the tenant drops files into. */
  readonly share: string;
  readonly names: NamesProfile;
  readonly maxObjectBytes: number;
}

export interface Counts {
  /** Everything met that is not a folder and not left alone for its name. */
  entries: number;
  /** Seen, but not yet left alone for long enough. */
  waiting: number;
  /** Stable and not taken, because intake is on hold or the spool is full. */
  stable: number;
  /** Left alone: its name says that it is not complete. */
  incomplete: number;
  taken: number;
  refused: number;
  held: number;
}

export interface PollReport extends Counts {
  readonly elapsedMs: number;
  readonly tenants: ReadonlyMap<string, Counts>;
  /** Folders that could not be read and the like, the first hundred; everything in here is safe to show. */
  readonly troubles: { tenant: string; path: string; code: ErrorCode; detail: string }[];
  readonly troubleCount: number;
  /** Why nothing (more) was taken: the reason given to hold(), or what the spool said. */
  readonly heldBack: Refusal | null;
  /** Size of the largest file that waits for room in the spool, 0 when none does. */
  readonly wantedBytes: number;
}

/** A tenant over all polls. */
export class Tenant {
  readonly known: KnownEntries;
  readonly maxBytes: number;

  constructor(readonly config: TenantShare) {
    this.known = new KnownEntries(config.names);
    this.maxBytes = Math.min(config.maxObjectBytes, LIMITS.objectMaxBytes);
  }
}

/** One walk over one tenant's share, a step at a time. */
export class Walk {
  readonly counts: Counts = noCounts();
  done = false;
  /** Whether everything there is was met. */
  complete = true;
  private readonly root: Directory | undefined;
  private readonly steps: Generator<WalkStep, void, void> | undefined;

  constructor(
    readonly tenant: Tenant,
    options: WalkOptions & DirectoryOptions,
    private readonly round: Round,
  ) {
    tenant.known.beginWalk();
    try {
      this.root = Directory.openRoot(tenant.config.share, options);
      this.steps = walkShare(this.root, options);
    } catch (error) {
      const errno = errnoOf(error);
      if (!errno) throw error;
      this.trouble('', 'INTAKE_UNREADABLE', `The share gives ${errno}.`);
      this.done = true;
    }
  }

  /** The next entry; 'other' for a step that asks for nothing; undefined at the end. */
  next(): Extract<WalkStep, { kind: 'entry' }> | 'other' | undefined {
    const next = this.steps?.next();
    if (!next || next.done) {
      this.done = true;
      if (this.complete && this.root) this.tenant.known.endWalk(this.root.id.dev);
      this.close();
      return undefined;
    }
    const step = next.value;
    if (step.kind === 'entry') {
      this.counts.entries++;
      return step;
    }
    if (step.kind === 'incomplete') this.counts.incomplete++;
    else this.trouble(showName(step.rawPath), step.code, step.detail);
    return 'other';
  }

  close(): void {
    this.steps?.return();
    this.root?.close();
  }

  private trouble(path: string, code: ErrorCode, detail: string): void {
    this.complete = false;
    this.round.trouble({ tenant: this.tenant.config.name, path, code, detail });
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
  private readonly troubles: { tenant: string; path: string; code: ErrorCode; detail: string }[] = [];
  private troubleCount = 0;

  trouble(trouble: { tenant: string; path: string; code: ErrorCode; detail: string }): void {
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

  report(walks: readonly Walk[], elapsedMs: number): PollReport {
    const all = noCounts();
    for (const { counts } of walks) {
      for (const name of Object.keys(all) as (keyof Counts)[]) all[name] += counts[name];
    }
    const tenants = new Map(walks.map((walk) => [walk.tenant.config.name, walk.counts]));
    const { troubles, troubleCount, heldBack, wantedBytes } = this;
    return { ...all, elapsedMs, tenants, troubles, troubleCount, heldBack, wantedBytes };
  }
}

const TROUBLES_SHOWN = 100;

function noCounts(): Counts {
  return { entries: 0, waiting: 0, stable: 0, incomplete: 0, taken: 0, refused: 0, held: 0 };
}
