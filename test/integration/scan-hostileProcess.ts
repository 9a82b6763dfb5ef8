/** A scan process that does what its objects' names say: scan-scanner.test.ts puts it in the place of the real one. */
import { inspect } from '../../ingress/scan/pipeline.js';
import { serveScans } from '../../ingress/scan/serveScans.js';
import type { Verdict } from '../../shared/wire/verdict.js';

const hoard: Buffer[] = [];

serveScans(async (pipeline, snapshot, files) => {
  const { name } = snapshot;
  if (name.startsWith('exit')) process.exit(3);
  if (name.startsWith('abort')) process.kill(process.pid, 'SIGSEGV');
  if (name.startsWith('hang')) for (;;);
  if (name.startsWith('wait')) await new Promise(() => {});
  if (name.startsWith('eat')) for (;;) hoard.push(Buffer.alloc(8 * 1024 * 1024, 1));
  const verdict = await inspect(pipeline, snapshot, files);
  if (name.startsWith('skip')) return { ...verdict, filters: verdict.filters.slice(0, 1) };
  if (name.startsWith('other')) {
    return { ...verdict, filters: verdict.filters.map((filter) => ({ ...filter, digest: '0'.repeat(64) })) };
  }
  if (name.startsWith('garbage')) return { verdict: 'pass', __proto__: null } as unknown as Verdict;
  if (name.startsWith('escape')) {
    const finding = { code: 'SCAN_CRASHED', where: '\u001b[2J', detail: '', filter: 'type' };
    return { ...verdict, findings: [finding] };
  }
  return verdict;
});
