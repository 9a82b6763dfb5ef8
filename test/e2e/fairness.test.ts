/** What tenants cost each other on a whole gateway: `sluice bench fairness` in miniature. */
import { expect } from 'chai';
import { benchFairness, type FairnessOptions } from '../../bench/fairness.js';
import { QUICK_STORE } from '../support/cli.js';

describe('FAULTS 60: fairness between tenants', function () {
  this.timeout(120_000);
  const options: FairnessOptions = {
    bigBytes: 0,
    storm: 0,
    stormBytes: 4096,
    letters: 0,
    letterBytes: 10 * 1024,
    rateBps: 40_000_000,
    weightsSeconds: 0,
    queues: QUICK_STORE,
    say: () => {},
  };

  it('letters of one tenant go on while another sends a large file and a storm of small ones', async () => {
    // At this rate the file takes 14 s, and a group of its blocks 5 s.
    const result = await benchFairness({ ...options, bigBytes: 60_000_000, storm: 1_000, letters: 5 });
    expect(result.lettersMs.length).to.equal(5);
    expect(result.medianMs, `letters took ${result.lettersMs} ms`).to.be.below(2_500);
  });

  it('three tenants share the link by weight within 5 %', async () => {
    const { shares } = await benchFairness({ ...options, weightsSeconds: 4 });
    expect(Object.keys(shares)).to.deep.equal(['light', 'middle', 'heavy']);
    for (const [tenant, share] of Object.entries(shares)) expect(share, tenant).to.be.within(0.95, 1.05);
  });
});
