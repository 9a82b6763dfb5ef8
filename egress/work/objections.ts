/** Says, once for an envelope, which of its objects this side's own rules keep from their tenants. */
import { ERRORS, type ErrorCode } from '../../shared/core/errors.js';
import { showName } from '../../shared/wire/names.js';
import type { VerifiedObject } from '../verify/messages.js';

/**
 * An object that may not be released although the low side sealed it is more than a mishap: the two sides disagree
 * about a tenant, or the low side is not what it was. One sentence for each tenant and reason.
 */
export function tellObjections(
  objects: readonly VerifiedObject[],
  alarm: (code: string, words: string, about?: string) => void,
): void {
  const groups = new Map<string, VerifiedObject[]>();
  for (const object of objects) {
    const { reject, tenant } = object;
    if (!reject || ERRORS[reject.code as ErrorCode]?.severity !== 'alarm') continue;
    const key = `${reject.code} ${tenant}`;
    groups.set(key, [...(groups.get(key) ?? []), object]);
  }
  for (const group of groups.values()) {
    const { reject, tenant, path } = group[0]!;
    const more = group.length > 1 ? ` and ${group.length - 1} more` : '';
    alarm(reject!.code, `${showName(tenant)}: "${path}"${more}. ${reject!.detail}`, showName(tenant));
  }
}
