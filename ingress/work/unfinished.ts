/** What the ledger knows to be unfinished and may be done: all but what failed for good. */
import type { ObjectId, TransferId } from '../../shared/wire/statements.js';
import type { LowLedger } from '../ledger/ledger.js';

interface Waiting {
  transfer: TransferId;
  tenant: string;
}

export interface Unfinished {
  scan: Waiting[];
  seal: Waiting[];
  /** Payloads that were begun. Of consignments the gate asks itself. */
  sealing: ObjectId[];
  send: ObjectId[];
}

export function unfinishedOf(ledger: LowLedger): Unfinished {
  const { deadLetters, consignments } = ledger;
  const scan = [...ledger.waiting('taken', false), ...ledger.waiting('held', false)];
  const seal = ledger.waiting('taken', true);
  const sealing = ledger.payloadsIn('sealing').map(({ object }) => object);
  const send = ledger.payloadsIn('sealed').map(({ object }) => object);
  const open = consignments.open().map(({ id }) => id);
  const scannable = new Set(deadLetters.leaveOut('scan', idsOf(scan)));
  const sealable = new Set(deadLetters.leaveOut('seal', [...idsOf(seal), ...sealing, ...open]));
  return {
    scan: scan.filter(({ transfer }) => scannable.has(transfer)),
    seal: seal.filter(({ transfer }) => sealable.has(transfer)),
    sealing: sealing.filter((payload) => sealable.has(payload)),
    send: deadLetters.leaveOut('send', send),
  };
}

const idsOf = (waiting: readonly Waiting[]): TransferId[] => waiting.map(({ transfer }) => transfer);
