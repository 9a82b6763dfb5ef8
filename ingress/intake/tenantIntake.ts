/**
 * Intake of one tenant: what its share holds, what is known of it, and what is taken next.
 *
 *   walk share ─▶ known and unchanged? ─▶ stable? ─▶ name, kind, size ─▶ quota, room ─▶ snapshot ─▶ batch ─▶ onBatch
 *
 * Tenants go on independently of each other. What is done at a stretch without letting the others in is short: some
 * thousand looks, or one batch of small files. Whatever takes longer (taking.ts) goes on beside the polls.
 */
import { SluiceError } from '../../shared/core/errors.js';
import { OpenBatch } from './batch.js';
import { Beside } from './beside.js';
import { Consignments } from './consignments.js';
import type { Gateway } from './gateway.js';
import { identityOf } from './identity.js';
import { IncompleteNames } from './incomplete.js';
import { keyOf, rawPathOf } from './known.js';
import { type Round, type ShareReport, Walk } from './round.js';
import type { EntryStep, FolderView } from './share.js';
import { takeSnapshot } from './snapshot.js';
import { type Pass, TenantDesk, type TenantShare } from './tenantDesk.js';
import { Units } from './units.js';

export class TenantIntake {
  readonly desk: TenantDesk;
  private readonly incomplete: IncompleteNames;
  private readonly consignments: Consignments;
  private readonly beside: Beside;
  private readonly units: Units;

  constructor(share: TenantShare, gateway: Gateway) {
    this.desk = new TenantDesk(share, gateway);
    const { incompleteSuffixes = ['.part'], holdMs, consignmentHoldMs = holdMs } = gateway.config;
    this.incomplete = new IncompleteNames(incompleteSuffixes);
    this.consignments = new Consignments(() => this.desk.known, this.incomplete, consignmentHoldMs);
    this.beside = new Beside(this.desk, this.consignments);
    this.units = new Units(this.desk, this.consignments, this.incomplete, this.beside);
  }

  /** Other limits or another share; what is known stays known. Acts from the next poll on. */
  change(share: TenantShare): void {
    const before = this.desk.share;
    this.desk.share = share;
    if (before.names !== share.names) this.desk.known = this.desk.known.under(share.names);
  }

  /** Resolves when nothing is being taken beside the polls. */
  idle(): Promise<void> {
    return this.beside.idle();
  }

  /** Walks the share once. */
  async poll(): Promise<ShareReport> {
    const { incomplete, consignments } = this;
    const { gateway, stability, known, name } = this.desk;
    this.beside.rethrow();
    const startMs = gateway.tools.clock.monotonicMs();
    const round = this.beside.nextRound();
    for (const part of [stability, incomplete, consignments]) part.begin();
    known.beginWalk();
    gateway.at(name);
    const options = {
      ...gateway.config,
      ...gateway.fsOption,
      isConsignment: (folder: FolderView) => {
        gateway.tools.metFolder?.(this.desk.share, folder.rawPath);
        return consignments.isConsignment(folder);
      },
    };
    const walk = new Walk(this.desk.share, options, round);
    try {
      while (!walk.done) {
        await this.turn(walk, round);
        await gateway.tools.yieldNow();
        gateway.at(name);
      }
    } finally {
      walk.close();
      gateway.at('');
    }
    if (walk.complete) {
      await this.tellGone(known.endWalk(walk.devices, gateway.tools.clock.monotonicMs()));
      stability.end();
      incomplete.end();
      consignments.end();
    }
    return round.report(walk.counts, gateway.tools.clock.monotonicMs() - startMs);
  }

  /** What was held and has been taken out of the share waits no longer. */
  private async tellGone(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const gone = keys.map(rawPathOf);
    const { onBatch } = this.desk.gateway.tools;
    await onBatch({ tenant: this.desk.name, taken: [], refused: [], held: [], consignments: [], gone });
  }

