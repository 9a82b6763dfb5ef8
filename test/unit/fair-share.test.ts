/** Weighted fair queueing between tenants (shared/core/fairShare.ts). */
import { expect } from 'chai';
import fc from 'fast-check';
import { type Claim, FairShare, LOWER_SHARE, PRIORITIES } from '../../shared/core/fairShare.js';

const claimsOf = (claims: Record<string, Claim>) => (tenant: string) => claims[tenant]!;
const normal = (weight: number): Claim => ({ priority: 'normal', weight });

/** Serves until `total` has been given out; each turn costs what `costOf` says. */
function serve(share: FairShare, total: number, costOf: (tenant: string) => number): Record<string, number> {
  const got: Record<string, number> = {};
  for (let given = 0; given < total; ) {
    const tenant = share.next()!;
    const cost = costOf(tenant);
    share.charge(tenant, cost);
    got[tenant] = (got[tenant] ?? 0) + cost;
    given += cost;
  }
  return got;
}

describe('fair share', () => {
  it('FAULTS 60: between tenants that all have work, cost by weight differs by no more than one turn of each', () => {
    const tenants = fc.array(
      fc.record({ weight: fc.integer({ min: 1, max: 100 }), most: fc.integer({ min: 1, max: 50 }) }),
      {
        minLength: 2,
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(tenants, fc.infiniteStream(fc.double({ min: 0.01, max: 1, noNaN: true })), (list, random) => {
        const claims = Object.fromEntries(list.map(({ weight }, i) => [`t${i}`, normal(weight)]));
        const most = Object.fromEntries(list.map((one, i) => [`t${i}`, one.most]));
        const share = new FairShare(claimsOf(claims));
        for (const tenant of Object.keys(claims)) share.join(tenant);
        const got: Record<string, number> = Object.fromEntries(Object.keys(claims).map((tenant) => [tenant, 0]));
        for (let turn = 0; turn < 300; turn++) {
          const tenant = share.next()!;
          const cost = most[tenant]! * random.next().value;
          share.charge(tenant, cost);
          got[tenant]! += cost;
          for (const a of Object.keys(claims)) {
            for (const b of Object.keys(claims)) {
              const [wa, wb] = [claims[a]!.weight, claims[b]!.weight];
              expect(Math.abs(got[a]! / wa - got[b]! / wb)).to.be.at.most(most[a]! / wa + most[b]! / wb + 1e-6);
            }
          }
        }
      }),
      { numRuns: 12, seed: 60 },
    );
  });

  it('weights hold within 5 % whatever one turn costs', () => {
    const claims = { a: normal(1), b: normal(2), c: normal(5) };
    const share = new FairShare(claimsOf(claims));
    for (const tenant of Object.keys(claims)) share.join(tenant);
    const got = serve(share, 250_000, (tenant) => ({ a: 250, b: 60, c: 1 })[tenant]!);
    for (const [tenant, { weight }] of Object.entries(claims)) {
      expect(got[tenant]! / 250_000).to.be.closeTo(weight / 8, (weight / 8) * 0.05);
    }
  });

  it('a newcomer is next, however much the others have had or wait for', () => {
    const share = new FairShare();
    share.join('flood');
    share.join('other');
    serve(share, 1e9, () => 1e5);
    share.join('letter');
    expect(share.next()).to.equal('letter');
  });

  it('idle time earns nothing: who comes back is next once, and then shares', () => {
    const share = new FairShare();
    share.join('a');
    share.join('b');
    serve(share, 10, () => 1);
    share.leave('b');
    serve(share, 10_000, () => 1);
    share.join('b');
    const got = serve(share, 100, () => 1);
    expect(got.b).to.be.within(49, 52);
  });

  it('leaving and joining again at every turn gives no more than staying', () => {
    const share = new FairShare();
    share.join('steady');
    share.join('jumpy');
    const got: Record<string, number> = { steady: 0, jumpy: 0 };
    for (let turn = 0; turn < 1_000; turn++) {
      const tenant = share.next()!;
      share.charge(tenant, 1);
      got[tenant]!++;
      share.leave('jumpy');
      share.join('jumpy');
    }
    expect(got.jumpy).to.be.within(498, 502);
  });

  it('a higher class goes first, and every lower one still gets its small share: nobody starves', () => {
    const claims: Record<string, Claim> = {
      urgent: { priority: 'urgent', weight: 1 },
      normal: { priority: 'normal', weight: 100 },
      bulk: { priority: 'bulk', weight: 100 },
    };
    const share = new FairShare(claimsOf(claims));
    for (const tenant of PRIORITIES) share.join(tenant);
    expect(share.next()).to.equal('urgent');
    const got = serve(share, 100_000, () => 10);
    expect(got.normal! / got.urgent!).to.be.closeTo(LOWER_SHARE, LOWER_SHARE / 5);
    expect(got.bulk! / got.urgent!).to.be.within(LOWER_SHARE, LOWER_SHARE * 1.2);
    share.leave('urgent');
    expect(share.next()).to.equal('normal');
  });

  it('what a lower class was owed is forgotten when it has no work', () => {
    const claims: Record<string, Claim> = {
      urgent: { priority: 'urgent', weight: 1 },
      bulk: { priority: 'bulk', weight: 1 },
    };
    const share = new FairShare(claimsOf(claims));
    share.join('urgent');
    share.join('bulk');
    for (let turn = 0; turn < 1_000; turn++) share.charge('urgent', 1);
    share.leave('bulk');
    share.join('bulk');
    expect(share.next()).to.equal('urgent');
  });

  it('another weight or class counts from the next turn on', () => {
    const claims: Record<string, Claim> = { a: normal(1), b: normal(1) };
    const share = new FairShare(claimsOf(claims));
    share.join('a');
    share.join('b');
    serve(share, 1_000, () => 1);
    claims.a = normal(3);
    expect(serve(share, 1_000, () => 1).a).to.be.within(745, 755);
    claims.b = { priority: 'urgent', weight: 1 };
    expect(serve(share, 1_000, () => 1).b).to.be.within(940, 960);
  });

  it('passes over those that may not, without their losing anything', () => {
    const share = new FairShare();
    share.join('a');
    share.join('b');
    for (let turn = 0; turn < 10; turn++) {
      expect(share.next((tenant) => tenant !== 'a')).to.equal('b');
      share.charge('b', 1);
    }
    expect(share.next()).to.equal('a');
    expect(share.next(() => false)).to.equal(undefined);
  });
});
