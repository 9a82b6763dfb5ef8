/** Finds the type by content, compares it with what the name says, and refuses what the policy does not allow. */
import { keepsPromise, promiseOf } from './extensions.js';
import type { Filter } from './filter.js';
import { Findings } from './findings.js';
import { EMPTY_TYPE, mediaTypeOf } from './mediaType.js';
import { allowsType } from './rules.js';

export const typeFilter: Filter = {
  name: 'type',
  version: '1',
  configuration: ({ allowedTypes, tenantTypes, refuse }) => ({ allowedTypes, tenantTypes, refuse }),

  async inspect(subject, context) {
    const findings = new Findings('type', context.policy);
    const type = await mediaTypeOf(subject);
    context.type = type;
    if (!allowsType(context.policy, type)) findings.add('SCAN_TYPE_NOT_ALLOWED', '', `It is ${type}.`);
    const promise = promiseOf(subject.name);
    if (promise && type !== EMPTY_TYPE && !keepsPromise(promise.types, type)) {
      findings.add('TYPE_EXTENSION_MISMATCH', '', `The name ends with .${promise.extension}, the content is ${type}.`);
    }
    return findings.finish();
  },
};
