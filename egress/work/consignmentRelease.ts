/**
 * Releases a consignment once all its members are there, as one folder in one step; or quarantines all of them. What is
 * decided stands in the ledger, so every step may be repeated, and is repeated after a crash.
 */
import { codeOf, ERRORS, type ErrorCode, SluiceError, wordsOf } from '../../shared/core/errors.js';
import type { ObjectId } from '../../shared/wire/statements.js';
import { because, type HighConsignment } from '../ledger/consignments.js';
import type { HighLedger, HighObject, HighPayload } from '../ledger/ledger.js';
import type { ReleaseLanes } from '../release/lanes.js';
import type { FolderOrder, ReleaseOrder } from '../release/messages.js';

export interface ConsignmentTools {
  ledger: HighLedger;
  releaser: Pick<ReleaseLanes, 'ask'>;
  /** Resolves while the stage is not paused. */
  rest: () => Promise<void>;
  /** Whether the tenant is in the configuration. */
  serves: (tenant: string) => boolean;
  /** Whether this is where the storage of a configured tenant is. */
  isStorage: (folder: FolderOrder) => boolean;
  order: (payload: HighPayload, object: HighObject, members: number) => ReleaseOrder;
  /** Keeps the bytes of rejected objects, then records why. */
  quarantine: (payload: HighPayload, objects: readonly HighObject[], members: number) => Promise<void>;
  /** All objects of this payload are decided. */
  close: (payload: ObjectId) => Promise<void>;
  changed: (payload: ObjectId) => void;
  alarm: (code: string, words: string) => void;
}

/** Members handed to the releasing process in one go. Others' letters may go in between. */
const MEMBERS_AT_ONCE = 64;

export class ConsignmentRelease {
  private readonly running = new Set<string>();

  constructor(private readonly tools: ConsignmentTools) {}

  /** To be called when a payload of it is assembled, or it was decided that none of it may be released. */
  async settle(id: string): Promise<void> {
    if (this.running.has(id)) return;
    this.running.add(id);
    try {
      await this.settleNow(id);
    } finally {
      this.running.delete(id);
    }
  }

  /**
   * Removes what was built of consignments that are decided, and could not be removed then: their tenant was gone, or its
   * storage. To be called at a start, and when the tenants have changed.
   */
  async tidy(): Promise<void> {
    const { ledger, alarm } = this.tools;
    for (const folder of ledger.consignments.leftBehind()) {
      if (this.running.has(folder.consignment)) continue;
      try {
        await this.remove(folder);
      } catch (error) {
        alarm(codeOf(error), `What was built of consignment ${folder.consignment} stays: ${wordsOf(error)}`);
      }
    }
  }

  /** Members that have arrived wait for a resend of the others. */
  incomplete(consignment: HighConsignment): void {
    const { consignments } = this.tools.ledger;
    const { id, objects, root } = consignment;
    consignments.setIncomplete(
      id,
      `${consignments.missing(consignment)} of the ${objects} files of "${root}" are missing.`,
    );
    this.changed(consignment);
  }

  private async settleNow(id: string): Promise<void> {
    const { consignments } = this.tools.ledger;
    let now = consignments.get(id)!;
    if (now.state === 'open' || now.state === 'incomplete') {
      if (!consignments.isWhole(now)) {
        // Asked anew whether it is incomplete, but only when there is news: its receipts would say one thing after another.
        if (now.state === 'incomplete' && consignments.hasNews(id)) consignments.setOpen(id);
        return;
      }
      consignments.setWhole(id);
      this.changed(now);
    }
    if (consignments.get(id)!.state === 'whole') await this.release(now);
    now = consignments.get(id)!;
    if (now.state === 'quarantined') await this.quarantine(now);
    else if (now.state === 'released') await this.finish(now);
  }

  // ------------------------------------------------------------ release

  private async release(consignment: HighConsignment): Promise<void> {
    const { ledger, releaser, rest } = this.tools;
    this.requireTenant(consignment);
    const members = this.members(consignment);
    const folder = folderOf(consignment, members[0]!.order);
    const sizeBytes = members.reduce((sum, { object }) => sum + object.sizeBytes, 0);
    if (sizeBytes !== consignment.sizeBytes) {
      return this.giveUp(consignment, new SluiceError('CONSIGNMENT_INVALID', 'The sizes of its files do not add up.'));
    }
    ledger.consignments.noteBuilding(folder);
    try {
      if (!(await releaser.ask('beginFolder', folder, FOR_EVER))) {
        for (let first = 0; first < members.length; first += MEMBERS_AT_ONCE) {
          await rest();
          if (!(await this.add(folder, members.slice(first, first + MEMBERS_AT_ONCE)))) return;
        }
      }
      const { publishedAs, isMissing } = await releaser.ask('publishFolder', folder, FOR_EVER);
      ledger.transaction(() => {
        for (const { object } of members) {
          const below = object.parts.slice(consignment.parts.length).join('/');
          ledger.setReleased(object.transfer, `${publishedAs}/${below}`);
        }
        ledger.consignments.setReleased(consignment.id);
      });
      if (isMissing) this.tellMissing(consignment);
    } catch (error) {
      if (!isPermanent(error)) {
        ledger.waiting.releaseOfConsignment(consignment.id, codeOf(error), wordsOf(error));
        throw error;
      }
      this.giveUp(consignment, error);
    }
  }

