/** Which payload of which tenant goes on next (ingress/send/turns.ts), with turns that a test takes. */
import { expect } from 'chai';
import { type After, Turns, type Work } from '../../ingress/send/turns.js';
import type { Claim } from '../../shared/core/fairShare.js';

interface Named extends Work {
  readonly name: string;
  /** Turns it still needs; every third one ends a group of blocks. */
  left: number;
}

const small = (tenant: string, name: string, left = 3): Named => ({
  tenant,
  name,
  left,
  large: false,
  memoryBytes: 10,
});
const large = (tenant: string, name: string, left = 300, memoryBytes = 100): Named => ({
  tenant,
  name,
  left,
  large: true,
  memoryBytes,
});

/** Takes so many turns and answers whose they were. */
function take(turns: Turns<Named>, count: number, cost = 1): string[] {
  const names: string[] = [];
  for (let n = 0; n < count; n++) {
    const work = turns.next();
    if (!work) break;
    names.push(work.name);
    work.left--;
    const after: After = work.left === 0 ? 'done' : work.left % 3 === 0 ? 'between' : 'inside';
    turns.took(work, cost, after);
  }
  return names;
}

const equal = (): Claim => ({ priority: 'normal', weight: 1 });

describe('turns of the sender', () => {
  it("FAULTS 60: another tenant's letter is next, however many files a tenant has waiting", () => {
    const turns = new Turns<Named>(equal, 1_000);
    for (let n = 0; n < 10_000; n++) turns.add(small('flood', `f${n}`));
    take(turns, 50);
    turns.add(small('town', 'letter', 1));
    expect(take(turns, 1)).to.deep.equal(['letter']);
  });

  it("FAULTS 60: a tenant's own letter waits for a few turns of its large files, not for their end", () => {
    const turns = new Turns<Named>(equal, 1_000);
    for (const name of ['A', 'B', 'C']) turns.add(large('town', name));
    take(turns, 10);
    turns.add(small('town', 'letter', 1));
    expect(take(turns, 3)).to.include('letter');
  });

  it('a tenant has few payloads in turn, and the others begin in their order', () => {
    const turns = new Turns<Named>(equal, 1_000);
    for (let n = 0; n < 10; n++) turns.add(small('town', `s${n}`, 2));
    const names = take(turns, 20);
    expect(new Set(names.slice(0, 4))).to.deep.equal(new Set(['s0', 's1', 's2', 's3']));
    expect(names.indexOf('s4')).to.be.greaterThan(names.lastIndexOf('s0'));
    expect(names.length).to.equal(20);
    const big = new Turns<Named>(equal, 1_000);
    for (const name of ['A', 'B', 'C']) big.add(large('town', name, 6));
    const bigs = take(big, 18);
    expect(bigs.indexOf('C')).to.be.greaterThan(Math.min(bigs.lastIndexOf('A'), bigs.lastIndexOf('B')));
    expect(bigs.length).to.equal(18);
  });

  it('a closing pass that is due goes before what its tenant has waiting', () => {
    const turns = new Turns<Named>(equal, 1_000);
    for (let n = 0; n < 10; n++) turns.add(small('town', `s${n}`));
    turns.addClosing(small('town', 'closing', 1));
    expect(take(turns, 1)).to.deep.equal(['closing']);
  });

  it('memory stays bounded: large payloads take turns by groups of blocks when it does not hold all, and all end', () => {
    const turns = new Turns<Named>(equal, 250);
    const tenants = ['a', 'b', 'c', 'd', 'e'];
    for (const tenant of tenants) turns.add(large(tenant, tenant, 30));
    // Between the ends of groups, at most two of them run.
    const names = take(turns, 150);
    expect(names.length).to.equal(150);
    for (let from = 0; from < 145; from++) expect(new Set(names.slice(from, from + 2)).size).to.be.at.most(2);
    const halfway = (tenant: string) => names.filter((name) => name === tenant).length;
    expect(tenants.map(halfway)).to.deep.equal([30, 30, 30, 30, 30]);
    // Nobody ended before the others were on their way.
    expect(Math.min(...tenants.map((tenant) => names.lastIndexOf(tenant)))).to.be.greaterThan(100);
    expect(turns.next()).to.equal(undefined);
  });

  it('one payload that is larger than all memory runs alone, and letters go on beside it', () => {
    const turns = new Turns<Named>(equal, 50);
    turns.add(large('a', 'huge', 9, 1_000));
    turns.add(large('b', 'other', 9, 1_000));
    turns.add(small('c', 'letter', 2));
    const names = take(turns, 20);
    expect(names.slice(0, 4)).to.include.members(['huge', 'letter']);
    expect(names.filter((name) => name === 'huge').length).to.equal(9);
    expect(names.filter((name) => name === 'other').length).to.equal(9);
  });
});
