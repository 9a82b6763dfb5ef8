/** Tenants whose work does not move while that of others does (shared/ops/health/starvation.ts), on a clock that a test moves. */
import { expect } from 'chai';
import { ManualClock } from '../../shared/core/clock.js';
import { StarvationWatch } from '../../shared/ops/health/starvation.js';

const STATES = {
  taken: { waitsIn: 'scan' },
  sealed: { waitsIn: 'send', movedIn: 'scan' },
  sent: { movedIn: 'send' },
};

describe('FAULTS 60: starvation', () => {
  let clock: ManualClock;
  let watch: StarvationWatch;
  let said: string[];

  beforeEach(() => {
    clock = new ManualClock(1_000_000);
    said = [];
    watch = new StarvationWatch({
      clock,
      limitMs: () => 60_000,
      states: STATES,
      alarm: (code, words, about) => said.push(`${code} ${about}: ${words}`),
      over: (code, about) => said.push(`over ${code} ${about}`),
    });
  });

  const waiting = (...pairs: string[]) =>
    pairs.map((pair) => ({ tenant: pair.split(' ')[0]!, state: pair.split(' ')[1]! }));
  /** So many seconds, in each of which something is done and looked. */
  const seconds = (count: number, tallies: { tenant: string; state: string }[], each: () => void = () => {}) => {
    for (let n = 0; n < count; n++) {
      clock.advance(1_000);
      each();
      watch.look(tallies);
    }
  };
  const sent = (tenant: string) => () => watch.objects([{ tenant, state: 'sent' }]);

  it('names tenant, stage and since when, once; and that it is over when it goes on', () => {
    const tallies = waiting('town sealed', 'flood sealed');
    seconds(60, tallies, sent('flood'));
    expect(said).to.deep.equal([]);
    seconds(30, tallies, sent('flood'));
    expect(said.length).to.equal(1);
    expect(said[0]).to.match(/^TENANT_STARVED town: .*stage send.*since 1970-01-01T00:16:41/);
    sent('town')();
    seconds(1, tallies);
    expect(said.slice(1)).to.deep.equal(['over TENANT_STARVED town']);
  });

  it('a stage in which nobody moves is no starvation', () => {
    seconds(300, waiting('town sealed', 'flood sealed'));
    // Nor when others move in another stage.
    seconds(300, waiting('town sealed', 'flood taken'), () => watch.objects([{ tenant: 'flood', state: 'sealed' }]));
    expect(said).to.deep.equal([]);
  });

  it('bytes of a large file are progress as much as objects are', () => {
    let bytes = 0;
    const tallies = waiting('big sealed', 'town sealed');
    seconds(100, tallies, () => {
      watch.served('send', { big: ++bytes });
      sent('town')();
    });
    expect(said).to.deep.equal([]);
    seconds(100, tallies, () => {
      watch.served('send', { big: bytes });
      sent('town')();
    });
    expect(said.length).to.equal(1);
    expect(said[0]).to.contain('TENANT_STARVED big');
  });

  it('holds until its own work moves, also when the others have come to their end', () => {
    const tallies = waiting('town sealed', 'flood sealed');
    seconds(90, tallies, sent('flood'));
    seconds(300, tallies);
    expect(said.length).to.equal(1);
    seconds(1, waiting('flood sealed'));
    expect(said[1]).to.equal('over TENANT_STARVED town');
  });

  it('time before something waited does not count', () => {
    seconds(300, waiting('flood sealed'), sent('flood'));
    seconds(59, waiting('flood sealed', 'town sealed'), sent('flood'));
    expect(said).to.deep.equal([]);
  });
});
