/**
 * The room for payloads in the spool of the high side: what has been let into assembly counts with its whole announced
 * length until it is closed, so that nothing the low side announces can fill the disk. What it has not written yet is
 * promised to it: two payloads are not let in on the same free bytes.
 *
 * A consignment takes room as a whole, with its first payload, and has it until the last of them has gone. Were each
 * payload to ask by itself, two halves of consignments could hold what the other one waits for, for ever.
 *
 * No tenant may use up another's room (FAULTS 60): half of all room is divided evenly among the tenants and kept for
 * each; the other half is for whoever comes first. Beside that, a tenant may have a quota of its own.
 */
import type { ObjectId } from '../../shared/wire/statements.js';
import type { SpoolDisk } from './spoolDisk.js';

export interface Quota {
  bytes?: number | undefined;
  objects?: number | undefined;
}

export interface RoomRules {
  /** Bytes and objects of all payloads together. */
  spoolMax: number;
  objectsMax: number;
  /** Bytes that stay free on the disk. */
  minFree: number;
  /** Asked again every time, so that a change counts at once. */
  tenants: () => readonly { name: string; quota: Quota }[];
}

/** A payload that wants room. */
export interface Wanted {
  payload: ObjectId;
  tenant: string;
  lengthBytes: number;
  objects: number;
  /** The consignment it is a part of: all of that is let in, or nothing. */
  consignment?: WantedConsignment | undefined;
}

export interface WantedConsignment {
  id: string;
  lengthBytes: number;
  objects: number;
  /** Those of its payloads that are known. */
  payloads: () => readonly ObjectId[];
}

/**
 * What stands against it, all of which may pass: there is too little room for anybody; the tenant's quota; what is kept
 * for the other tenants.
 */
export type Lack = 'room' | 'quota' | 'share';

interface Use {
  bytes: number;
  objects: number;
}

/** What takes room and gives it back together: a payload that stands for itself, or those of a consignment. */
interface Lot extends Readonly<Use> {
  readonly name: string;
  readonly tenant: string;
  readonly payloads: Set<ObjectId>;
}

export class AssemblyRoom {
  /** By name. */
  private readonly lots = new Map<string, Lot>();
  private readonly lotOf = new Map<ObjectId, Lot>();
  private readonly uses = new Map<string, Use>();
  private takenBytes = 0;
  private takenObjects = 0;
  /** Bytes of each lot that were not on the disk yet when it was last asked: what it will still take. */
  private readonly promised = new Map<Lot, number>();
  private promisedBytes = 0;

  constructor(
    private readonly rules: RoomRules,
    private readonly disk: SpoolDisk,
  ) {}

  /** Bytes that payloads have taken, all together. */
  get usedBytes(): number {
    return this.takenBytes;
  }

  /** Bytes and objects a tenant has here. */
  useOf(tenant: string): Readonly<Use> {
    return this.uses.get(tenant) ?? { bytes: 0, objects: 0 };
  }

  /** Whether this could ever be assembled here: alone, and with nothing of the others beside it. */
  couldHold(wanted: Wanted): boolean {
    const { spoolMax, objectsMax } = this.rules;
    const need = needOf(wanted);
    const others = Math.max(0, this.tenants().length - 1);
    const quota = this.quotaOf(wanted.tenant);
    const bytes = Math.min(spoolMax - others * this.keptBytes(), quota.bytes ?? Number.POSITIVE_INFINITY);
    const most = Math.min(objectsMax - others * this.keptObjects(), quota.objects ?? Number.POSITIVE_INFINITY);
    return need.bytes <= bytes && need.objects <= most;
  }

  has(payload: ObjectId): boolean {
    return this.lotOf.has(payload);
  }

  /** Takes room for a payload, or says what it lacks. Asking again for the same one is harmless. */
  take(wanted: Wanted): 'taken' | Lack {
    const { payload, tenant } = wanted;
    if (this.lotOf.has(payload)) return 'taken';
    const need = needOf(wanted);
    let lot = this.lots.get(need.name);
    if (!lot) {
      const lack = this.lackOf(wanted);
      if (lack) return lack;
      lot = { ...need, tenant, payloads: new Set([payload]) };
      this.lots.set(lot.name, lot);
      this.promise(lot);
      const use = this.useOf(tenant);
      this.uses.set(tenant, { bytes: use.bytes + lot.bytes, objects: use.objects + lot.objects });
      this.takenBytes += lot.bytes;
      this.takenObjects += lot.objects;
    }
    lot.payloads.add(payload);
    this.lotOf.set(payload, lot);
    return 'taken';
  }

  /** Bytes that must go before a payload gets what it lacks, whatever the disk says. */
  missingBytes(wanted: Wanted): number {
    const { tenant } = wanted;
    const { bytes } = needOf(wanted);
    const { spoolMax } = this.rules;
    const overQuota = this.useOf(tenant).bytes + bytes - (this.quotaOf(tenant).bytes ?? Number.POSITIVE_INFINITY);
    const overRoom = this.takenBytes + bytes + this.keptFromOthers(tenant).bytes - spoolMax;
    return Math.max(0, overQuota, overRoom);
  }

