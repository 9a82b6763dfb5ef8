/**
 * The room for payloads in the spool of the high side: what has been let into assembly counts with its whole announced
 * length until it is closed, so that nothing the low side announces can fill the disk. What it has not written yet is
 * promised to it: two payloads are not let in on the same free bytes.
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
  /** Id of the consignment it is a part of. */
  consignment?: string | null;
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

export class AssemblyRoom {
  private readonly taken = new Map<ObjectId, Wanted>();
  private readonly uses = new Map<string, Use>();
  private takenBytes = 0;
  private takenObjects = 0;
  /** Bytes of each payload that were not on the disk yet when it was last asked: what it will still take. */
  private readonly promised = new Map<ObjectId, number>();
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
  couldHold({ tenant, lengthBytes, objects }: Wanted): boolean {
    const { spoolMax, objectsMax } = this.rules;
    const others = Math.max(0, this.tenants().length - 1);
    const quota = this.quotaOf(tenant);
    const bytes = Math.min(spoolMax - others * this.keptBytes(), quota.bytes ?? Number.POSITIVE_INFINITY);
    const most = Math.min(objectsMax - others * this.keptObjects(), quota.objects ?? Number.POSITIVE_INFINITY);
    return lengthBytes <= bytes && objects <= most;
  }

  has(payload: ObjectId): boolean {
    return this.taken.has(payload);
  }

  /** Takes room for a payload, or says what it lacks. Asking again for the same one is harmless. */
  take(wanted: Wanted): 'taken' | Lack {
    if (this.taken.has(wanted.payload)) return 'taken';
    const { tenant, lengthBytes, objects } = wanted;
    const lack = this.lackOf(wanted);
    if (lack) return lack;
    const use = this.useOf(tenant);
    this.uses.set(tenant, { bytes: use.bytes + lengthBytes, objects: use.objects + objects });
    this.taken.set(wanted.payload, wanted);
    this.promise(wanted);
    this.takenBytes += lengthBytes;
    this.takenObjects += objects;
    return 'taken';
  }

  /** Bytes that must go before a payload gets what it lacks, whatever the disk says. */
  missingBytes({ tenant, lengthBytes }: Wanted): number {
    const { spoolMax } = this.rules;
    const overQuota = this.useOf(tenant).bytes + lengthBytes - (this.quotaOf(tenant).bytes ?? Number.POSITIVE_INFINITY);
    const overRoom = this.takenBytes + lengthBytes + this.keptFromOthers(tenant).bytes - spoolMax;
    return Math.max(0, overQuota, overRoom);
  }

  /** Whether a payload that is of no use now may lose its room to another: one's own, or beyond what is kept for its tenant. */
  mayLose(payload: ObjectId, to: Wanted, lack: Lack): boolean {
    const mine = this.taken.get(payload);
    if (!mine || payload === to.payload) return false;
    // What is let in is worth nothing without the other parts.
    if (to.consignment && mine.consignment === to.consignment) return false;
    if (mine.tenant === to.tenant) return true;
    return lack !== 'quota' && this.useOf(mine.tenant).bytes - mine.lengthBytes >= this.keptBytes();
  }

  give(payload: ObjectId): void {
    const mine = this.taken.get(payload);
    if (!mine) return;
    this.taken.delete(payload);
    this.promisedBytes -= this.promised.get(payload)!;
    this.promised.delete(payload);
    this.takenBytes -= mine.lengthBytes;
    this.takenObjects -= mine.objects;
    const { bytes, objects } = this.useOf(mine.tenant);
    if (objects === mine.objects && bytes === mine.lengthBytes) this.uses.delete(mine.tenant);
    else this.uses.set(mine.tenant, { bytes: bytes - mine.lengthBytes, objects: objects - mine.objects });
  }

  private lackOf(wanted: Wanted): Lack | undefined {
    const { tenant, lengthBytes, objects } = wanted;
    const { spoolMax, objectsMax } = this.rules;
    const use = this.useOf(tenant);
    const quota = this.quotaOf(tenant);
    const within = (have: number, more: number, most?: number) => most === undefined || have + more <= most;
    if (!within(use.bytes, lengthBytes, quota.bytes) || !within(use.objects, objects, quota.objects)) return 'quota';
    if (this.takenBytes + lengthBytes > spoolMax || this.takenObjects + objects > objectsMax) return 'room';
    if (this.missingOnDiskBytes(wanted) > 0) return 'room';
    const kept = this.keptFromOthers(tenant);
    const bytesLeft = spoolMax - this.takenBytes - kept.bytes;
    const objectsLeft = objectsMax - this.takenObjects - kept.objects;
    return lengthBytes > bytesLeft || objects > objectsLeft ? 'share' : undefined;
  }

  /**
   * Bytes the disk must gain before it holds this payload beside what was promised to the others and is not written yet
   * (FAULTS 49). What is on the disk of this one already, after a restart, it need not hold again.
   */
  missingOnDiskBytes({ payload, lengthBytes }: Wanted): number {
    const wanted = Math.max(0, lengthBytes - this.disk.writtenBytes(payload));
    const room = this.disk.freeBytes() - this.rules.minFree;
    if (wanted + this.promisedBytes <= room) return 0;
    // Written meanwhile, or so it seems: looked at again only where it matters.
    for (const one of this.taken.values()) this.promise(one);
    return Math.max(0, wanted + this.promisedBytes - room);
  }

  /** Bytes the disk gains when a payload goes. */
  onDiskBytes(payload: ObjectId): number {
    return this.disk.writtenBytes(payload);
  }

  private promise({ payload, lengthBytes }: Wanted): void {
    const bytes = Math.max(0, lengthBytes - this.disk.writtenBytes(payload));
    this.promisedBytes += bytes - (this.promised.get(payload) ?? 0);
    this.promised.set(payload, bytes);
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
