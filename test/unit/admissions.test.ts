/** How long ago payloads were admitted (egress/work/admissions.ts). */
import { expect } from 'chai';
import { Admissions } from '../../egress/work/admissions.js';
import { LIMITS } from '../../shared/core/limits.js';
import { objectId } from '../support/ledgers.js';

describe('admissions', () => {
  it('FAULTS 22: count from the first time, by the monotonic clock; others from the start; bounded', () => {
    const admissions = new Admissions();
    admissions.note(objectId(1), 1_000);
    admissions.note(objectId(1), 5_000);
    expect(admissions.sinceMs(objectId(1), 6_000, 0)).to.equal(5_000);
    expect(admissions.sinceMs(objectId(2), 6_000, 4_000)).to.equal(2_000);
    for (let n = 2; n <= LIMITS.finishedPayloads + 1; n++) admissions.note(objectId(n), 5_000);
    expect(admissions.sinceMs(objectId(1), 6_000, 4_000), 'the oldest is forgotten').to.equal(2_000);
  });
});
