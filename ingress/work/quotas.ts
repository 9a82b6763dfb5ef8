/** What each tenant's quota leaves: of bytes and objects inside the gateway, taken and not yet sent. */
import type { LowTenant } from '../../shared/ops/config/schema.js';
import type { TenantTally } from '../../shared/ops/health/tallies.js';
import type { QuotaRoom } from '../intake/watch.js';
import { LOW_FINISHED } from '../ledger/rows.js';

/** Taken and not yet sent: what the quota of a tenant is about. */
export const isInside = ({ isSpooled, state }: TenantTally): boolean =>
  isSpooled && !(LOW_FINISHED as readonly string[]).includes(state);

/** Of the tenants that have one. Costs as much as there are tenants and states, whatever the ledger holds. */
export function quotaRooms(
  tenants: readonly Pick<LowTenant, 'name' | 'quota'>[],
  tallies: readonly TenantTally[],
): Record<string, QuotaRoom> {
  const used = new Map<string, { bytes: number; objects: number }>();
  for (const tally of tallies) {
    if (!isInside(tally)) continue;
    const { bytes, objects } = used.get(tally.tenant) ?? { bytes: 0, objects: 0 };
    used.set(tally.tenant, { bytes: bytes + tally.bytes, objects: objects + tally.objects });
  }
  const rooms: [string, QuotaRoom][] = [];
  for (const { name, quota } of tenants) {
    const bytes = quota.bytes ?? Number.POSITIVE_INFINITY;
    const objects = quota.objects ?? Number.POSITIVE_INFINITY;
    if (bytes === Number.POSITIVE_INFINITY && objects === Number.POSITIVE_INFINITY) continue;
    const inside = used.get(name) ?? { bytes: 0, objects: 0 };
    rooms.push([name, { bytes, objects, leftBytes: bytes - inside.bytes, leftObjects: objects - inside.objects }]);
  }
  return Object.fromEntries(rooms);
}
