/**
 * The room for payloads in the spool of the high side: what has been let into assembly counts with its whole announced
 * length until it is closed, so that nothing the low side announces can fill the disk.
 */
import type { ObjectId } from '../shared/wire/statements.js';

export interface RoomRules {
  /** Bytes of all payloads together. */
  spoolMax: number;
  /** Bytes that stay free on the disk. */
  minFree: number;
}

export class AssemblyRoom {
  private readonly taken = new Map<ObjectId, number>();
  private takenBytes = 0;

  constructor(
    private readonly rules: RoomRules,
    private readonly freeBytes: () => number,
  ) {}

  /** Whether a payload of this length could ever be assembled here. */
  couldHold(lengthBytes: number): boolean {
    return lengthBytes <= this.rules.spoolMax;
  }

  /** Bytes of all payloads that have room. */
  get usedBytes(): number {
    return this.takenBytes;
  }

  has(payload: ObjectId): boolean {
    return this.taken.has(payload);
  }

  /** Takes room for a payload; false when there is too little now. Asking again for the same one is harmless. */
  take(payload: ObjectId, lengthBytes: number): boolean {
    if (this.taken.has(payload)) return true;
    const { spoolMax, minFree } = this.rules;
    if (this.takenBytes + lengthBytes > spoolMax || this.freeBytes() - lengthBytes < minFree) return false;
    this.taken.set(payload, lengthBytes);
    this.takenBytes += lengthBytes;
    return true;
  }

  /** Bytes of others that must go before the spool may hold a payload of this length, whatever the disk says. */
  missingBytes(lengthBytes: number): number {
    return Math.max(0, this.takenBytes + lengthBytes - this.rules.spoolMax);
  }

  give(payload: ObjectId): void {
    this.takenBytes -= this.taken.get(payload) ?? 0;
    this.taken.delete(payload);
  }
}
