/** The bench of receipts in miniature, so that it cannot rot. */
import { expect } from 'chai';
import { benchReceipts } from '../../bench/receipts.js';

describe('receipts bench', () => {
  it('writes as many as it is asked for and says at which cost', async () => {
    const { count, receiptsPerSecond, seconds } = await benchReceipts(150);
    expect(count).to.equal(150);
    expect(receiptsPerSecond).to.be.closeTo(150 / seconds, 1e-6);
  });
});
