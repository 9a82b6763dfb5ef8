/** Defaults that follow from other keys, filled in once every section is known to be sound. */
import { basename, join } from 'node:path';
import { blockSymbolsFor, isLoopback, symbolBytesForMtu } from './derive.js';
import { BLOCK_SYMBOLS_DEFAULT, type HighSections, type LowLink, type LowSections, type LowTenant } from './schema.js';

/** Beside the share, so that moving a file there is a rename on the same disk. */
export function acceptedFolder(tenant: LowSections['tenants'][number]['value']): string {
  return tenant.accepted ?? join(tenant.share, '..', `${basename(tenant.share)}.accepted`);
}

export const resolveLowTenant = (tenant: LowSections['tenants'][number]['value']): LowTenant => ({
  ...tenant,
  accepted: acceptedFolder(tenant),
});

export function resolveLowLink(link: NonNullable<LowSections['link']>): LowLink {
  return {
    ...link,
    source: link.source ?? { host: isLoopback(link.target.host) ? '127.0.0.1' : '0.0.0.0', port: 0 },
    blockSymbols: link.blockSymbols ?? blockSymbolsFor(symbolBytesForMtu(link.mtu), BLOCK_SYMBOLS_DEFAULT),
  };
}

/** Where the tenant's objects are published; undefined when the configuration does not say. */
export function storageFolder(
  tenant: HighSections['tenants'][number]['value'],
  storageRoot: string | undefined,
): string | undefined {
  return tenant.storage ?? (storageRoot === undefined ? undefined : join(storageRoot, tenant.name));
}
