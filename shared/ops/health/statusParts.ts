/** The parts of a status that both sides make in the same way from the tallies of their ledgers. */
import type { Tally, TenantStatus } from './status.js';
import type { Tallies, TenantTally } from './tallies.js';

export interface TenantSettings {
  readonly name: string;
  readonly quota: { readonly bytes?: number | undefined; readonly objects?: number | undefined };
}

const NOTHING: Tally = { objects: 0, bytes: 0 };
const sum = (a: Tally, b: Tally): Tally => ({ objects: a.objects + b.objects, bytes: a.bytes + b.bytes });

/** Objects by state, whoever they are of. */
export function statesOf(tallies: readonly TenantTally[]): Record<string, Tally> {
  const states: Record<string, Tally> = {};
  for (const one of tallies) states[one.state] = sum(states[one.state] ?? NOTHING, one);
  return states;
}

/**
 * One entry a configured tenant; of others only the totals tell.
 * @param isInside whether objects of a tally are inside the gateway
 */
export function tenantsOf(
  ledger: Pick<Tallies, 'oldestMs'>,
  tallies: readonly TenantTally[],
  tenants: readonly TenantSettings[],
  isInside: (tally: TenantTally) => boolean,
  wallMs: number,
): TenantStatus[] {
  const byTenant = new Map<string, TenantTally[]>(tenants.map(({ name }) => [name, []]));
  for (const tally of tallies) byTenant.get(tally.tenant)?.push(tally);
  return tenants.map(({ name, quota }) => {
    const own = byTenant.get(name) ?? [];
    const inside = own.filter(isInside);
    const oldest = oldestOf(ledger, name, new Set(inside.map(({ state }) => state)), wallMs);
    const { bytes, objects } = quota;
    return {
      name,
      states: statesOf(own),
      inside: inside.reduce<Tally>(sum, NOTHING),
      ...(oldest ? { oldest } : {}),
      ...(bytes === undefined && objects === undefined ? {} : { quota: defined({ bytes, objects }) }),
    };
  });
}

/** The unfinished object that has been there longest. */
function oldestOf(
  ledger: Pick<Tallies, 'oldestMs'>,
  tenant: string,
  states: ReadonlySet<string>,
  wallMs: number,
): TenantStatus['oldest'] {
  let oldest: TenantStatus['oldest'];
  for (const state of states) {
    const seenMs = ledger.oldestMs(tenant, state);
    if (seenMs === undefined) continue;
    // A clock that was set back would make it younger than nothing (FAULTS 22).
    const ageMs = Math.max(0, wallMs - seenMs);
    if (!oldest || ageMs > oldest.ageMs) oldest = { state, ageMs };
  }
  return oldest;
}

function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never;
}
