/** Tenants that are not served any more while objects of theirs wait (shared/ops/health/removedTenants.ts). */
import { expect } from 'chai';
import { tellRemovedTenants } from '../../shared/ops/health/removedTenants.js';

describe('removed tenants', () => {
  it('are said while something of theirs waits; it is over when they are back, and when nothing waits any more', () => {
    const told = new Set<string>();
    const said: string[] = [];
    const tell = (waiting: [string, number][], ...served: string[]) => {
      tellRemovedTenants({
        waiting: new Map(waiting),
        served: new Set(served),
        told,
        alarm: (_code, _words, about) => said.push(`alarm ${about}`),
        over: (_code, about) => said.push(`over ${about}`),
      });
      return said.splice(0);
    };
    expect(tell([['gone', 2]], 'here')).to.deep.equal(['alarm gone', 'over here']);
    expect(tell([['gone', 1]])).to.deep.equal(['alarm gone']);
    expect(tell([])).to.deep.equal(['over gone']);
    expect(tell([['gone', 0]])).to.deep.equal([]);
    tell([['gone', 1]]);
    expect(tell([['gone', 1]], 'gone')).to.deep.equal(['over gone']);
  });
});
