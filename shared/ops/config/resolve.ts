/** Defaults that follow from other keys, filled in once every section is known to be sound. */
import { basename, dirname, join } from 'node:path';
import { blockSymbolsFor, isLoopback, objectMaxBytes, symbolBytesForMtu } from './derive.js';
import {
  BLOCK_SYMBOLS_DEFAULT,
  type HighConfig,
  type HighSections,
  type HighTenant,
  type LowConfig,
  type LowLink,
  type LowSections,
  type LowTenant,
  OBJECT_SIZE_DEFAULT,
} from './schema.js';

type LowTenantWritten = LowSections['tenants'][number]['value'];
type HighTenantWritten = HighSections['tenants'][number]['value'];

/** `purpose`/`name` in the folder above a tenant's own one, so that a tenant finds everything in one place. */
const beside = (folder: string, purpose: string, name: string): string => join(dirname(folder), purpose, name);

/** Beside the share, so that moving a file there is a rename on the same disk. */
export const acceptedFolder = ({ accepted, share }: LowTenantWritten): string =>
  accepted ?? beside(share, 'accepted', basename(share));

export const lowReceiptsFolder = ({ receipts, share }: LowTenantWritten): string =>
  receipts ?? beside(share, 'receipts', basename(share));

export const highReceiptsFolder = ({ receipts, name }: HighTenantWritten, storage: string): string =>
  receipts ?? beside(storage, 'receipts', name);

export const resolveLowTenant = (tenant: LowTenantWritten, rest: Pick<LowConfig, 'spool' | 'link'>): LowTenant => ({
  ...tenant,
  accepted: acceptedFolder(tenant),
  receipts: lowReceiptsFolder(tenant),
  retention: tenant.retention ?? rest.spool.retention,
  maxObjectSize: tenant.maxObjectSize ?? Math.min(OBJECT_SIZE_DEFAULT, carriedBytes(rest.link)),
});

/** `tenant` has a storage: that is looked at before. */
export function resolveHighTenant(
  tenant: HighTenantWritten,
  rest: Pick<HighConfig, 'storageRoot' | 'retention' | 'assembly'>,
): HighTenant {
  const storage = storageFolder(tenant, rest.storageRoot)!;
  const retention = tenant.retention ?? rest.retention.quarantine;
  const maxObjectSize = tenant.maxObjectSize ?? Math.min(OBJECT_SIZE_DEFAULT, rest.assembly.spoolMax);
  return { ...tenant, storage, receipts: highReceiptsFolder(tenant, storage), retention, maxObjectSize };
}

/** Largest object that can be described on this link. */
export function carriedBytes(link: { mtu: number; blockSymbols?: number | undefined }): number {
  const symbolBytes = symbolBytesForMtu(link.mtu);
  return objectMaxBytes(symbolBytes, blockSymbolsFor(symbolBytes, link.blockSymbols ?? BLOCK_SYMBOLS_DEFAULT));
}

export function resolveLowLink(link: NonNullable<LowSections['link']>): LowLink {
  return {
    ...link,
    source: link.source ?? { host: isLoopback(link.target.host) ? '127.0.0.1' : '0.0.0.0', port: 0 },
    blockSymbols: link.blockSymbols ?? blockSymbolsFor(symbolBytesForMtu(link.mtu), BLOCK_SYMBOLS_DEFAULT),
  };
}

/** Where the tenant's objects are published; undefined when the configuration does not say. */
export function storageFolder(tenant: HighTenantWritten, storageRoot: string | undefined): string | undefined {
  return tenant.storage ?? (storageRoot === undefined ? undefined : join(storageRoot, tenant.name));
}
