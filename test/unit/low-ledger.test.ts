/** The low side's ledger (ingress/ledger/ledger.ts). */
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { LowLedger, type TakenObject } from '../../ingress/ledger/ledger.js';
import { MIGRATIONS } from '../../ingress/ledger/rows.js';
import { ManualClock } from '../../shared/core/clock.js';
import { SluiceError } from '../../shared/core/errors.js';
import { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { coding, objectId, taken, verdict } from '../support/ledgers.js';

describe('ledger of the low side', () => {
  let file: string;
  let clock: ManualClock;
  let ledger: LowLedger;

  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    clock = new ManualClock(5_000);
    ledger = new LowLedger(file, () => clock.wallMs());
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });
  const reopen = () => {
    ledger.close();
    ledger = new LowLedger(file, () => clock.wallMs());
  };

  const take = (name: string, changes: Partial<TakenObject> = {}): string => {
    const object = taken(name, changes);
    ledger.addTaken([object]);
    return object.transfer;
  };
  /** Takes and scans so many objects and makes them payload n. */
  const payload = (n: number, members = 1): string[] => {
    const transfers = Array.from({ length: members }, (_, i) => take(`p${n}-${i}`));
    for (const transfer of transfers) ledger.setVerdict(transfer, verdict('pass'));
    ledger.addPayload(
      'demo',
      coding(objectId(n), 1000 * members),
      transfers.map((transfer, i) => ({ transfer, offset: 1000 * i })),
    );
    return transfers;
  };
  const seal = (n: number) => ledger.payloadSealed(objectId(n), objectId(100 + n));
  const send = (n: number) => ledger.payloadSent(objectId(n), 3, 1);
  const sequences = (transfers: string[]) => transfers.map((transfer) => ledger.object(transfer)!.sequence);

  describe('objects', () => {
    it('FAULTS 32: what was held under a name is found by its name, however many objects there are', () => {
      const file = new LedgerFile(join(newFolder(), 'ledger.sqlite'), 'low', MIGRATIONS);
      const sql = `DELETE FROM objects WHERE state = 'held' AND spool_file IS NULL AND tenant = ? AND raw_path = ?`;
      const plan = file.all(`EXPLAIN QUERY PLAN ${sql}`, 'demo', Buffer.from('a'));
      file.close();
      expect(plan[0]!.detail).to.contain('(tenant=? AND raw_path=?)');
    });

    it('are kept with all that intake said of them, also over a restart', () => {
      const object = taken('ä/b', { rawPath: Uint8Array.of(0xc3, 0xa4, 0x2f, 0x62), mtimeNs: -(2n ** 62n) });
      ledger.addTaken([object]);
      const history = ledger.history;
      reopen();
      expect(ledger.history).to.equal(history);
      const { blockDigests, ...rest } = object;
      expect(ledger.blockDigests(object.transfer)).to.deep.equal(blockDigests);
      expect(ledger.object(object.transfer)).to.deep.equal({
        ...rest,
        state: 'taken',
        code: null,
        detail: null,
        verdict: null,
        payload: null,
        payloadOffset: 0,
        sequence: null,
        consignment: null,
      });
    });

    it('many asked for at once are what each of them is alone, in the order asked for; unknown ones are left out', () => {
      const names = ['a', 'tab\u0001"\\\u2028', 'c'];
      const rawPath = Uint8Array.of(0xff, 0x00, 0x27);
      const [a, b, c] = names.map((name) => take(name, { rawPath, mtimeNs: -(2n ** 62n), sizeBytes: 2 ** 52 + 1 }));
      ledger.setVerdict(b!, verdict('pass'));
      ledger.setState(c!, 'held', 'SCAN_UNAVAILABLE', 'no "process"');
      const asked = [c!, 'f'.repeat(32), a!, b!];
      const alone = [c, a, b].map((transfer) => ledger.object(transfer!)!);
      expect(ledger.objects(asked)).to.deep.equal(alone);
      expect(ledger.objects(asked)[0]!.rawPath).to.deep.equal(rawPath);
      expect([...ledger.states(asked)]).to.deep.equal(alone.map(({ transfer, state }) => [transfer, state]));
      for (const [i, told] of ledger.told(asked).entries()) expect(alone[i]).to.deep.include(told);
      expect(ledger.objects(Array(1_001).fill(a))).to.have.length(1_001);
      expect(ledger.objects([])).to.deep.equal([]);
    });

    it('a batch is recorded as a whole or not at all', () => {
      const [one, two] = [taken('a'), taken('b')];
      ledger.addTaken([two]);
      expect(() => ledger.addTaken([one, two])).to.throw();
      expect(ledger.object(one.transfer)).to.equal(undefined);
    });

    it('a held entry is replaced by what has become of it; of another tenant it stays', () => {
      const entry = (tenant: string, n: number) => {
        const { transfer, path, rawPath, fingerprint, sizeBytes } = taken('same', { tenant, sizeBytes: n });
        return { transfer, tenant, path, rawPath, fingerprint, sizeBytes };
      };
      for (const n of [1, 2]) ledger.addNotTaken(entry('demo', n), 'held', 'INTAKE_UNSTABLE', 'Why.');
      ledger.addNotTaken(entry('other', 3), 'held', 'INTAKE_UNSTABLE', 'Why.');
      expect(ledger.counts()).to.deep.equal({ held: 2 });
      take('same');
      expect(ledger.page(0, 10).map(({ object }) => [object.tenant, object.state])).to.deep.equal([
        ['other', 'held'],
        ['demo', 'taken'],
      ]);
    });

    it('of a size beyond what a number holds exactly can be refused', () => {
      const { transfer, path, rawPath, fingerprint, tenant } = taken('sparse');
      const entry = { transfer, tenant, path, rawPath, fingerprint, sizeBytes: 2 ** 62 };
      ledger.addNotTaken(entry, 'refused', 'INTAKE_TOO_LARGE', 'Why.');
      expect(ledger.object(transfer)).to.include({ state: 'refused', code: 'INTAKE_TOO_LARGE', spoolFile: '' });
    });

    it('are found by the beginning of their id when it means one of them', () => {
      const a = take('a', { transfer: `0123456789${'a'.repeat(22)}` });
      take('b', { transfer: `0123456788${'f'.repeat(22)}` });
      expect(ledger.objectBeginning('0123456789')!.transfer).to.equal(a);
      expect(ledger.objectBeginning(a)!.transfer).to.equal(a);
      for (const digits of ['01234567', '0123456', '0123456789b', '01234567%9', '']) {
        expect(ledger.objectBeginning(digits), digits).to.equal(undefined);
      }
    });

    it('held for another scan lose their verdict and wait for one', () => {
      const transfer = take('a');
      ledger.setVerdict(transfer, verdict('pass'));
      expect(ledger.waiting('taken', true)).to.deep.equal([{ transfer, tenant: 'demo' }]);
      ledger.holdForScan(transfer, 'SEAL_VERDICT_INCOMPLETE', 'Why.');
      expect(ledger.object(transfer)).to.include({ state: 'held', verdict: null, code: 'SEAL_VERDICT_INCOMPLETE' });
      expect(ledger.waiting('taken', true)).to.deep.equal([]);
      expect(ledger.waiting('held', false)).to.deep.equal([{ transfer, tenant: 'demo' }]);
      ledger.setVerdict(transfer, verdict('pass'));
      expect(ledger.object(transfer)).to.include({ state: 'taken', code: null, detail: null });
    });

    it('wait for a scan only while their bytes are in the spool and they belong to no payload', () => {
      const { transfer, path, rawPath, fingerprint, tenant } = taken('never taken');
      ledger.addNotTaken({ transfer, tenant, path, rawPath, fingerprint, sizeBytes: 1 }, 'held', 'INTAKE_UNSTABLE', '');
      payload(1);
      const a = take('a');
      expect(ledger.waiting('held', false)).to.deep.equal([]);
      expect(ledger.waiting('taken', true)).to.deep.equal([]);
      expect(ledger.waiting('taken', false)).to.deep.equal([{ transfer: a, tenant: 'demo' }]);
    });
  });

  describe('sequence numbers', () => {
    it('are given in order, one to each object, and go on after a restart', () => {
      expect(sequences(payload(1, 3))).to.deep.equal([1, 2, 3]);
      reopen();
      expect(sequences(payload(2, 2))).to.deep.equal([4, 5]);
      expect(ledger.sequenceLast()).to.equal(5);
      expect(ledger.objectBySequence(4)!.payload).to.equal(objectId(2));
    });

    it('FAULTS 20: are never given again, whatever is given up', () => {
      payload(1, 2);
      const fresh = ledger.dropPayload(objectId(1));
      reopen();
      ledger.addPayload('demo', coding(objectId(2)), [{ transfer: fresh[0]!, offset: 0 }]);
      expect(sequences(fresh)).to.deep.equal([3, null]);
      expect(ledger.objectBySequence(1)).to.equal(undefined);
    });

    it('are not given for a payload that cannot be made', () => {
      const [member] = payload(1);
      const other = take('other');
      const members = [other, member!].map((transfer) => ({ transfer, offset: 0 }));
      expect(() => ledger.addPayload('demo', coding(objectId(2)), members))
        .to.throw(SluiceError)
        .with.property('code', 'INTERNAL');
      expect([ledger.sequenceLast(), ledger.payload(objectId(2))]).to.deep.equal([1, undefined]);
      expect(ledger.object(other)).to.include({ payload: null, sequence: null });
    });

    it('count as done up to the first one that was not sent', () => {
      expect(ledger.sequenceDone()).to.equal(0);
      for (const n of [1, 2, 3]) payload(n, 2);
      const done = [ledger.sequenceDone()];
      for (const step of [() => seal(1), () => seal(2), () => send(2), () => send(1), () => seal(3), () => send(3)]) {
        step();
        done.push(ledger.sequenceDone());
      }
      expect(done).to.deep.equal([0, 0, 0, 0, 4, 4, 6]);
    });

    it('FAULTS 20: stay done while their payload is sent again, and while it is sent', () => {
      payload(1);
      seal(1);
      ledger.setStateOfPayload(objectId(1), 'sending');
      expect(ledger.sequenceDone()).to.equal(0);
      send(1);
      payload(2);
      seal(2);
      send(2);
      ledger.payloadAgain(objectId(1));
      expect(ledger.sequenceDone()).to.equal(2);
      ledger.setStateOfPayload(objectId(1), 'sending');
      expect(ledger.sequenceDone()).to.equal(2);
      expect(ledger.payload(objectId(1))).to.include({ state: 'sealed', repairNext: 3, envelopePass: 1 });
    });

    it('count as done once they are void', () => {
      payload(1);
      payload(2);
      seal(2);
      send(2);
      expect(ledger.sequenceDone()).to.equal(0);
      ledger.dropPayload(objectId(1));
      expect(ledger.sequenceDone()).to.equal(2);
      expect(ledger.voids(16)).to.deep.equal([{ first: 1, last: 1 }]);
    });

    it('FAULTS 20: the position never goes back, in any order of work', () => {
      const steps = fc.array(fc.tuple(fc.nat(4), fc.nat(5)), { maxLength: 30 });
      fc.assert(
        fc.property(steps, (plan) => {
          ledger.close();
          ledger = new LowLedger(':memory:', () => 0);
          let done = 0;
          for (const [what, which] of plan) {
            const there = ledger.payload(objectId(which));
            if (!there) payload(which, 2);
            else if (what === 1 && there.state === 'sealing') seal(which);
            else if (what === 2 && there.state === 'sealed') send(which);
            else if (what === 3 && there.state === 'sent') ledger.payloadAgain(objectId(which));
            else if (what === 4) ledger.dropPayload(objectId(which));
            expect(ledger.sequenceDone()).to.be.within(done, ledger.sequenceLast());
            done = ledger.sequenceDone();
          }
        }),
        { seed: 20, numRuns: 25 },
      );
    });
  });

  describe('what is given up', () => {
    it('becomes fresh transfers with new ids, their verdicts and bytes kept', () => {
      const before = payload(1, 3);
      const fresh = ledger.dropPayload(objectId(1));
      expect(new Set([...before, ...fresh]).size).to.equal(6);
      for (const transfer of before) expect(ledger.object(transfer)).to.equal(undefined);
      expect(fresh.map((transfer) => ledger.object(transfer)!.path)).to.deep.equal(['p1-0', 'p1-1', 'p1-2']);
      for (const transfer of fresh) {
        expect(ledger.object(transfer)).to.include({ state: 'taken', payload: null, sequence: null });
        expect(ledger.object(transfer)!.verdict).to.deep.equal(verdict('pass'));
      }
      expect(ledger.waiting('taken', true).map(({ transfer }) => transfer)).to.deep.equal(fresh);
      expect(ledger.payload(objectId(1))!.state).to.equal('dropped');
      expect(ledger.dropPayload(objectId(1)), 'once').to.deep.equal([]);
      expect(ledger.voids(16)).to.deep.equal([{ first: 1, last: 3 }]);
    });

    it('void numbers make as few ranges as there can be, in any order', () => {
      const numbers = fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 20 });
      fc.assert(
        fc.property(numbers, (given) => {
          ledger.close();
          ledger = new LowLedger(':memory:', () => 0);
          for (const sequence of given) ledger.addVoid(sequence);
          const ranges = ledger.voids(100);
          const covered = ranges.flatMap(({ first, last }) =>
            Array.from({ length: last - first + 1 }, (_, i) => first + i),
          );
          expect(covered).to.deep.equal([...new Set(given)].sort((a, b) => a - b));
          for (const [i, { first }] of ranges.entries()) if (i > 0) expect(first).to.be.above(ranges[i - 1]!.last + 1);
        }),
        { seed: 1, numRuns: 40 },
      );
    });

    it('the most recent void ranges are told, oldest of them first', () => {
      for (const sequence of [9, 1, 5]) ledger.addVoid(sequence);
      expect(ledger.voids(2).map(({ first }) => first)).to.deep.equal([5, 9]);
    });

    it('block digests made for another coding are forgotten, once', () => {
      const transfer = take('a');
      const digests = () => ledger.blockDigests(transfer).length;
      ledger.setCoding({ symbolBytes: 512, blockSymbols: 16 });
      expect(digests()).to.equal(0);
      const later = take('b');
      ledger.setCoding({ symbolBytes: 512, blockSymbols: 16 });
      expect(ledger.blockDigests(later)).to.have.length(32);
      ledger.setCoding({ symbolBytes: 512, blockSymbols: 32 });
      expect(ledger.blockDigests(later)).to.have.length(0);
    });
  });

  describe('what intake need not look at again', () => {
    const known = () => ledger.known().map(({ rawPath, state }) => `${Buffer.from(rawPath)} ${state}`);

    it('is everything; what waits in the share says why', () => {
      take('taken');
      ledger.holdForScan(take('held in the spool'), 'SCAN_UNAVAILABLE', '');
      for (const [name, state] of [
        ['held', 'held'],
        ['refused', 'refused'],
      ] as const) {
        const { transfer, tenant, path, rawPath, fingerprint } = taken(name);
        ledger.addNotTaken({ transfer, tenant, path, rawPath, fingerprint, sizeBytes: 1 }, state, 'NAME_TOO_LONG', '');
      }
      expect(known()).to.deep.equal(['taken taken', 'held in the spool taken', 'held held', 'refused refused']);
      expect(ledger.known().map(({ code }) => code)).to.deep.equal([undefined, undefined, 'NAME_TOO_LONG', undefined]);
    });

    it('leaves with its original, but stays known while that stays in the share', () => {
      const [gone, stays] = [take('gone'), take('stays')];
      ledger.setDisposed(gone!, false);
      ledger.setDisposed(stays!, true);
      expect(known()).to.deep.equal(['stays taken']);
    });

    it('stays known when its bytes leave the spool', () => {
      const transfer = take('a');
      ledger.setState(transfer, 'sent');
      ledger.spoolFileRemoved('a');
      expect(known()).to.deep.equal(['a taken']);
    });

    it('originals to be dealt with are those sent, of the tenants named, oldest first and each once', () => {
      const [a, b, other, , d] = [take('a'), take('b'), take('c', { tenant: 'other' }), take('not sent'), take('d')];
      for (const transfer of [d!, b!, other!, a!]) ledger.setState(transfer, 'sent');
      const paths = (tenants: string[], most: number) => ledger.toDispose(tenants, most).map(({ path }) => path);
      expect(paths(['demo'], 2)).to.deep.equal(['a', 'b']);
      expect(paths(['demo', 'other'], 9)).to.deep.equal(['a', 'b', 'c', 'd']);
      expect(paths([], 9)).to.deep.equal([]);
      ledger.setDisposed(a!, false);
      ledger.setDisposed(b!, true);
      expect(paths(['demo'], 9)).to.deep.equal(['d']);
    });
  });

  describe('spool', () => {
    it('files expire once nothing in them is needed, those longest done with first', () => {
      const a1 = take('a1', { spoolFile: 'pack', spoolOffset: 0 });
      const a2 = take('a2', { spoolFile: 'pack', spoolOffset: 1000 });
      const b = take('b');
      const refused = take('refused');
      take('waiting');
      expect(ledger.spoolBytes()).to.equal(5_000);
      const finish: [string, 'sent' | 'refused'][] = [
        [a1, 'sent'],
        [b, 'sent'],
        [refused, 'refused'],
        [a2, 'sent'],
      ];
      for (const [transfer, state] of finish) {
        ledger.setState(transfer, state);
        clock.advance(1);
      }
      const expired = (beforeMs: number) => ledger.expiredSpoolFiles(beforeMs).map(({ spoolFile }) => spoolFile);
      expect(expired(5_001)).to.deep.equal([]);
      expect(expired(5_002)).to.deep.equal(['b']);
      expect(expired(9_999)).to.deep.equal(['b', 'refused', 'pack']);
      ledger.spoolFileRemoved('pack');
      expect(expired(9_999)).to.deep.equal(['b', 'refused']);
      expect(ledger.spoolBytes()).to.equal(3_000);
      expect(ledger.spoolFiles()).to.deep.equal(new Set(['b', 'refused', 'waiting']));
      expect(ledger.object(a1)).to.include({ state: 'sent', spoolFile: '' });
    });

    it('names the payloads of an expired file, and keeps what is sent again', () => {
      payload(1);
      seal(1);
      send(1);
      clock.advance(1);
      const [file, ...more] = ledger.expiredSpoolFiles(clock.wallMs());
      expect(more).to.deep.equal([]);
      expect(file).to.deep.include({ spoolFile: 'p1-0', payloads: [objectId(1)] });
      ledger.payloadAgain(objectId(1));
      clock.advance(1);
      expect(ledger.expiredSpoolFiles(clock.wallMs())).to.deep.equal([]);
    });
  });

  it('requests of operators are answered once, in their order, also after a restart, and stay on record', () => {
    const ask = (kind: string, argument: string) =>
      ledger.requests.add({ kind, argument, who: 'eve', why: 'a test', origin: 'command line' });
    const [one, two, question] = [ask('resend', '1'), ask('pause', 'scan'), ask('?queues', '')] as [
      number,
      number,
      number,
    ];
    reopen();
    expect(ledger.requests.open().map(({ id, kind, argument }) => [id, kind, argument])).to.deep.equal([
      [one, 'resend', '1'],
      [two, 'pause', 'scan'],
      [question, '?queues', ''],
    ]);
    expect(ledger.requests.answerOf(one)).to.equal(null);
    ledger.requests.answer(one, 'yes: done');
    expect(ledger.requests.open().map(({ id }) => id)).to.deep.equal([two, question]);
    expect(ledger.requests.answerOf(one)).to.equal('yes: done');
    ledger.requests.forget(one);
    ledger.requests.forget(question);
    const acts = ledger.requests.acts(10);
    expect(acts.map(({ id, answer }) => [id, answer])).to.deep.equal([
      [one, 'yes: done'],
      [two, null],
    ]);
    expect(acts[1]).to.include({ who: 'eve', why: 'a test', origin: 'command line' });
  });
});
