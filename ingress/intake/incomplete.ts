/**
 * Names that are incomplete (`NAME.part`), remembered until they are renamed: the same inode under NAME was declared
 * complete by whoever renamed it. Kept by the name that it will have.
 */
import { LIMITS } from '../../shared/core/limits.js';
import { keyOf } from './known.js';
import type { Sighting } from './stability.js';

export class IncompleteNames {
  private readonly seen = new Map<string, { sighting: Sighting; round: number }>();
  private readonly suffixes: readonly string[];
  private round = 0;

  constructor(suffixes: readonly string[]) {
    this.suffixes = suffixes.map((text) => Buffer.from(text).toString('latin1'));
  }

  begin(): void {
    this.round++;
  }

  /** Forgets what was renamed or removed; a rename in the middle of a walk may be met by the next one only. */
  end(): void {
    for (const [key, { round }] of this.seen) if (round < this.round - 1) this.seen.delete(key);
  }

  saw(rawPath: Uint8Array, sighting: Sighting): void {
    const key = this.keyOfComplete(keyOf(rawPath));
    if (key === undefined || (!this.seen.has(key) && this.seen.size >= LIMITS.intakeMaxIncomplete)) return;
    this.seen.set(key, { sighting, round: this.round });
  }

  /** How this very inode was last seen under its incomplete name. */
  before(key: string, { ino, dev }: Pick<Sighting, 'ino' | 'dev'>): Sighting | undefined {
    const sighting = this.seen.get(key)?.sighting;
    return sighting?.ino === ino && sighting.dev === dev ? sighting : undefined;
  }

  forget(key: string): void {
    this.seen.delete(key);
  }

  private keyOfComplete(key: string): string | undefined {
    const suffix = this.suffixes.find((end) => key.endsWith(end));
    const complete = suffix && key.slice(0, -suffix.length);
    return complete && !complete.endsWith('/') ? complete : undefined;
  }
}
