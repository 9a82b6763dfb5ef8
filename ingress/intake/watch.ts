/**
 * The loop of one intake process over the shares of its tenants.
 *
 *   walk share ─▶ known and unchanged? ─▶ stable? ─▶ name, kind, size ─▶ snapshot ─▶ batch ─▶ onBatch
 *
 * poll() walks everything once; whoever owns the process decides when (a notice of the file system may only wake it
 * earlier, FAULTS 32). There are no timers in here and the clock is an argument. Tenants take turns after every batch,
 * so that nobody waits for another one's hundred thousand files (FAULTS 60); a batch is handed over as soon as it is
 * full. Reading and writing block the process on purpose, it has nothing else to do; `yieldNow` lets messages in.
 */
import type { Clock } from '../../shared/core/clock.js';
import { ERRORS, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { formatSize } from '../../shared/core/units.js';
import type { FileSystem } from '../../shared/ops/directories.js';
import { checkPath, showName } from '../../shared/wire/names.js';
import { type Batch, OpenBatch } from './batch.js';
import { type Identity, identityOf } from './identity.js';
import { type KnownEntry, keyOf, rawPathOf } from './known.js';
import { Room } from './room.js';
import { type PollReport, Round, Tenant, type TenantShare, Walk } from './round.js';
import type { Refusal, WalkOptions, WalkStep } from './share.js';
import { type Snapshot, takeSnapshot } from './snapshot.js';
import { Spool } from './spool.js';
import { Stability } from './stability.js';

export interface IntakeConfig extends Pick<WalkOptions, 'incompleteSuffixes' | 'reservedTopFolders'> {
  readonly tenants: readonly TenantShare[];
  readonly spoolDir: string;
  /** A file is taken once it has been seen unchanged for this long. */
  readonly holdMs: number;
  /** A batch is handed over when it has so many files or bytes. Defaults 256 and 64 MiB. */
  readonly batchMaxFiles?: number;
  readonly batchMaxBytes?: number;
  /** Files up to this size share one spool file a batch. Default 256 KiB. */
  readonly packMaxFileBytes?: number;
  readonly symbolBytes: number;
  readonly blockSymbols: number;
}

export interface IntakeTools {
  readonly clock: Clock;
  /** Lets the process handle its messages; called between files. */
  readonly yieldNow: () => Promise<void>;
  /**
   * Receives what is durable in the spool, and answers when it is recorded. When it fails poll() fails, and the next
   * one hands over the same objects again as new ones.
   */
  readonly onBatch: (batch: Batch) => void | Promise<void>;
  /** Taken or refused before, from the ledger. */
  readonly known?: Iterable<KnownEntry>;
  readonly fs?: FileSystem;
}

export class Intake {
  private readonly spool: Spool;
  private readonly stability: Stability;
  private readonly tenants: Tenant[];
  private readonly batchMaxFiles: number;
  private readonly batchMaxBytes: number;
  private readonly packMaxFileBytes: number;
  private holdReason: string | null = null;
  private readonly room = new Room();
  private busy: Promise<unknown> = Promise.resolve();

  /** Throws SPOOL_IO when the spool cannot be opened. */
  constructor(
    private readonly config: IntakeConfig,
    private readonly tools: IntakeTools,
  ) {
    this.batchMaxFiles = config.batchMaxFiles ?? 256;
    this.batchMaxBytes = config.batchMaxBytes ?? 64 * 1024 * 1024;
    this.packMaxFileBytes = config.packMaxFileBytes ?? 256 * 1024;
    this.spool = new Spool(config.spoolDir, { packMaxFileBytes: this.packMaxFileBytes, ...this.fsOption });
    this.stability = new Stability({ holdMs: config.holdMs, maxEntries: LIMITS.intakeMaxEntries });
    this.tenants = config.tenants.map((tenant) => new Tenant(tenant));
    const byName = new Map(this.tenants.map((tenant) => [tenant.config.name, tenant]));
    for (const entry of tools.known ?? []) byName.get(entry.tenant)?.known.load(entry);
  }

  /**
   * With a reason nothing is taken (the spool has reached its high-water mark); null goes on, with room for so many bytes
   * beyond what onBatch() has answered for. Acts at once.
   */
  hold(reason: string | null, roomBytes = Number.POSITIVE_INFINITY): void {
    this.holdReason = reason;
    this.room.grant(roomBytes);
  }

  /** Walks every share once. A second call waits for the first. */
  poll(): Promise<PollReport> {
    const turn = this.busy.then(() => this.pollOnce());
    this.busy = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.spool.close();
  }

  private async pollOnce(): Promise<PollReport> {
    const startMs = this.tools.clock.monotonicMs();
    const round = new Round();
    this.stability.begin();
    const walks: Walk[] = [];
    try {
      for (const tenant of this.tenants) walks.push(new Walk(tenant, { ...this.config, ...this.fsOption }, round));
      for (let active = walks; active.length > 0; active = active.filter((walk) => !walk.done)) {
        for (const walk of active) if (!walk.done) await this.turn(walk, round);
      }
    } finally {
      for (const walk of walks) walk.close();
    }
    const unread = walks.filter((walk) => !walk.complete).map((walk) => stabilityKey(walk.tenant, ''));
    this.stability.end((key) => unread.some((prefix) => key.startsWith(prefix)));
    return round.report(walks, this.tools.clock.monotonicMs() - startMs);
  }

  /** One tenant's turn: until a batch is full, its share is walked, or the others have waited long enough. */
  private async turn(walk: Walk, round: Round): Promise<void> {
    const batch = new OpenBatch(this.spool);
    let effort = 0;
    try {
      for (let steps = 0; steps < TURN_STEPS && !batch.isFull(this.batchMaxFiles, this.batchMaxBytes); steps++) {
        const entry = walk.next();
        if (!entry) break;
        const bytesBefore = batch.bytes;
        if (entry !== 'other') await this.entry(entry, walk, batch, round);
        effort += 1 + (batch.bytes - bytesBefore) / EFFORT_BYTES;
        if (effort < YIELD_EFFORT) continue;
        effort = 0;
        await this.tools.yieldNow();
      }
    } catch (error) {
      batch.giveUp();
      this.room.giveBack(batch.bytes);
      this.unlearn(batch, walk);
      throw error;
    }
    await this.deliver(batch, walk, round);
    await this.tools.yieldNow();
  }

  /** Nobody has heard of this batch: the next poll meets everything in it as new. */
  private unlearn(batch: OpenBatch, walk: Walk): void {
    const { known } = walk.tenant;
    for (const { rawPath, path } of batch.taken) known.unclaim(keyOf(rawPath), path);
    for (const { rawPath } of [...batch.refused, ...batch.held]) known.forget(keyOf(rawPath));
  }

  private async entry(entry: Entry, walk: Walk, batch: OpenBatch, round: Round): Promise<void> {
    const { known, config } = walk.tenant;
    const key = keyOf(entry.rawPath);
    const identity = identityOf(entry.stat);
    const nowMs = this.tools.clock.monotonicMs();
    const look = known.look(key, identity, nowMs);
    if (look === 'settled') {
      if (known.waitsForRoom(key)) round.wants(identity.sizeBytes);
      return;
    }
    // Also what will be refused has to hold still first: a growing file would be refused anew at every poll.
    if (look === 'new' && this.stability.observe(stabilityKey(walk.tenant, key), identity, nowMs) === 'waiting') {
      walk.counts.waiting++;
      return;
    }
    const checked = checkPath(entry.rawPath, config.names);
    const refusal = checked.ok ? (entry.refusal ?? judge(key, checked.path, identity, walk.tenant)) : checked;
    if (refusal || !checked.ok) return this.refuse(entry, identity, refusal as Refusal, walk, batch);
    if (this.isHeldBack(round) || identity.sizeBytes > round.limitBytes) {
      walk.counts.stable++;
      return;
    }
    if (!this.room.fits(identity.sizeBytes)) return this.noRoom(entry, identity, walk, batch, round);
    this.room.take(identity.sizeBytes);
    known.claim(key, checked.path);
    try {
      const snapshot = await this.take(entry, identity, batch, walk.tenant);
      batch.addTaken({ ...snapshot, path: checked.path, parts: checked.parts, rawPath: entry.rawPath });
      this.stability.forget(stabilityKey(walk.tenant, key));
    } catch (error) {
      this.room.giveBack(identity.sizeBytes);
      known.unclaim(key, checked.path);
      if (!(error instanceof SluiceError)) throw error;
      this.failed(error, entry, identity, walk, batch, round);
    }
  }

  private take(entry: Entry, identity: Identity, batch: OpenBatch, tenant: Tenant): Promise<Snapshot> {
    const { symbolBytes, blockSymbols } = this.config;
    const { packMaxFileBytes } = this;
    const { maxBytes } = tenant;
    const { yieldNow } = this.tools;
    const options = { symbolBytes, blockSymbols, packMaxFileBytes, maxBytes, yieldNow, ...this.fsOption };
    return takeSnapshot(entry.directory, entry.name, identity, batch.place, options);
  }

  private refuse(entry: Entry, identity: Identity, refusal: Refusal, walk: Walk, batch: OpenBatch): void {
    const key = keyOf(entry.rawPath);
    walk.tenant.known.refused(key, identity);
    this.stability.forget(stabilityKey(walk.tenant, key));
    batch.addNotTaken('refused', entry.rawPath, refusal, identity);
  }

  /** Sorts out why a snapshot failed: ours (the spool), the moment's, the file's for now, the file's for good. */
  private failed(
    error: SluiceError,
    entry: Entry,
    identity: Identity,
    walk: Walk,
    batch: OpenBatch,
    round: Round,
  ): void {
    const key = keyOf(entry.rawPath);
    if (error.code === 'SPOOL_FULL' && identity.sizeBytes > this.packMaxFileBytes) {
      // Somebody else may have filled the disk. Without this file there may well be room for smaller ones.
      round.diskFull(identity.sizeBytes);
      this.holdForRoom(entry.rawPath, identity, error, walk, batch, round);
    } else if (error.code === 'SPOOL_FULL' || error.code === 'SPOOL_IO') {
      round.spoolTrouble(error);
      walk.counts.stable++;
    } else if (error.code === 'INTAKE_VANISHED' || error.code === 'INTAKE_UNSTABLE') {
      this.stability.forget(stabilityKey(walk.tenant, key));
      if (error.code === 'INTAKE_UNSTABLE') walk.counts.waiting++;
    } else if (ERRORS[error.code].persistence === 'retryable') {
      this.holdFile(entry.rawPath, identity, error, walk, batch);
    } else {
      this.refuse(entry, identity, error, walk, batch);
    }
  }

  /** It can be taken later: tried again ever more rarely, and reported once. */
  private holdFile(rawPath: Buffer, identity: Identity, reason: Refusal, walk: Walk, batch: OpenBatch): void {
    const key = keyOf(rawPath);
    this.stability.forget(stabilityKey(walk.tenant, key));
    const isNews = walk.tenant.known.held(key, identity, reason.code, this.tools.clock.monotonicMs());
    if (isNews) batch.addNotTaken('held', rawPath, reason, identity);
  }

  private holdForRoom(
    rawPath: Buffer,
    identity: Identity,
    reason: Refusal,
    walk: Walk,
    batch: OpenBatch,
    round: Round,
  ): void {
    round.wants(identity.sizeBytes);
    this.holdFile(rawPath, identity, reason, walk, batch);
  }

  /** The file does not fit into the room there is: it waits, the others go on. */
  private noRoom(entry: Entry, identity: Identity, walk: Walk, batch: OpenBatch, round: Round): void {
    const { sizeBytes } = identity;
    const detail = `It has ${formatSize(sizeBytes)}; the spool has room for ${formatSize(this.room.leftBytes)}.`;
    const reason = { code: 'SPOOL_FULL', detail } as const;
    if (sizeBytes > this.packMaxFileBytes) {
      this.holdForRoom(entry.rawPath, identity, reason, walk, batch, round);
      return;
    }
    // When not even a small file fits the spool is full: ten thousand of them are one piece of news.
    round.wants(sizeBytes);
    round.heldBack ??= reason;
    walk.counts.stable++;
  }

  private isHeldBack(round: Round): boolean {
    if (this.holdReason !== null) {
      round.heldBack ??= { code: 'SPOOL_FULL', detail: this.holdReason };
      return true;
    }
    const remembered = this.tenants.reduce((sum, tenant) => sum + tenant.known.size, 0);
    if (remembered >= LIMITS.intakeMaxEntries) {
      round.heldBack ??= { code: 'INTAKE_CROWDED', detail: `${remembered} files are known.` };
      return true;
    }
    return round.spoolFailed;
  }

  /** Hands over what is durable, and only then remembers it. */
  private async deliver(batch: OpenBatch, walk: Walk, round: Round): Promise<void> {
    const { known, config } = walk.tenant;
    const { safe, lost, failure } = batch.settle();
    for (const taken of lost) {
      this.room.giveBack(taken.sizeBytes);
      known.unclaim(keyOf(taken.rawPath), taken.path);
    }
    // Some disks say only at the fsync that they are full.
    const tooLarge =
      failure?.code === 'SPOOL_FULL' ? lost.filter((taken) => taken.sizeBytes > this.packMaxFileBytes) : [];
    for (const { rawPath, identity } of tooLarge) {
      round.diskFull(identity.sizeBytes);
      this.holdForRoom(rawPath, identity, failure!, walk, batch, round);
    }
    walk.counts.stable += lost.length - tooLarge.length;
    if (failure && (lost.length === 0 || tooLarge.length < lost.length)) round.spoolTrouble(failure);
    const { refused, held } = batch;
    if (safe.length + refused.length + held.length === 0) return;
    try {
      await this.tools.onBatch({ tenant: config.name, taken: safe, refused, held });
    } catch (error) {
      // What lies in the spool stays there: the batch may have been recorded all the same.
      this.unlearn(batch, walk);
      throw error;
    } finally {
      this.room.recorded(safe.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    }
    for (const { rawPath, identity, path } of safe) known.taken(keyOf(rawPath), identity, path);
    walk.counts.taken += safe.length;
    walk.counts.refused += refused.length;
    walk.counts.held += held.length;
  }

  private get fsOption(): { fs?: FileSystem } {
    return this.tools.fs ? { fs: this.tools.fs } : {};
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

type Entry = Extract<WalkStep, { kind: 'entry' }>;

/** Entries of one tenant before it is the next one's turn, when none of them needs anything. */
const TURN_STEPS = 4_096;
/** Messages are let in after so much effort: an entry counts 1, and one more for each so many bytes taken. */
const YIELD_EFFORT = 256;
const EFFORT_BYTES = 64 * 1024;

function stabilityKey(tenant: Tenant, key: string): string {
  return `${tenant.config.name}\0${key}`;
}

/** What can be said against a well-named regular file without opening it. */
function judge(key: string, path: string, identity: Identity, tenant: Tenant): Refusal | undefined {
  const rival = tenant.known.rival(key, path);
  if (rival !== undefined) {
    return { code: 'NAME_COLLISION', detail: `The other one is "${showName(rawPathOf(rival))}".` };
  }
  if (identity.sizeBytes <= tenant.maxBytes) return undefined;
  return { code: 'INTAKE_TOO_LARGE', detail: `It has ${identity.sizeBytes} bytes, ${tenant.maxBytes} are allowed.` };
}
