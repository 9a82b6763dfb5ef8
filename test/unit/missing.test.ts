/** What the high side says is missing, from its ledger alone (egress/watch/missingWatch.ts, egress/ledger/missing.ts). */
import { join } from 'node:path';
import { expect } from 'chai';
import pino from 'pino';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { MissingWatch } from '../../egress/watch/missingWatch.js';
import { ManualClock } from '../../shared/core/clock.js';
import { News } from '../../shared/ops/health/news.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { HISTORY, manifests, objectId, transferId, verified } from '../support/ledgers.js';

describe('what is missing on the high side', () => {
  let file: string;
  let clock: ManualClock;
  let ledger: HighLedger;
  let news: News<never>;
  let watch: MissingWatch;
  const begin = () => {
    ledger = new HighLedger(file, () => clock.wallMs());
    news = new News(pino({ level: 'silent' }), clock);
    watch = new MissingWatch({ ledger, news: news as never });
  };
  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    clock = new ManualClock(5_000);
    begin();
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });
  const restart = () => {
    ledger.close();
    begin();
  };
  const standing = () => {
    watch.look();
    return news.alarms
      .active()
      .map(({ code, words, count }) => [code, count, words.replace(/ "sluice missing".*/, '')]);
  };
  const lost = (n: number) => ledger.setPayload(objectId(n), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');

  it('FAULTS 51, 59: stands as an alarm as long as it is missing, also after a restart and after hours', () => {
    ledger.admit(objectId(101), manifests(1, [verified(3), verified(4)]));
    ledger.account(HISTORY, 9, 9, () => false);
    lost(1);
    const unseen = ['TRANSFER_UNSEEN', 1, '7 numbers of which nothing came: 1-2, 5-9.'];
    const incomplete = ['TRANSFER_INCOMPLETE', 1, '2 objects are incomplete.'];
    expect(standing()).to.have.deep.members([unseen, incomplete]);
    clock.advance(86_400_000);
    news.tick();
    expect(standing()).to.have.deep.members([unseen, incomplete]);
    restart();
    expect(standing()).to.have.deep.members([unseen, incomplete]);

    ledger.admit(
      objectId(102),
      manifests(
        2,
        [1, 2, 5, 6, 7, 8].map((n) => verified(n)),
      ),
    );
    ledger.setPayload(objectId(1), 'assembled', 'verifying');
    expect(standing()).to.deep.equal([['TRANSFER_UNSEEN', 1, '1 number of which nothing came: 9.']]);
    ledger.admit(objectId(103), manifests(3, [verified(9)]));
    expect(standing()).to.deep.equal([]);
  });

  it('a quarantined object has been decided about: it is no alarm', () => {
    ledger.admit(objectId(101), manifests(1, [verified(1)]));
    ledger.setState(transferId(1), 'quarantined', 'VERIFY_TOO_LARGE', 'Why.');
    expect(standing()).to.deep.equal([]);
  });

  it('FAULTS 59: many ranges are named in part, and counted all', () => {
    for (let n = 1; n <= 12; n++) ledger.admit(objectId(100 + n), manifests(n, [verified(3 * n)]));
    ledger.account(HISTORY, 36, 36, () => false);
    expect(standing()).to.deep.equal([
      ['TRANSFER_UNSEEN', 1, '24 numbers of which nothing came: 1-2, 4-5, 7-8, 10-11, 13-14 and 14 more.'],
    ]);
  });

  it('the count of gaps is the number of gaps, whatever is noted, settled or asked again', () => {
    ledger.account(HISTORY, 5, 5, (sequence) => sequence === 2);
    ledger.account(HISTORY, 5, 5, () => false);
    ledger.admit(objectId(101), manifests(1, [verified(1), verified(7)]));
    restart();
    expect([ledger.gapCount(), ledger.gaps(100)]).to.deep.equal([3, [3, 4, 5]]);
  });
});
