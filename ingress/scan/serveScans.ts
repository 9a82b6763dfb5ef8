/** Answers the scanner: objects one after the other, results told as they are ready. What inspects them comes as an argument. */
import { SluiceError } from '../../shared/core/errors.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import type { Verdict } from '../../shared/wire/verdict.js';
import type { Snapshot } from './filter.js';
import type { ScanProtocol } from './messages.js';
import { type Pipeline, pipelineOf } from './pipeline.js';
import { SpoolFiles } from './subject.js';

/** Results are told at least this often, so that little has to be repeated when the process dies. */
const TELL_INTERVAL_MS = 20;

export function serveScans(
  inspect: (pipeline: Pipeline, snapshot: Snapshot, files: SpoolFiles) => Promise<Verdict>,
): void {
  const pipelines = new Map<string, Pipeline>();
  const files = new SpoolFiles();
  const parent = serveParent<ScanProtocol>({
    answer: {
      policies: (policies) => {
        pipelines.clear();
        for (const [tenant, policy] of Object.entries(policies)) pipelines.set(tenant, pipelineOf(policy));
        return null;
      },
      scan: async (requests) => {
        let ready: Verdict[] = [];
        let toldMs = performance.now();
        const tell = () => {
          if (ready.length > 0) parent.tell('results', ready);
          ready = [];
          toldMs = performance.now();
        };
        try {
          for (const request of requests) {
            const pipeline = pipelines.get(request.tenant);
            if (!pipeline) throw new SluiceError('SCAN_UNAVAILABLE', 'The tenant has no policy here.');
            if (performance.now() - toldMs > TELL_INTERVAL_MS) tell();
            ready.push(await inspect(pipeline, request, files));
          }
        } finally {
          tell();
          files.close();
        }
        return null;
      },
    },
    watchdog: true,
  });
}
