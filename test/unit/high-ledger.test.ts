/** The high side's ledger (egress/ledger/ledger.ts). */
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { ManualClock } from '../../shared/core/clock.js';
import { SluiceError } from '../../shared/core/errors.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { coding, HISTORY, id, manifests, objectId, transferId, verified } from '../support/ledgers.js';

const OTHER = id(8, 32);
const ENVELOPE = objectId(100);

describe('ledger of the high side', () => {
  let file: string;
  let clock: ManualClock;
  let ledger: HighLedger;

  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    clock = new ManualClock(5_000);
    ledger = new HighLedger(file, () => clock.wallMs());
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });
  const reopen = () => {
    ledger.close();
    ledger = new HighLedger(file, () => clock.wallMs());
  };
  const states = (payload: string) => ledger.objectsOfPayload(payload).map(({ state }) => state);
  const noVoids = () => false;

  describe('admission', () => {
    it('records a new envelope with all that it says', () => {
      const one = verified(1, { path: 'a/b', parts: ['a', 'b'], mtimeNs: -(2n ** 62n), sizeBytes: 400 });
      const two = verified(2, { offset: 400, sizeBytes: 600, reject: { code: 'VERIFY_TOO_LARGE', detail: 'Why.' } });
      expect(ledger.admit(ENVELOPE, manifests(1, [one, two]))).to.equal('new');
      expect(ledger.payload(objectId(1))).to.deep.equal({
        object: objectId(1),
        envelope: ENVELOPE,
        history: HISTORY,
        coding: coding(objectId(1)),
        state: 'assembling',
        consignment: null,
        changedMs: 5_000,
        isExpired: false,
      });
      const nothingYet = { code: null, detail: null, publishedAs: null, state: 'assembling' };
      const shown = ({ type: _, label: _1, submitter: _2, keyId: _3, ...object }: typeof one) => object;
      const common = { payload: objectId(1), history: HISTORY, ...nothingYet };
      expect(ledger.objectsOfPayload(objectId(1))).to.deep.equal([
        { ...shown(one), ...common, reject: null },
        { ...shown(two), ...common },
      ]);
    });

    it('knows the same envelope again, and changes nothing', () => {
      ledger.admit(ENVELOPE, manifests(1, [verified(1)]));
      ledger.setPayload(objectId(1), 'assembled', 'verifying');
      expect(ledger.admit(ENVELOPE, manifests(1, [verified(1)]))).to.equal('known');
      expect(ledger.payload(objectId(1))!.state).to.equal('assembled');
      expect(states(objectId(1))).to.deep.equal(['verifying']);
    });

    const conflicts: [string, string, Parameters<typeof manifests>][] = [
      ['payload', objectId(101), [1, [verified(9)]]],
      ['transfer in another payload', objectId(101), [2, [verified(9, { transfer: transferId(1) })]]],
      ['sequence number in another payload', objectId(101), [2, [verified(1, { transfer: transferId(9) })]]],
      [
        'number behind others that are free',
        objectId(101),
        [2, [verified(8), verified(1, { transfer: transferId(9) })]],
      ],
    ];
    for (const [what, envelope, args] of conflicts) {
      it(`FAULTS 17: finds another envelope in conflict over the same ${what}, and records nothing of it`, () => {
        ledger.admit(ENVELOPE, manifests(1, [verified(1)]));
        const before = [ledger.page(0, 100), ledger.payload(objectId(1))];
        expect(ledger.admit(envelope, manifests(...args))).to.equal('conflict');
        expect([ledger.page(0, 100), ledger.payload(objectId(1))]).to.deep.equal(before);
        expect(ledger.payload(objectId(2))).to.equal(undefined);
      });
    }

    it('FAULTS 17: whichever of two differing envelopes comes first, it stays', () => {
      const copies = [
        [objectId(101), manifests(1, [verified(1, { sha256: 'a'.repeat(64) })])],
        [objectId(102), manifests(1, [verified(1, { sha256: 'b'.repeat(64) })])],
      ] as const;
      fc.assert(
        fc.property(fc.array(fc.nat(1), { minLength: 1, maxLength: 6 }), (order) => {
          const own = new HighLedger(':memory:', () => 0);
          try {
            const answers = order.map((which) => own.admit(...copies[which]!));
            expect(answers).to.deep.equal(
              order.map((which, i) => (i === 0 ? 'new' : which === order[0] ? 'known' : 'conflict')),
            );
            expect(own.objectsOfPayload(objectId(1))[0]!.sha256).to.equal(copies[order[0]!]![1].objects[0]!.sha256);
          } finally {
            own.close();
          }
        }),
        { seed: 17, numRuns: 20 },
      );
    });

    it('gives the same number to objects of different histories', () => {
      ledger.admit(ENVELOPE, manifests(1, [verified(1)]));
      const another = manifests(2, [verified(1, { transfer: transferId(9) })], OTHER);
      expect(ledger.admit(objectId(101), another)).to.equal('new');
    });
  });

  describe('states', () => {
    beforeEach(() => {
      ledger.admit(ENVELOPE, manifests(1, [verified(1), verified(2), verified(3)]));
    });

    it('a payload takes along those of its objects that are not decided', () => {
      ledger.setReleased(transferId(1), 'file-1');
      ledger.setState(transferId(2), 'quarantined', 'DIGEST_MISMATCH', 'Why.');
      clock.advance(7);
      ledger.setPayload(objectId(1), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
      expect(states(objectId(1))).to.deep.equal(['released', 'quarantined', 'incomplete']);
      expect(ledger.objectsOfPayload(objectId(1)).map(({ code }) => code)).to.deep.equal([
        null,
        'DIGEST_MISMATCH',
        'TRANSFER_INCOMPLETE',
      ]);
      expect(ledger.payload(objectId(1))).to.include({ state: 'incomplete', changedMs: 5_007 });
      ledger.setPayload(objectId(1), 'assembled', 'verifying');
      expect(ledger.objectsOfPayload(objectId(1))[2]).to.include({ state: 'verifying', code: null });
    });

    it('a release takes away the reason of an earlier failure', () => {
      ledger.setState(transferId(1), 'verifying', 'RELEASE_IO', 'Why.');
      ledger.setReleased(transferId(1), 'file-1 (2)');
      expect(ledger.objectsOfPayload(objectId(1))[0]).to.include({
        state: 'released',
        publishedAs: 'file-1 (2)',
        code: null,
        detail: null,
      });
    });

    it('payloads are listed by their state, in the order they were met', () => {
      ledger.admit(objectId(103), manifests(3, [verified(5)]));
      ledger.admit(objectId(102), manifests(2, [verified(6)]));
      ledger.setPayload(objectId(1), 'assembled', 'verifying');
      const objects = (state: 'assembling' | 'assembled' | 'closed') =>
        ledger.payloadsIn(state).map(({ object }) => object);
      expect(objects('assembling')).to.deep.equal([objectId(3), objectId(2)]);
      expect(objects('assembled')).to.deep.equal([objectId(1)]);
      expect(ledger.openBytes()).to.equal(3_000);
      ledger.closePayload(objectId(1));
      expect(objects('closed')).to.deep.equal([objectId(1)]);
      expect(ledger.openBytes()).to.equal(2_000);
    });

    it('counts objects by state and numbers never seen', () => {
      ledger.setReleased(transferId(1), 'file-1');
      ledger.account(HISTORY, 5, 5, noVoids);
      expect(ledger.counts()).to.deep.equal({ assembling: 2, released: 1, unseen: 2 });
    });

    it('shows objects page by page', () => {
      const [first, second] = [ledger.page(0, 2), ledger.page(ledger.page(0, 2)[1]!.position, 2)];
      expect([...first, ...second].map(({ object }) => object.sequence)).to.deep.equal([1, 2, 3]);
      expect(ledger.page(second[0]!.position, 2)).to.deep.equal([]);
    });

    it('a transaction that fails leaves nothing behind, also of those inside it', () => {
      expect(() =>
        ledger.transaction(() => {
          ledger.setPayload(objectId(1), 'assembled', 'verifying');
          throw new SluiceError('INTERNAL', 'Made by a test.');
        }),
      ).to.throw('INTERNAL');
      expect(ledger.payload(objectId(1))!.state).to.equal('assembling');
      expect(states(objectId(1))).to.deep.equal(['assembling', 'assembling', 'assembling']);
    });
  });

  describe('numbers', () => {
    it('FAULTS 59: up to the position each is known, void or a gap; asked again there are no new gaps', () => {
      ledger.admit(ENVELOPE, manifests(1, [verified(2)]));
      expect(ledger.account(HISTORY, 4, 9, (sequence) => sequence === 3)).to.deep.equal([1, 4]);
      expect(ledger.account(HISTORY, 4, 9, noVoids)).to.deep.equal([]);
      expect(ledger.account(HISTORY, 2, 2, noVoids)).to.deep.equal([]);
      expect([ledger.accounted(HISTORY), ledger.accounted(OTHER), ledger.sequencesAccounted()]).to.deep.equal([
        4, 0, 4,
      ]);
    });

    it('FAULTS 59: an envelope that comes after all closes its gap, and only its own', () => {
      ledger.account(HISTORY, 3, 3, noVoids);
      ledger.account(OTHER, 3, 3, noVoids);
      ledger.admit(ENVELOPE, manifests(1, [verified(2)]));
      expect(ledger.gaps(100)).to.deep.equal([1, 3, 1, 2, 3]);
      expect(ledger.gaps(2)).to.deep.equal([1, 3]);
      expect(ledger.counts().unseen).to.equal(5);
    });

    it('FAULTS 17, 59: an envelope in conflict closes no gap', () => {
      ledger.admit(ENVELOPE, manifests(1, [verified(1)]));
      ledger.account(HISTORY, 2, 2, noVoids);
      ledger.admit(objectId(101), manifests(2, [verified(2), verified(3, { transfer: transferId(1) })]));
      expect(ledger.gaps(100)).to.deep.equal([2]);
    });

    it('a history begun in its middle asks for nothing before it', () => {
      expect(ledger.isKnownHistory(HISTORY)).to.equal(false);
      ledger.beginHistory(HISTORY, 500, 510);
      ledger.beginHistory(HISTORY, 1, 1);
      expect(ledger.isKnownHistory(HISTORY)).to.equal(true);
      expect(ledger.account(HISTORY, 502, 510, noVoids)).to.deep.equal([501, 502]);
    });

    it('a payload is overdue once the position has passed all of it, until it is assembled', () => {
      ledger.admit(ENVELOPE, manifests(1, [verified(1), verified(2)]));
      const overdue = () => ledger.overdue().map(({ object }) => object);
      expect(overdue()).to.deep.equal([]);
      ledger.account(OTHER, 5, 5, noVoids);
      ledger.account(HISTORY, 1, 2, noVoids);
      expect(overdue()).to.deep.equal([]);
      ledger.account(HISTORY, 2, 2, noVoids);
      expect(overdue()).to.deep.equal([objectId(1)]);
      ledger.setPayload(objectId(1), 'assembled', 'verifying');
      expect(overdue()).to.deep.equal([]);
    });
  });

  it('FAULTS 5: remembers the sessions it heard of, and those that have ended', () => {
    const [a, b, c] = [id(1, 16), id(2, 16), id(3, 16)];
    expect(ledger.noteSession(a)).to.deep.equal([]);
    clock.advance(1);
    expect(ledger.noteSession(b)).to.deep.equal([a]);
    expect(ledger.noteSession(a)).to.deep.equal([b]);
    ledger.endSession(a);
    clock.advance(1);
    expect(ledger.noteSession(c)).to.deep.equal([b]);
    ledger.endSession(b);
    reopen();
    expect([a, b, c].map((session) => ledger.hasEnded(session))).to.deep.equal([true, true, false]);
    expect(ledger.endedSessions(10)).to.deep.equal([b, a]);
    expect(ledger.endedSessions(1)).to.deep.equal([b]);
    expect(ledger.noteSession(a), 'an ended one stays so').to.deep.equal([c]);
    expect(ledger.hasEnded(a)).to.equal(true);
  });

  it('FAULTS 5, 20: knows everything again after it was opened anew', () => {
    ledger.admit(ENVELOPE, manifests(1, [verified(1), verified(2)]));
    ledger.setReleased(transferId(1), 'file-1');
    ledger.account(HISTORY, 4, 6, noVoids);
    const all = () => [ledger.page(0, 10), ledger.payloadsIn('assembling'), ledger.gaps(10), ledger.accounted(HISTORY)];
    const before = all();
    reopen();
    expect(all()).to.deep.equal(before);
    expect(ledger.admit(ENVELOPE, manifests(1, [verified(1), verified(2)]))).to.equal('known');
  });

  it('refuses the ledger of the other side, and the other side refuses this one', () => {
    const theirs = join(newFolder(memoryFolder()), 'ledger.sqlite');
    new LowLedger(theirs, () => 0).close();
    expect(() => new HighLedger(theirs, () => 0))
      .to.throw(SluiceError)
      .with.property('code', 'STATE_WRONG_SIDE');
    expect(() => new LowLedger(file, () => 0))
      .to.throw(SluiceError)
      .with.property('code', 'STATE_WRONG_SIDE');
  });
});
