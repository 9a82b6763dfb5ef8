/**
 * The work of the low side's queue stages. Jobs carry identifiers; what is to be done stands in the ledger, so every
 * stage may run twice for the same identifiers and does nothing the second time.
 *
 *   scan {transfers} --> seal {transfers} --> send {payload}
 *            \--all members passed--> seal {consignment}
 */
import { join } from 'node:path';
import { codeOf, type ErrorCode, SluiceError, wordsOf } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { writeDurablySoon } from '../../shared/ops/files/durableFiles.js';
import type { Child } from '../../shared/ops/processes/children.js';
import type { RunningJob, Stage, StageJob } from '../../shared/ops/queues/store.js';
import type { Coding, ObjectId, TransferId } from '../../shared/wire/statements.js';
import type { Verdict } from '../../shared/wire/verdict.js';
import type { LowConsignment } from '../ledger/consignments.js';
import type { LowLedger, LowObject } from '../ledger/ledger.js';
import { newObjectId } from '../ledger/ledger.js';
import type { Policy } from '../scan/policy.js';
import type { Scanner } from '../scan/scanner.js';
import type { SealerProtocol } from '../seal/messages.js';
import { type BundleLimits, codingOf, groupIntoPayloads } from '../seal/payloadPlan.js';
import type { SenderProtocol, SendOrder, SpoolRange } from '../send/orders.js';
import { ConsignmentGate } from './consignmentGate.js';
import type { Quarantine } from './quarantine.js';
import { SendLines } from './sendLines.js';

export interface TransfersJob {
  transfers: TransferId[];
}
export interface PayloadJob {
  payload: ObjectId;
}
export interface ConsignmentJob {
  consignment: string;
}
/** Seals what is named, all members of a consignment, and payloads that were begun before a restart. */
export type SealJob = TransfersJob | ConsignmentJob | PayloadJob;

export interface TenantRules {
  label: string;
  policy: Policy;
}

export interface StageTools {
  ledger: LowLedger;
  scanner: Scanner;
  sealer: Child<SealerProtocol>;
  sender: Child<SenderProtocol>;
  quarantine: Quarantine;
  /** Folder of snapshots, and of envelopes. */
  objectsDir: string;
  envelopesDir: string;
  rules: ReadonlyMap<string, TenantRules>;
  coding: { symbolBytes: number; blockSymbols: number };
  bundles: BundleLimits;
  now: () => number;
  /** Tells whoever watches what has become of these objects. */
  changed: (transfers: readonly TransferId[]) => void;
  sent: (objects: readonly LowObject[]) => void;
  alarm: (code: string, words: string) => void;
}

/** What a job says of itself while it runs. */
type JobNotes = Pick<RunningJob, 'progress' | 'log'>;

/** What becomes of a scanned object. */
type Decision = { passed: Verdict } | { state: 'refused' | 'held'; code: ErrorCode; detail: string };

/** Bytes and objects of one scan job: many small files at once, but a large one does not wait for a hundred others. */
const JOB_MAX_OBJECTS = 256;
/** Payloads that are numbered and recorded together; a seal job has no more of them, for others wait behind it. */
const SEALED_TOGETHER = 16;

export class LowStages {
  private seal!: Stage<SealJob>;
  private send!: Stage<PayloadJob>;
  private scan!: Stage<TransfersJob>;

  private readonly sendLines = new SendLines(
    LIMITS.sendingOfTenant,
    (payload) => this.send.add([this.jobOfPayload(payload)]),
    (error) => this.tools.alarm(codeOf(error), wordsOf(error)),
  );
  /** Payloads that the sender has, and their jobs. */
  private readonly sending = new Map<ObjectId, JobNotes>();
  /** Transfers and payloads that a seal job works on: two jobs may name the same ones. */
  private readonly sealing = new Set<TransferId>();
  private readonly sealingPayloads = new Map<ObjectId, Promise<void>>();
  /** Decides when the members of consignments may be sealed. */
  readonly gate: ConsignmentGate;

