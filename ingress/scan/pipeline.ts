/** One object through the filters of its policy, in the declared order. Runs in the scan process. */
import { createHash } from 'node:crypto';
import { SluiceError, wordsOf } from '../../shared/core/errors.js';
import { type FilterVerdict, type Finding, type Verdict, worstOf } from '../../shared/wire/verdict.js';
import { archiveFilter } from './archiveFilter.js';
import type { Filter, FilterContext, Snapshot } from './filter.js';
import { safe } from './findings.js';
import { UNKNOWN_TYPE } from './mediaType.js';
import type { FilterName, Policy } from './rules.js';
import { type SpoolFiles, Subject } from './subject.js';
import { typeFilter } from './typeFilter.js';

const FILTERS: Record<FilterName, Filter> = { type: typeFilter, archive: archiveFilter };

/** A policy made ready: its filters with the digests of their configuration. */
export interface Pipeline {
  readonly policy: Policy;
  readonly steps: readonly { readonly filter: Filter; readonly configDigest: string }[];
}

export function pipelineOf(policy: Policy): Pipeline {
  const steps = policy.requiredFilters.map((name) => {
    const filter = FILTERS[name];
    return {
      filter,
      configDigest: createHash('sha256')
        .update(canonical(filter.configuration(policy)))
        .digest('hex'),
    };
  });
  return { policy, steps };
}

/** Never throws: what cannot be read or checked is held, what makes a filter fail is refused. */
export async function inspect(pipeline: Pipeline, snapshot: Snapshot, files: SpoolFiles): Promise<Verdict> {
  const startedMs = performance.now();
  const context: FilterContext = { policy: pipeline.policy, type: UNKNOWN_TYPE };
  const filters: FilterVerdict[] = [];
  const findings: Finding[] = [];
  let running = 'scanner';
  try {
    const subject = await Subject.open(snapshot, files);
    for (const { filter, configDigest } of pipeline.steps) {
      running = filter.name;
      const { verdict, findings: found } = await filter.inspect(subject, context);
      filters.push({ name: filter.name, version: filter.version, configDigest, verdict, digest: subject.digest });
      findings.push(...found);
    }
  } catch (error) {
    const held = error instanceof SluiceError && error.persistence === 'retryable';
    const code = held ? error.code : 'SCAN_CRASHED';
    findings.push({ code, where: '', detail: safe(held ? error.detail : wordsOf(error)), filter: running });
    return { type: context.type, verdict: held ? 'hold' : 'refuse', filters, findings, ms: since(startedMs) };
  }
  const verdict = worstOf(filters.map((filter) => filter.verdict));
  return { type: context.type, verdict, filters, findings, ms: since(startedMs) };
}

const since = (startedMs: number): number => Math.round((performance.now() - startedMs) * 1000) / 1000;

/** JSON with the keys of every object in order, so that equal configurations have equal digests. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
