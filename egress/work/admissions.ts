/** How long ago payloads were admitted, by a clock that nobody can set (FAULTS 22). */
import { LIMITS } from '../../shared/core/limits.js';
import type { ObjectId } from '../../shared/wire/statements.js';

export class Admissions {
  private readonly atMs = new Map<ObjectId, number>();

  /** Monotonic milliseconds; the first time counts. */
  note(payload: ObjectId, nowMs: number): void {
    if (this.atMs.has(payload)) return;
    this.atMs.set(payload, nowMs);
    if (this.atMs.size > LIMITS.finishedPayloads) this.atMs.delete(this.atMs.keys().next().value!);
  }

  /** Of one that was admitted before this run, or so long ago that it is forgotten: since `otherwiseMs`. */
  sinceMs(payload: ObjectId, nowMs: number, otherwiseMs: number): number {
    return nowMs - (this.atMs.get(payload) ?? otherwiseMs);
  }
}
