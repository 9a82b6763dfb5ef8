/** What each process of the high side is told about tenants, out of the configuration. */
import { mkdirSync } from 'node:fs';
import { SluiceError, wordsOf } from '../shared/core/errors.js';
import type { HighConfig } from '../shared/ops/config/load.js';
import type { TenantRules } from './verify/messages.js';

/** This side's own rules for each tenant. */
export function verifierRules({ tenants }: HighConfig): TenantRules[] {
  return tenants.map(({ name, labels, requiredFilters, names, maxObjectSize, types }) => ({
    name,
    labels,
    requiredFilters,
    names,
    types,
    maxObjectBytes: maxObjectSize,
  }));
}

/**
 * Threads that finish source blocks: as configured, or one for each processor that the socket and the assembly thread
 * leave. More than a few have nothing to do.
 */
export function finisherThreads(configured: number | undefined, processors: number): number {
  return configured ?? Math.min(4, Math.max(1, processors - 2));
}

/** Storage folder of each tenant. */
export const storagesOf = ({ tenants }: HighConfig): [tenant: string, storage: string][] =>
  tenants.map(({ name, storage }) => [name, storage]);

/**
 * Makes the tenants' folders, but nothing above them: a file system that is not mounted must not be mistaken for an
 * empty one. CONFIG_INVALID when one cannot be made.
 */
export function makeStorages(config: HighConfig): void {
  for (const [, storage] of storagesOf(config)) {
    try {
      mkdirSync(storage, { mode: 0o750 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw new SluiceError(
        'CONFIG_INVALID',
        `The storage ${storage} cannot be made: ${wordsOf(error)}. Make the folder above it, or mount it.`,
      );
    }
  }
}
