/** Says which tenants are not served any more although objects of theirs are still on their way here. */
import { showName } from '../../wire/names.js';

export interface RemovedTenantsTools {
  /** Objects of each tenant that wait for it: how many. */
  waiting: ReadonlyMap<string, number>;
  served: ReadonlySet<string>;
  /** Tenants of whom it was said before: nothing of theirs may wait any more. Kept by the caller. */
  told: Set<string>;
  alarm(code: string, words: string, about: string): void;
  over(code: string, about: string): void;
}

/** To be called after every change of tenants, and now and then. */
export function tellRemovedTenants({ waiting, served, told, alarm, over }: RemovedTenantsTools): void {
  for (const [tenant, objects] of waiting) {
    const name = showName(tenant);
    if (objects === 0 || served.has(tenant)) continue;
    told.add(tenant);
    alarm('TENANT_REMOVED', `${name}: ${objects} of its objects wait.`, name);
  }
  for (const tenant of new Set([...told, ...served])) {
    if (!served.has(tenant) && (waiting.get(tenant) ?? 0) > 0) continue;
    told.delete(tenant);
    over('TENANT_REMOVED', showName(tenant));
  }
}

/** Sums of the tallies in the states in which an object cannot go on without its tenant. */
export function waitingOf(
  tallies: readonly { tenant: string; state: string; isSpooled: boolean; objects: number }[],
  isWaiting: (tally: { state: string; isSpooled: boolean }) => boolean,
): Map<string, number> {
  const waiting = new Map<string, number>();
  for (const tally of tallies) {
    if (isWaiting(tally)) waiting.set(tally.tenant, (waiting.get(tally.tenant) ?? 0) + tally.objects);
  }
  return waiting;
}
