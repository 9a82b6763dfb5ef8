/** What receipts of the low side say is true, also after a resend, a new transfer id, a folder nobody read (ingress/receipts). */
import { join } from 'node:path';
import { expect } from 'chai';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { LowReceiptFacts } from '../../ingress/receipts/facts.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { coding, objectId, taken, verdict } from '../support/ledgers.js';
import { MORNING_MS } from '../support/receipts.js';

describe('facts of receipts of the low side', () => {
  let nowMs: number;
  let ledger: LowLedger;
  let facts: LowReceiptFacts;

  beforeEach(() => {
    nowMs = MORNING_MS;
    ledger = new LowLedger(join(newFolder(memoryFolder()), 'ledger.sqlite'), () => nowMs);
    const rules = { overhead: 0.1, repairFloor: 16, assumedLoss: 0.01, retentionOf: () => 1_000 };
    facts = new LowReceiptFacts(ledger, () => rules);
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  const send = () => {
    const { transfer } = taken('a.txt');
    ledger.addTaken([{ ...taken('a.txt'), transfer }]);
    ledger.setVerdict(transfer, verdict('pass'));
    ledger.addPayload('demo', coding(objectId(1)), [{ transfer, offset: 0 }]);
    ledger.payloadSealed(objectId(1), objectId(101));
    ledger.payloadSent(objectId(1), 3, 1);
    return transfer;
  };

  it('a consignment that intake refused has nothing in quarantine; one of which a member was read has', () => {
    const refuse = (id: string) => ledger.consignments.refuse(id, 'CONSIGNMENT_REFUSED', 'x');
    for (const [id, root] of [
      ['a'.repeat(32), 'unread'],
      ['b'.repeat(32), 'read'],
    ] as const) {
      const { transfer, ...entry } = taken(`${root}/1`);
      ledger.consignments.begin(id, 'demo', root);
      ledger.addNotTaken({ transfer, ...entry, consignment: id }, 'refused', 'NAME_TOO_LONG', 'x');
      if (root === 'read') ledger.addTaken([{ ...taken(`${root}/2`), consignment: id }]);
      refuse(id);
    }
    expect(facts.of(`c:${'a'.repeat(32)}`)).to.include({ state: 'refused', inQuarantine: false });
    expect(facts.of(`c:${'b'.repeat(32)}`)).to.include({ state: 'refused', inQuarantine: true });
  });

  it('a resend that is given up leaves the moment it was sent; one that is done has the moment of the last one', () => {
    const transfer = send();
    nowMs += 100;
    ledger.payloadAgain(objectId(1));
    expect(facts.of(transfer)).to.include({ state: 'sealed', estimate: null, original: null });
    ledger.payloadNotAgain(objectId(1));
    expect(facts.of(transfer)).to.include({
      state: 'sent',
      sinceMs: MORNING_MS,
      againUntilMs: MORNING_MS + 1_000,
    });
    ledger.payloadAgain(objectId(1));
    ledger.payloadSent(objectId(1), 4, 2);
    expect(facts.of(transfer)).to.include({ state: 'sent', sinceMs: nowMs, againUntilMs: nowMs + 1_000 });
  });

  it('a payload that is given up takes the receipt of the old transfer away, and the new one says nothing of a sending', () => {
    const old = send();
    ledger.receipts.settle(ledger.receipts.due('demo', Number.MAX_SAFE_INTEGER, 10));
    const [fresh] = ledger.dropPayload(objectId(1));
    const due = ledger.receipts.due('demo', Number.MAX_SAFE_INTEGER, 10);
    expect(due.find(({ transfer }) => transfer === old)!.gone).to.include({ name: 'a.txt' });
    expect(due.find(({ transfer }) => transfer === fresh)!.gone).to.equal(null);
    expect(facts.of(old)).to.equal(undefined);
    const nothing = { state: 'taken', sequence: null, code: null, estimate: null, againUntilMs: null, original: null };
    expect(facts.of(fresh!)).to.include(nothing);
  });
});
