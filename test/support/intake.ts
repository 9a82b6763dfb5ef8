/** An intake over one or more shares in temporary folders, driven by hand. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Batch, NotTaken, Taken } from '../../ingress/intake/batch.js';
import type { PollReport } from '../../ingress/intake/round.js';
import type { TenantShare } from '../../ingress/intake/tenantDesk.js';
import { Intake, type IntakeConfig, type IntakeTools } from '../../ingress/intake/watch.js';
import { ManualClock } from '../../shared/core/clock.js';
import { newFolder } from './folders.js';

export interface Bench {
  readonly share: string;
  readonly spoolDir: string;
  readonly clock: ManualClock;
  readonly batches: Batch[];
  intake: Intake;
  /** Polls as often as it takes for a file that is there now to be taken. */
  settle(): Promise<PollReport>;
  taken(): Taken[];
  refused(): NotTaken[];
  held(): NotTaken[];
  /** What the snapshot of an object holds. */
  bytesOf(taken: Taken): Buffer;
  drop(path: string | Buffer, content?: string | Buffer): void;
}

export const HOLD_MS = 1_000;

export function newIntake(
  config: Partial<IntakeConfig> & { names?: 'posix' | 'portable'; maxObjectBytes?: number; under?: string } = {},
  tools: Partial<IntakeTools> = {},
): Bench {
  const base = newFolder(config.under);
  const share = join(base, 'share');
  const spoolDir = config.spoolDir ?? join(base, 'spool');
  fs.mkdirSync(share);
  if (!config.spoolDir) fs.mkdirSync(spoolDir);
  const clock = new ManualClock(5_000);
  const batches: Batch[] = [];
  const { names = 'posix', maxObjectBytes = 1e9, under: _under, ...rest } = config;
  const tenants: TenantShare[] = [{ name: 'demo', share, names, maxObjectBytes }];
  const intake = new Intake(
    { tenants, holdMs: HOLD_MS, symbolBytes: 1408, blockSymbols: 4096, ...rest, spoolDir },
    { clock, yieldNow: async () => {}, onBatch: (batch) => void batches.push(batch), ...tools },
  );
  return {
    share,
    spoolDir,
    clock,
    batches,
    intake,
    async settle() {
      await this.intake.poll();
      clock.advance(HOLD_MS);
      const report = await this.intake.poll();
      await this.intake.idle();
      return report;
    },
    taken: () => batches.flatMap((batch) => batch.taken),
    refused: () => batches.flatMap((batch) => batch.refused),
    held: () => batches.flatMap((batch) => batch.held),
    bytesOf(taken) {
      const all = fs.readFileSync(join(spoolDir, taken.spoolFile));
      return all.subarray(taken.offsetBytes, taken.offsetBytes + taken.sizeBytes);
    },
    drop(path, content = 'content') {
      const bytes = Buffer.isBuffer(path) ? path : Buffer.from(path);
      const slash = bytes.lastIndexOf('/');
      const full = (part: Buffer) => Buffer.concat([Buffer.from(`${share}/`), part]);
      if (slash > 0) fs.mkdirSync(full(bytes.subarray(0, slash)), { recursive: true });
      fs.writeFileSync(full(bytes), content);
    },
  };
}