  constructor(private readonly tools: StageTools) {
    const { ledger, quarantine, changed } = tools;
    this.gate = new ConsignmentGate({ ledger, quarantine, changed, seal: (one) => this.enqueueConsignment(one) });
  }

  use(stages: { scan: Stage<TransfersJob>; seal: Stage<SealJob>; send: Stage<PayloadJob> }): void {
    this.scan = stages.scan;
    this.seal = stages.seal;
    this.send = stages.send;
  }

  // ------------------------------------------------------------ putting work into the queues

  async enqueueScan(transfers: readonly TransferId[]): Promise<void> {
    await this.scan.add(this.jobs(transfers));
  }
  async enqueueSeal(transfers: readonly TransferId[]): Promise<void> {
    const { ledger, bundles } = this.tools;
    const large = ledger.objects(transfers).filter(({ sizeBytes }) => sizeBytes > bundles.bundleMaxFileBytes);
    const single = new Set(large.map(({ transfer }) => transfer));
    const bundled = transfers.filter((transfer) => !single.has(transfer));
    await this.seal.add([...this.jobs(bundled), ...this.jobs([...single], SEALED_TOGETHER)]);
  }
  private async enqueueConsignment({ id, tenant, root, objects }: LowConsignment): Promise<void> {
    if (this.tools.ledger.deadLetters.has('seal', id)) return;
    const title = `${tenant}: ${root}/ (consignment of ${objects})`;
    await this.seal.add([{ key: id, title, tenant, data: { consignment: id } }]);
  }
  async enqueueSealing(payload: ObjectId): Promise<void> {
    await this.seal.add([this.jobOfPayload(payload)]);
  }
  async enqueueSend(payload: ObjectId): Promise<void> {
    await this.sendLines.put(this.tools.ledger.payload(payload)?.tenant ?? '', payload);
  }

  private jobs(transfers: readonly TransferId[], most = JOB_MAX_OBJECTS): StageJob<TransfersJob>[] {
    const jobs = [];
    for (let first = 0; first < transfers.length; first += most) {
      const some = transfers.slice(first, first + most);
      jobs.push({ key: some[0]!, ...this.describe(some), data: { transfers: some } });
    }
    return jobs;
  }

  /** What an operator recognises, and whose it is. */
  private describe(transfers: readonly TransferId[]): { title: string; tenant?: string } {
    const first = this.tools.ledger.object(transfers[0]!);
    const more = transfers.length > 1 ? ` and ${transfers.length - 1} more` : '';
    if (!first) return { title: transfers[0] ?? 'nothing' };
    const consignment = first.consignment ? this.tools.ledger.consignments.get(first.consignment) : undefined;
    const of = consignment ? ` (consignment ${consignment.root}/)` : '';
    return { title: `${first.tenant}: ${first.path}${more}${of}`, tenant: first.tenant };
  }

  private jobOfPayload(payload: ObjectId): StageJob<PayloadJob> {
    const transfers = this.tools.ledger.objectsOfPayload(payload).map(({ transfer }) => transfer);
    return { key: payload, ...this.describe(transfers), data: { payload } };
  }

  // ------------------------------------------------------------ scan

