/** What the desk of receipts does when the ledger or a folder fails for a moment, or a tenant is away (shared/ops/receipts). */
import { join } from 'node:path';
import { expect } from 'chai';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { LowReceiptFacts } from '../../ingress/receipts/facts.js';
import { type DeskTenant, ReceiptDesk } from '../../shared/ops/receipts/desk.js';
import type { WriteAnswer } from '../../shared/ops/receipts/messages.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { taken, verdict } from '../support/ledgers.js';
import { until } from '../support/processes.js';
import { MORNING_MS } from '../support/receipts.js';

describe('the desk of receipts', () => {
  let ledger: LowLedger;
  let desk: ReceiptDesk;
  let tenants: DeskTenant[];
  let said: string[];
  let written: string[];
  let summaries: { facts: { tenant: string }; written: () => void }[];
  let summaryAnswer: WriteAnswer;
  let dueFails: boolean;
  let nowMs: number;

  beforeEach(() => {
    nowMs = MORNING_MS;
    ledger = new LowLedger(join(newFolder(memoryFolder()), 'ledger.sqlite'), () => nowMs);
    tenants = [{ name: 'demo', receipts: '/receipts/demo', receiptsFor: 'all' }];
    [said, written, summaries, dueFails] = [[], [], [], false];
    summaryAnswer = { failed: [], away: false, words: '' };
    const ask = async (kind: string, { orders }: { orders: { write?: { transfer: string } }[] }) => {
      if (kind === 'summary') return summaryAnswer;
      written.push(...orders.map(({ write }) => write!.transfer));
      return { failed: [], away: false, words: '' };
    };
    const facts = new LowReceiptFacts(ledger, () => ({}) as never);
    desk = new ReceiptDesk({
      side: 'low',
      outbox: ledger.receipts,
      factsOf: (transfer) => facts.of(transfer),
      child: { ask: ask as never },
      summaries: {
        changed: () => {},
        due: () => {
          if (dueFails) throw new Error('disk I/O error');
          return summaries.splice(0) as never;
        },
      },
      tenants: () => tenants,
      nowMs: () => nowMs,
      keptMs: () => 1_000,
      againMs: 0,
      unwritable: (tenant) => said.push(`unwritable "${tenant}"`),
      over: (tenant) => said.push(`over "${tenant}"`),
    });
  });
  afterEach(async () => {
    await desk.stop();
    ledger.close();
    removeFolders();
  });

  const refuse = (name: string) => {
    const object = taken(name, { tenant: 'demo' });
    ledger.addTaken([object]);
    ledger.refuse(object.transfer, verdict('refuse', 'SCAN_TYPE_NOT_ALLOWED').findings, 'SCAN_TYPE_NOT_ALLOWED', 'x');
    return object.transfer;
  };

  it('a ledger that fails for a moment is said, is over after the next good round, and is said again another time', async () => {
    const both = ['unwritable ""', 'over ""'];
    dueFails = true;
    desk.start();
    await until(() => said.length === 1);
    dueFails = false;
    await until(() => said.length === 2);
    expect(said).to.deep.equal(both);
    dueFails = true;
    await until(() => said.length === 3);
    dueFails = false;
    await until(() => said.length === 4);
    expect(said).to.deep.equal([...both, ...both]);
  });

  it('a summary that failed is over once it is written, also of a tenant that has no receipts due', async () => {
    const summary = () => summaries.push({ facts: { tenant: 'demo' }, written: () => {} });
    summaryAnswer = { failed: [0], away: false, words: 'Made by a test.' };
    summary();
    await desk.round();
    expect(said).to.deep.equal(['unwritable "demo"']);
    summaryAnswer = { failed: [], away: false, words: '' };
    summary();
    await desk.round();
    expect(said).to.deep.equal(['unwritable "demo"', 'over "demo"']);
  });

  it('receipts of a tenant that is out of the configuration for a while wait for it', async () => {
    const transfer = refuse('a.txt');
    const [here] = tenants;
    tenants = [];
    await desk.round();
    expect([written, ledger.receipts.size()]).to.deep.equal([[], 1]);
    tenants = [here!];
    desk.everybody();
    await desk.round();
    expect([written, ledger.receipts.size()]).to.deep.equal([[transfer], 0]);
  });

  it('but none is kept for it longer than receipts are kept at all, nor for one that wants none', async () => {
    refuse('old.txt');
    tenants = [];
    nowMs += 1_001;
    await desk.round();
    expect([written, ledger.receipts.size()]).to.deep.equal([[], 0]);
    refuse('a.txt');
    tenants = [{ name: 'demo', receipts: '', receiptsFor: 'none' }];
    desk.everybody();
    await desk.round();
    expect([written, ledger.receipts.size()]).to.deep.equal([[], 0]);
  });
});
