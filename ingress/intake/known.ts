/**
 * What intake remembers of one tenant's share: entries that were taken or refused and have not changed since are not
 * looked into again, and no two of them may have names that would be taken for one another (FAULTS 25).
 *
 * It mirrors what lies in the share: what a complete walk no longer meets is forgotten. Device numbers that have changed
 * with a mount make nothing new.
 */
import type { ErrorCode } from '../../shared/core/errors.js';
import { checkPath, collisionKey, type NamesProfile } from '../../shared/wire/names.js';
import { type Identity, isSameFile } from './identity.js';

/** One object of the past, as the ledger knows it. */
export interface KnownEntry {
  readonly tenant: string;
  readonly rawPath: Uint8Array;
  readonly identity: Identity;
  readonly state: State;
  /** Why it is held. */
  readonly code?: ErrorCode;
}

export type State = 'taken' | 'refused' | 'held';

interface Remembered {
  identity: Identity;
  state: State;
  /** Only what is taken owns its name. */
  nameKey: string | undefined;
  round: number;
  /** For held entries: why, how often, and when to try again. */
  heldBy: ErrorCode | undefined;
  tries: number;
  retryAtMs: number;
  /** Since when complete walks have not met it; undefined while they do. */
  missedSinceMs: number | undefined;
}

const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 60_000;
/** A held file that is missed for less may come back: some servers of shares show an empty folder for a moment. */
const GONE_AFTER_MS = 10_000;

export class KnownEntries {
  private readonly entries = new Map<string, Remembered>();
  private readonly owners = new Map<string, string>();
  private round = 0;
  private heldForQuota = 0;
  /** Device numbers of the past that are known to mean one of today. */
  private readonly renumbered = new Map<bigint, bigint>();

  constructor(readonly profile: NamesProfile) {}

  get size(): number {
    return this.entries.size;
  }

  /** Files that are held because the quota is used up. */
  get waitingForQuota(): number {
    return this.heldForQuota;
  }

  /** From the ledger, before the first walk. */
  load(entry: KnownEntry): void {
    const key = keyOf(entry.rawPath);
    if (entry.state === 'taken') {
      const checked = checkPath(entry.rawPath, this.profile);
      const nameKey = checked.ok ? collisionKey(checked.path, this.profile) : undefined;
      if (nameKey !== undefined && !this.owners.has(nameKey)) this.owners.set(nameKey, key);
      this.put(key, entry.identity, 'taken', nameKey);
    } else {
      // What is held is tried at once, and is no news when it is held again.
      this.holds(this.put(key, entry.identity, entry.state, undefined), entry.code);
    }
  }

  /** The same under another names profile. */
  under(profile: NamesProfile): KnownEntries {
    const other = new KnownEntries(profile);
    other.round = this.round;
    for (const [key, entry] of this.entries) {
      const checked = entry.state === 'taken' ? checkPath(rawPathOf(key), profile) : undefined;
      const nameKey = checked?.ok ? collisionKey(checked.path, profile) : undefined;
      if (nameKey !== undefined) other.owners.set(nameKey, key);
      other.entries.set(key, { ...entry, nameKey });
    }
    other.heldForQuota = this.heldForQuota;
    return other;
  }

  beginWalk(): void {
    this.round++;
  }

  /**
   * `settled`: there is nothing to do for this entry now. `retry`: it was stable and could not be taken, try again.
   * `new`: not seen as it is now. Marks it as present.
   */
  look(key: string, identity: Identity, nowMs: number): 'settled' | 'retry' | 'new' {
    const entry = this.entries.get(key);
    if (!entry) return 'new';
    entry.round = this.round;
    entry.missedSinceMs = undefined;
    if (!isSameFile(entry.identity, identity)) return 'new';
    if (entry.identity.dev !== identity.dev) {
      this.renumbered.set(entry.identity.dev, identity.dev);
      entry.identity = identity;
    }
    return entry.state === 'held' && nowMs >= entry.retryAtMs ? 'retry' : 'settled';
  }

  /** Why it is held, undefined when it is not. */
  heldBy(key: string): ErrorCode | undefined {
    const entry = this.entries.get(key);
    return entry?.state === 'held' ? entry.heldBy : undefined;
  }

  /** What it is known as, if it is still the same file. */
  stateOf(key: string, identity: Identity): State | undefined {
    const entry = this.entries.get(key);
    return entry && isSameFile(entry.identity, identity) ? entry.state : undefined;
  }

