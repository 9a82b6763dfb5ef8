/** What intake hands over: some objects of one tenant, durable in the spool, and what it did not take, with the reason. */
import type { ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { showName } from '../../shared/wire/names.js';
import type { Identity } from './identity.js';
import type { Refusal } from './share.js';
import type { Snapshot } from './snapshot.js';
import type { Spool, SpoolBatch } from './spool.js';

/** The folder an object travels with as a unit: a new id for each taking, and its path in the share, safe to show. */
export interface ConsignmentOf {
  /** 32 hexadecimal digits. */
  readonly id: string;
  readonly root: string;
}

export interface Taken extends Snapshot {
  /** The text of rawPath, checked; and the same divided at '/'. */
  readonly path: string;
  readonly parts: string[];
  readonly rawPath: Buffer;
  readonly consignment?: ConsignmentOf;
}

/** Not taken: for good (`refused`) or for now (`held`). Reported once for each identity. */
export interface NotTaken {
  /** Safe to show anywhere. */
  readonly path: string;
  readonly rawPath: Buffer;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly identity: Identity;
  readonly consignment?: ConsignmentOf;
}

/** A consignment all of whose members are in this batch. */
export interface WholeConsignment extends ConsignmentOf {
  readonly objects: number;
  readonly bytes: number;
}

export interface Batch {
  readonly tenant: string;
  readonly taken: Taken[];
  readonly refused: NotTaken[];
  readonly held: NotTaken[];
  readonly consignments: WholeConsignment[];
  /** Raw paths of what was held and does not lie in the share any more. */
  readonly gone: Buffer[];
}

/** A batch in the making. */
export class OpenBatch {
  bytes = 0;
  readonly taken: Taken[] = [];
  readonly refused: NotTaken[] = [];
  readonly held: NotTaken[] = [];
  private spoolBatch: SpoolBatch | undefined;

  constructor(private readonly spool: Spool) {}

  /** The place for the next snapshot; opened when first asked for. */
  get place(): SpoolBatch {
    this.spoolBatch ??= this.spool.begin();
    return this.spoolBatch;
  }

  get isEmpty(): boolean {
    return this.taken.length + this.refused.length + this.held.length === 0;
  }

  addTaken(taken: Taken): void {
    this.taken.push(taken);
    this.bytes += taken.sizeBytes;
  }

  addNotTaken(
    list: 'refused' | 'held',
    rawPath: Buffer,
    reason: Refusal,
    identity: Identity,
    consignment?: ConsignmentOf,
  ): void {
    const { code, detail } = reason;
    const unit = consignment ? { consignment } : {};
    this[list].push({ path: showName(rawPath), rawPath, code, detail, identity, ...unit });
  }

  isFull(maxFiles: number, maxBytes: number): boolean {
    const { taken, refused, held } = this;
    return taken.length >= maxFiles || refused.length + held.length >= maxFiles || this.bytes >= maxBytes;
  }

  /** Makes it durable, as far as the disk goes along. */
  settle(): { readonly safe: Taken[]; readonly lost: Taken[]; readonly failure: SluiceError | undefined } {
    this.spoolBatch?.finish();
    const isSafe = (taken: Taken) => this.spoolBatch!.isDurable(taken);
    const safe = this.taken.filter(isSafe);
    if (safe.length === 0) this.giveUp();
    const lost = this.taken.filter((taken) => !isSafe(taken));
    return { safe, lost, failure: this.spoolBatch?.failure };
  }

  giveUp(): void {
    this.spoolBatch?.giveUp();
  }
}
