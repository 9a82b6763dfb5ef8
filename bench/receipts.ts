/** How fast the receipts process writes, and what it costs: the real process, told as a supervisor tells it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processStatus } from '../shared/ops/health/vitals.js';
import { Child } from '../shared/ops/processes/children.js';
import type { ReceiptOrder, ReceiptsProtocol } from '../shared/ops/receipts/messages.js';

export interface ReceiptsResult {
  count: number;
  seconds: number;
  receiptsPerSecond: number;
  /** Of the receipts process, for a thousand of them. */
  cpuMsPerThousand: number;
}

/** As many as a supervisor hands over at once. */
const AT_ONCE = 100;

export async function benchReceipts(count: number, parent = tmpdir()): Promise<ReceiptsResult> {
  const base = mkdtempSync(join(parent, 'sluice-bench-'));
  const child = new Child<ReceiptsProtocol>({
    name: 'receipts',
    module: new URL('./receiptsProcess.js', import.meta.url),
    onStart: async (voice) => {
      await voice.ask('start', { tenants: [{ name: 'town', folder: join(base, 'receipts', 'town') }] });
    },
  });
  try {
    await child.start();
    const cpu = () => processStatus({ receipts: child.pid ?? 0 })[0]?.cpuSeconds ?? Number.NaN;
    await write(child, 0, AT_ONCE);
    const cpuBefore = cpu();
    const startedMs = performance.now();
    for (let done = 0; done < count; done += AT_ONCE) await write(child, done, Math.min(AT_ONCE, count - done));
    const seconds = (performance.now() - startedMs) / 1000;
    const cpuMsPerThousand = ((cpu() - cpuBefore) * 1e6) / count;
    return { count, seconds, receiptsPerSecond: count / seconds, cpuMsPerThousand };
  } finally {
    await child.stop();
    rmSync(base, { recursive: true, force: true });
  }
}

async function write(child: Child<ReceiptsProtocol>, first: number, count: number): Promise<void> {
  const orders = Array.from({ length: count }, (_, i) => orderOf(first + i));
  await child.ask('write', { tenant: 'town', orders }, 60_000);
}

function orderOf(n: number): ReceiptOrder {
  const nowMs = Date.now();
  return {
    write: {
      side: 'low',
      tenant: 'town',
      transfer: n.toString(16).padStart(12, '0').padEnd(32, '0'),
      sequence: n,
      state: 'sent',
      sinceMs: nowMs,
      seenMs: nowMs,
      name: `dossier ${n % 100}/évaluation ${n}.pdf`,
      sizeBytes: 1_000 * n,
      sha256: 'ab'.repeat(32),
      code: null,
      detail: '',
      findings: [],
      inQuarantine: false,
      original: 'moved',
      originalPath: `dossier ${n % 100}/évaluation ${n}.pdf`,
      estimate: { assumedLoss: 0.01, probability: 0.999_999 },
      againUntilMs: nowMs + 86_400_000,
    },
  };
}
