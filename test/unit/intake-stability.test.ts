/** When a file counts as left alone. */
import { expect } from 'chai';
import { type Sighting, Stability } from '../../ingress/intake/stability.js';

const seen = (change: Partial<Sighting> = {}): Sighting => ({
  sizeBytes: 10,
  mtimeNs: 1_000_000_001n,
  ctimeNs: 2_000_000_001n,
  ino: 7n,
  dev: 1n,
  ...change,
});

describe('intake: stability', () => {
  it('FAULTS 30: stable after the hold time, not a millisecond earlier', () => {
    const stability = new Stability({ holdMs: 500, maxEntries: 10 });
    expect(stability.observe('a', seen(), 0)).to.equal('waiting');
    expect(stability.observe('a', seen(), 499)).to.equal('waiting');
    expect(stability.observe('a', seen(), 500)).to.equal('stable');
  });

  const changes: [string, Partial<Sighting>][] = [
    ['size', { sizeBytes: 11 }],
    ['modification time by a nanosecond', { mtimeNs: 1_000_000_002n }],
    ['change time only', { ctimeNs: 2_000_000_002n }],
    ['inode', { ino: 8n }],
    ['device', { dev: 2n }],
  ];
  for (const [what, change] of changes) {
    it(`FAULTS 30: another ${what} begins the wait anew`, () => {
      const stability = new Stability({ holdMs: 500, maxEntries: 10 });
      stability.observe('a', seen(), 0);
      expect(stability.observe('a', seen(change), 500)).to.equal('waiting');
      expect(stability.observe('a', seen(change), 999)).to.equal('waiting');
      expect(stability.observe('a', seen(change), 1_000)).to.equal('stable');
    });
  }

  it('a hold time of 0 is stable at first sight', () => {
    expect(new Stability({ holdMs: 0, maxEntries: 1 }).observe('a', seen(), 0)).to.equal('stable');
  });

  it('forgets what a round has not met, except what it could not look at', () => {
    const stability = new Stability({ holdMs: 500, maxEntries: 10 });
    stability.begin();
    for (const key of ['a', 'b', 'c']) stability.observe(key, seen(), 0);
    stability.end();
    stability.begin();
    stability.observe('a', seen(), 100);
    stability.end((key) => key === 'b');
    expect(stability.size).to.equal(2);
    expect(stability.observe('b', seen(), 500)).to.equal('stable');
    expect(stability.observe('c', seen(), 500)).to.equal('waiting');
  });

  it('is bounded: while it is full new entries wait, and none is given out early', () => {
    const stability = new Stability({ holdMs: 0, maxEntries: 2 });
    stability.observe('a', seen(), 0);
    stability.observe('b', seen(), 0);
    expect(stability.observe('c', seen(), 0)).to.equal('waiting');
    expect(stability.size).to.equal(2);
    stability.forget('a');
    expect(stability.observe('c', seen(), 0)).to.equal('stable');
  });
});
