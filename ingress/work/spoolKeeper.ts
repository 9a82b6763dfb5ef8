/**
 * Keeps the low side's spool within its bounds. What has been sent stays for the retention time, so that it can be sent
 * again; when room runs short the oldest of it goes first. Only what has not been sent yet makes intake wait.
 */
import { rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { formatSize } from '../../shared/core/units.js';
import type { LowLedger } from '../ledger/ledger.js';

export interface SpoolRules {
  /** Bytes from which on nothing new is taken. */
  highWater: number;
  /** Bytes that stay free on the disk. */
  minFree: number;
  /** Milliseconds for which sent objects are kept. */
  retention: number;
  /** The same for tenants whose own is another. */
  retentionOf?: (tenant: string) => number | undefined;
}

const SWEEP_MS = 60_000;
type SentFile = ReturnType<LowLedger['expiredSpoolFiles']>[number];

export class SpoolKeeper {
  private nextSweepMs = 0;

  constructor(
    private readonly ledger: LowLedger,
    private readonly rules: SpoolRules,
    private readonly folders: { objects: string; envelopes: string },
    private readonly freeOnDisk: (folder: string) => number = freeOn,
  ) {}

  /** Free on the spool's disk. */
  freeBytes(): number {
    return this.freeOnDisk(this.folders.objects);
  }

  /**
   * Removes what may go and answers why nothing more may be taken, or null. To be called about every second. What was
   * sent goes also for a file that waits for so much room, until it has it or nothing is left to give up.
   * @param mayExpire whether ages mean something now: not after the clock was set
   */
  look(nowMs: number, wantedBytes = 0, mayExpire = true): string | null {
    // A sweep further ahead than the interval was planned before the clock was set back.
    const isDue = nowMs >= this.nextSweepMs || this.nextSweepMs - nowMs > SWEEP_MS;
    if (mayExpire && isDue) {
      this.nextSweepMs = nowMs + SWEEP_MS;
      const { retention, retentionOf } = this.rules;
      this.removeSent(nowMs, (file) => nowMs - file.changedMs > (retentionOf?.(file.tenant) ?? retention));
    }
    const isShort = () => this.shortage() !== null || this.roomBytes(wantedBytes) < wantedBytes;
    if (isShort()) this.removeSent(nowMs, () => true, isShort);
    return this.shortage();
  }

  /** Removes at once what was refused of a tenant, whatever its age. What a crash leaves goes with its age. @returns bytes */
  removeRefused(tenant: string): number {
    let freedBytes = 0;
    for (const { spoolFile, sizeBytes } of this.ledger.refusedSpoolFiles(tenant)) {
      rmSync(join(this.folders.objects, spoolFile), { force: true });
      this.ledger.spoolFileRemoved(spoolFile);
      freedBytes += sizeBytes;
    }
    return freedBytes;
  }

  /**
   * Bytes that may be taken now. What was sent takes up room until it is removed. A waiting file larger than the
   * high-water mark would wait for ever: once the spool is empty only the disk bounds it.
   */
  roomBytes(wantedBytes = 0): number {
    const { highWater, minFree } = this.rules;
    const used = this.ledger.spoolBytes();
    const onDisk = this.freeBytes() - minFree;
    const isAlone = used === 0 && wantedBytes > highWater;
    return Math.max(0, isAlone ? onDisk : Math.min(highWater - used, onDisk));
  }

  private shortage(): string | null {
    const { highWater, minFree } = this.rules;
    const used = this.ledger.spoolBytes();
    const free = this.freeBytes();
    if (used >= highWater) return `The spool holds ${formatSize(used)}; spool.highWater is ${formatSize(highWater)}.`;
    if (free < minFree)
      return `${formatSize(free)} are free on the spool's disk; spool.minFree is ${formatSize(minFree)}.`;
    return null;
  }

  /** Removes snapshots and envelopes of what was sent or refused and may go, the oldest first, while it is wanted. */
  private removeSent(nowMs: number, mayGo: (file: SentFile) => boolean, wanted = () => true): void {
    for (const file of this.ledger.expiredSpoolFiles(nowMs)) {
      if (!wanted()) return;
      if (!mayGo(file)) continue;
      const { spoolFile, payloads } = file;
      rmSync(join(this.folders.objects, spoolFile), { force: true });
      this.ledger.spoolFileRemoved(spoolFile);
      for (const payload of payloads) {
        const envelope = this.ledger.payload(payload)?.envelope;
        if (envelope) rmSync(join(this.folders.envelopes, `${envelope}.envelope`), { force: true });
      }
    }
  }
}

function freeOn(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
