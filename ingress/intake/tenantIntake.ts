/**
 * Intake of one tenant: what its share holds, what is known of it, and what is taken next.
 *
 *   walk share ─▶ known and unchanged? ─▶ stable? ─▶ name, kind, size ─▶ quota, room ─▶ snapshot ─▶ batch ─▶ onBatch
 *
 * Tenants go on independently of each other. What is done at a stretch without letting the others in is short: some
 * thousand looks, or one batch of small files. Whatever takes longer (taking.ts) goes on beside the polls.
 */
import { randomBytes } from 'node:crypto';
import { ERRORS, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { formatSize } from '../../shared/core/units.js';
import { checkPath, type NamesProfile, showName } from '../../shared/wire/names.js';
import { type ConsignmentOf, OpenBatch } from './batch.js';
import { Consignments, setOf } from './consignments.js';
import type { Gateway } from './gateway.js';
import { type Identity, identityOf } from './identity.js';
import { IncompleteNames } from './incomplete.js';
import { KnownEntries, keyOf, rawPathOf } from './known.js';
import { Room } from './room.js';
import { type Counts, noCounts, Round, type ShareReport, Walk } from './round.js';
import type { ConsignmentStep, EntryStep, FolderView, Member, Refusal } from './share.js';
import { takeSnapshot } from './snapshot.js';
import { Stability } from './stability.js';
import { SharePath, type Taking, takeAll } from './taking.js';

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
interface Pass {
  readonly batch: OpenBatch;
  readonly round: Round;
  readonly counts: Counts;
}

export class TenantIntake {
  /** Its quota, and how much of it is left. */
  readonly room = new Room();
  quota: Quota = { bytes: Number.POSITIVE_INFINITY, objects: Number.POSITIVE_INFINITY };
  known: KnownEntries;
  private stability: Stability;
  private readonly incomplete: IncompleteNames;
  private consignments: Consignments;
  /** Being taken beside the polls: at most one thing of a tenant at a time. */
  private beside: { readonly key: string; readonly end: Promise<void> } | undefined;
  private besideError: unknown;
  /** What the spool said to it: part of the next poll's report. */
  private besideRound = new Round();
  /** Files reported as waiting for the quota, until there is room again. */
  private saidOverQuota = 0;

  constructor(
    public share: TenantShare,
    private readonly gateway: Gateway,
  ) {
    this.known = new KnownEntries(share.names);
    this.incomplete = new IncompleteNames(gateway.config.incompleteSuffixes ?? ['.part']);
    this.stability = this.newStability();
    this.consignments = this.newConsignments();
  }

  get name(): string {
    return this.share.name;
  }

  /** Other limits or another share; what is known stays known. Acts from the next poll on. */
  change(share: TenantShare): void {
    const before = this.share;
    this.share = share;
    if (before.names !== share.names) {
      this.known = this.known.under(share.names);
      this.consignments = this.newConsignments();
    }
  }

  /** Resolves when nothing is being taken beside the polls. */
  async idle(): Promise<void> {
    await this.beside?.end;
  }

  /** Walks the share once. */
  async poll(): Promise<ShareReport> {
    const { gateway, stability, known, incomplete, consignments } = this;
    this.throwFromBeside();
    const startMs = gateway.tools.clock.monotonicMs();
    const round = this.besideRound;
    round.spoolFailed = false;
    this.besideRound = new Round();
    for (const part of [stability, incomplete, consignments]) part.begin();
    known.beginWalk();
    gateway.at(this.name);
    const options = {
      ...gateway.config,
      ...gateway.fsOption,
      isConsignment: (folder: FolderView) => {
        gateway.tools.metFolder?.(this.share, folder.rawPath);
        return consignments.isConsignment(folder);
      },
    };
    const walk = new Walk(this.share, options, round);
    try {
      while (!walk.done) {
        await this.turn(walk, round);
        await gateway.tools.yieldNow();
        gateway.at(this.name);
      }
    } finally {
      walk.close();
      gateway.at('');
    }
    if (walk.complete) {
      await this.tellGone(known.endWalk(walk.devices));
      stability.end();
      incomplete.end();
      consignments.end();
    }
    if (walk.counts.overQuota === 0) this.saidOverQuota = 0;
    return round.report(walk.counts, gateway.tools.clock.monotonicMs() - startMs);
  }

  /** What was held and has been taken out of the share is nobody's business any more. */
  private async tellGone(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const gone = keys.map(rawPathOf);
    const { onBatch } = this.gateway.tools;
    await onBatch({ tenant: this.name, taken: [], refused: [], held: [], consignments: [], gone });
  }

  /** Until a batch is full, the share is walked, or the others have waited long enough. */
  private async turn(walk: Walk, round: Round): Promise<void> {
    const { config, tools } = this.gateway;
    const pass: Pass = { batch: new OpenBatch(this.gateway.spool), round, counts: walk.counts };
    let effort = 0;
    try {
      for (let steps = 0; steps < TURN_STEPS; steps++) {
        // A batch that was begun is finished without a pause: all tenants write their packs through one buffer.
        if (pass.batch.isFull(config.batchMaxFiles, Math.min(config.batchMaxBytes, TURN_BYTES))) break;
        if (++effort >= YIELD_EFFORT && pass.batch.isEmpty) {
          effort = 0;
          await tools.yieldNow();
          this.gateway.at(this.name);
        }
        const step = walk.next();
        if (!step) break;
        if (step === 'other') continue;
        if (step.kind === 'entry') this.entry(step, pass);
        else if (step.kind === 'consignment') effort += this.consignment(step, pass);
        else this.incompleteName(step, pass);
      }
    } catch (error) {
      pass.batch.giveUp();
      this.giveBack(pass.batch);
      this.unlearn(pass.batch);
      throw error;
    }
    await this.deliver(pass);
  }

  private incompleteName({ rawPath, stat }: { rawPath: Buffer; stat: EntryStep['stat'] }, pass: Pass): void {
    pass.counts.incomplete++;
    this.incomplete.saw(rawPath, identityOf(stat));
  }

  // ------------------------------------------------------------ a file

  private entry(entry: EntryStep, pass: Pass): void {
    const { known, stability, gateway } = this;
    const { counts, round } = pass;
    const key = keyOf(entry.rawPath);
    const identity = identityOf(entry.stat);
    const nowMs = gateway.tools.clock.monotonicMs();
    const look = known.look(key, identity, nowMs);
    if (this.beside?.key === key) {
      counts.stable++;
      return;
    }
    if (look === 'settled') {
      const reason = known.heldBy(key);
      if (reason === 'SPOOL_FULL') round.wants(identity.sizeBytes);
      // What waits for the quota goes on at once when there is room; everything else that is held is tried now and then.
      if (reason !== 'QUOTA_EXCEEDED') return;
      counts.overQuota++;
      if (!this.room.fits(identity.sizeBytes)) return;
      counts.overQuota--;
    }
    // Also what will be refused has to hold still first: a growing file would be refused anew at every poll.
    if (
      look === 'new' &&
      stability.observe(key, identity, nowMs, this.incomplete.before(key, identity)) === 'waiting'
    ) {
      counts.waiting++;
      return;
    }
    const candidate = this.candidate(entry, identity);
    if ('code' in candidate) {
      this.refuse(entry.rawPath, identity, candidate, pass);
      return;
    }
    if (this.isHeldBack(round) || identity.sizeBytes > round.limitBytes) {
      counts.stable++;
      return;
    }
    if (!this.room.fits(identity.sizeBytes)) {
      this.overQuota(candidate, identity.sizeBytes, 1, pass);
      return;
    }
    if (!gateway.room.fits(identity.sizeBytes)) {
      this.noRoom(candidate, pass);
      return;
    }
    if (identity.sizeBytes > gateway.config.inlineMaxFileBytes) {
      if (this.beside) counts.stable++;
      else this.takeBeside({ members: [candidate], consignment: undefined, bytes: identity.sizeBytes, key });
      return;
    }
    this.reserve(identity.sizeBytes, 1);
    known.claim(key, candidate.path);
    try {
      gateway.at(this.name);
      const options = { ...gateway.snapshotOptions, maxBytes: this.maxBytes };
      const snapshot = takeSnapshot(entry.directory, entry.name, identity, pass.batch.place, options);
      const { path, parts, rawPath } = candidate;
      pass.batch.addTaken({ ...snapshot, path, parts, rawPath });
      stability.forget(key);
    } catch (error) {
      this.reserve(-identity.sizeBytes, -1);
      known.unclaim(key, candidate.path);
      if (!(error instanceof SluiceError)) throw error;
      this.failed(error, candidate, pass);
    }
  }

  private get maxBytes(): number {
    return Math.min(this.share.maxObjectBytes, LIMITS.objectMaxBytes);
  }

  /** What can be said against a file without opening it, or the file as something that can be taken. */
  private candidate(entry: Member, identity: Identity): Candidate | Refusal {
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

  private refuse(
    rawPath: Buffer,
    identity: Identity,
    refusal: Refusal,
    { batch }: Pass,
    consignment?: ConsignmentOf,
  ): void {
    const key = keyOf(rawPath);
    this.known.refused(key, identity);
    this.stability.forget(key);
    batch.addNotTaken('refused', rawPath, refusal, identity, consignment);
  }

  /** Sorts out why a snapshot failed: ours (the spool), the moment's, the file's for now, the file's for good. */
  private failed(error: SluiceError, { key, rawPath, identity }: Candidate, pass: Pass): void {
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
  private hold(rawPath: Buffer, identity: Identity, reason: Refusal, { batch }: Pass): void {
    const key = keyOf(rawPath);
    this.stability.forget(key);
    const isNews = this.known.held(key, identity, reason.code, this.gateway.tools.clock.monotonicMs());
    if (isNews) batch.addNotTaken('held', rawPath, reason, identity);
  }

  private holdForRoom(rawPath: Buffer, identity: Identity, reason: Refusal, pass: Pass): void {
    pass.round.wants(identity.sizeBytes);
    this.hold(rawPath, identity, reason, pass);
  }

  // ------------------------------------------------------------ room

  private reserve(bytes: number, objects: number): void {
    this.gateway.room.take(bytes, objects);
    this.room.take(bytes, objects);
  }

  private giveBack(batch: OpenBatch): void {
    this.reserve(-batch.bytes, -batch.taken.length);
  }

  private isHeldBack(round: Round): boolean {
    const reason = this.gateway.heldBack();
    if (reason) round.heldBack ??= reason;
    return reason !== null || round.spoolFailed;
  }

  /** The file does not fit into the room there is: it waits, the others go on. */
  private noRoom({ rawPath, identity }: Candidate, pass: Pass): void {
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

  private quotaTooSmall(bytes: number, objects: number): Refusal | undefined {
    if (bytes <= this.quota.bytes && objects <= this.quota.objects) return undefined;
    return {
      code: 'QUOTA_TOO_SMALL',
      detail: `It has ${amount(bytes, objects)}; the quota is ${quotaWords(this.quota)}.`,
    };
  }

  /** The first ones are named, so that somebody hears of it; ten thousand behind them are no further news. */
  private overQuota({ rawPath, identity }: Candidate, bytes: number, objects: number, pass: Pass): void {
    pass.counts.overQuota += objects;
    const isSaid = this.known.stateOf(keyOf(rawPath), identity) === 'held';
    if (!isSaid && this.saidOverQuota++ >= OVER_QUOTA_SAID) return;
    const detail = `The quota is ${quotaWords(this.quota)} inside the gateway at a time, and this has ${amount(bytes, objects)}. It is taken by itself as soon as there is room.`;
    this.hold(rawPath, identity, { code: 'QUOTA_EXCEEDED', detail }, pass);
  }

  // ------------------------------------------------------------ a folder that travels as a unit

  /** Answers the effort it took. */
  private consignment(step: ConsignmentStep, pass: Pass): number {
    const { known, consignments, gateway } = this;
    const { counts } = pass;
    const nowMs = gateway.tools.clock.monotonicMs();
    const effort = step.members.length;
    const members = step.members.map((member) => {
      const identity = identityOf(member.stat);
      return { member, identity, look: known.look(keyOf(member.rawPath), identity, nowMs) };
    });
    const root = keyOf(step.rawPath);
    known.look(root, folderIdentity(step), nowMs);
    counts.incomplete += step.open.length;
    for (const inside of step.open)
      if (inside.kind === 'incomplete') this.incomplete.saw(inside.rawPath, identityOf(inside.stat));
    if (this.beside?.key === root) {
      counts.stable += members.length;
      return effort;
    }
    const phase = consignments.observe(step, nowMs);
    if (phase === 'waiting') counts.waiting += members.length;
    if (phase !== 'complete') return effort;
    if (members.length === 0) {
      consignments.taken(step.rawPath);
      return effort;
    }
    const candidates = this.judgeTogether(step, members, pass);
    if (!candidates) return effort;
    if (members.some(({ member, look }) => look === 'settled' && this.waitsForAnotherTry(keyOf(member.rawPath)))) {
      counts.stable += members.length;
      return effort;
    }
    this.takeTogether(step, candidates, pass);
    return effort;
  }

  private waitsForAnotherTry(key: string): boolean {
    const reason = this.known.heldBy(key);
    return reason !== undefined && reason !== 'QUOTA_EXCEEDED' && reason !== 'SPOOL_FULL';
  }

  /** All of them as something that can be taken; undefined when one cannot, and then all are refused. */
  private judgeTogether(
    step: ConsignmentStep,
    members: readonly { member: Member; identity: Identity }[],
    pass: Pass,
  ): Candidate[] | undefined {
    const { known, consignments } = this;
    const unit = { id: newConsignmentId(), root: showName(step.rawPath) };
    if (step.tooMany) {
      const identity = folderIdentity(step);
      const detail = `It holds more than ${LIMITS.consignmentMaxObjects} files.`;
      if (known.stateOf(keyOf(step.rawPath), identity) !== 'refused') {
        this.refuse(step.rawPath, identity, { code: 'CONSIGNMENT_TOO_LARGE', detail }, pass, unit);
      }
      consignments.refused(step.rawPath);
      return undefined;
    }
    const candidates: Candidate[] = [];
    const faults = new Map<Member, Refusal>();
    for (const { member, identity } of members) {
      const candidate = this.candidate(member, identity);
      if ('code' in candidate) {
        faults.set(member, candidate);
      } else {
        candidates.push(candidate);
        // Two members may have names that would be taken for one another.
        known.claim(candidate.key, candidate.path);
      }
    }
    for (const { key, path } of candidates) known.unclaim(key, path);
    const bytes = candidates.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
    const tooMuch = faults.size === 0 ? this.quotaTooSmall(bytes, candidates.length) : undefined;
    if (tooMuch) faults.set(members[0]!.member, tooMuch);
    if (faults.size === 0) return candidates;
    consignments.refused(step.rawPath);
    // After a restart: it was refused as it is, and everybody has heard of it.
    const isOld = members.every(({ member, identity }) => known.stateOf(keyOf(member.rawPath), identity) === 'refused');
    if (isOld) return undefined;
    const [first, reason] = [...faults][0]!;
    const because = `"${showName(first.rawPath)}": ${ERRORS[reason.code].meaning}`;
    for (const { member, identity } of members) {
      const refusal = faults.get(member) ?? ({ code: 'CONSIGNMENT_REFUSED', detail: because } as const);
      this.refuse(member.rawPath, identity, refusal, pass, unit);
    }
    return undefined;
  }

  private takeTogether(step: ConsignmentStep, members: Candidate[], pass: Pass): void {
    const { counts, round } = pass;
    const bytes = members.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
    const largest = Math.max(...members.map(({ identity }) => identity.sizeBytes));
    if (this.isHeldBack(round) || largest > round.limitBytes || this.beside) {
      counts.stable += members.length;
      return;
    }
    const [first] = members as [Candidate];
    if (!this.room.fits(bytes, members.length)) {
      this.overQuota(first, bytes, members.length, pass);
      return;
    }
    if (!this.gateway.room.fits(bytes)) {
      const left = formatSize(this.gateway.room.leftBytes);
      const detail = `All of "${showName(step.rawPath)}" has ${formatSize(bytes)}; the spool has room for ${left}.`;
      round.wants(bytes);
      counts.stable += members.length;
      this.hold(first.rawPath, first.identity, { code: 'SPOOL_FULL', detail }, pass);
      return;
    }
    const consignment = { id: newConsignmentId(), root: showName(step.rawPath) };
    const { rawPath } = step;
    const set = setOf(step);
    this.takeBeside({ members, consignment: { ...consignment, rawPath, set }, bytes, key: keyOf(rawPath) });
  }

  // ------------------------------------------------------------ beside the polls

  /** Takes something that needs its time, while the polls go on. */
  private takeBeside(taking: Taking & { readonly key: string }): void {
    this.reserve(taking.bytes, taking.members.length);
    for (const { key, path } of taking.members) this.known.claim(key, path);
    const end = this.runBeside(taking).catch((error) => {
      this.besideError ??= error;
    });
    this.beside = { key: taking.key, end };
    void end.then(() => {
      this.beside = undefined;
    });
  }

  private async runBeside(taking: Taking): Promise<void> {
    const { known, stability, consignments, gateway } = this;
    const { members, consignment } = taking;
    let done: Awaited<ReturnType<typeof takeAll>>;
    try {
      // The poll that found it may be in the middle of a batch.
      await gateway.tools.yieldNow();
      const path = new SharePath(this.share.share, gateway.fsOption);
      done = await takeAll(taking, path, this.maxBytes, gateway, this.name);
    } catch (error) {
      this.reserve(-taking.bytes, -members.length);
      throw error;
    }
    if ('failure' in done) {
      this.reserve(-taking.bytes, -members.length);
      for (const { key, path } of members) known.unclaim(key, path);
      const { failure, at } = done;
      const pass: Pass = { batch: new OpenBatch(gateway.spool), round: this.besideRound, counts: noCounts() };
      if (consignment) consignments.changing(consignment.rawPath);
      const isMoment = failure.code === 'INTAKE_UNSTABLE' || failure.code === 'INTAKE_VANISHED';
      if (failure.code === 'SPOOL_IO') pass.round.spoolTrouble(failure);
      // Not at every poll anew: a large file would be copied in vain again and again.
      if (!consignment && failure.code === 'SPOOL_IO') this.hold(at.rawPath, at.identity, failure, pass);
      else if (!consignment) this.failed(failure, at, pass);
      // A member that turns out to be a link is met as one by the next walk, which then refuses all.
      else if (!isMoment && ERRORS[failure.code].persistence === 'retryable') {
        const detail = `"${consignment.root}" travels as a unit and waits for this file. ${failure.detail}`;
        this.hold(at.rawPath, at.identity, { code: failure.code, detail }, pass);
      }
      await this.deliver(pass);
      return;
    }
    const { taken } = done;
    const whole = consignment
      ? [{ id: consignment.id, root: consignment.root, objects: taken.length, bytes: taking.bytes }]
      : [];
    try {
      await gateway.tools.onBatch({ tenant: this.name, taken, refused: [], held: [], consignments: whole, gone: [] });
    } catch (error) {
      // What lies in the spool stays there: the batch may have been recorded all the same.
      for (const { key, path } of members) known.unclaim(key, path);
      throw error;
    } finally {
      gateway.room.recorded(taking.bytes, members.length);
      this.room.recorded(taking.bytes, members.length);
    }
    for (const { key, identity, path } of members) {
      known.taken(key, identity, path);
      stability.forget(key);
    }
    if (consignment) consignments.taken(consignment.rawPath);
  }

  private throwFromBeside(): void {
    const error = this.besideError;
    this.besideError = undefined;
    if (error !== undefined) throw error;
  }

  // ------------------------------------------------------------ handing over

  /** Nobody has heard of this batch: the next poll meets everything in it as new. */
  private unlearn(batch: OpenBatch): void {
    for (const { rawPath, path } of batch.taken) this.known.unclaim(keyOf(rawPath), path);
    for (const { rawPath } of [...batch.refused, ...batch.held]) this.known.forget(keyOf(rawPath));
  }

  /** Hands over what is durable, and only then remembers it. */
  private async deliver(pass: Pass): Promise<void> {
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

  private newConsignments(): Consignments {
    return new Consignments(this.known, this.incomplete, this.gateway.config.holdMs);
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

/** Steps before the others are let in, when none of them needs anything; and bytes of one batch of small files. */
const TURN_STEPS = 4_096;
const TURN_BYTES = 16 * 1024 * 1024;
/** Messages are let in after so many steps. */
const YIELD_EFFORT = 256;
/** Files that are named as waiting for the quota. */
const OVER_QUOTA_SAID = 16;

const newConsignmentId = (): string => randomBytes(16).toString('hex');

/** Stands for the folder itself: it has no size or time that counts. */
function folderIdentity({ directory }: ConsignmentStep): Identity {
  return { ...directory.id, sizeBytes: 0, mtimeNs: 0n, ctimeNs: 0n };
}

function amount(bytes: number, objects: number): string {
  return objects === 1 ? formatSize(bytes) : `${objects} files with ${formatSize(bytes)}`;
}

function quotaWords({ bytes, objects }: Quota): string {
  const parts = [];
  if (Number.isFinite(bytes)) parts.push(formatSize(bytes));
  if (Number.isFinite(objects)) parts.push(objects === 1 ? '1 file' : `${objects} files`);
  return parts.join(' and ');
}
