/** Writes what intake has taken, refused or held into the ledger, and puts what was taken into the first queue. */
import { toHex } from '../../shared/core/bytes.js';
import { codeOf, wordsOf } from '../../shared/core/errors.js';
import type { BatchMessage } from '../intake/messages.js';
import { type LowLedger, newTransferId } from '../ledger/ledger.js';
import type { LowStages } from './stages.js';

export interface RecorderTools {
  ledger: LowLedger;
  stages: Pick<LowStages, 'enqueueScan'>;
  changed: (transfers: readonly string[]) => void;
  /** The batch is in the ledger: intake may go on. */
  recorded: (batch: number) => void;
  /** Something has changed about these consignments. */
  settle: (consignments: readonly string[]) => Promise<void>;
  alarm: (code: string, words: string) => void;
}

const AGAIN_MS = 1_000;

export class Recorder {
  constructor(private readonly tools: RecorderTools) {}

  /** Intake waits for this: while the ledger cannot be written nothing more is taken. */
  recordUntilDone(batch: BatchMessage): void {
    try {
      this.record(batch);
    } catch (error) {
      this.tools.alarm('SPOOL_IO', `What was taken cannot be recorded: ${wordsOf(error)}`);
      setTimeout(() => this.recordUntilDone(batch), AGAIN_MS).unref();
    }
  }

  private record(batch: BatchMessage): void {
    const { ledger, stages, changed, recorded, settle, alarm } = this.tools;
    const { tenant } = batch;
    const taken = batch.taken.map((object) => ({
      ...object,
      transfer: newTransferId(),
      tenant,
      sha256: toHex(object.sha256),
      consignment: object.consignment?.id ?? null,
    }));
    // Thousands of members name one consignment.
    const units = new Map<string, string>();
    for (const { consignment } of [...batch.taken, ...batch.refused]) {
      if (consignment) units.set(consignment.id, consignment.root);
    }
    for (const { id, root } of batch.consignments ?? []) units.set(id, root);
    const others: string[] = [];
    ledger.transaction(() => {
      for (const [id, root] of units) ledger.consignments.begin(id, tenant, root);
      ledger.addTaken(taken);
      for (const [state, entries] of [
        ['refused', batch.refused],
        ['held', batch.held],
      ] as const) {
        for (const entry of entries) {
          const transfer = newTransferId();
          others.push(transfer);
          const consignment = state === 'refused' ? (entry.consignment?.id ?? null) : null;
          ledger.addNotTaken({ ...entry, transfer, tenant, consignment }, state, entry.code, entry.detail);
        }
      }
      for (const rawPath of batch.gone ?? []) ledger.dropHeld(tenant, rawPath);
      for (const { id, objects, bytes } of batch.consignments ?? []) ledger.consignments.taken(id, objects, bytes);
    });
    const transfers = taken.map(({ transfer }) => transfer);
    changed([...transfers, ...others]);
    recorded(batch.id);
    stages.enqueueScan(transfers).catch((error) => alarm('QUEUE_STORE_UNAVAILABLE', wordsOf(error)));
    settle([...units.keys()]).catch((error) => alarm(codeOf(error), wordsOf(error)));
  }
}
