/** Which receipts are due (shared/ops/receipts/outbox.ts), as the triggers of both ledgers say. */
import { join } from 'node:path';
import { expect } from 'chai';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { LowLedger, newTransferId } from '../../ingress/ledger/ledger.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { coding, manifests, objectId, taken, transferId, verdict, verified } from '../support/ledgers.js';

const LATER = 1e12;

describe('receipts that are due', () => {
  let file: string;
  let nowMs: number;
  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    nowMs = 10_000;
  });
  afterEach(removeFolders);

  describe('low side', () => {
    let ledger: LowLedger;
    beforeEach(() => {
      ledger = new LowLedger(file, () => nowMs);
    });
    afterEach(() => ledger.close());

    const due = (atMs = LATER, tenant = 'demo') =>
      ledger.receipts.due(tenant, atMs, 1_000).map(({ transfer, gone }) => (gone ? `gone ${gone.name}` : transfer));
    const settleAll = () => ledger.receipts.settle(ledger.receipts.due('demo', LATER, 1_000));
    const take = (name: string, tenant = 'demo'): string => {
      const object = taken(name, { tenant });
      ledger.addTaken([object]);
      return object.transfer;
    };
    const notTaken = (name: string, state: 'held' | 'refused', code: 'INTAKE_UNREADABLE' | 'SPOOL_FULL') => {
      const { transfer, tenant, path, rawPath, fingerprint, sizeBytes } = taken(name);
      ledger.addNotTaken({ transfer, tenant, path, rawPath, fingerprint, sizeBytes }, state, code, 'Made by a test.');
      return transfer;
    };
    /** Through scan, seal and link, as payload n. */
    const send = (transfer: string, n: number) => {
      ledger.setVerdict(transfer, verdict('pass'));
      ledger.addPayload('demo', coding(objectId(n)), [{ transfer, offset: 0 }]);
      ledger.payloadSealed(objectId(n), objectId(100 + n));
      ledger.setStateOfPayload(objectId(n), 'sending');
      ledger.payloadSent(objectId(n), 3, 1);
    };

    it('an object that is sent within a moment has one, and states on the way wait for two seconds', () => {
      const transfer = take('a');
      expect(due(nowMs + 1_999)).to.deep.equal([]);
      expect(due(nowMs + 2_000)).to.deep.equal([transfer]);
      send(transfer, 1);
      expect(due(nowMs)).to.deep.equal([transfer]);
      expect(ledger.receipts.size()).to.equal(1);
    });

    it('what is decided is due at once, whatever the clock says', () => {
      nowMs = 1;
      const refused = notTaken('a', 'refused', 'INTAKE_UNREADABLE');
      const held = take('b');
      ledger.setState(held, 'held', 'SCAN_UNAVAILABLE', '');
      expect(due(nowMs)).to.deep.equal([refused, held]);
    });

    it('what was written settles no change that came meanwhile', () => {
      const transfer = take('a');
      const written = ledger.receipts.due('demo', LATER, 10);
      ledger.setState(transfer, 'refused', 'SCAN_TIMEOUT', '');
      ledger.receipts.settle(written);
      expect(due()).to.deep.equal([transfer]);
      settleAll();
      expect(due()).to.deep.equal([]);
      expect(ledger.receipts.tenants()).to.deep.equal([]);
    });

    it('is not due again for what changes nothing in it: held once more for the same reason', () => {
      const transfer = take('a');
      ledger.setState(transfer, 'held', 'SCAN_UNAVAILABLE', 'first');
      settleAll();
      nowMs += 5_000;
      ledger.setState(transfer, 'held', 'SCAN_UNAVAILABLE', 'second');
      expect(due()).to.deep.equal([]);
      expect(ledger.receiptSource(transfer)!.sinceMs, 'held since').to.equal(10_000);
    });

    it('a file that cannot be taken waits since the first time, over restarts of intake too', () => {
      const first = notTaken('a', 'held', 'INTAKE_UNREADABLE');
      settleAll();
      nowMs += 60_000;
      notTaken('a', 'held', 'INTAKE_UNREADABLE');
      expect(due(), 'nothing new to say').to.deep.equal([]);
      expect(ledger.receiptSource(first)!.sinceMs).to.equal(10_000);
      const second = notTaken('a', 'held', 'SPOOL_FULL');
      expect(due()).to.have.members(['gone a', second]);
    });

    it('a held file that is taken at last: the receipt of its waiting goes, its own comes', () => {
      notTaken('a', 'held', 'INTAKE_UNREADABLE');
      settleAll();
      const transfer = take('a');
      expect(due()).to.have.members(['gone a', transfer]);
    });

    it('an object that travels as a new transfer gets a new one', () => {
      const transfer = take('a');
      send(transfer, 1);
      settleAll();
      const [fresh] = ledger.dropPayload(objectId(1));
      expect(due()).to.have.members(['gone a', fresh]);
    });

    it('what became of the original is news; that finished rows go one day is none', () => {
      const transfer = take('a');
      send(transfer, 1);
      settleAll();
      ledger.setDisposed(transfer, false, 'moved', 'accepted-a');
      expect(due()).to.deep.equal([transfer]);
      expect(ledger.receiptSource(transfer)).to.include({ original: 'moved', originalPath: 'accepted-a' });
    });

    it('FAULTS 61: of another tenant nothing is due here', () => {
      const mine = take('a');
      const theirs = take('a', 'other');
      expect(due()).to.deep.equal([mine]);
      expect(due(LATER, 'other')).to.deep.equal([theirs]);
      expect(ledger.receipts.tenants()).to.have.members(['demo', 'other']);
    });

    it('FAULTS 51: survives the end of the process', () => {
      const transfer = take('a');
      ledger.close();
      ledger = new LowLedger(file, () => nowMs);
      expect(due()).to.deep.equal([transfer]);
    });

    it('findings of the scan are kept for it', () => {
      const transfer = newTransferId();
      ledger.addTaken([taken('a', { transfer })]);
      const { findings } = verdict('refuse', 'SCAN_ARCHIVE_ENCRYPTED');
      ledger.refuse(transfer, findings, 'SCAN_ARCHIVE_ENCRYPTED', 'x');
      expect(ledger.receiptSource(transfer)!.findings).to.deep.equal(findings);
    });
  });

  describe('high side', () => {
    let ledger: HighLedger;
    beforeEach(() => {
      ledger = new HighLedger(file, () => nowMs);
    });
    afterEach(() => ledger.close());
    const due = () => ledger.receipts.due('demo', nowMs, 1_000).map(({ transfer }) => transfer);

    it('there is none while an object is on its way, one each time it is decided', () => {
      ledger.admit(objectId(9), { ...manifests(1, [verified(1)]), sealedMs: 777 });
      ledger.setPayload(objectId(1), 'assembled', 'verifying');
      expect(due()).to.deep.equal([]);
      ledger.setPayload(objectId(1), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
      expect(due()).to.deep.equal([transferId(1)]);
      ledger.receipts.settle(ledger.receipts.due('demo', nowMs, 10));
      ledger.setReleased(transferId(1), 'file-1.v2');
      expect(due()).to.deep.equal([transferId(1)]);
      expect(ledger.receiptSource(transferId(1))).to.include({ label: 'open', keyId: '00', sealedMs: 777 });
    });
  });
});
