/** Taking folders that travel as a unit: all of their files, or none. */
import { randomBytes } from 'node:crypto';
import { ERRORS } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { formatSize } from '../../shared/core/units.js';
import { showName } from '../../shared/wire/names.js';
import type { Beside } from './beside.js';
import { type Consignments, setOf } from './consignments.js';
import { type Identity, identityOf } from './identity.js';
import type { IncompleteNames } from './incomplete.js';
import { keyOf } from './known.js';
import type { ConsignmentStep, Member, Refusal } from './share.js';
import type { Candidate, Pass, TenantDesk } from './tenantDesk.js';

export class Units {
  constructor(
    private readonly desk: TenantDesk,
    private readonly consignments: Consignments,
    private readonly incomplete: IncompleteNames,
    private readonly beside: Beside,
  ) {}

  /** Answers the effort it took. */
  meet(step: ConsignmentStep, pass: Pass): number {
    const { known, gateway } = this.desk;
    const { consignments } = this;
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
    if (this.beside.key === root) {
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
    const held = members.find(({ member, look }) => look === 'settled' && this.waits(keyOf(member.rawPath)));
    if (held) {
      counts.stable += members.length;
      if (known.heldBy(keyOf(held.member.rawPath)) === 'SPOOL_FULL') pass.round.wants(bytesOf(candidates));
      return effort;
    }
    this.takeTogether(step, candidates, pass);
    return effort;
  }

  /** For another try; not for the quota, which lets it go on at once. */
  private waits(key: string): boolean {
    const reason = this.desk.known.heldBy(key);
    return reason !== undefined && reason !== 'QUOTA_EXCEEDED';
  }

  /** All of them as something that can be taken; undefined when one cannot, and then all are refused. */
  private judgeTogether(
    step: ConsignmentStep,
    members: readonly { member: Member; identity: Identity }[],
    pass: Pass,
  ): Candidate[] | undefined {
    const { known } = this.desk;
    const { consignments } = this;
    const unit = { id: newConsignmentId(), root: showName(step.rawPath) };
    if (step.tooMany) {
      const identity = folderIdentity(step);
      const detail = `It holds more than ${LIMITS.consignmentMaxObjects} files.`;
      if (known.stateOf(keyOf(step.rawPath), identity) !== 'refused') {
        this.desk.refuse(step.rawPath, identity, { code: 'CONSIGNMENT_TOO_LARGE', detail }, pass, unit);
      }
      consignments.refused(step.rawPath);
      return undefined;
    }
    const candidates: Candidate[] = [];
    const faults = new Map<Member, Refusal>();
    for (const { member, identity } of members) {
      const candidate = this.desk.candidate(member, identity);
      if ('code' in candidate) {
        faults.set(member, candidate);
      } else {
        candidates.push(candidate);
        // Two members may have names that would be taken for one another.
        known.claim(candidate.key, candidate.path);
      }
    }
    for (const { key, path } of candidates) known.unclaim(key, path);
    const bytes = bytesOf(candidates);
    const tooMuch =
      faults.size === 0 ? (tooManyBytes(bytes) ?? this.desk.quotaTooSmall(bytes, candidates.length)) : undefined;
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
      this.desk.refuse(member.rawPath, identity, refusal, pass, unit);
    }
    return undefined;
  }

  private takeTogether(step: ConsignmentStep, members: Candidate[], pass: Pass): void {
    const { counts, round } = pass;
    const bytes = bytesOf(members);
    const largest = Math.max(...members.map(({ identity }) => identity.sizeBytes));
    if (this.desk.isHeldBack(round) || largest > round.limitBytes || this.beside.key !== undefined) {
      counts.stable += members.length;
      return;
    }
    const [first] = members as [Candidate];
    if (!this.desk.room.fits(bytes, members.length)) {
      this.desk.overQuota(first, bytes, members.length, pass);
      return;
    }
    if (!this.desk.gateway.room.fits(bytes)) {
      const left = formatSize(this.desk.gateway.room.leftBytes);
      const detail = `All of "${showName(step.rawPath)}" has ${formatSize(bytes)}; the spool has room for ${left}.`;
      round.wants(bytes);
      counts.stable += members.length;
      this.desk.hold(first.rawPath, first.identity, { code: 'SPOOL_FULL', detail }, pass);
      return;
    }
    const consignment = { id: newConsignmentId(), root: showName(step.rawPath) };
    const { rawPath } = step;
    const set = setOf(step);
    this.beside.take({ members, consignment: { ...consignment, rawPath, set }, bytes, key: keyOf(rawPath) });
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

const newConsignmentId = (): string => randomBytes(16).toString('hex');

/** Stands for the folder itself: it has no size or time that counts. */
function folderIdentity({ directory }: ConsignmentStep): Identity {
  return { ...directory.id, sizeBytes: 0, mtimeNs: 0n, ctimeNs: 0n };
}

function bytesOf(candidates: readonly Candidate[]): number {
  return candidates.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
}

function tooManyBytes(bytes: number): Refusal | undefined {
  if (bytes <= LIMITS.consignmentMaxBytes) return undefined;
  const most = formatSize(LIMITS.consignmentMaxBytes);
  return { code: 'CONSIGNMENT_TOO_LARGE', detail: `All of it has ${formatSize(bytes)}; ${most} may travel as one.` };
}
