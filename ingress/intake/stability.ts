/**
 * When has a file been left alone for long enough to be taken? Pure: sightings and the time come in, an answer goes out.
 * Only our own observations count, never the clock of whoever wrote the file: its times may lie years off (FAULTS 22).
 */

/** What must not change between two sightings; see identity.ts. */
export interface Sighting {
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
}

export interface StabilityOptions {
  /** An entry is stable once it has been seen unchanged over this long. 0: at first sight. */
  readonly holdMs: number;
  /** Entries remembered at most. While it is full, new ones keep waiting; none is ever given out early. */
  readonly maxEntries: number;
}

interface Seen {
  sighting: Sighting;
  sinceMs: number;
  round: number;
  /** It carried an incomplete name before. */
  renamed: boolean;
}

export class Stability {
  private readonly seen = new Map<string, Seen>();
  private round = 0;

  constructor(private readonly options: StabilityOptions) {}

  /** Entries that are waiting now. */
  get size(): number {
    return this.seen.size;
  }

  /**
   * `nowMs` is monotonic. `key` is whatever names the entry for good: its raw path. `renamed` is the last sighting of the
   * same inode under its incomplete name: whoever wrote it has said that it is complete, so it need not wait. Only when it
   * has changed since that sighting one more is wanted; and when it goes on changing it waits like any other.
   */
  observe(key: string, sighting: Sighting, nowMs: number, renamed?: Sighting): 'waiting' | 'stable' {
    const before = this.seen.get(key);
    if (before && same(before.sighting, sighting)) {
      before.round = this.round;
      return before.renamed || nowMs - before.sinceMs >= this.options.holdMs ? 'stable' : 'waiting';
    }
    if (!before && this.seen.size >= this.options.maxEntries) return 'waiting';
    const isRenamed = renamed !== undefined && before?.sighting.ino !== sighting.ino;
    this.seen.set(key, { sighting, sinceMs: nowMs, round: this.round, renamed: isRenamed });
    const isComplete = isRenamed && sameContent(renamed, sighting);
    return this.options.holdMs <= 0 || isComplete ? 'stable' : 'waiting';
  }

  /** Taken, refused, or found to be changing after all: a next sighting begins anew. */
  forget(key: string): void {
    this.seen.delete(key);
  }

  /** Begins a round over all entries. */
  begin(): void {
    this.round++;
  }

  /** Ends a round: forgets what was not observed in it, except what `keep` names (a folder that could not be read). */
  end(keep: (key: string) => boolean = () => false): void {
    for (const [key, entry] of this.seen) if (entry.round !== this.round && !keep(key)) this.seen.delete(key);
  }
}

/** A rename changes the change time and nothing else. */
function sameContent(a: Sighting, b: Sighting): boolean {
  return a.ino === b.ino && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.dev === b.dev;
}

function same(a: Sighting, b: Sighting): boolean {
  return (
    a.ino === b.ino &&
    a.sizeBytes === b.sizeBytes &&
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.dev === b.dev
  );
}
