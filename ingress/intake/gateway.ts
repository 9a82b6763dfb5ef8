/** What the tenants of one intake process share: the spool and its room, the copying threads, the clock, the settings. */
import type { Clock } from '../../shared/core/clock.js';
import type { FileSystem } from '../../shared/ops/files/directories.js';
import type { Batch } from './batch.js';
import type { Copier } from './copier.js';
import type { KnownEntry } from './known.js';
import type { Room } from './room.js';
import type { Refusal, WalkOptions } from './share.js';
import type { SnapshotOptions } from './snapshot.js';
import type { Spool } from './spool.js';
import type { TenantShare } from './tenantDesk.js';

export interface IntakeConfig extends Pick<WalkOptions, 'incompleteSuffixes' | 'reservedTopFolders' | 'maxMembers'> {
  readonly tenants: readonly TenantShare[];
  readonly spoolDir: string;
  /** A file is taken once it has been seen unchanged for this long. */
  readonly holdMs: number;
  /** The same for a folder with a marker and everything in it. Default: as for a file. */
  readonly consignmentHoldMs?: number;
  /** A batch is handed over when it has so many files or bytes. Defaults 256 and 64 MiB. */
  readonly batchMaxFiles?: number;
  readonly batchMaxBytes?: number;
  /** Files up to this size share one spool file a batch. Default 256 KiB. */
  readonly packMaxFileBytes?: number;
  /** Files up to this size are copied on the spot, larger ones by a thread beside the polls. Default 16 MiB. */
  readonly inlineMaxFileBytes?: number;
  readonly symbolBytes: number;
  readonly blockSymbols: number;
}

export interface IntakeTools {
  readonly clock: Clock;
  /** Lets the process handle its messages; called between files. */
  readonly yieldNow: () => Promise<void>;
  /**
   * Receives what is durable in the spool, and answers when it is recorded. When it fails poll() fails, and the next
   * one hands over the same objects again as new ones.
   */
  readonly onBatch: (batch: Batch) => void | Promise<void>;
  /** Taken or refused before, from the ledger. */
  readonly known?: Iterable<KnownEntry>;
  readonly fs?: FileSystem;
  /** Told which tenant's share is about to be touched, '' for none: so that one that hangs can be named. */
  readonly at?: (tenant: string) => void;
  /** Told of every folder that is walked, as a path relative to the share. */
  readonly metFolder?: (tenant: TenantShare, rawPath: Buffer) => void;
}

export interface Gateway {
  readonly config: IntakeConfig &
    Required<Pick<IntakeConfig, 'batchMaxFiles' | 'batchMaxBytes' | 'packMaxFileBytes' | 'inlineMaxFileBytes'>>;
  readonly tools: IntakeTools;
  readonly spool: Spool;
  readonly room: Room;
  readonly copier: Copier;
  readonly fsOption: { fs?: FileSystem };
  readonly snapshotOptions: Omit<SnapshotOptions, 'maxBytes'>;
  /** Why nothing is taken from anybody, null when things go on. */
  heldBack(): Refusal | null;
  at(tenant: string): void;
}
