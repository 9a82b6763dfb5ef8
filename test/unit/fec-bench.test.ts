/** The bench of the code in miniature, so that it cannot rot. */
import { expect } from 'chai';
import { benchFec } from '../../bench/fec.js';
import { benchCrossover } from '../../bench/fecCrossover.js';
import { codeOf } from '../../shared/core/errors.js';
import { KINDS } from '../support/fec-kernels.js';

describe('fec bench', () => {
  it('measures encoding and decoding and says of what', async () => {
    const { scalar, simd, ...what } = await benchFec({ k: 32, repair: 8, lost: 5, symbolBytes: 128, runs: 1 });
    expect(what).to.deep.equal({ k: 32, repair: 8, lost: 5, symbolBytes: 128 });
    for (const speed of [scalar, simd!]) {
      expect(speed.encodeMBps).to.be.greaterThan(0);
      expect(speed.decodeMBps).to.be.greaterThan(0);
    }
  });

  it('measures direct rebuilding against transforms: few losses directly, many by transforms', () => {
    for (const kind of KINDS) {
      const rows = benchCrossover(256, 64, kind, 1);
      expect(rows.map(({ lost }) => lost))
        .to.include.members([1, 205])
        .and.not.include(410);
      expect(rows[0]!.taken, kind.name).to.equal('direct');
      expect(rows.at(-1)!.taken, kind.name).to.equal('fft');
      for (const { directMs, fftMs } of rows) expect(Math.min(directMs, fftMs)).to.be.greaterThan(0);
    }
  });

  it('refuses a loss that cannot be rebuilt', async () => {
    const code = await benchFec({ k: 32, repair: 4, lost: 5 }).then(() => 'none', codeOf);
    expect(code).to.equal('USAGE');
  });
});
