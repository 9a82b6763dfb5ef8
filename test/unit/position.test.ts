/** When a transfer counts as incomplete, a number as never seen and a session as over (egress/work/position.ts). */
import { join } from 'node:path';
import { expect } from 'chai';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { LinkPosition, type Standing } from '../../egress/work/position.js';
import { ManualClock } from '../../shared/core/clock.js';
import { LIMITS } from '../../shared/core/limits.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { HISTORY, heartbeat, id, manifests, objectId, verified } from '../support/ledgers.js';

const REORDER_MS = 2_000;
const SILENCE_MS = 10_000;
const [FIRST, SECOND] = [id(0xa, 16), id(0xb, 16)];

describe('position of the link', () => {
  let file: string;
  let ledger: HighLedger;
  let clock: ManualClock;
  let position: LinkPosition;
  let incomplete: string[];
  let unseen: number[];
  let ended: string[];
  let alarms: string[];

  const open = () => {
    ledger = new HighLedger(file, () => clock.wallMs());
    position = new LinkPosition(
      ledger,
      { reorderWindowMs: REORDER_MS, silenceMs: SILENCE_MS },
      {
        incomplete: ({ object }) => {
          incomplete.push(object);
          ledger.setPayload(object, 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
        },
        consignmentIncomplete: ({ id: consignment }) => expect.fail(consignment),
        unseen: (_history, sequence) => unseen.push(sequence),
        sessionEnded: (session) => ended.push(session),
        alarm: (code) => alarms.push(code),
        linkIsBack: () => alarms.push('LINK_BACK'),
      },
    );
  };
  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    clock = new ManualClock(1_000_000);
    [incomplete, unseen, ended, alarms] = [[], [], [], []];
    open();
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  const hear = (done: number, changes = {}) => position.heartbeat(heartbeat(done, changes), clock.monotonicMs());
  const tick = (standing: Partial<Standing> = {}) =>
    position.tick(clock.monotonicMs(), { silentMs: 0, busy: false, quietMs: () => 1e9, ...standing });
  const admit = (n: number, ...sequences: number[]) =>
    ledger.admit(
      objectId(1000 + n),
      manifests(
        n,
        sequences.map((sequence) => verified(sequence)),
      ),
    );

  describe('incomplete transfers', () => {
    it('are so only once the position has passed them for the whole reorder window', () => {
      admit(1, 1);
      hear(1);
      clock.advance(REORDER_MS - 1);
      tick();
      expect(incomplete).to.deep.equal([]);
      clock.advance(1);
      tick();
      expect(incomplete).to.deep.equal([objectId(1)]);
    });

    it('are not so while symbols of them still come', () => {
      admit(1, 1);
      hear(1);
      clock.advance(10 * REORDER_MS);
      tick({ quietMs: () => REORDER_MS - 1 });
      expect(incomplete).to.deep.equal([]);
      tick({ quietMs: () => REORDER_MS });
      expect(incomplete).to.deep.equal([objectId(1)]);
    });

    it('are judged one by one', () => {
      admit(1, 1);
      admit(2, 2);
      hear(2);
      clock.advance(REORDER_MS);
      tick({ quietMs: (payload) => (payload === objectId(1) ? 0 : REORDER_MS) });
      expect(incomplete).to.deep.equal([objectId(2)]);
    });

    it('are not decided while blocks are rebuilt or envelopes verified, nor are numbers', () => {
      admit(1, 1);
      hear(3);
      clock.advance(100 * REORDER_MS);
      tick({ busy: true });
      expect([incomplete, unseen]).to.deep.equal([[], []]);
      // An envelope that was being verified closes the gap before anybody speaks of it.
      admit(2, 2);
      tick();
      expect(incomplete).to.deep.equal([objectId(1), objectId(2)]);
      expect(unseen).to.deep.equal([3]);
    });

    it('wait until the position has passed every object of the bundle', () => {
      admit(1, 1, 2, 3);
      hear(2);
      clock.advance(REORDER_MS);
      tick();
      expect(incomplete).to.deep.equal([]);
      hear(3);
      clock.advance(REORDER_MS);
      tick();
      expect(incomplete).to.deep.equal([objectId(1)]);
    });

    it('are said to be so once', () => {
      admit(1, 1);
      hear(1);
      for (let i = 0; i < 5; i++) {
        clock.advance(REORDER_MS);
        tick();
      }
      expect(incomplete).to.deep.equal([objectId(1)]);
    });

    it('are not those that were assembled in the meantime', () => {
      admit(1, 1);
      hear(1);
      ledger.setPayload(objectId(1), 'assembled', 'verifying');
      clock.advance(REORDER_MS);
      tick();
      expect(incomplete).to.deep.equal([]);
    });

    it('are found again after a restart, without a further heartbeat', () => {
      admit(1, 1);
      hear(1);
      clock.advance(REORDER_MS);
      tick({ quietMs: () => 0 });
      ledger.close();
      open();
      tick();
      expect(incomplete).to.deep.equal([objectId(1)]);
    });
  });

  describe('numbers never seen', () => {
    it('FAULTS 59: are named once each, oldest first; those given up are not', () => {
      admit(1, 2);
      hear(8, {
        voids: [
          { first: 4, last: 5 },
          { first: 7, last: 7 },
        ],
      });
      clock.advance(REORDER_MS);
      tick();
      expect(unseen).to.deep.equal([1, 3, 6, 8]);
      hear(9);
      clock.advance(REORDER_MS);
      tick();
      expect(unseen).to.deep.equal([1, 3, 6, 8, 9]);
      expect(ledger.gaps(100)).to.deep.equal([1, 3, 6, 8, 9]);
    });

    it('FAULTS 59: are not named again after a restart, and are still known', () => {
      hear(3);
      clock.advance(REORDER_MS);
      tick();
      ledger.close();
      open();
      hear(3);
      clock.advance(REORDER_MS);
      tick();
      expect(unseen).to.deep.equal([1, 2, 3]);
      expect(ledger.gaps(100)).to.deep.equal([1, 2, 3]);
    });

    it('FAULTS 59: given up later they are not missing any more, whether or not the position moves', () => {
      hear(5);
      clock.advance(REORDER_MS);
      tick();
      expect(ledger.gaps(100)).to.deep.equal([1, 2, 3, 4, 5]);
      const said = (done: number, first: number, last: number) => {
        hear(done, { voids: [{ first, last }] });
        clock.advance(REORDER_MS);
        tick();
        return ledger.gaps(100);
      };
      expect(said(5, 2, 3)).to.deep.equal([1, 4, 5]);
      expect(said(6, 5, 5), 'with the position').to.deep.equal([1, 4, 6]);
      expect(said(3, 1, 1), 'by a heartbeat that was late').to.deep.equal([4, 6]);
      hear(6, { voids: [{ first: 4, last: 4 }], history: id(8, 32) });
      clock.advance(REORDER_MS);
      tick();
      expect(ledger.gaps(100), 'another history has numbers of its own').to.include(4);
      expect(ledger.counts().unseen).to.equal(2 + 5);
    });

    it('FAULTS 59: given up while the position waits for its window they are not said to be missing', () => {
      hear(5, { voids: [{ first: 1, last: 1 }] });
      hear(5, { voids: [{ first: 3, last: 4 }] });
      hear(5);
      clock.advance(REORDER_MS);
      tick();
      expect(unseen).to.deep.equal([2, 5]);
    });

    it('wait the reorder window of their own heartbeat', () => {
      hear(1);
      clock.advance(REORDER_MS / 2);
      hear(2);
      clock.advance(REORDER_MS / 2);
      tick();
      expect(unseen).to.deep.equal([1]);
      clock.advance(REORDER_MS / 2);
      tick();
      expect(unseen).to.deep.equal([1, 2]);
    });
  });

  describe('replayed and hostile heartbeats', () => {
    it('FAULTS 5, 20: an old position takes nothing back and names nothing again', () => {
      hear(5);
      clock.advance(REORDER_MS);
      tick();
      unseen.length = 0;
      for (const old of [0, 1, 4, 5]) hear(old);
      clock.advance(REORDER_MS);
      tick();
      expect(ledger.accounted(HISTORY)).to.equal(5);
      expect([unseen, alarms]).to.deep.equal([[], []]);
    });

    it('FAULTS 20: an old heartbeat does not make later positions wait longer', () => {
      hear(5);
      for (let i = 0; i < 10; i++) {
        clock.advance(REORDER_MS / 10);
        hear(2);
      }
      tick();
      expect(unseen).to.deep.equal([1, 2, 3, 4, 5]);
    });

    it('FAULTS 20: the furthest plausible jump is believed, one more is refused with one alarm', () => {
      hear(0);
      clock.advance(REORDER_MS);
      tick();
      for (let i = 0; i < 5; i++) hear(LIMITS.sequenceMaxJump + 1 + i);
      clock.advance(REORDER_MS);
      tick();
      expect(alarms).to.deep.equal(['SEQUENCE_JUMP']);
      expect([ledger.accounted(HISTORY), unseen]).to.deep.equal([0, []]);
      hear(1);
      clock.advance(REORDER_MS);
      tick();
      expect(unseen).to.deep.equal([1]);
      hear(LIMITS.sequenceMaxJump + 2);
      expect(alarms, 'a new jump is news').to.deep.equal(['SEQUENCE_JUMP', 'SEQUENCE_JUMP']);
    });

    it('FAULTS 20: a refused jump is no sign of life of its session', () => {
      hear(0);
      clock.advance(REORDER_MS);
      tick();
      hear(LIMITS.sequenceMaxJump + 1, { session: SECOND });
      clock.advance(10 * REORDER_MS);
      tick();
      expect(ended).to.deep.equal([]);
    });

    it('FAULTS 20: a jump to the limit is accounted for in full', () => {
      hear(0);
      clock.advance(REORDER_MS);
      tick();
      const given = { first: 1, last: LIMITS.sequenceMaxJump - 2 };
      hear(LIMITS.sequenceMaxJump, { voids: [given] });
      clock.advance(REORDER_MS);
      tick();
      expect(alarms).to.deep.equal([]);
      expect(unseen).to.deep.equal([LIMITS.sequenceMaxJump - 1, LIMITS.sequenceMaxJump]);
    });

    it('FAULTS 20: the first contact begins at 1 while that is plausible, else where the low side is', () => {
      hear(LIMITS.sequenceFirstContact + 1);
      expect(alarms).to.deep.equal(['SEQUENCE_JUMP']);
      hear(LIMITS.sequenceFirstContact + 3);
      clock.advance(REORDER_MS);
      tick();
      expect(unseen).to.deep.equal([LIMITS.sequenceFirstContact + 2, LIMITS.sequenceFirstContact + 3]);
      expect(alarms).to.have.length(1);

      const other = id(8, 32);
      unseen.length = 0;
      hear(3, { history: other });
      clock.advance(REORDER_MS);
      tick();
      expect(unseen, 'another history has numbers of its own').to.deep.equal([1, 2, 3]);
    });

    it('keeps a bounded number of positions while it may not decide, and forgets none of the numbers', () => {
      const beats = LIMITS.positionsWaiting + 50;
      for (let done = 1; done <= beats; done++) hear(done, { voids: [{ first: 1, last: beats - 2 }] });
      clock.advance(REORDER_MS);
      tick();
      expect(ledger.accounted(HISTORY)).to.equal(beats);
      expect(unseen).to.deep.equal([beats - 1, beats]);
    });
  });

  describe('sessions', () => {
    // Three heartbeats of 1000 ms are longer than the reorder window.
    const WAIT_MS = 3_000;

    it('end when another one is heard and they have missed three heartbeats', () => {
      hear(1, { session: FIRST });
      hear(1, { session: SECOND });
      clock.advance(WAIT_MS - 1);
      tick();
      expect(ended).to.deep.equal([]);
      clock.advance(1);
      tick();
      expect(ended).to.deep.equal([FIRST]);
      clock.advance(WAIT_MS);
      tick();
      expect(ended).to.deep.equal([FIRST]);
    });

    it('do not end for being alone and quiet', () => {
      hear(1, { session: FIRST });
      clock.advance(1e9);
      tick();
      expect(ended).to.deep.equal([]);
    });

    it('FAULTS 5: the heartbeats of one that has ended are not believed any more, also after a restart', () => {
      hear(1, { session: FIRST });
      hear(1, { session: SECOND });
      clock.advance(WAIT_MS);
      tick();
      ledger.close();
      open();
      unseen.length = 0;
      hear(50, { session: FIRST });
      clock.advance(WAIT_MS);
      tick();
      expect([ledger.accounted(HISTORY), unseen, ended]).to.deep.equal([1, [], [FIRST]]);
      expect(ledger.endedSessions(10)).to.deep.equal([FIRST]);
    });

    it('FAULTS 5, 20: the replay of another one does not end the session that goes on being heard', () => {
      for (let second = 0; second < 20; second++) {
        hear(second, { session: SECOND });
        hear(0, { session: FIRST });
        tick();
        clock.advance(1_000);
      }
      expect(ended).to.not.include(SECOND);
      hear(20, { session: SECOND });
      clock.advance(WAIT_MS);
      hear(21, { session: SECOND });
      tick();
      expect(ended, 'and once the replay stops it is over').to.deep.equal([FIRST]);
    });

    it('a restarted high side ends those it had not ended yet', () => {
      hear(1, { session: FIRST });
      hear(1, { session: SECOND });
      ledger.close();
      open();
      hear(1, { session: SECOND });
      clock.advance(WAIT_MS);
      tick();
      expect(ended).to.deep.equal([FIRST]);
    });
  });

  describe('a silent link', () => {
    it('FAULTS 58: is said within the configured time and once; its end is noticed', () => {
      tick({ silentMs: SILENCE_MS - 1 });
      expect(alarms).to.deep.equal([]);
      for (const silentMs of [SILENCE_MS, 2 * SILENCE_MS, 3 * SILENCE_MS]) tick({ silentMs });
      expect(alarms).to.deep.equal(['LINK_SILENT']);
      tick({ silentMs: 0 });
      tick({ silentMs: 0 });
      tick({ silentMs: SILENCE_MS });
      expect(alarms).to.deep.equal(['LINK_SILENT', 'LINK_BACK', 'LINK_SILENT']);
    });

    it('FAULTS 58: is said also while blocks wait, for a full disk may make them wait for long', () => {
      admit(1, 1);
      tick({ silentMs: SILENCE_MS, busy: true });
      expect(alarms).to.deep.equal(['LINK_SILENT']);
      expect(incomplete, 'but nothing is decided').to.deep.equal([]);
      tick({ silentMs: SILENCE_MS });
      expect(alarms).to.deep.equal(['LINK_SILENT']);
      expect(incomplete).to.deep.equal([objectId(1)]);
    });

    it('FAULTS 58: makes everything incomplete that is still on its way, whatever the position says', () => {
      admit(1, 1);
      admit(2, 2);
      ledger.setPayload(objectId(2), 'assembled', 'verifying');
      tick({ silentMs: SILENCE_MS });
      expect(incomplete).to.deep.equal([objectId(1)]);
      expect(ledger.objectsOfPayload(objectId(1))[0]).to.include({ state: 'incomplete', code: 'TRANSFER_INCOMPLETE' });
    });

    it('FAULTS 58: what is admitted after it is not incomplete for it', () => {
      tick({ silentMs: SILENCE_MS });
      tick({ silentMs: 0 });
      admit(1, 1);
      tick({ silentMs: 0 });
      expect(incomplete).to.deep.equal([]);
    });
  });
});