  async runScan({ transfers }: TransfersJob, job?: JobNotes): Promise<void> {
    const { ledger, scanner } = this.tools;
    const objects = this.objects(transfers).filter(
      ({ state, verdict, payload }) => (state === 'taken' || state === 'held') && verdict === null && payload === null,
    );
    if (objects.length === 0) return this.enqueuePassed(transfers);
    const results = await scanner.scan(
      objects.map((object) => ({
        file: join(this.tools.objectsDir, object.spoolFile),
        offset: object.spoolOffset,
        size: object.sizeBytes,
        sha256: object.sha256,
        name: object.path,
        tenant: object.tenant,
      })),
    );
    // Before the transaction: writing into the quarantine may take its time, and what cannot be kept is not refused yet.
    const decisions = objects.map((object, i) => this.decide(object, results[i]!));
    await ledger.commits.do(() => {
      // While they were scanned, somebody may have given some up.
      const states = ledger.states(objects.map(({ transfer }) => transfer));
      const passed: { transfer: TransferId; verdict: Verdict }[] = [];
      objects.forEach(({ transfer }, i) => {
        const decision = decisions[i]!;
        if (states.get(transfer) === 'refused') return;
        if ('passed' in decision) passed.push({ transfer, verdict: decision.passed });
        else if (decision.state === 'held') ledger.setState(transfer, 'held', decision.code, decision.detail);
        else ledger.refuse(transfer, results[i]!.findings, decision.code, decision.detail);
      });
      ledger.setVerdicts(passed);
    });
    this.tools.changed(objects.map(({ transfer }) => transfer));
    noteDecisions(objects, decisions, job);
    await this.enqueuePassed(transfers);
    // Held objects are tried again with the job: those decided on are skipped then.
    const held = decisions.flatMap((decision) =>
      'code' in decision && decision.state === 'held' ? [decision.code] : [],
    );
    if (held.length > 0) throw new SluiceError(held[0]!, `${held.length} objects wait for it.`);
  }

  private decide(object: LowObject, verdict: Verdict): Decision {
    if (verdict.verdict === 'pass') return { passed: verdict };
    const finding = verdict.findings.find((found) => found.code.startsWith('SCAN_')) ?? verdict.findings[0];
    const detail = finding?.detail ?? '';
    if (!this.tools.rules.has(object.tenant))
      return { state: 'held', code: 'TENANT_REMOVED', detail: removed(object.tenant) };
    if (verdict.verdict !== 'refuse') return { state: 'held', code: 'SCAN_UNAVAILABLE', detail };
    const code = (finding?.code ?? 'SCAN_CRASHED') as ErrorCode;
    try {
      this.tools.quarantine.keep(object, code, detail);
      return { state: 'refused', code, detail };
    } catch (error) {
      const held = error instanceof SluiceError ? error.code : 'SPOOL_IO';
      return { state: 'held', code: held, detail: `It cannot be put into quarantine: ${wordsOf(error)}` };
    }
  }

  /** What has passed goes on, members of a consignment once all of them have. */
  async enqueuePassed(transfers: readonly TransferId[]): Promise<void> {
    const objects = this.objects(transfers);
    const passed = objects.filter(
      ({ verdict, payload, state, consignment }) => verdict && !payload && state === 'taken' && !consignment,
    );
    if (passed.length > 0) await this.enqueueSeal(passed.map(({ transfer }) => transfer));
    await this.gate.settle(objects.flatMap(({ consignment }) => consignment ?? []));
  }

  // ------------------------------------------------------------ seal

  async runSeal(job: SealJob): Promise<void> {
    if ('payload' in job) return this.sealOrGiveBack(job.payload);
    if ('consignment' in job) return this.sealConsignment(job.consignment);
    const { ledger, bundles, rules } = this.tools;
    const objects = this.objects(job.transfers);
    this.holdRemoved(objects);
    const ready = objects.filter(
      ({ state, verdict, payload, consignment, transfer, tenant }) =>
        state === 'taken' &&
        rules.has(tenant) &&
        verdict !== null &&
        payload === null &&
        consignment === null &&
        !this.sealing.has(transfer),
    );
    for (const { transfer } of ready) this.sealing.add(transfer);
    try {
      const groups = groupIntoPayloads(ready, bundles);
      for (let first = 0; first < groups.length; first += SEALED_TOGETHER) {
        await this.sealGroups(groups.slice(first, first + SEALED_TOGETHER));
      }
    } finally {
      for (const { transfer } of ready) this.sealing.delete(transfer);
    }
    // Payloads of an earlier run of this job whose sealing failed.
    const begun = new Set(objects.map(({ payload }) => payload));
    for (const payload of begun)
      if (payload && ledger.payload(payload)?.state === 'sealing') await this.sealOrGiveBack(payload);
  }