  /**
   * Whether a payload that is of no use now may lose its room, with all that share it, to another: one's own, or beyond
   * what is kept for its tenant.
   */
  mayLose(payload: ObjectId, to: Wanted, lack: Lack): boolean {
    const mine = this.lotOf.get(payload);
    if (!mine || mine.name === needOf(to).name) return false;
    if (mine.tenant === to.tenant) return true;
    return lack !== 'quota' && this.useOf(mine.tenant).bytes - mine.bytes >= this.keptBytes();
  }

  /** Payloads that have their room together with this one, and how much it is. */
  sharing(payload: ObjectId): { payloads: ReadonlySet<ObjectId>; bytes: number } {
    return this.lotOf.get(payload) ?? { payloads: new Set(), bytes: 0 };
  }

  give(payload: ObjectId): void {
    const lot = this.lotOf.get(payload);
    if (!lot) return;
    this.lotOf.delete(payload);
    lot.payloads.delete(payload);
    if (lot.payloads.size > 0) return;
    this.lots.delete(lot.name);
    this.promisedBytes -= this.promised.get(lot)!;
    this.promised.delete(lot);
    this.takenBytes -= lot.bytes;
    this.takenObjects -= lot.objects;
    const { bytes, objects } = this.useOf(lot.tenant);
    if (objects === lot.objects && bytes === lot.bytes) this.uses.delete(lot.tenant);
    else this.uses.set(lot.tenant, { bytes: bytes - lot.bytes, objects: objects - lot.objects });
  }

  private lackOf(wanted: Wanted): Lack | undefined {
    const { tenant } = wanted;
    const { bytes, objects } = needOf(wanted);
    const { spoolMax, objectsMax } = this.rules;
    const use = this.useOf(tenant);
    const quota = this.quotaOf(tenant);
    const within = (have: number, more: number, most?: number) => most === undefined || have + more <= most;
    if (!within(use.bytes, bytes, quota.bytes) || !within(use.objects, objects, quota.objects)) return 'quota';
    if (this.takenBytes + bytes > spoolMax || this.takenObjects + objects > objectsMax) return 'room';
    if (this.missingOnDiskBytes(wanted) > 0) return 'room';
    const kept = this.keptFromOthers(tenant);
    const bytesLeft = spoolMax - this.takenBytes - kept.bytes;
    const objectsLeft = objectsMax - this.takenObjects - kept.objects;
    return bytes > bytesLeft || objects > objectsLeft ? 'share' : undefined;
  }

  /**
   * Bytes the disk must gain before it holds this payload beside what was promised to the others and is not written yet
   * (FAULTS 49). What is on the disk of this one already, after a restart, it need not hold again.
   */
  missingOnDiskBytes(wanted: Wanted): number {
    const { bytes } = needOf(wanted);
    const room = this.disk.freeBytes() - this.rules.minFree;
    if (bytes + this.promisedBytes <= room) return 0;
    // Written meanwhile, or so it seems: looked at again only where it matters.
    for (const lot of this.lots.values()) this.promise(lot);
    const more = Math.max(0, bytes - this.writtenBytes(wanted.consignment?.payloads() ?? [wanted.payload]));
    return Math.max(0, more + this.promisedBytes - room);
  }

  /** Bytes the disk gains when a payload goes. */
  onDiskBytes(payload: ObjectId): number {
    return this.disk.writtenBytes(payload);
  }

  private promise(lot: Lot): void {
    const bytes = Math.max(0, lot.bytes - this.writtenBytes(lot.payloads));
    this.promisedBytes += bytes - (this.promised.get(lot) ?? 0);
    this.promised.set(lot, bytes);
  }

  private writtenBytes(payloads: Iterable<ObjectId>): number {
    let bytes = 0;
    for (const payload of payloads) bytes += this.disk.writtenBytes(payload);
    return bytes;
  }

  /** What is kept for the other tenants and not used by them yet. */
  private keptFromOthers(tenant: string): Use {
    const kept = { bytes: 0, objects: 0 };
    for (const { name } of this.tenants()) {
      if (name === tenant) continue;
      const use = this.useOf(name);
      kept.bytes += Math.max(0, this.keptBytes() - use.bytes);
      kept.objects += Math.max(0, this.keptObjects() - use.objects);
    }
    return kept;
  }

  private keptBytes(): number {
    return Math.floor(this.rules.spoolMax / (2 * Math.max(1, this.tenants().length)));
  }
  private keptObjects(): number {
    return Math.floor(this.rules.objectsMax / (2 * Math.max(1, this.tenants().length)));
  }

  private quotaOf(tenant: string): Quota {
    return this.tenants().find(({ name }) => name === tenant)?.quota ?? {};
  }
  private tenants(): readonly { name: string; quota: Quota }[] {
    return this.rules.tenants();
  }
}

/** What has to be taken before a payload is let in. */
function needOf({ payload, lengthBytes, objects, consignment }: Wanted): Use & { name: string } {
  return consignment
    ? { name: `consignment ${consignment.id}`, bytes: consignment.lengthBytes, objects: consignment.objects }
    : { name: `payload ${payload}`, bytes: lengthBytes, objects };
}
