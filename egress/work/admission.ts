/**
 * Lets verified payloads into assembly as there is room for them (room.ts). What does not fit waits, by tenant, in its
 * order; if need be, what arrived of incomplete payloads makes room, first of all of those nothing came of for longest.
 */
import type { ObjectId } from '../../shared/wire/statements.js';
import type { HighLedger, HighPayload } from '../ledger/ledger.js';
import type { AssemblyRoom, Lack, Wanted } from './room.js';

export interface AdmissionTools {
  ledger: HighLedger;
  room: AssemblyRoom;
  /** The payload is to be collected. */
  expect: (payload: HighPayload) => void;
  /** What has arrived of it is given up; it may come again. */
  evict: (payload: HighPayload) => void;
  alarm: (code: string, words: string, about?: string) => void;
  over: (code: string, about: string) => void;
}

/** Waiting payloads of a tenant that are asked again at once: where the first do not fit, later ones may. */
const ASKED_AGAIN = 16;

const ALARMS: Record<Lack, 'STORAGE_FULL' | 'QUOTA_EXCEEDED'> = {
  room: 'STORAGE_FULL',
  quota: 'QUOTA_EXCEEDED',
  share: 'QUOTA_EXCEEDED',
};
/** What receipts say: to a tenant it is the gateway that is full, not its storage. */
const TOLD: Record<Lack, 'SPOOL_FULL' | 'QUOTA_EXCEEDED'> = {
  room: 'SPOOL_FULL',
  quota: 'QUOTA_EXCEEDED',
  share: 'SPOOL_FULL',
};
const REASONS: Record<Lack, string> = {
  room: 'there is no room for it',
  quota: 'it would be more than the quota of the tenant',
  share: 'the room that is left is kept for the other tenants',
};

export class Admission {
  /** Payloads whose manifest is verified and that assembly does not know for want of room, by tenant. */
  private readonly waiting = new Map<string, Map<ObjectId, Wanted>>();

  constructor(private readonly tools: AdmissionTools) {}

  /** What a payload wants; of its objects the first says whose it is, for all are of one tenant. */
  wantedBy({ object, coding, consignment }: HighPayload): Wanted {
    const { ledger } = this.tools;
    const objects = ledger.objectsOfPayload(object);
    const tenant = objects[0]?.tenant ?? '';
    const own = { payload: object, tenant, lengthBytes: coding.lengthBytes, objects: objects.length };
    const whole = consignment === null ? undefined : ledger.consignments.get(consignment);
    if (!whole) return own;
    const { id, sizeBytes: lengthBytes, objects: members } = whole;
    const payloads = () => ledger.consignments.payloads(id);
    return { ...own, consignment: { id, lengthBytes, objects: members, payloads } };
  }

  /** Has the payload collected, now or when there is room. */
  admit(payload: HighPayload): void {
    if (this.takeRoom(payload)) this.tools.expect(payload);
  }

  /** Takes room for a payload; without it the payload waits. */
  takeRoom(payload: HighPayload): boolean {
    return this.ask(this.wantedBy(payload));
  }

  /** Payloads there was no room for, once there is. To be called now and then. */
  admitAgain(): void {
    for (const [tenant, wanting] of this.waiting) {
      let asked = 0;
      for (const wanted of wanting.values()) {
        const payload = this.tools.ledger.payload(wanted.payload);
        const open = payload?.state === 'assembling' || payload?.state === 'incomplete';
        if (!open) this.noLongerWaits(wanted);
        else if (this.ask(wanted)) this.tools.expect(payload);
        else if (++asked >= ASKED_AGAIN) break;
      }
      if (wanting.size === 0) this.waiting.delete(tenant);
    }
  }

  /** Gives up what has arrived of a payload; it is let in again when it comes again. */
  giveUp(payload: HighPayload): void {
    this.drop(payload);
    this.noLongerWaits(this.wantedBy(payload));
  }

