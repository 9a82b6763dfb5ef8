/** `sluice missing`: what an operator reads out to the low side (FAULTS 59). */
import { join } from 'node:path';
import { expect } from 'chai';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { concurrently, type Workplace } from '../support/cli.js';
import { HISTORY, manifests, objectId, transferId, verified } from '../support/ledgers.js';

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'lists ranges of numbers never seen, and incomplete objects; a side need not run': async (place) => {
    const state = place.folder('high');
    const ledger = new HighLedger(join(state, 'ledger.sqlite'), Date.now);
    ledger.admit(objectId(101), manifests(1, [verified(3, { path: 'town/plan' })]));
    ledger.account(HISTORY, 2915, 2915, (sequence) => sequence > 3 && sequence < 2861);
    ledger.setPayload(objectId(1), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
    ledger.close();
    const words = await place.sluice('missing', '--state', state).ended;
    expect(words.code, words.stderr).to.equal(0);
    for (const line of ['of 57 numbers', '  1-2\n', '  2861-2915\n', `  3  ${transferId(3)}  `, 'town/plan'])
      expect(words.stderr).to.include(line);
    const { stdout } = await place.sluice('missing', '--json', '--state', state).ended;
    const { objects, ...numbers } = JSON.parse(stdout);
    const ranges = [
      { history: HISTORY, first: 1, last: 2 },
      { history: HISTORY, first: 2861, last: 2915 },
    ];
    expect(numbers).to.deep.equal({ unseen: 57, ranges, unseenMore: 0, incomplete: 1, incompleteMore: 0 });
    expect(objects[0]).to.include({ transfer: transferId(3), path: 'town/plan', sequence: 3 });
  },

  'without a ledger says so': async (place) => {
    const { code, stderr } = await place.sluice('missing', '--state', place.folder('nothing')).ended;
    expect([code, stderr.includes('STATE_MISSING')]).to.deep.equal([3, true]);
  },
};

describe('command line: missing', function () {
  this.timeout(60_000);
  concurrently(3, cases);
});
