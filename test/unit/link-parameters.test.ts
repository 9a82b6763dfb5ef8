/** FAULTS 67: what the low side announces and this side is not configured for, said once and over when it is gone. */
import { expect } from 'chai';
import { ParameterWatch } from '../../egress/watch/linkParameters.js';
import type { LinkParameters } from '../../shared/wire/statements.js';

const MINUTE_MS = 60_000;
const SAME: LinkParameters = {
  symbolBytes: 1408,
  blockSymbols: 4096,
  overheadPpm: 100_000,
  rateBps: 200e6,
  interleave: 4,
  heartbeatMs: 1000,
};

describe('FAULTS 67: parameters of the link', () => {
  let watch: ParameterWatch;
  let said: string[];
  beforeEach(() => {
    said = [];
    watch = new ParameterWatch(
      { mtu: 1500, silence: 10_000, memory: 96 * 1024 ** 2 },
      {
        alarm: (code, words, about) => said.push(`${code} ${about}: ${words}`),
        over: (code, about) => said.push(`over ${code} ${about}`),
      },
    );
  });

  it('says nothing of what is the same on both sides, or is only the low side’s business', () => {
    watch.announced(SAME);
    watch.announced({ ...SAME, overheadPpm: 0, rateBps: 1e6, blockSymbols: 1 });
    expect(said).to.deep.equal([]);
  });

  const cases: [about: string, change: Partial<LinkParameters>, words: RegExp][] = [
    ['link.mtu', { symbolBytes: 896 }, /symbols of 1408 bytes here; the low side sends 896/],
    ['link.silence', { heartbeatMs: 5_000 }, /every 5000 ms; link\.silence is 10000 ms/],
    ['assembly.memory', { interleave: 32 }, /32 blocks at once, 176 MiB in all; assembly\.memory is 96 MiB/],
  ];
  for (const [about, change, words] of cases) {
    it(`names ${about}, once, and says when it is over`, () => {
      for (let i = 0; i < 3; i++) watch.announced({ ...SAME, ...change });
      expect(said).to.have.length(1);
      expect(said[0]).to.match(words).and.to.include(`LINK_PARAMETERS ${about}: `);
      watch.announced(SAME);
      watch.announced(SAME);
      expect(said.slice(1)).to.deep.equal([`over LINK_PARAMETERS ${about}`]);
    });
  }

  it('names every difference', () => {
    watch.announced({ ...SAME, symbolBytes: 8960, heartbeatMs: 60_000, interleave: 64 });
    expect(said).to.have.length(3);
  });

  it('datagrams that are too long are an alarm while they come', () => {
    watch.tooLong(0, 0);
    watch.tooLong(5, 1_000);
    watch.tooLong(9, 2_000);
    expect(said).to.have.length(1);
    watch.tooLong(9, 2_000 + MINUTE_MS - 1);
    expect(said).to.have.length(1);
    watch.tooLong(9, 2_000 + MINUTE_MS);
    expect(said.at(-1)).to.equal('over LINK_PARAMETERS oversize');
  });
});