  /**
   * The raw path that owns a name which `key` would be taken for, undefined when there is none. Only what lies in the
   * share together can be taken for one another there; the high side gives versions of a name numbers of their own.
   */
  rival(key: string, path: string): string | undefined {
    const owner = this.owners.get(collisionKey(path, this.profile));
    if (owner === undefined || owner === key) return undefined;
    const entry = this.entries.get(owner);
    // Claimed right now, or met by this walk or the one before.
    return !entry || entry.round >= this.round - 1 ? owner : undefined;
  }

  /** Reserves the name for an entry that is being taken. */
  claim(key: string, path: string): void {
    this.owners.set(collisionKey(path, this.profile), key);
  }

  /** Gives the name back when taking it failed, unless an earlier version of the same entry still owns it. */
  unclaim(key: string, path: string): void {
    const nameKey = collisionKey(path, this.profile);
    if (this.owners.get(nameKey) === key && this.entries.get(key)?.nameKey !== nameKey) this.owners.delete(nameKey);
  }

  taken(key: string, identity: Identity, path: string): void {
    this.put(key, identity, 'taken', collisionKey(path, this.profile));
  }

  refused(key: string, identity: Identity): void {
    this.disown(key);
    this.put(key, identity, 'refused', undefined);
  }

  /** Remembers that it could not be taken for now; true when that is news and not another try with the same end. */
  held(key: string, identity: Identity, code: ErrorCode, nowMs: number): boolean {
    const before = this.entries.get(key);
    const again = before?.state === 'held' && before.heldBy === code && isSameFile(before.identity, identity);
    const tries = again ? before.tries + 1 : 0;
    this.disown(key);
    const entry = this.put(key, identity, 'held', undefined);
    this.holds(entry, code);
    entry.tries = tries;
    entry.retryAtMs = nowMs + Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(tries, 16));
    return !again;
  }

  forget(key: string): void {
    this.disown(key);
    this.holds(this.entries.get(key), undefined);
    this.entries.delete(key);
  }

  /**
   * Ends a walk. Forgets what it did not meet, but only what lay on a file system that was walked: a share that is not
   * mounted looks empty, and everything in it would be sent again when it comes back. What was held is answered when it is
   * gone, and not only missed for a moment: its owner is told that it was taken back.
   */
  endWalk(walked: ReadonlySet<bigint>, nowMs: number): string[] {
    const gone: string[] = [];
    for (const [key, entry] of this.entries) {
      const { round, identity, state } = entry;
      if (round === this.round) continue;
      if (!walked.has(identity.dev) && !walked.has(this.renumbered.get(identity.dev) ?? identity.dev)) continue;
      if (state === 'held') {
        entry.missedSinceMs ??= nowMs;
        if (nowMs - entry.missedSinceMs < GONE_AFTER_MS) continue;
        gone.push(key);
      }
      this.forget(key);
    }
    return gone;
  }

  private put(key: string, identity: Identity, state: State, nameKey: string | undefined): Remembered {
    this.holds(this.entries.get(key), undefined);
    const entry: Remembered = {
      identity,
      state,
      nameKey,
      round: this.round,
      heldBy: undefined,
      tries: 0,
      retryAtMs: 0,
      missedSinceMs: undefined,
    };
    this.entries.set(key, entry);
    return entry;
  }

  /** Why it is held from now on; undefined: it is not, or nobody knows. */
  private holds(entry: Remembered | undefined, code: ErrorCode | undefined): void {
    if (!entry) return;
    this.heldForQuota += Number(code === 'QUOTA_EXCEEDED') - Number(entry.heldBy === 'QUOTA_EXCEEDED');
    entry.heldBy = code;
  }

  private disown(key: string): void {
    const nameKey = this.entries.get(key)?.nameKey;
    if (nameKey !== undefined && this.owners.get(nameKey) === key) this.owners.delete(nameKey);
  }
}

/** Bytes of a raw path as a key: one character a byte, so that any name has one. */
export function keyOf(rawPath: Uint8Array): string {
  return Buffer.from(rawPath.buffer, rawPath.byteOffset, rawPath.byteLength).toString('latin1');
}

export function rawPathOf(key: string): Buffer {
  return Buffer.from(key, 'latin1');
}
