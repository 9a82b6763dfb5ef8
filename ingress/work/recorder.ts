/** Writes what intake has taken, refused or held into the ledger, and puts what was taken into the first queue. */
import { toHex } from '../../shared/core/bytes.js';
import { codeOf, wordsOf } from '../../shared/core/errors.js';
import type { TransferId } from '../../shared/wire/statements.js';
import type { BatchMessage, NotTakenMessage } from '../intake/messages.js';
import { type LowLedger, newTransferId, type TakenObject } from '../ledger/ledger.js';
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
  /** Milliseconds between attempts. */
  againMs?: number;
}

const AGAIN_MS = 1_000;

export class Recorder {
  constructor(private readonly tools: RecorderTools) {}

  /**
   * Intake waits for this: while the ledger cannot be written nothing more is taken.
   * @param isWaited whether the process that sent the batch still runs: the next one removes spool files that are not in
   *   the ledger, and takes these files again
   */
  recordUntilDone(batch: BatchMessage, isWaited: () => boolean = () => true): void {
    this.attempt(rowsOf(batch), isWaited, false);
  }

  private attempt(rows: Rows, isWaited: () => boolean, isAgain: boolean): void {
    const { ledger, recorded, alarm, againMs = AGAIN_MS } = this.tools;
    if (!isWaited()) return;
    try {
      // An attempt that seemed to fail may have been written after all: the same rows are not written twice.
      const isThere = isAgain && transfersOf(rows).some((transfer) => ledger.object(transfer));
      if (!isThere) this.write(rows);
    } catch (error) {
      alarm('SPOOL_IO', `What was taken cannot be recorded: ${wordsOf(error)}`);
      setTimeout(() => this.attempt(rows, isWaited, true), againMs).unref();
      return;
    }
    recorded(rows.batch.id);
    this.tell(rows);
  }

  private write({ batch, taken, notTaken, units, withdrawn }: Rows): void {
    const { ledger } = this.tools;
    const { tenant } = batch;
    ledger.transaction(() => {
      for (const [id, root] of units) ledger.consignments.begin(id, tenant, root);
      ledger.addTaken(taken);
      for (const { transfer, state, entry } of notTaken) {
        const consignment = state === 'refused' ? (entry.consignment?.id ?? null) : null;
        ledger.addNotTaken({ ...entry, transfer, tenant, consignment }, state, entry.code, entry.detail);
      }
      withdrawn.length = 0;
      for (const rawPath of batch.gone ?? []) withdrawn.push(...ledger.withdraw(tenant, rawPath));
      for (const { id, objects, bytes } of batch.consignments ?? []) ledger.consignments.taken(id, objects, bytes);
    });
  }

  /** Whoever wants to know. The rows are durable: what fails here is made good by the next rebuild of the queues. */
  private tell(rows: Rows): void {
    const { stages, changed, settle, alarm } = this.tools;
    const told = (error: unknown) => alarm(codeOf(error), wordsOf(error));
    try {
      changed([...transfersOf(rows), ...rows.withdrawn]);
    } catch (error) {
      told(error);
    }
    const transfers = rows.taken.map(({ transfer }) => transfer);
    stages.enqueueScan(transfers).catch((error) => alarm(codeOf(error), wordsOf(error)));
    settle([...rows.units.keys()]).catch(told);
  }
}

/** A batch as it is written, however many attempts that takes. */
interface Rows {
  readonly batch: BatchMessage;
  readonly taken: readonly TakenObject[];
  readonly notTaken: readonly { transfer: TransferId; state: 'refused' | 'held'; entry: NotTakenMessage }[];
  /** Held before, and gone from the share: known once it is written. */
  readonly withdrawn: TransferId[];
  /** Roots of consignments by their ids. */
  readonly units: ReadonlyMap<string, string>;
}

function rowsOf(batch: BatchMessage): Rows {
  const taken = batch.taken.map((object) => ({
    ...object,
    transfer: newTransferId(),
    tenant: batch.tenant,
    sha256: toHex(object.sha256),
    consignment: object.consignment?.id ?? null,
  }));
  const row = (state: 'refused' | 'held') => (entry: NotTakenMessage) => ({ transfer: newTransferId(), state, entry });
  const notTaken = [...batch.refused.map(row('refused')), ...batch.held.map(row('held'))];
  // Thousands of members name one consignment.
  const units = new Map<string, string>();
  for (const { consignment } of [...batch.taken, ...batch.refused]) {
    if (consignment) units.set(consignment.id, consignment.root);
  }
  for (const { id, root } of batch.consignments ?? []) units.set(id, root);
  return { batch, taken, notTaken, units, withdrawn: [] };
}

const transfersOf = ({ taken, notTaken }: Rows): TransferId[] =>
  [...taken, ...notTaken].map(({ transfer }) => transfer);
