/**
 * What all ways of taking a tenant's files share: what is known of them, what can be said against them, how much room
 * there is, and how decisions are handed over.
 */
import { ERRORS, type SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { formatSize } from '../../shared/core/units.js';
import { checkPath, type NamesProfile, showName } from '../../shared/wire/names.js';
import type { ConsignmentOf, OpenBatch } from './batch.js';
import type { Gateway } from './gateway.js';
import type { Identity } from './identity.js';
import { KnownEntries, keyOf, rawPathOf } from './known.js';
import { Room } from './room.js';
import type { Counts, Round } from './round.js';
import type { Member, Refusal } from './share.js';
import { Stability } from './stability.js';

export interface TenantShare {
  readonly name: string;
  /** Folder that the tenant drops files into. */
  readonly share: string;
  readonly names: NamesProfile;
  readonly maxObjectBytes: number;
}

/** What a tenant may have inside the gateway at a time, as configured; Infinity for no bound. */
export interface Quota {
  readonly bytes: number;
  readonly objects: number;
}

/** A file that is stable and well named. */
export interface Candidate {
  readonly rawPath: Buffer;
  readonly name: Buffer;
  readonly key: string;
  readonly path: string;
  readonly parts: string[];
  readonly identity: Identity;
}

/** Where news of one poll, or of one taking beside it, are gathered. */
export interface Pass {
  readonly batch: OpenBatch;
  readonly round: Round;
  readonly counts: Counts;
}

export class TenantDesk {
  /** Its quota, and how much of it is left. */
  readonly room = new Room();
  quota: Quota = { bytes: Number.POSITIVE_INFINITY, objects: Number.POSITIVE_INFINITY };
  known: KnownEntries;
  readonly stability: Stability;

  constructor(
    public share: TenantShare,
    readonly gateway: Gateway,
  ) {
    this.known = new KnownEntries(share.names);
    this.stability = this.newStability();
  }

  get name(): string {
    return this.share.name;
  }

  get maxBytes(): number {
    return Math.min(this.share.maxObjectBytes, LIMITS.objectMaxBytes);
  }

  /** What can be said against a file without opening it, or the file as something that can be taken. */
  candidate(entry: Member, identity: Identity): Candidate | Refusal {
    const { rawPath, name } = entry;
    const checked = checkPath(rawPath, this.share.names);
    if (!checked.ok) return checked;
    if (entry.refusal) return entry.refusal;
    const key = keyOf(rawPath);
    const rival = this.known.rival(key, checked.path);
    if (rival !== undefined) {
      return { code: 'NAME_COLLISION', detail: `The other one is "${showName(rawPathOf(rival))}".` };
    }
    if (identity.sizeBytes > this.maxBytes) {
      const detail = `It has ${identity.sizeBytes} bytes, ${this.maxBytes} are allowed.`;
      return { code: 'INTAKE_TOO_LARGE', detail };
    }
    const tooSmall = this.quotaTooSmall(identity.sizeBytes, 1);
    return tooSmall ?? { rawPath, name, key, path: checked.path, parts: checked.parts, identity };
  }

  refuse(rawPath: Buffer, identity: Identity, refusal: Refusal, { batch }: Pass, consignment?: ConsignmentOf): void {
    const key = keyOf(rawPath);
    this.known.refused(key, identity);
    this.stability.forget(key);
    batch.addNotTaken('refused', rawPath, refusal, identity, consignment);
  }

  /** Sorts out why a snapshot failed: ours (the spool), the moment's, the file's for now, the file's for good. */
  failed(error: SluiceError, { key, rawPath, identity }: Candidate, pass: Pass): void {
    const { counts, round } = pass;
    const { code } = error;
    if (code === 'SPOOL_FULL' && identity.sizeBytes > this.gateway.config.packMaxFileBytes) {
      // Somebody else may have filled the disk. Without this file there may well be room for smaller ones.
      round.diskFull(identity.sizeBytes);
      this.holdForRoom(rawPath, identity, error, pass);
    } else if (code === 'SPOOL_FULL' || code === 'SPOOL_IO') {
      round.spoolTrouble(error);
      counts.stable++;
    } else if (code === 'INTAKE_VANISHED' || code === 'INTAKE_UNSTABLE') {
      this.stability.forget(key);
      if (code === 'INTAKE_UNSTABLE') counts.waiting++;
    } else if (ERRORS[code].persistence === 'retryable') {
      this.hold(rawPath, identity, error, pass);
    } else {
      this.refuse(rawPath, identity, error, pass);
    }
  }

  /** It can be taken later: tried again ever more rarely, and reported once. */
  hold(rawPath: Buffer, identity: Identity, reason: Refusal, { batch }: Pass): void {
    const key = keyOf(rawPath);
    this.stability.forget(key);
    const isNews = this.known.held(key, identity, reason.code, this.gateway.tools.clock.monotonicMs());
    if (isNews) batch.addNotTaken('held', rawPath, reason, identity);
  }

  holdForRoom(rawPath: Buffer, identity: Identity, reason: Refusal, pass: Pass): void {
    pass.round.wants(identity.sizeBytes);
    this.hold(rawPath, identity, reason, pass);
  }

  // ------------------------------------------------------------ room

  reserve(bytes: number, objects: number): void {
    this.gateway.room.take(bytes, objects);
    this.room.take(bytes, objects);
  }

  giveBack(batch: OpenBatch): void {
    this.reserve(-batch.bytes, -batch.taken.length);
  }

  isHeldBack(round: Round): boolean {
    const reason = this.gateway.heldBack();
    if (reason) round.heldBack ??= reason;
    return reason !== null || round.spoolFailed;
  }

  /** The file does not fit into the room there is: it waits, the others go on. */
  noRoom({ rawPath, identity }: Candidate, pass: Pass): void {
    const { sizeBytes } = identity;
    const left = formatSize(this.gateway.room.leftBytes);
    const reason = {
      code: 'SPOOL_FULL',
      detail: `It has ${formatSize(sizeBytes)}; the spool has room for ${left}.`,
    } as const;
    if (sizeBytes > this.gateway.config.packMaxFileBytes) {
      this.holdForRoom(rawPath, identity, reason, pass);
      return;
    }
    // When not even a small file fits the spool is full: ten thousand of them are one piece of news.
    pass.round.wants(sizeBytes);
    pass.round.heldBack ??= reason;
    pass.counts.stable++;
  }

  quotaTooSmall(bytes: number, objects: number): Refusal | undefined {
    if (bytes <= this.quota.bytes && objects <= this.quota.objects) return undefined;
    return {
      code: 'QUOTA_TOO_SMALL',
      detail: `It has ${amount(bytes, objects)}; the quota is ${quotaWords(this.quota)}.`,
    };
  }

  /** So many are named at a time; of the ten thousand behind them the summary of the day tells the number. */
  overQuota({ rawPath, identity }: Candidate, bytes: number, objects: number, pass: Pass): void {
    pass.counts.overQuota += objects;
    const isSaid = this.known.stateOf(keyOf(rawPath), identity) === 'held';
    if (!isSaid && this.known.waitingForQuota >= LIMITS.quotaNamed) return;
    const detail = `The quota is ${quotaWords(this.quota)} inside the gateway at a time, and this has ${amount(bytes, objects)}. It is taken by itself as soon as there is room.`;
    this.hold(rawPath, identity, { code: 'QUOTA_EXCEEDED', detail }, pass);
  }

  // ------------------------------------------------------------ handing over

  /** Nobody has heard of this batch: the next poll meets everything in it as new. */
  unlearn(batch: OpenBatch): void {
    for (const { rawPath, path } of batch.taken) this.known.unclaim(keyOf(rawPath), path);
    for (const { rawPath } of [...batch.refused, ...batch.held]) this.known.forget(keyOf(rawPath));
  }

  /** Hands over what is durable, and only then remembers it. */
  async deliver(pass: Pass): Promise<void> {
    const { known, gateway } = this;
    const { batch, counts, round } = pass;
    const { safe, lost, failure } = batch.settle();
    for (const taken of lost) {
      this.reserve(-taken.sizeBytes, -1);
      known.unclaim(keyOf(taken.rawPath), taken.path);
    }
    // Some disks say only at the fsync that they are full.
    const isLarge = (sizeBytes: number) => sizeBytes > gateway.config.packMaxFileBytes;
    const tooLarge = failure?.code === 'SPOOL_FULL' ? lost.filter(({ sizeBytes }) => isLarge(sizeBytes)) : [];
    for (const { rawPath, identity } of tooLarge) {
      round.diskFull(identity.sizeBytes);
      this.holdForRoom(rawPath, identity, failure!, pass);
    }
    counts.stable += lost.length - tooLarge.length;
    if (failure && (lost.length === 0 || tooLarge.length < lost.length)) round.spoolTrouble(failure);
    const { refused, held } = batch;
    if (safe.length + refused.length + held.length === 0) return;
    const bytes = safe.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    try {
      gateway.at('');
      await gateway.tools.onBatch({ tenant: this.name, taken: safe, refused, held, consignments: [], gone: [] });
    } catch (error) {
      // What lies in the spool stays there: the batch may have been recorded all the same.
      this.unlearn(batch);
      throw error;
    } finally {
      gateway.room.recorded(bytes, safe.length);
      this.room.recorded(bytes, safe.length);
    }
    for (const { rawPath, identity, path } of safe) known.taken(keyOf(rawPath), identity, path);
    counts.taken += safe.length;
    counts.refused += refused.length;
    counts.held += held.length;
  }

  private newStability(): Stability {
    const { config } = this.gateway;
    // Each tenant has its part, so that one tenant's million files let the others in.
    const maxEntries = Math.max(1_000, Math.floor(LIMITS.intakeMaxEntries / Math.max(1, config.tenants.length)));
    return new Stability({ holdMs: config.holdMs, maxEntries });
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

function amount(bytes: number, objects: number): string {
  return objects === 1 ? formatSize(bytes) : `${objects} files with ${formatSize(bytes)}`;
}

function quotaWords({ bytes, objects }: Quota): string {
  const parts = [];
  if (Number.isFinite(bytes)) parts.push(formatSize(bytes));
  if (Number.isFinite(objects)) parts.push(objects === 1 ? '1 file' : `${objects} files`);
  return parts.join(' and ');
}
