/** What the high side derives from its configuration and its machine. */
import { expect } from 'chai';
import { finisherThreads } from '../../egress/settings.js';

describe('settings of the high side', () => {
  it('blocks are finished by as many threads as processors are left, one at least and four at most, or as configured', () => {
    expect([1, 2, 3, 4, 6, 64].map((processors) => finisherThreads(undefined, processors))).to.deep.equal([
      1, 1, 1, 2, 4, 4,
    ]);
    expect(finisherThreads(7, 2)).to.equal(7);
  });
});