  private tellMissing({ id, tenant, root }: HighConsignment): void {
    this.tools.alarm('CONSIGNMENT_NOT_FOUND', `It is consignment ${id}, "${root}" of ${tenant}.`);
  }

  /** What was verified for a tenant that is gone since then stays where it is, until the tenant is back. */
  private requireTenant(consignment: HighConsignment): void {
    const { ledger, serves } = this.tools;
    if (serves(consignment.tenant)) return;
    const detail = `The tenant "${consignment.tenant}" is not in the configuration.`;
    ledger.consignments.setHomeless(consignment.id, { code: 'TENANT_REMOVED', detail });
    this.changed(consignment);
    throw new SluiceError('TENANT_REMOVED', detail);
  }

  /** False when one of them cannot be in the folder: then none of the consignment can be released. */
  private async add(folder: FolderOrder, members: readonly Member[]): Promise<boolean> {
    const { ledger, releaser } = this.tools;
    const orders = members.map(({ order }) => order);
    const failed = await releaser.ask('addToFolder', { folder, orders }, FOR_EVER);
    if (!failed) return true;
    const error = new SluiceError(failed.code as ErrorCode, failed.detail);
    // What has been built takes up the room that others wait for.
    await releaser.ask('forgetFolder', folder, FOR_EVER);
    if (!isPermanent(error)) throw error;
    const culprit = members.find(({ object }) => object.transfer === failed.transfer)!;
    ledger.transaction(() => {
      ledger.reject(failed.transfer, error);
      ledger.consignments.setQuarantined(folder.consignment, because(culprit.object, error));
    });
    return false;
  }

  private giveUp({ id }: HighConsignment, { code, detail }: SluiceError): void {
    this.tools.ledger.consignments.setQuarantined(id, { code, detail });
  }

  private async finish(consignment: HighConsignment): Promise<void> {
    await this.forget(consignment);
    this.changed(consignment);
    await Promise.all(this.assembled(consignment).map(({ object }) => this.tools.close(object)));
  }

  // ------------------------------------------------------------ quarantine

  private async quarantine(consignment: HighConsignment): Promise<void> {
    const { ledger, quarantine, close, changed } = this.tools;
    await this.forget(consignment);
    for (const payload of this.assembled(consignment)) {
      const objects = ledger.objectsOfPayload(payload.object);
      const open = objects.filter(({ state }) => state === 'verifying' || state === 'incomplete');
      for (let first = 0; first < open.length; first += MEMBERS_AT_ONCE) {
        const some = open.slice(first, first + MEMBERS_AT_ONCE);
        const rejected = some.map((object) => ({ ...object, reject: object.reject ?? consignment.reason! }));
        await quarantine(payload, rejected, objects.length);
      }
      changed(payload.object);
      await close(payload.object);
    }
  }

  // ------------------------------------------------------------ parts

  /** What cannot be removed where no tenant's storage is any more must not hold up the rest: tidy() tries again. */
  private async forget({ id }: HighConsignment): Promise<void> {
    for (const folder of this.tools.ledger.consignments.built(id)) {
      try {
        await this.remove(folder);
      } catch (error) {
        if (this.tools.isStorage(folder)) throw error;
      }
    }
  }

  private async remove(folder: FolderOrder): Promise<void> {
    const { ledger, releaser } = this.tools;
    await releaser.ask('forgetFolder', folder, FOR_EVER);
    ledger.consignments.setRemoved(folder);
  }

  private assembled({ id }: HighConsignment): HighPayload[] {
    const { ledger } = this.tools;
    return ledger.consignments.assembledPayloads(id).map((object) => ledger.payload(object)!);
  }

  private members(consignment: HighConsignment): Member[] {
    return this.assembled(consignment).flatMap((payload) => {
      const objects = this.tools.ledger.objectsOfPayload(payload.object);
      return objects.map((object) => ({ object, order: this.tools.order(payload, object, objects.length) }));
    });
  }

  private changed({ id }: HighConsignment): void {
    for (const payload of this.tools.ledger.consignments.payloads(id)) this.tools.changed(payload);
  }
}

// --- parts -----------------------------------------------------------------------------------------------------------

interface Member {
  object: HighObject;
  order: ReleaseOrder;
}

const FOR_EVER = Number.POSITIVE_INFINITY;

const isPermanent = (error: unknown): error is SluiceError =>
  error instanceof SluiceError && ERRORS[error.code].persistence === 'permanent';

function folderOf({ id, parts }: HighConsignment, { storageRoot, tenantFolder }: ReleaseOrder): FolderOrder {
  return { consignment: id, storageRoot, tenantFolder, parts };
}
