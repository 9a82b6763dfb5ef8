/** The bench of intake in miniature, so that it cannot rot. */
import { expect } from 'chai';
import { benchIntake } from '../../bench/intake.js';

describe('intake bench', function () {
  this.timeout(60_000);

  it('measures how fast files are taken and what a poll at rest costs', async () => {
    const figures = await benchIntake({ files: 600, fileBytes: 100 });
    expect(figures.taken).to.equal(600);
    expect(figures.filesPerSecond).to.be.greaterThan(0);
    expect(figures.restPollMs).to.be.within(0, 5_000);
  });
});
