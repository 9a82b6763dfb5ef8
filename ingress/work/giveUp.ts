/**
 * Gives up what waits here for a tenant that is not in the configuration any more, because an operator decided so: until
 * then it waits for the tenant for ever. What was sealed goes out; what is in the share stays there.
 */
import type { ErrorCode } from '../../shared/core/errors.js';
import { formatSize } from '../../shared/core/units.js';
import { showName } from '../../shared/wire/names.js';
import type { TransferId } from '../../shared/wire/statements.js';
import type { LowLedger } from '../ledger/ledger.js';
import type { SpoolKeeper } from './spoolKeeper.js';
import type { LowStages } from './stages.js';

export interface GiveUpTools {
  ledger: LowLedger;
  stages: Pick<LowStages, 'sealingEnds'>;
  spool: Pick<SpoolKeeper, 'removeRefused'>;
  /** Whether the tenant is in the configuration. */
  serves: (tenant: string) => boolean;
  changed: (transfers: readonly TransferId[]) => void;
}

const CODE: ErrorCode = 'TENANT_GIVEN_UP';

/** @returns a sentence for the operator, beginning with "yes:" or "no:" */
export async function giveUpTenant(tenant: string, tools: GiveUpTools): Promise<string> {
  const { ledger, stages, spool, serves, changed } = tools;
  const name = showName(tenant);
  if (tenant === '') return 'no: which tenant?';
  if (serves(tenant)) return `no: the tenant "${name}" is in the configuration; take it away there first.`;
  await stages.sealingEnds(tenant);
  if (serves(tenant)) return `no: the tenant "${name}" is back in the configuration.`;
  const given = ledger.giveUp(tenant, CODE, `The tenant "${name}" is not in the configuration.`);
  if (given.length === 0) return `yes: nothing waits here for the tenant "${name}".`;
  const freedBytes = spool.removeRefused(tenant);
  changed(given);
  return `yes: ${given.length} objects of "${name}" are given up, and ${formatSize(freedBytes)} of the spool are free again.`;
}
