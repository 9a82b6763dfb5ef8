/**
 * The order in which the jobs of a stage start when they belong to different tenants: each tenant's in turn, however
 * many one of them has waiting, as start-time fair queueing has it (shared/core/fairShare.ts), one job costing one. The
 * store wants a number a job, given when it is added; the smallest starts first, and equal ones in their order.
 */

/** The largest number BullMQ takes. Beyond it jobs start in their order, until the stage has been empty once. */
const LAST = 2 ** 21 - 1;

export class TurnOrder {
  private readonly tags = new Map<string, number>();
  private clock = 0;

  /** Number of the next job of a tenant. */
  next(tenant: string): number {
    const tag = Math.min(LAST, Math.max(this.clock, this.tags.get(tenant) ?? 0) + 1);
    this.tags.set(tenant, tag);
    return tag;
  }

  /** A job with this number has started. */
  started(number: number): void {
    this.clock = Math.max(this.clock, number - 1);
  }

  /** No job waits any more. */
  empty(): void {
    this.tags.clear();
    this.clock = 0;
  }
}
