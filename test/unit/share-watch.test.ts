/** Files that wait in a share for room are told to operators and clerks (ingress/watch/shareWatch.ts). */
import { expect } from 'chai';
import { ShareWatch } from '../../ingress/watch/shareWatch.js';
import { LocalTime } from '../../shared/ops/receipts/localTime.js';
import { type SummaryFacts, summaryText } from '../../shared/ops/receipts/summary.js';
import { MORNING_MS } from '../support/receipts.js';

describe('what waits in the shares', () => {
  it('FAULTS 61: a used-up quota is an alarm of its tenant with the number that waits, and is over when there is room', () => {
    let nowMs = 0;
    const said: string[] = [];
    const watch = new ShareWatch({
      alarm: (code, words, about) => said.push(`${code} ${about} ${/\d+ files? waits?/.exec(words)?.[0]}`),
      over: (code, about) => said.push(`over ${code} ${about}`),
      changed: (tenants) => said.push(`changed ${tenants.join()}`),
      nowMs: () => nowMs,
    });
    const polled = (overQuota: number, waiting = 0) => {
      watch.polled({ town: { entries: 9, waiting, stable: 0, overQuota, incomplete: 0 } });
      return said.splice(0);
    };
    expect(polled(0)).to.deep.equal([]);
    expect(polled(3_780)).to.deep.equal(['QUOTA_EXCEEDED town 3780 files wait', 'changed town']);
    expect(polled(3_700, 2)).to.deep.equal(['changed town']);
    expect(watch.of('town')).to.deep.equal({ overQuota: 3_700, notTaken: 2 });
    nowMs = 60_000;
    expect(polled(3_700, 2)).to.deep.equal(['QUOTA_EXCEEDED town 3700 files wait']);
    expect(polled(0)).to.deep.equal(['over QUOTA_EXCEEDED town', 'changed town']);
    polled(1);
    watch.polled({});
    expect(said.at(-1), 'its tenant is not served any more').to.equal('over QUOTA_EXCEEDED town');
  });

  it('the summary of a running day says so, in both languages, and not that nothing needs attention', () => {
    const facts = (inShare: SummaryFacts['inShare'], isOver = false) =>
      summaryText(
        {
          side: 'low',
          tenant: 'town',
          day: '2026-11-22',
          isOver,
          asOfMs: MORNING_MS,
          states: [],
          attention: [],
          attentionMore: 0,
          gaps: { count: 0, first: [] },
          ...(inShare ? { inShare } : {}),
        },
        new LocalTime('UTC'),
      );
    const full = facts({ overQuota: 3_780, notTaken: 12, unnamed: 2_780 });
    expect(full).to.include('About 2,780 of them have no receipt').and.include("Environ 2 780 d'entre eux n'ont pas");
    expect(full).to.include('About 3,780 files lie in the share and wait for room').and.include('3 780 fichiers');
    expect(full).to.include('12 files in the share are not taken yet').and.include('12 fichiers');
    expect(full).not.to.include('Nothing needs').and.not.to.include('Rien ne demande');
    expect(facts({ overQuota: 0, notTaken: 0 }))
      .to.include('Nothing needs')
      .and.not.include('in the share');
    expect(facts({ overQuota: 5, notTaken: 5 }, true), 'a day that is over').to.not.include('in the share');
  });
});
