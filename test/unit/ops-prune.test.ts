/** What the ledgers forget in time, and what they never forget (finishedLedger.ts of both sides). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import Database from 'libsql';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { fingerprintOf, parseFingerprint } from '../../ingress/intake/identity.js';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { LowPruner } from '../../ingress/watch/pruner.js';
import { ManualClock } from '../../shared/core/clock.js';
import { Pruning } from '../../shared/ops/ledger/prune.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { newIntake } from '../support/intake.js';
import { coding, HISTORY, id, manifests, objectId, taken, transferId, verified } from '../support/ledgers.js';
import { until } from '../support/queues.js';

const DAY_MS = 86_400_000;

describe('removing what is finished', () => {
  let file: string;
  let clock: ManualClock;
  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    clock = new ManualClock(1_000 * DAY_MS);
  });
  afterEach(removeFolders);

  const settle = (ledger: HighLedger | LowLedger) => {
    for (;;) {
      const due = ledger.receipts.due('demo', Number.MAX_SAFE_INTEGER, 1_000);
      if (due.length === 0) return;
      ledger.receipts.settle(due);
    }
  };

  describe('on the high side', () => {
    let ledger: HighLedger;
    beforeEach(() => {
      ledger = new HighLedger(file, () => clock.wallMs());
    });
    afterEach(() => ledger.close());
    const admit = (n: number, ...sequences: number[]) =>
      ledger.admit(
        objectId(1_000 + n),
        manifests(
          n,
          sequences.map((sequence) => verified(sequence)),
        ),
      );
    /** Payload n with one object, released. */
    const release = (n: number, sequence = n) => {
      admit(n, sequence);
      ledger.setPayload(objectId(n), 'assembled', 'verifying');
      ledger.setReleased(transferId(sequence), 'x');
      ledger.closePayload(objectId(n));
    };
    const pruneAll = () => {
      let gone = 0;
      for (let n = ledger.finished.prune(clock.wallMs()); n > 0; n = ledger.finished.prune(clock.wallMs())) gone += n;
      return gone;
    };

    it('FAULTS 5: an envelope of a transfer that was removed is over, whatever its age, and nothing is begun', () => {
      for (let n = 1; n <= 20; n++) release(n);
      ledger.account(HISTORY, 20, 20, () => false);
      release(21);
      settle(ledger);
      clock.advance(1);
      expect(pruneAll()).to.equal(20);
      for (let n = 1; n <= 20; n++) expect(admit(n, n), String(n)).to.equal('over');
      expect(admit(21, 21)).to.equal('known');
      expect(admit(99, 20, 22), 'one that is over among others').to.equal('conflict');
      expect(ledger.payload(objectId(3))).to.equal(undefined);
      expect(ledger.counts()).to.deep.equal({ released: 1, unseen: 0 });
      const other = manifests(500, [verified(3, { transfer: transferId(77) })], id(9, 32));
      expect(ledger.admit(objectId(1_500), other), 'another history').to.equal('new');
    });

    it('keeps ranges, not numbers: an undisturbed history is one', () => {
      for (const n of [1, 5, 3, 2, 4, 9, 8]) release(n);
      ledger.account(HISTORY, 9, 9, () => false);
      release(10);
      settle(ledger);
      clock.advance(1);
      pruneAll();
      const over = Array.from({ length: 11 }, (_, n) => n).filter((n) => ledger.finished.has(HISTORY, n));
      expect(over).to.deep.equal([1, 2, 3, 4, 5, 8, 9]);
      expect(ledger.counts().unseen, '6 and 7 are still missing').to.equal(2);
      ledger.close();
      ledger = new HighLedger(file, () => clock.wallMs());
      expect(ledger.finished.has(HISTORY, 4), 'also after a restart').to.equal(true);
    });

    it('what the position has not passed stays, or it would be taken for lost', () => {
      for (let n = 1; n <= 5; n++) release(n);
      settle(ledger);
      clock.advance(1);
      expect(pruneAll()).to.equal(0);
      ledger.account(HISTORY, 3, 5, () => false);
      expect(pruneAll()).to.equal(3);
      expect(
        ledger.account(HISTORY, 5, 5, () => false),
        'no gaps',
      ).to.deep.equal([]);
    });

    it('what is unfinished, young, or has a receipt to come stays', () => {
      release(1);
      admit(2, 2);
      admit(3, 3);
      ledger.setPayload(objectId(3), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
      release(4);
      settle(ledger);
      clock.advance(10);
      release(5);
      ledger.account(HISTORY, 5, 5, () => false);
      release(6);
      expect(ledger.finished.prune(clock.wallMs() - 5)).to.equal(2);
      clock.advance(1);
      expect(pruneAll(), 'a receipt is due of 5').to.equal(0);
      settle(ledger);
      expect(pruneAll()).to.equal(1);
      expect(ledger.counts()).to.deep.equal({ assembling: 1, incomplete: 1, released: 1, unseen: 0 });
    });

    it('a consignment stays until it is over as a whole', () => {
      const consignment = {
        id: id(5, 32),
        tenant: 'demo',
        root: 'folder',
        parts: ['folder'],
        firstSequence: 1,
        objects: 2,
        sizeBytes: 2_000,
      };
      for (const n of [1, 2]) ledger.admit(objectId(1_000 + n), { ...manifests(n, [verified(n)]), consignment });
      ledger.setReleased(transferId(1), 'x');
      ledger.closePayload(objectId(1));
      release(3);
      ledger.account(HISTORY, 3, 3, () => false);
      settle(ledger);
      clock.advance(1);
      expect(pruneAll()).to.equal(0);
      ledger.setReleased(transferId(2), 'y');
      ledger.closePayload(objectId(2));
      settle(ledger);
      ledger.consignments.setReleased(consignment.id);
      clock.advance(1);
      expect(pruneAll(), 'its receipt is due').to.equal(0);
      settle(ledger);
      expect(pruneAll()).to.equal(2);
      expect(ledger.consignments.get(consignment.id)).to.equal(undefined);
      expect(ledger.admit(objectId(1_001), { ...manifests(1, [verified(1)]), consignment })).to.equal('over');
      expect(ledger.consignments.get(consignment.id), 'and is not begun again').to.equal(undefined);
    });

    /** Payload n with one object, incomplete, with nothing kept of it any more. */
    const expire = (n: number, alsoBytes = true) => {
      admit(n, n);
      ledger.setPayload(objectId(n), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
      if (alsoBytes) ledger.setExpired(objectId(n), true);
    };

    it('FAULTS 5, 59: what stayed incomplete goes once its bytes are gone for that long, and its number stays taken', () => {
      expire(1);
      expire(2, false);
      ledger.account(HISTORY, 2, 2, () => false);
      expire(3);
      release(4);
      settle(ledger);
      expect(pruneAll(), 'it is not that old').to.equal(0);
      clock.advance(1);
      expect(pruneAll(), 'of 2 there are bytes, and 3 the position has not passed').to.equal(1);
      expect(admit(1, 1)).to.equal('over');
      expect(ledger.counts()).to.deep.equal({ incomplete: 2, released: 1, unseen: 0 });
    });

    it('an incomplete consignment goes as a whole, when nothing is kept of any part', () => {
      const consignment = {
        id: id(6, 32),
        tenant: 'demo',
        root: 'folder',
        parts: ['folder'],
        firstSequence: 1,
        objects: 3,
        sizeBytes: 3_000,
      };
      for (const n of [1, 2]) {
        ledger.admit(objectId(1_000 + n), { ...manifests(n, [verified(n)]), consignment });
        ledger.setPayload(objectId(n), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
      }
      ledger.consignments.setIncomplete(consignment.id, '');
      ledger.setExpired(objectId(1), true);
      ledger.account(HISTORY, 3, 3, () => false);
      release(4);
      settle(ledger);
      clock.advance(1);
      expect(pruneAll()).to.equal(0);
      ledger.setExpired(objectId(2), true);
      clock.advance(1);
      expect(pruneAll()).to.equal(2);
      expect(ledger.consignments.get(consignment.id)).to.equal(undefined);
    });

    it('positions of news go on: no later object takes the place of one that was removed', () => {
      for (let n = 1; n <= 3; n++) release(n);
      ledger.account(HISTORY, 3, 3, () => false);
      const last = ledger.page(0, 10).at(-1)!.position;
      settle(ledger);
      clock.advance(1);
      pruneAll();
      release(4);
      expect(ledger.page(last, 10).map(({ object }) => object.sequence)).to.deep.equal([4]);
    });

    it('the file gives its room back, a little at a time', () => {
      for (let n = 1; n <= 3_000; n++) release(n);
      ledger.account(HISTORY, 3_000, 3_000, () => false);
      settle(ledger);
      clock.advance(1);
      expect(pruneAll()).to.equal(2_999);
      const pages = () => {
        const database = new Database(file);
        const [row] = database.prepare('PRAGMA page_count').all() as { page_count: number }[];
        database.close();
        return row!.page_count;
      };
      const before = pages();
      ledger.shrink();
      expect(before - pages(), 'a bounded number').to.be.within(100, 500);
      for (let n = 0; n < 10; n++) ledger.shrink();
      expect(pages()).to.be.below(60);
      expect(ledger.counts().released).to.equal(1);
    }).timeout(20_000);
  });

  describe('on the low side', () => {
    let ledger: LowLedger;
    let sequence: number;
    beforeEach(() => {
      sequence = 0;
      ledger = new LowLedger(file, () => clock.wallMs());
    });
    afterEach(() => ledger.close());
    const pruneAll = async (lie: (names: string[]) => boolean[] | Promise<boolean[]>) => {
      const pruner = new LowPruner({
        finished: ledger.finished,
        lie: async (_tenant, files) => lie(files.map(({ rawPath }) => Buffer.from(rawPath).toString())),
      });
      while (await pruner.step(clock.wallMs()));
    };
    const names = () => ledger.page(0, 100).map(({ object }) => object.path);
    const send = (name: string, disposed?: boolean) => {
      const object = taken(name);
      sequence++;
      ledger.addTaken([object]);
      ledger.addPayload('demo', coding(objectId(sequence)), [{ transfer: object.transfer, offset: 0 }]);
      ledger.payloadSealed(objectId(sequence), objectId(100 + sequence));
      ledger.payloadSent(objectId(sequence), 0, 0);
      ledger.spoolFileRemoved(name);
      if (disposed !== undefined) ledger.setDisposed(object.transfer, !disposed);
      return object.transfer;
    };

    it('what was sent and has left its share goes, with its payload; the position stays', async () => {
      send('left', true);
      send('newest', true);
      const [done, last] = [ledger.sequenceDone(), ledger.sequenceLast()];
      settle(ledger);
      clock.advance(1);
      await pruneAll(() => expect.fail('nothing to ask'));
      expect(names()).to.deep.equal(['newest']);
      expect(ledger.payload(objectId(1))).to.equal(undefined);
      expect(ledger.payload(objectId(2))).not.to.equal(undefined);
      expect([ledger.sequenceDone(), ledger.sequenceLast()]).to.deep.equal([done, last]);
    });

    it('what still lies in its share stays, or it would be taken again; so does what nobody can tell', async () => {
      for (const name of ['kept', 'taken away', 'kept too']) send(name);
      ledger.addNotTaken(taken('refused'), 'refused', 'INTAKE_NOT_REGULAR', '');
      ledger.addNotTaken(taken('refused, gone'), 'refused', 'INTAKE_NOT_REGULAR', '');
      send('newest', true);
      settle(ledger);
      clock.advance(1);
      await pruneAll(() => Promise.reject(new Error('away')));
      expect(names()).to.have.length(6);
      const kept = ledger.keptBytes.before(clock.wallMs(), 10, 0);
      await pruneAll((asked) => asked.map((name) => name !== 'refused, gone'));
      expect(names(), 'its bytes may be in the quarantine').to.include('refused, gone');
      ledger.keptBytes.setGone(kept, clock.wallMs());
      await pruneAll((asked) => asked.map((name) => !/gone|away/.test(name)));
      expect(names()).to.deep.equal(['kept', 'kept too', 'refused', 'newest']);
    });

    it('what is in the spool, unfinished, or has a receipt to come stays', async () => {
      ledger.addTaken([taken('waits')]);
      const spooled = taken('spooled');
      ledger.addTaken([spooled]);
      ledger.setState(spooled.transfer, 'refused', 'SCAN_TIMEOUT');
      ledger.addNotTaken(taken('held'), 'held', 'INTAKE_UNREADABLE', '');
      settle(ledger);
      send('receipt due', true);
      send('newest', true);
      clock.advance(1);
      await pruneAll((asked) => asked.map(() => false));
      expect(names()).to.deep.equal(['waits', 'spooled', 'held', 'receipt due', 'newest']);
    });

    it('intake knows what lies in a share, and says yes of what it cannot know', async () => {
      const bench = newIntake();
      bench.drop('here', 'x');
      bench.drop('goes', 'y');
      await bench.settle();
      const [here, goes] = ['here', 'goes'].map((name) => bench.taken().find(({ path }) => path === name)!);
      const lies = (tenant: string, one: typeof here) =>
        bench.intake.mayLie(tenant, one!.rawPath, parseFingerprint(fingerprintOf(one!.identity)));
      fs.rmSync(join(bench.share, 'goes'));
      expect(lies('demo', goes), 'before the next walk').to.equal(true);
      await bench.intake.poll();
      expect([lies('demo', here), lies('demo', goes), lies('nobody', goes)]).to.deep.equal([true, false, true]);
      fs.writeFileSync(join(bench.share, 'here'), 'something else');
      await bench.settle();
      expect(lies('demo', here), 'another file of this name').to.equal(false);
    });
  });

  it('goes in small steps until nothing is left; FAULTS 22: not after the clock was set', async () => {
    const steps: number[] = [];
    let [isTrusted, shrunk, left] = [false, 0, 3];
    const tools = {
      retentionMs: () => 3_600_000,
      isTrusted: () => isTrusted,
      step: (beforeMs: number) => {
        steps.push(Date.now() - beforeMs);
        return --left > 0;
      },
      shrink: () => shrunk++,
      trouble: (error: unknown) => expect.fail(String(error)),
    };
    const first = new Pruning(tools);
    first.start();
    await until('the first look', () => shrunk === 1);
    first.stop();
    expect(steps).to.deep.equal([]);
    isTrusted = true;
    const second = new Pruning(tools);
    second.start();
    await until('all steps', () => steps.length === 3);
    second.stop();
    for (const ageMs of steps) expect(ageMs).to.be.closeTo(3_600_000, 1_000);
  });
});
