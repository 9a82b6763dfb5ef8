/**
 * Folders of one share that travel as a unit: those that hold a marker file, and those that were seen as `NAME.part` and
 * renamed to NAME. The topmost one counts, everything below belongs to it. A folder whose marker was taken is an
 * ordinary one: what appears in it later travels on its own, until the marker is a new one.
 *
 * A consignment is complete once neither the set of its names nor any file has changed for intake.consignmentHold, longer
 * than for a file: copying may pause between two of them. At once when it was renamed.
 */
import type { BigIntStats } from 'node:fs';
import { type Identity, identityOf } from './identity.js';
import type { IncompleteNames } from './incomplete.js';
import { type KnownEntries, keyOf } from './known.js';
import type { ConsignmentStep, FolderView } from './share.js';

export const MARKER = '.consignment';

interface Seen {
  /** The set of members as one text. */
  set: string;
  sinceMs: number;
  round: number;
  /** It was refused as it is. */
  refused: boolean;
}

export class Consignments {
  private readonly seen = new Map<string, Seen>();
  /** Renamed folders that have not been taken yet, by key: their inodes. */
  private readonly dropped = new Map<string, bigint>();
  private round = 0;

  constructor(
    private readonly known: () => KnownEntries,
    private readonly incomplete: IncompleteNames,
    private readonly holdMs: number,
  ) {}

  begin(): void {
    this.round++;
  }

  /** Forgets what a complete walk has not met. */
  end(): void {
    for (const [key, { round }] of this.seen) {
      if (round === this.round) continue;
      this.seen.delete(key);
      this.dropped.delete(key);
    }
  }

  isConsignment({ directory, rawPath, names }: FolderView): boolean {
    const key = keyOf(rawPath);
    const { ino } = directory.id;
    if (this.dropped.get(key) === ino) return true;
    if (this.incomplete.before(key, directory.id)) {
      this.dropped.set(key, ino);
      return true;
    }
    if (!holds(names, MARKER_BYTES)) return false;
    let marker: BigIntStats | undefined;
    try {
      marker = directory.lstat(MARKER_BYTES);
    } catch {
      // Whatever it is, the walk of the members meets it as well.
      return true;
    }
    if (!marker || marker.isDirectory()) return false;
    return this.known().stateOf(`${key}/${MARKER}`, identityOf(marker)) !== 'taken';
  }

  /** `settled`: refused, and nothing has changed since. */
  observe(step: ConsignmentStep, nowMs: number): 'waiting' | 'settled' | 'complete' {
    const key = keyOf(step.rawPath);
    const set = setOf(step);
    const before = this.seen.get(key);
    if (before?.set === set) {
      before.round = this.round;
      if (before.refused) return 'settled';
      return this.isComplete(key, step, nowMs - before.sinceMs) ? 'complete' : 'waiting';
    }
    this.seen.set(key, { set, sinceMs: nowMs, round: this.round, refused: false });
    return this.isComplete(key, step, 0) ? 'complete' : 'waiting';
  }

  refused(rawPath: Uint8Array): void {
    const seen = this.seen.get(keyOf(rawPath));
    if (seen) seen.refused = true;
  }

  /** It was found to be changing after all. */
  changing(rawPath: Uint8Array): void {
    this.seen.delete(keyOf(rawPath));
  }

  taken(rawPath: Uint8Array): void {
    const key = keyOf(rawPath);
    this.seen.delete(key);
    this.dropped.delete(key);
    this.incomplete.forget(key);
  }

  private isComplete(key: string, step: ConsignmentStep, quietMs: number): boolean {
    return step.open.length === 0 && (this.dropped.has(key) || quietMs >= this.holdMs);
  }
}

/** Names and files of a consignment as one text, to be compared. */
export function setOf({ members, open, tooMany }: ConsignmentStep): string {
  const identities = members.map(({ rawPath, stat }) => `${keyOf(rawPath)}\0${textOf(identityOf(stat))}`);
  return [...identities, ...open.map(({ rawPath }) => keyOf(rawPath)), tooMany ? 'more' : ''].join('\0');
}

// --- parts -----------------------------------------------------------------------------------------------------------

const MARKER_BYTES = Buffer.from(MARKER);

function textOf({ ino, sizeBytes, mtimeNs, ctimeNs }: Identity): string {
  return `${ino}:${sizeBytes}:${mtimeNs}:${ctimeNs}`;
}

/** `names` are in the order of their bytes. */
function holds(names: readonly Buffer[], wanted: Buffer): boolean {
  let low = 0;
  for (let high = names.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(names[middle]!, wanted) < 0) low = middle + 1;
    else high = middle;
  }
  return names[low]?.equals(wanted) ?? false;
}