  private async sealGroups(groups: readonly LowObject[][]): Promise<void> {
    const codings: Coding[] = [];
    for (const group of groups) codings.push(await this.codingOf(group));
    await this.tools.ledger.commits.do(() => {
      groups.forEach((group, i) => {
        // While its bytes were hashed, somebody may have given it up.
        const states = this.tools.ledger.states(group.map(({ transfer }) => transfer));
        if ([...states.values()].every((state) => state === 'taken')) this.addPayload(codings[i]!, group);
      });
    });
    const ends = await Promise.allSettled(codings.map(({ object }) => this.sealOrGiveBack(object)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** All payloads get their numbers at once: those of the members follow each other, and envelopes say so. */
  private async sealConsignment(id: string): Promise<void> {
    const { ledger, bundles } = this.tools;
    const { consignments } = ledger;
    const { state, tenant = '' } = consignments.get(id) ?? {};
    if (state !== 'sealing') return;
    // Before it has numbers: a tenant that is gone may be gone for good.
    this.rulesOf(tenant);
    if (consignments.payloads(id).length === 0) {
      const groups = groupIntoPayloads(this.objects(consignments.members(id)), bundles);
      const codings: Coding[] = [];
      for (const group of groups) codings.push(await this.codingOf(group));
      ledger.transaction(() => {
        // Another job may have been here while the bytes were hashed.
        if (consignments.payloads(id).length > 0 || consignments.get(id)?.state !== 'sealing') return;
        consignments.setFirstSequence(id, ledger.sequenceLast() + 1);
        groups.forEach((group, i) => {
          this.addPayload(codings[i]!, group);
        });
      });
    }
    for (const { object, state } of consignments.payloads(id))
      if (state === 'sealing') await this.sealOrGiveBack(object);
  }

  private async codingOf(group: readonly LowObject[]): Promise<Coding> {
    const object = newObjectId();
    return this.knownCoding(object, group) ?? (await codingOf(object, this.ranges(group), this.tools.coding));
  }

  private addPayload(coding: Coding, group: readonly LowObject[]): void {
    let offset = 0;
    const members = group.map(({ transfer, sizeBytes }) => {
      const member = { transfer, offset };
      offset += sizeBytes;
      return member;
    });
    this.tools.ledger.addPayload(group[0]!.tenant, coding, members);
  }

  /** What was taken for a tenant that is gone since then waits for it, under whatever policy it then has. */
  private holdRemoved(objects: readonly LowObject[]): void {
    const { ledger, rules } = this.tools;
    const homeless = objects.filter(
      ({ state, payload, consignment, tenant }) =>
        state === 'taken' && payload === null && consignment === null && !rules.has(tenant),
    );
    if (homeless.length === 0) return;
    ledger.transaction(() => {
      for (const { transfer, tenant } of homeless) ledger.holdForScan(transfer, 'TENANT_REMOVED', removed(tenant));
    });
    this.tools.changed(homeless.map(({ transfer }) => transfer));
  }

  /** A single object was hashed by blocks while it was taken: no second pass over its bytes. */
  private knownCoding(object: ObjectId, group: readonly LowObject[]): Coding | undefined {
    const [only] = group;
    const { symbolBytes, blockSymbols } = this.tools.coding;
    if (group.length !== 1 || !only) return undefined;
    const blocks = Math.ceil(Math.ceil(only.sizeBytes / symbolBytes) / blockSymbols);
    const blockDigests = this.tools.ledger.blockDigests(only.transfer);
    if (blockDigests.length !== blocks * 32) return undefined;
    return { object, lengthBytes: only.sizeBytes, symbolBytes, blockSymbols, blockDigests };
  }

  /**
   * What the sealer refuses for good must not stop the position of the link: its numbers become void, and its objects are
   * held and scanned anew.
   */
  private sealOrGiveBack(object: ObjectId): Promise<void> {
    const running = this.sealingPayloads.get(object);
    if (running) return running;
    const mine = this.sealAlone(object).finally(() => this.sealingPayloads.delete(object));
    this.sealingPayloads.set(object, mine);
    return mine;
  }

  /** Resolves when no payload of a tenant is with the sealer; of one that is not served none begins after that. */
  async sealingEnds(tenant: string): Promise<void> {
    const isOfTenant = (object: ObjectId) => this.tools.ledger.payload(object)?.tenant === tenant;
    for (;;) {
      const running = [...this.sealingPayloads].filter(([object]) => isOfTenant(object)).map(([, end]) => end);
      if (running.length === 0) return;
      await Promise.allSettled(running);
    }
  }

  private async sealAlone(object: ObjectId): Promise<void> {
    const { ledger } = this.tools;
    try {
      await this.sealPayload(object);
    } catch (error) {
      // A tenant that is gone may be gone for good.
      const givesUp =
        error instanceof SluiceError && (error.persistence === 'permanent' || error.code === 'TENANT_REMOVED');
      if (!givesUp) throw error;
      const transfers = ledger.dropPayload(object);
      for (const transfer of transfers) ledger.holdForScan(transfer, error.code, error.detail);
      this.tools.changed(transfers);
      this.tools.alarm(error.code, error.detail);
    }
  }

  private async sealPayload(object: ObjectId): Promise<void> {
    const { ledger } = this.tools;
    const payload = ledger.payload(object);
    if (payload?.state !== 'sealing') return;
    const members = ledger.objectsOfPayload(object);
    const id = members[0]?.consignment;
    const consignment = id ? ledger.consignments.signed(id) : undefined;
    const envelope = await this.tools.sealer.ask('seal', {
      history: ledger.history,
      coding: payload.coding,
      entries: members.map((member) => ({
        manifest: {
          transfer: member.transfer,
          sequence: member.sequence!,
          tenant: member.tenant,
          path: member.rawPath,
          offset: member.payloadOffset,
          sizeBytes: member.sizeBytes,
          mtimeNs: member.mtimeNs,
          sha256: member.sha256,
          type: member.verdict!.type,
          label: this.rulesOf(member.tenant).label,
          submitter: member.tenant,
          consignment: '',
        },
        verdict: member.verdict!,
      })),
      sealedMs: this.tools.now(),
      ...(consignment ? { consignment } : {}),
    });
    await writeDurablySoon(this.envelopeFile(envelope.object), envelope.bytes);
    await ledger.commits.do(() => ledger.payloadSealed(object, envelope.object));
    this.tools.changed(members.map(({ transfer }) => transfer));
    if (!id) return this.enqueueSend(object);
    if (!ledger.consignments.isSealed(id)) return;
    for (const payload of ledger.consignments.payloads(id)) await this.enqueueSend(payload.object);
  }

  private envelopeFile(object: ObjectId): string {
    return join(this.tools.envelopesDir, `${object}.envelope`);
  }

  // ------------------------------------------------------------ send

  async runSend({ payload }: PayloadJob, job: JobNotes): Promise<void> {
    // The same job may be in the queue twice; a payload is sent once at a time.
    if (this.sending.has(payload)) return;
    this.sending.set(payload, job);
    try {
      await this.sendPayload(payload, job);
      this.leftSending(payload);
    } catch (error) {
      // What may pass is tried again by the stage itself, and keeps its place there.
      if (error instanceof SluiceError && error.persistence === 'permanent') this.leftSending(payload);
      throw error;
    } finally {
      this.sending.delete(payload);
    }
  }

  private leftSending(payload: ObjectId): void {
    this.sendLines.left(this.tools.ledger.payload(payload)?.tenant ?? '', payload);
  }

  /** How far the sender has come with a payload; 0 when its turn has come. */
  sendProgress(payload: ObjectId, fraction: number): void {
    const job = this.sending.get(payload);
    if (fraction === 0) job?.log('Its turn on the link has come.');
    job?.progress(fraction * 100);
  }

  private async sendPayload(object: ObjectId, job: JobNotes): Promise<void> {
    const { ledger, sender } = this.tools;
    const payload = ledger.payload(object);
    if (payload?.state !== 'sealed') return;
    const members = ledger.objectsOfPayload(object);
    const consignment = members[0]?.consignment;
    if (consignment && !ledger.consignments.isSealed(consignment)) return;
    const order: SendOrder = {
      object,
      tenant: payload.tenant,
      lengthBytes: payload.coding.lengthBytes,
      ranges: this.ranges(members),
      envelope: payload.envelope!,
      envelopeFile: this.envelopeFile(payload.envelope!),
      repairFirst: payload.repairNext,
      envelopePass: payload.envelopePass,
    };
    await ledger.commits.do(() => ledger.setStateOfPayload(object, 'sending'));
    const transfers = members.map(({ transfer }) => transfer);
    this.tools.changed(transfers);
    job.log('Handed to the sender; it waits for its turn on the link.');
    const report = await sender.ask('send', order, Number.POSITIVE_INFINITY);
    job.log('All its frames have left. Nobody on this side can know whether they arrived.');
    job.progress(100);
    await ledger.commits.do(() => ledger.payloadSent(object, report.repairNext, report.envelopePassNext));
    this.tools.changed(transfers);
    // The originals of a consignment are dealt with when all of it has been sent.
    if (!consignment) return this.tools.sent(members);
    this.tools.sent(
      ledger.consignments.sent(consignment) ? this.objects(ledger.consignments.members(consignment)) : [],
    );
  }

  // ------------------------------------------------------------ parts

  private rulesOf(tenant: string): TenantRules {
    const rules = this.tools.rules.get(tenant);
    if (!rules) throw new SluiceError('TENANT_REMOVED', removed(tenant));
    return rules;
  }

  private objects(transfers: readonly TransferId[]): LowObject[] {
    return this.tools.ledger.objects(transfers);
  }

  /** Where the bytes of a payload lie; neighbours in one spool file become one range. */
  private ranges(members: readonly LowObject[]): SpoolRange[] {
    const ranges: SpoolRange[] = [];
    for (const { spoolFile, spoolOffset, sizeBytes } of members) {
      if (sizeBytes === 0) continue;
      const file = join(this.tools.objectsDir, spoolFile);
      const last = ranges.at(-1);
      if (last && last.file === file && last.offset + last.sizeBytes === spoolOffset) last.sizeBytes += sizeBytes;
      else ranges.push({ file, offset: spoolOffset, sizeBytes });
    }
    return ranges;
  }
}

const removed = (tenant: string): string => `The tenant "${tenant}" is not in the configuration.`;

/** Limits of bundles that follow from the configuration. */
export function bundleLimits(link: { bundleMaxFile: number; bundleSize: number }): BundleLimits {
  return {
    bundleMaxFileBytes: link.bundleMaxFile,
    bundleBytes: link.bundleSize,
    bundleMaxObjects: Math.min(LIMITS.envelopeMaxManifests, JOB_MAX_OBJECTS * 4),
  };
}

/** For whoever looks at the job on a board: what passed, and what did not. */
function noteDecisions(objects: readonly LowObject[], decisions: readonly Decision[], job: JobNotes | undefined): void {
  if (!job) return;
  const passed = decisions.filter((decision) => 'passed' in decision).length;
  job.log(`${passed} of ${objects.length} objects passed.`);
  decisions.forEach((decision, i) => {
    if ('code' in decision) job.log(`${objects[i]!.path}: ${decision.state}, ${decision.code} ${decision.detail}`);
  });
  job.progress(100);
}
