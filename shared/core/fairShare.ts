/**
 * Whose turn it is: weighted fair queueing between tenants, in classes of which a higher one goes first (FAULTS 60).
 *
 * Within a class this is start-time fair queueing (Goyal, Vin, Cheng 1996): serving a cost c moves a tenant's tag ahead
 * by c / weight, and the tenant with the smallest tag is next. Who has been idle begins at the tag of whoever was served
 * last, so a newcomer is next, and idle time earns nothing. Over any stretch in which two tenants of a class both have
 * work, cost / weight differs between them by at most the sum of their largest single costs, each by its weight.
 *
 * Between classes the higher goes first, but for every cost it is served, each lower class with work is owed the
 * fraction LOWER_SHARE of it, so that strictness delays and never starves.
 *
 * Pure: no clock, no items. Costs are in any unit, the same for all.
 */
export const PRIORITIES = ['urgent', 'normal', 'bulk'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What a tenant may ask for. */
export interface Claim {
  priority: Priority;
  /** Above 0. */
  weight: number;
}

export const DEFAULT_CLAIM: Claim = { priority: 'normal', weight: 10 };

/** What a lower class gets while a higher one has work, by the cost of the higher one. */
export const LOWER_SHARE = 0.05;

interface Flow {
  class: number;
  tag: number;
  working: boolean;
}

export class FairShare {
  private readonly flows = new Map<string, Flow>();
  /** Of each class: the tag of whoever was served last, and what it is owed for having waited. */
  private readonly clocks = PRIORITIES.map(() => 0);
  private readonly owed = PRIORITIES.map(() => 0);

  /** @param claimOf asked again at every turn, so that a change counts at once */
  constructor(private readonly claimOf: (tenant: string) => Claim = () => DEFAULT_CLAIM) {}

  /** The tenant has work from now on. */
  join(tenant: string): void {
    const flow = this.flows.get(tenant);
    if (flow?.working) return;
    const at = classOf(this.claimOf(tenant));
    const known = flow?.class === at ? flow.tag : 0;
    this.flows.set(tenant, { class: at, tag: Math.max(this.clocks[at]!, known), working: true });
  }

  /** The tenant has no more work for now. What it has had still counts. */
  leave(tenant: string): void {
    const flow = this.flows.get(tenant);
    if (!flow) return;
    flow.working = false;
    if (flow.tag <= this.clocks[flow.class]!) this.flows.delete(tenant);
    if (!this.works(flow.class)) this.owed[flow.class] = Math.min(0, this.owed[flow.class]!);
  }

  /** The tenant whose turn it is, of those that `may`; undefined when none of them has work. */
  next(may: (tenant: string) => boolean = () => true): string | undefined {
    const first: ({ tenant: string; tag: number } | undefined)[] = PRIORITIES.map(() => undefined);
    for (const [tenant, flow] of this.flows) {
      if (!flow.working || !may(tenant)) continue;
      this.adjust(tenant, flow);
      const best = first[flow.class];
      if (!best || flow.tag < best.tag) first[flow.class] = { tenant, tag: flow.tag };
    }
    let chosen = first.findIndex((one) => one !== undefined);
    const highest = chosen;
    for (let lower = highest + 1; lower < first.length; lower++) {
      const most = chosen === highest ? 0 : this.owed[chosen]!;
      if (first[lower] && this.owed[lower]! > most) chosen = lower;
    }
    return first[chosen]?.tenant;
  }

  /** The tenant has been served; may be told before or after, but at every turn. */
  charge(tenant: string, cost: number): void {
    const flow = this.flows.get(tenant);
    if (!flow || !(cost > 0)) return;
    const at = flow.class;
    this.clocks[at] = flow.tag;
    flow.tag += cost / this.claimOf(tenant).weight;
    for (let lower = at + 1; lower < PRIORITIES.length; lower++) {
      if (this.works(lower)) this.owed[lower]! += cost * LOWER_SHARE;
    }
    const beforeOthers = PRIORITIES.some((_, higher) => higher < at && this.works(higher));
    this.owed[at] = beforeOthers ? this.owed[at]! - cost : 0;
  }

  /** A tenant whose class was changed begins in the new one like a newcomer. */
  private adjust(tenant: string, flow: Flow): void {
    const at = classOf(this.claimOf(tenant));
    if (at === flow.class) return;
    flow.class = at;
    flow.tag = this.clocks[at]!;
  }

  private works(at: number): boolean {
    for (const flow of this.flows.values()) if (flow.working && flow.class === at) return true;
    return false;
  }
}

const classOf = ({ priority }: Claim): number => PRIORITIES.indexOf(priority);
