/**
 * The shape of a policy: what the filters act on, whatever it was read from. The scan process knows this and not the
 * reader of policy files.
 */
import type { ErrorCode } from '../../shared/core/errors.js';
import { isTypeAllowed } from '../../shared/wire/mediaTypes.js';
import type { NamesProfile } from '../../shared/wire/names.js';

/** Filters there are, in the order in which a policy that lists none runs them. */
export const FILTER_NAMES = ['type', 'archive'] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

/** Findings that are recorded, and refused only where a policy lists them under `refuse`. */
export const POLICY_FINDINGS = [
  'TYPE_EXTENSION_MISMATCH',
  'SCAN_NOT_INSPECTED',
  'SCAN_ARCHIVE_DAMAGED',
  'SCAN_ARCHIVE_ENCRYPTED',
  'SCAN_ARCHIVE_METHOD',
  'SCAN_ARCHIVE_NAME',
  'SCAN_ARCHIVE_LINK',
  'SCAN_ARCHIVE_NESTED',
] as const satisfies readonly ErrorCode[];
export type PolicyFinding = (typeof POLICY_FINDINGS)[number];

/** Refused under every policy: the type is not allowed there, or going on would have no bound. */
export const REFUSED_FINDINGS = ['SCAN_TYPE_NOT_ALLOWED', 'SCAN_ARCHIVE_LIMIT'] as const satisfies readonly ErrorCode[];

/** Of one tenant. Sizes in bytes. */
export interface Policy {
  readonly name: string;
  /** In the order in which they run. */
  readonly requiredFilters: readonly FilterName[];
  readonly maxObjectBytes: number;
  readonly names: NamesProfile;
  /** Media types, or families such as "image/*". */
  readonly allowedTypes: 'any' | readonly string[];
  /** The same, from the configuration of the tenant: a type must be on both lists. */
  readonly tenantTypes?: readonly string[];
  /** Findings that refuse. */
  readonly refuse: readonly PolicyFinding[];
  /** What an archive may hold: inflated bytes up to the floor or maxRatio times its own size, at most maxInflated. */
  readonly archive: {
    readonly maxEntries: number;
    readonly inflatedFloor: number;
    readonly maxRatio: number;
    readonly maxInflated: number;
  };
}

/** Whether a media type may pass. */
export function allowsType({ allowedTypes, tenantTypes }: Policy, type: string): boolean {
  const lists = [allowedTypes === 'any' ? undefined : allowedTypes, tenantTypes];
  return lists.every((list) => list === undefined || isTypeAllowed(list, type));
}
