/**
 * The work of the high side's queue stages. Jobs carry identifiers; what is to be done stands in spool and ledger, so
 * every stage may run twice and does nothing the second time.
 *
 *   envelope --> verify {envelope} --> assembly of its payload --> release {payload}
 *
 * A payload of a consignment waits in the last step until the others are there, see consignmentRelease.ts.
 */
import { readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fromHex } from '../../shared/core/bytes.js';
import { ERRORS, type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { Gate } from '../../shared/ops/operators/gate.js';
import type { Child } from '../../shared/ops/processes/children.js';
import type { RunningJob } from '../../shared/ops/queues/store.js';
import type { ObjectId } from '../../shared/wire/statements.js';
import type { Expectation } from '../assemble/messages.js';
import { because, type HighConsignment } from '../ledger/consignments.js';
import type { HighLedger, HighObject, HighPayload } from '../ledger/ledger.js';
import type { ReceiverProtocol } from '../receive/messages.js';
import type { ReleaseLanes } from '../release/lanes.js';
import type { ReleaseOrder, ReleaseResult } from '../release/messages.js';
import type { VerifiedConsignment, VerifiedManifests, VerifiedObject, VerifierProtocol } from '../verify/messages.js';
import { Admission } from './admission.js';
import { ConsignmentRelease } from './consignmentRelease.js';
import { tellObjections } from './objections.js';
import type { AssemblyRoom } from './room.js';
import { isDiskTrouble, StorageTroubles } from './storageTroubles.js';

export interface EnvelopeJob {
  envelope: ObjectId;
}
export interface PayloadJob {
  payload: ObjectId;
}

export interface StageTools {
  ledger: HighLedger;
  verifier: Child<VerifierProtocol>;
  releaser: Pick<ReleaseLanes, 'ask'>;
  receiver: Child<ReceiverProtocol>;
  envelopesDir: string;
  assemblyDir: string;
  quarantineDir: string;
  /** Storage folder of each tenant. */
  storages: ReadonlyMap<string, string>;
  room: AssemblyRoom;
  changed: (payload: ObjectId) => void;
  alarm: (code: string, words: string, about?: string) => void;
  /** The cause of an alarm is gone. */
  over: (code: string, about: string) => void;
  /** The envelope has been dealt with. */
  verified: (envelope: ObjectId) => void;
  /** Puts payloads into the release stage. */
  release: (payloads: readonly ObjectId[]) => void;
}

/** Objects released in one go: one round of fsync on their folders. Others' letters may go in between. */
const RELEASE_BATCH = 64;
/** Rejected without collecting a byte: there is no tenant to keep them for, or nothing they could be. */
const NOT_WORTH_COLLECTING: readonly string[] = ['VERIFY_TENANT_UNKNOWN', 'VERIFY_TOO_LARGE', 'MANIFEST_INVALID'];

const CONTRADICTION = {
  code: 'MANIFEST_INVALID',
  detail: 'Its digests contradict each other: that of the whole is not that of its blocks.',
};

const TOO_LARGE_HERE = {
  code: 'VERIFY_TOO_LARGE',
  detail: 'It is larger than what assembly.spoolMax and the quota leave to one tenant.',
};

export class HighStages {
  private readonly admission: Admission;
  /** Shut while the stage is paused: what runs rests between two batches. */
  readonly releaseGate = new Gate();
  private readonly releasing = new Set<ObjectId>();
  private readonly consignments: ConsignmentRelease;
  private readonly troubles: StorageTroubles;

  constructor(private readonly tools: StageTools) {
    const { ledger, room, receiver, releaser, storages, changed, alarm, over } = tools;
    this.admission = new Admission({
      ledger,
      room,
      alarm,
      over,
      expect: (payload) => receiver.tell('expect', this.expectation(payload)),
      evict: ({ object, envelope }) => receiver.tell('evict', { object, envelope }),
    });
    this.troubles = new StorageTroubles({ alarm, over });
    this.consignments = new ConsignmentRelease({
      ledger,
      releaser,
      changed,
      alarm,
      serves: (tenant) => storages.has(tenant),
      isStorage: ({ storageRoot, tenantFolder }) =>
        [...storages.values()].some((at) => dirname(at) === storageRoot && basename(at) === tenantFolder),
      rest: () => this.releaseGate.pass(),
      order: (...of) => this.order(...of),
      quarantine: (...of) => this.quarantine(...of),
      close: (payload) => this.close(payload),
    });
  }

  // ------------------------------------------------------------ verify

  async runVerify({ envelope }: EnvelopeJob, job?: Pick<RunningJob, 'log'>): Promise<void> {
    const { verifier, alarm } = this.tools;
    const bytes = this.readEnvelope(envelope);
    if (!bytes) return this.tools.verified(envelope);
    const answer = await verifier.ask('manifests', { object: envelope, bytes });
    job?.log(answer.ok ? whatIsIn(answer.value) : `Refused: ${answer.code} ${answer.detail}`);
    if (answer.ok) await this.admit(envelope, answer.value);
    else
      alarm(answer.code, `Envelope ${envelope}: ${ERRORS[answer.code as ErrorCode]?.meaning ?? ''} ${answer.detail}`);
    rmSync(this.envelopeFile(envelope), { force: true });
    this.tools.verified(envelope);
  }

  private async admit(envelope: ObjectId, manifests: VerifiedManifests): Promise<void> {
    const { ledger, receiver, alarm } = this.tools;
    const { object } = manifests.coding;
    const admission = await ledger.commits.do(() => ledger.admit(envelope, manifests));
    if (admission === 'conflict') {
      alarm('ENVELOPE_CONFLICT', `Envelope ${envelope} describes payload ${object}, or an object of it, differently.`);
      return;
    }
    if (admission === 'consignmentConflict') {
      const { id, root } = manifests.consignment!;
      alarm('CONSIGNMENT_CONFLICT', `Envelope ${envelope}, consignment ${id} ("${root}").`);
      return;
    }
    if (admission === 'over') {
      receiver.tell('forget', { object, remove: false });
      return;
    }
    const payload = ledger.payload(object)!;
    if (payload.state === 'closed' || payload.state === 'assembled') {
      receiver.tell('forget', { object, remove: false });
      return;
    }
    if (admission === 'new') {
      this.tools.changed(object);
      tellObjections(manifests.objects, alarm);
    }
    const tooLarge = manifests.consignment && this.judgeConsignment(manifests.consignment, manifests.objects);
    const worthless = manifests.objects.every(({ reject }) => reject && NOT_WORTH_COLLECTING.includes(reject.code));
    if (worthless || tooLarge || !this.tools.room.couldHold(this.admission.wantedBy(payload))) {
      this.quarantineUnseen(payload);
      return;
    }
    if (payload.isExpired) ledger.setExpired(object, false);
    this.admission.admit(payload);
  }

  /**
   * One member that may not be released, or no room for all of them at once, and none of them may. True when it will
   * never be larger than what could be held here.
   */
  private judgeConsignment(announced: VerifiedConsignment, members: readonly VerifiedObject[]): boolean {
    const { ledger, room } = this.tools;
    const { id, tenant, sizeBytes, objects } = announced;
    const rejected = members.find(({ reject }) => reject);
    const before = ledger.consignments.get(id)!.state;
    const fits = room.couldHold({ payload: '', tenant, lengthBytes: sizeBytes, objects });
    if (rejected) ledger.consignments.setQuarantined(id, because(rejected, rejected.reject!));
    else if (!fits) ledger.consignments.setQuarantined(id, TOO_LARGE_HERE);
    // Once, when it is decided: parts that come after that are asked about one by one, when they are assembled.
    if (before !== 'quarantined' && ledger.consignments.get(id)!.state === 'quarantined')
      this.tools.release(ledger.consignments.assembledPayloads(id));
    return !fits;
  }

  /** What had arrived of an incomplete payload has been kept for long enough. */
  expire(payload: HighPayload): void {
    this.tools.ledger.setExpired(payload.object, true);
    this.admission.giveUp(payload);
  }

  /** Takes room for a payload that is open since before a start; without it the payload waits. */
  takeRoom(payload: HighPayload): boolean {
    return this.admission.takeRoom(payload);
  }

  /** Payloads there was no room for, once there is. To be called now and then. */
  expectAgain(): void {
    this.admission.admitAgain();
  }

  /** Says again what is collected: what is complete is announced once more, in case the ledger could not take it then. */
  remind(): void {
    const { ledger, room, receiver } = this.tools;
    for (const state of ['assembling', 'incomplete'] as const) {
      for (const payload of ledger.payloadsIn(state))
        if (room.has(payload.object)) receiver.tell('expect', this.expectation(payload));
    }
  }

  /** What assembly is to make of a payload: of one that is a single object the digest of the whole is checked, too. */
  expectation({ object, coding }: HighPayload): Expectation {
    const [first, ...others] = this.tools.ledger.objectsOfPayload(object);
    const isWhole = first && others.length === 0 && first.sizeBytes === coding.lengthBytes;
    const sha256 = isWhole && coding.blockDigests.length > 32 ? fromHex(first.sha256) : undefined;
    return { ...coding, ...(sha256 ? { sha256 } : {}) };
  }

  /** All blocks of a payload are there. With a contradiction between its signed digests nothing of it may be released. */
  recordAssembled(payload: HighPayload, contradicts: boolean): void {
    const { ledger } = this.tools;
    ledger.transaction(() => {
      ledger.setPayload(payload.object, 'assembled', 'verifying');
      if (!contradicts) return;
      for (const object of ledger.objectsOfPayload(payload.object)) {
        ledger.reject(object.transfer, CONTRADICTION);
        if (payload.consignment)
          ledger.consignments.setQuarantined(payload.consignment, because(object, CONTRADICTION));
      }
    });
  }

  /**
   * Gives up all that waits for a tenant that is not served any more, because an operator decided so: what is there goes
   * into the quarantine, by way of the release stage, and what is still to come is not collected.
   * @returns how many objects
   */
  giveUp(tenant: string): number {
    const { ledger, room, release } = this.tools;
    const why = { code: 'TENANT_GIVEN_UP', detail: `The tenant "${tenant}" is not in the configuration.` };
    const { assembled, open, objects } = ledger.transaction(() => ledger.giveUp(tenant, why));
    for (const payload of open) {
      room.give(payload.object);
      this.quarantineUnseen(payload, why);
    }
    release(assembled);
    return objects;
  }

  private quarantineUnseen({ object }: HighPayload, otherwise = TOO_LARGE_HERE): void {
    const { ledger, receiver } = this.tools;
    ledger.transaction(() => {
      for (const { transfer, reject } of ledger.objectsOfPayload(object)) {
        const { code, detail } = reject ?? otherwise;
        ledger.setState(transfer, 'quarantined', code, detail);
      }
      ledger.closePayload(object);
    });
    this.tools.changed(object);
    receiver.tell('forget', { object, remove: true });
  }

  private readEnvelope(envelope: ObjectId): Uint8Array | undefined {
    try {
      return readFileSync(this.envelopeFile(envelope));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // Dealt with by an earlier run.
      throw new SluiceError('SPOOL_IO', 'An envelope cannot be read.', { cause });
    }
  }

  envelopeFile(envelope: ObjectId): string {
    return join(this.tools.envelopesDir, `${envelope}.envelope`);
  }

  /** The position of the link has passed a consignment that lacks members. */
  consignmentIncomplete(consignment: HighConsignment): void {
    this.consignments.incomplete(consignment);
  }

  /** Removes what was built of consignments out of sight and is of no use. At a start, and when tenants have changed. */
  tidy(): Promise<void> {
    return this.consignments.tidy();
  }

  // ------------------------------------------------------------ release

  async runRelease(job: PayloadJob): Promise<void> {
    // The same job may be in the queue twice; two releases of one payload must not run side by side.
    if (this.releasing.has(job.payload)) return;
    this.releasing.add(job.payload);
    try {
      await this.releasePayload(job.payload);
      this.troubles.goesOn(job.payload);
    } catch (error) {
      if (isDiskTrouble(error)) this.holdBack(job.payload, error);
      throw error;
    } finally {
      this.releasing.delete(job.payload);
    }
  }

  /** It stays verified until the disk takes it, and says why. */
  private holdBack(payload: ObjectId, trouble: SluiceError): void {
    const { ledger } = this.tools;
    const waiting = ledger.objectsOfPayload(payload).filter(({ state }) => state === 'verifying');
    this.troubles.waits(payload, waiting[0]?.tenant ?? '', trouble);
    // A consignment waits as a whole, whichever of its payloads was asked about.
    if (ledger.payload(payload)?.consignment) return;
    const { code, detail } = trouble;
    const news = waiting.filter((one) => one.code !== code);
    if (news.length === 0) return;
    ledger.transaction(() => {
      for (const { transfer } of news) ledger.setState(transfer, 'verifying', code, detail);
    });
    this.tools.changed(payload);
  }

  private async releasePayload(object: ObjectId): Promise<void> {
    const { ledger, releaser } = this.tools;
    const payload = ledger.payload(object);
    if (payload?.state !== 'assembled') return;
    if (payload.consignment) return this.consignments.settle(payload.consignment);
    const objects = ledger.objectsOfPayload(object);
    const open = objects.filter(({ state }) => state === 'verifying');
    const waiting: ReleaseResult[] = [];
    await this.quarantine(
      payload,
      open.filter(({ reject }) => reject !== null),
      objects.length,
    );
    const accepted = open.filter(({ reject }) => reject === null);
    const wanted = accepted.filter(({ tenant }) => this.tools.storages.has(tenant));
    const homeless = accepted.filter((one) => !wanted.includes(one));
    for (let first = 0; first < wanted.length; first += RELEASE_BATCH) {
      if (this.releaseGate.isShut) await this.releaseGate.pass();
      waiting.push(...(await this.releaseSome(payload, wanted.slice(first, first + RELEASE_BATCH), objects.length)));
    }
    this.tools.changed(object);
    const [stuck] = waiting;
    if (stuck && !stuck.ok) throw new SluiceError(stuck.code as ErrorCode, stuck.detail);
    if (homeless.length > 0) this.holdRemoved(object, homeless);
    const released = ledger.objectsOfPayload(object).filter(({ state }) => state === 'released');
    await releaser.ask(
      'forget',
      released.map((one) => this.order(payload, one, objects.length)),
      Number.POSITIVE_INFINITY,
    );
    await this.close(object);
  }

  /** All its objects are decided: its bytes are not needed any more. */
  private async close(object: ObjectId): Promise<void> {
    const { ledger, room, receiver } = this.tools;
    await ledger.commits.do(() => ledger.closePayload(object));
    room.give(object);
    receiver.tell('forget', { object, remove: true });
  }

  /** What was verified for a tenant that is gone since then stays where it is, until the tenant is back. */
  private holdRemoved(payload: ObjectId, objects: readonly HighObject[]): never {
    const { ledger } = this.tools;
    const detail = `The tenant "${objects[0]!.tenant}" is not in the configuration.`;
    ledger.transaction(() => {
      for (const { transfer } of objects) ledger.setState(transfer, 'verifying', 'TENANT_REMOVED', detail);
    });
    this.tools.changed(payload);
    throw new SluiceError('TENANT_REMOVED', detail);
  }

  /** Answers what could not be released yet. */
  private async releaseSome(payload: HighPayload, objects: HighObject[], members: number): Promise<ReleaseResult[]> {
    const { ledger, releaser } = this.tools;
    const orders = objects.map((object) => this.order(payload, object, members));
    const results = await releaser.ask('release', orders, Number.POSITIVE_INFINITY);
    await ledger.commits.do(() => {
      ledger.setAllReleased(results.filter((result) => result.ok));
      for (const result of results) {
        if (!result.ok && !isPermanent(result.code))
          ledger.waiting.release(result.transfer, result.code, result.detail);
      }
    });
    const failed = results.filter((result) => !result.ok);
    const refused = failed.filter(({ code }) => isPermanent(code));
    const rejected = refused.map(({ transfer, code, detail }) => ({
      ...objects.find((object) => object.transfer === transfer)!,
      reject: { code, detail },
    }));
    await this.quarantine(payload, rejected, members);
    return failed.filter((result) => !refused.includes(result));
  }

  /** Keeps the bytes of rejected objects, then records why. */
  private async quarantine(payload: HighPayload, objects: readonly HighObject[], members: number): Promise<void> {
    if (objects.length === 0) return;
    const { ledger, releaser, quarantineDir } = this.tools;
    const orders = objects.map((object) => ({
      ...this.order(payload, object, members),
      quarantineDir,
      tenant: object.tenant,
      path: object.path,
      ...object.reject!,
    }));
    await releaser.ask('quarantine', orders, Number.POSITIVE_INFINITY);
    await ledger.commits.do(() => {
      for (const { transfer, reject } of objects)
        ledger.setState(transfer, 'quarantined', reject!.code, reject!.detail);
    });
  }

  private order(payload: HighPayload, object: HighObject, members: number): ReleaseOrder {
    const storage = this.tools.storages.get(object.tenant) ?? '';
    return {
      transfer: object.transfer,
      storageRoot: dirname(storage),
      tenantFolder: basename(storage),
      parts: object.parts,
      payloadFile: join(this.tools.assemblyDir, payload.object, 'data'),
      offset: object.offset,
      sizeBytes: object.sizeBytes,
      whole: members === 1,
      sha256: object.sha256,
      mtimeNs: object.mtimeNs,
    };
  }
}

const isPermanent = (code: string): boolean => ERRORS[code as ErrorCode]?.persistence === 'permanent';

/** For whoever looks at the job on a board: an envelope's id alone says nothing to a person. */
function whatIsIn({ coding, objects }: VerifiedManifests): string {
  const [first] = objects;
  const more = objects.length > 1 ? ` and ${objects.length - 1} more` : '';
  return `It describes payload ${coding.object}${first ? `, ${first.tenant}: ${first.path}${more}` : ''}.`;
}
