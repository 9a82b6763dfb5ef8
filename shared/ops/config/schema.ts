/**
 * The shape of the configuration of either side, as written and as the code uses it. The keys themselves are in
 * schema-low.ts and schema-high.ts, and the reference in docs/CONFIGURATION.md is printed from there. Values inside are
 * in base units: sizes in bytes, durations in milliseconds, rates in bits a second; paths are absolute, endpoints are
 * taken apart.
 */
import type { z } from 'zod';
import type { highSchema } from './schema-high.js';
import type { lowSchema } from './schema-low.js';
import type { TenantSection } from './sections.js';
import type { Endpoint } from './settings.js';

export { BLOCK_SYMBOLS_DEFAULT, OBJECT_SIZE_DEFAULT, OPEN_POLICY } from './schema-common.js';
export { highSchema } from './schema-high.js';
export { lowSchema } from './schema-low.js';
export type { Endpoint } from './settings.js';

type Low = ReturnType<typeof lowSchema>;
type High = ReturnType<typeof highSchema>;
type Parsed<S extends z.ZodType> = z.output<S>;
type Written<S extends z.ZodType> = z.input<S>;
/** What the schemas make of the sections; a section (or a tenant) with a problem is not there. */
export type LowSections = Sections<Parsed<Low>>;
export type HighSections = Sections<Parsed<High>>;
type Sections<T extends { tenants: unknown[] }> = Partial<Omit<T, 'tenants'>> & {
  tenants: TenantSection<T['tenants'][number]>[];
};

/** Keys whose default follows from others. */
interface TenantDefaults {
  receipts: string;
  retention: number;
  maxObjectSize: number;
}
/** A tenant of the low side, with every default filled in. Sizes in bytes, paths absolute. */
export type LowTenant = Parsed<Low>['tenants'][number] & TenantDefaults & { accepted: string };
/** A tenant of the high side, with every default filled in. Sizes in bytes, paths absolute. */
export type HighTenant = Parsed<High>['tenants'][number] & TenantDefaults & { storage: string };
/** The link as the low side sees it. Durations in milliseconds, rate in bits a second. */
export type LowLink = Parsed<Low>['link'] & { source: Endpoint; blockSymbols: number };
/** The configuration of the low side as the code uses it: bytes, milliseconds, bits a second, absolute paths. */
export type LowConfig = Omit<Parsed<Low>, 'tenants' | 'link'> & { tenants: LowTenant[]; link: LowLink };
/** The configuration of the high side as the code uses it: bytes, milliseconds, absolute paths. */
export type HighConfig = Omit<Parsed<High>, 'tenants'> & { tenants: HighTenant[] };

type Tenants<T extends { name: string }> = T[] | Record<string, Omit<T, 'name'>>;
type Loosely<T> = {
  [K in keyof T as K extends 'tenants' | 'tenantsDir' | 'keys' | 'link' | 'storageRoot' ? never : K]?: Partial<T[K]>;
};
/** What may be written for the low side: human units, most keys optional. For code that makes configurations. */
export type LowConfigInput = Loosely<Written<Low>> &
  Pick<Written<Low>, 'keys' | 'link' | 'tenantsDir'> & { tenants: Tenants<Written<Low>['tenants'][number]> };
/** What may be written for the high side. */
export type HighConfigInput = Loosely<Written<High>> &
  Pick<Written<High>, 'keys' | 'link' | 'storageRoot' | 'tenantsDir'> & {
    tenants: Tenants<Written<High>['tenants'][number]>;
  };