  /** Until a batch is full, the share is walked, or the others have waited long enough. */
  private async turn(walk: Walk, round: Round): Promise<void> {
    const { desk } = this;
    const { gateway, name } = desk;
    const { config, tools } = gateway;
    const pass: Pass = { batch: new OpenBatch(gateway.spool), round, counts: walk.counts };
    let effort = 0;
    try {
      for (let steps = 0; steps < TURN_STEPS; steps++) {
        // A batch that was begun is finished without a pause: all tenants write their packs through one buffer.
        if (pass.batch.isFull(config.batchMaxFiles, Math.min(config.batchMaxBytes, TURN_BYTES))) break;
        if (++effort >= YIELD_EFFORT && pass.batch.isEmpty) {
          effort = 0;
          await tools.yieldNow();
          gateway.at(name);
        }
        const step = walk.next();
        if (!step) break;
        if (step === 'other') continue;
        if (step.kind === 'entry') this.entry(step, pass);
        else if (step.kind === 'consignment') effort += this.units.meet(step, pass);
        else this.incompleteName(step, pass);
      }
    } catch (error) {
      pass.batch.giveUp();
      desk.giveBack(pass.batch);
      desk.unlearn(pass.batch);
      throw error;
    }
    await desk.deliver(pass);
  }

  private incompleteName({ rawPath, stat }: { rawPath: Buffer; stat: EntryStep['stat'] }, pass: Pass): void {
    pass.counts.incomplete++;
    this.incomplete.saw(rawPath, identityOf(stat));
  }

  // ------------------------------------------------------------ a file

  private entry(entry: EntryStep, pass: Pass): void {
    const { desk } = this;
    const { known, stability, gateway, room } = desk;
    const { counts, round } = pass;
    const key = keyOf(entry.rawPath);
    const identity = identityOf(entry.stat);
    const nowMs = gateway.tools.clock.monotonicMs();
    const look = known.look(key, identity, nowMs);
    if (this.beside.key === key) {
      counts.stable++;
      return;
    }
    if (look === 'settled') {
      const reason = known.heldBy(key);
      if (reason === 'SPOOL_FULL') round.wants(identity.sizeBytes);
      // What waits for the quota goes on at once when there is room; everything else that is held is tried now and then.
      if (reason !== 'QUOTA_EXCEEDED') return;
      counts.overQuota++;
      if (!room.fits(identity.sizeBytes)) return;
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
    const candidate = desk.candidate(entry, identity);
    if ('code' in candidate) {
      desk.refuse(entry.rawPath, identity, candidate, pass);
      return;
    }
    if (desk.isHeldBack(round) || identity.sizeBytes > round.limitBytes) {
      counts.stable++;
      return;
    }
    if (!room.fits(identity.sizeBytes)) {
      desk.overQuota(candidate, identity.sizeBytes, 1, pass);
      return;
    }
    if (!gateway.room.fits(identity.sizeBytes)) {
      desk.noRoom(candidate, pass);
      return;
    }
    if (identity.sizeBytes > gateway.config.inlineMaxFileBytes) {
      if (this.beside.key !== undefined) counts.stable++;
      else this.beside.take({ members: [candidate], consignment: undefined, bytes: identity.sizeBytes, key });
      return;
    }
    desk.reserve(identity.sizeBytes, 1);
    known.claim(key, candidate.path);
    try {
      gateway.at(desk.name);
      const options = { ...gateway.snapshotOptions, maxBytes: desk.maxBytes };
      const snapshot = takeSnapshot(entry.directory, entry.name, identity, pass.batch.place, options);
      const { path, parts, rawPath } = candidate;
      pass.batch.addTaken({ ...snapshot, path, parts, rawPath });
      stability.forget(key);
    } catch (error) {
      desk.reserve(-identity.sizeBytes, -1);
      known.unclaim(key, candidate.path);
      if (!(error instanceof SluiceError)) throw error;
      desk.failed(error, candidate, pass);
    }
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

/** Steps before the others are let in, when none of them needs anything; and bytes of one batch of small files. */
const TURN_STEPS = 4_096;
const TURN_BYTES = 16 * 1024 * 1024;
/** Messages are let in after so many steps. */
const YIELD_EFFORT = 256;