  private drop(payload: HighPayload): void {
    const { evict, room, ledger } = this.tools;
    evict(payload);
    room.give(payload.object);
    // It was complete and waited in vain for others of its consignment.
    if (payload.state === 'assembled')
      ledger.setPayload(payload.object, 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
  }

  private ask(wanted: Wanted): boolean {
    const { room } = this.tools;
    let answer = room.take(wanted);
    if (answer !== 'taken') {
      this.makeRoom(wanted, answer);
      answer = room.take(wanted);
    }
    if (answer === 'taken') this.noLongerWaits(wanted);
    else this.waits(wanted, answer);
    return answer === 'taken';
  }

  /** Evicts no more incomplete payloads than it takes, and none when all of them together would not be enough. */
  private makeRoom(wanted: Wanted, lack: Lack): void {
    const { room, alarm } = this.tools;
    let missingBytes = room.missingBytes(wanted);
    let missingOnDiskBytes = room.missingOnDiskBytes(wanted);
    const may = this.idle().filter(({ payloads: [one] }) => room.mayLose(one!.object, wanted, lack));
    if (missingBytes > may.reduce((sum, { bytes }) => sum + bytes, 0)) return;
    if (missingOnDiskBytes > may.reduce((sum, { payloads }) => sum + this.onDiskBytes(payloads), 0)) return;
    for (const { payloads, bytes } of may) {
      const [first] = payloads;
      // Each one gone may leave its tenant with no more than what is kept for it.
      if (!room.mayLose(first!.object, wanted, lack)) continue;
      missingOnDiskBytes -= this.onDiskBytes(payloads);
      for (const one of payloads) this.drop(one);
      const what = first!.consignment ? `consignment ${first!.consignment}` : `payload ${first!.object}`;
      alarm('STORAGE_FULL', `What had arrived of ${what} made room for payload ${wanted.payload}.`);
      missingBytes -= bytes;
      // Its bytes on the disk come back only once they are removed: the payload gets its room when it asks again.
      if (missingBytes <= 0 && missingOnDiskBytes <= 0) return;
    }
  }

  /** Payloads that are of no use now, those that share their room together; of which nothing came for longest in front. */
  private idle(): { payloads: HighPayload[]; bytes: number }[] {
    const { room, ledger } = this.tools;
    const inVain = ledger.consignments.waitingInVain().map((object) => ledger.payload(object)!);
    const lots = new Map<ReadonlySet<ObjectId>, { payloads: HighPayload[]; bytes: number; sinceMs: number }>();
    for (const one of [...ledger.payloadsIn('incomplete'), ...inVain]) {
      if (!room.has(one.object)) continue;
      const { payloads, bytes } = room.sharing(one.object);
      const lot = lots.get(payloads) ?? { payloads: [], bytes, sinceMs: 0 };
      lot.payloads.push(one);
      lot.sinceMs = Math.max(lot.sinceMs, one.changedMs);
      lots.set(payloads, lot);
    }
    // Where one of them is on its way, none may go.
    const whole = [...lots].filter(([all, { payloads }]) => all.size === payloads.length).map(([, lot]) => lot);
    return whole.sort((a, b) => a.sinceMs - b.sinceMs);
  }

  private onDiskBytes(payloads: readonly HighPayload[]): number {
    return payloads.reduce((sum, { object }) => sum + this.tools.room.onDiskBytes(object), 0);
  }

  private waits(wanted: Wanted, lack: Lack): void {
    const { tenant, payload, consignment } = wanted;
    const { lengthBytes } = consignment ?? wanted;
    const wanting = this.waiting.get(tenant) ?? new Map<ObjectId, Wanted>();
    this.waiting.set(tenant, wanting);
    // Said once for all that wait behind it.
    if (wanting.size === 0) {
      const what = consignment ? 'consignment' : 'payload';
      const words = `A ${what} of ${lengthBytes} bytes of ${tenant} waits: ${REASONS[lack]} (payload ${payload}).`;
      this.tools.alarm(ALARMS[lack], words, tenant);
    }
    wanting.set(payload, wanted);
    this.tools.ledger.waiting.room(payload, TOLD[lack]);
  }

  private noLongerWaits({ tenant, payload }: Wanted): void {
    const wanting = this.waiting.get(tenant);
    if (!wanting?.delete(payload)) return;
    this.tools.ledger.waiting.room(payload, null);
    if (wanting.size > 0) return;
    this.waiting.delete(tenant);
    for (const code of new Set(Object.values(ALARMS))) this.tools.over(code, tenant);
  }
}
