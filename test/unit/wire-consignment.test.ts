/** What a statement of type v2 may say about its consignment: one thing at a time is wrong (FAULTS 11-13, 18). */
import { expect } from 'chai';
import { LIMITS } from '../../shared/core/limits.js';
import {
  CONSIGNED_TYPE,
  type Consignment,
  decodeManifests,
  encodeManifests,
  type Manifests,
} from '../../shared/wire/statements.js';
import { bytesOf, delimited, uint } from '../support/wire-bytes.js';
import { CONSIGNED_SAMPLE, manifestsOf, unhex } from '../support/wire-samples.js';

const honest = () => manifestsOf(CONSIGNED_SAMPLE);
const decode = (value: Manifests) => decodeManifests(encodeManifests(value), CONSIGNED_TYPE);
const text = (words: string) => new TextEncoder().encode(words);
const LENGTH = CONSIGNED_SAMPLE.coding.length;

/** The honest statement with other words about the consignment. */
const about = (change: Partial<Consignment>): Manifests => {
  const value = honest();
  return { ...value, consignment: { ...value.consignment!, ...change } };
};
const member = (i: number, change: Partial<Manifests['manifests'][0]>): Manifests => {
  const value = honest();
  Object.assign(value.manifests[i]!, change);
  return value;
};

describe('consignments on the wire', () => {
  const refused: [string, Manifests, RegExp][] = [
    ['an id of 15 bytes', about({ id: '0'.repeat(30) }), /consignment id/],
    ['no members', about({ objects: 0 }), /number of members/],
    ['more members than there may be', about({ objects: LIMITS.consignmentMaxObjects + 1 }), /number of members/],
    ['a million members', about({ objects: 1_000_000 }), /number of members/],
    ['more bytes than there may be', about({ sizeBytes: LIMITS.consignmentMaxBytes + 1 }), /size of the consignment/],
    ['a first number of 0', about({ firstSequence: 0 }), /first_sequence/],
    ['numbers beyond what a number can be', about({ firstSequence: 2 ** 53 - 2 }), /first_sequence/],
    ['fewer bytes than its members have', about({ sizeBytes: LENGTH - 1 }), /size of the consignment/],
    [
      'other bytes than its members have, when these are all',
      about({ firstSequence: 10, objects: 2, sizeBytes: LENGTH + 1 }),
      /number outside/,
    ],
    ['a member with an earlier number', about({ firstSequence: 11 }), /number outside/],
    ['a member with a later number', about({ objects: 2 }), /number outside/],
    ['no root', about({ root: new Uint8Array(0) }), /length of the root/],
    ['a root that leaves no room for a name', about({ root: new Uint8Array(4095).fill(0x61) }), /length of the root/],
    ['a root that is no folder of its members', about({ root: text('année/2025') }), /outside the root/],
    ['a root that is only the beginning of a name', about({ root: text('année/202') }), /outside the root/],
    ['a member elsewhere', member(1, { path: text('autre/2026/x') }), /outside the root/],
    ['a member that is the root', member(1, { path: text('année/2026') }), /outside the root/],
    ['a member without a name', member(1, { path: text('année/2026/') }), /outside the root/],
    ["another tenant's member", member(1, { tenant: 'beta' }), /two tenants/],
    ['an id in a manifest', member(1, { consignment: CONSIGNED_SAMPLE.consignment!.id }), /id in a manifest/],
  ];
  for (const [what, value, words] of refused) {
    it(`FAULTS 13: refuses ${what}`, () => {
      expect(() => decode(value))
        .to.throw()
        .with.property('detail')
        .matches(words);
    });
  }

  it('a payload that holds all members has exactly the bytes of the consignment', () => {
    const value = honest();
    value.manifests[1]!.sequence = 11;
    value.consignment = { ...value.consignment!, objects: 2 };
    expect(() => decode(value)).to.throw(/size of the consignment/);
    value.consignment.sizeBytes = LENGTH;
    expect(decode(value)).to.deep.equal(value);
  });

  it('FAULTS 11: has one form: no second consignment, no unknown field in it, none without it', () => {
    const { consignment, ...rest } = honest();
    const without = encodeManifests(rest);
    const fields = [
      delimited(1, unhex(consignment!.id)),
      uint(2, consignment!.firstSequence),
      uint(3, consignment!.objects),
      uint(4, consignment!.sizeBytes),
      delimited(5, consignment!.root),
    ];
    const written = (...consignments: (readonly number[])[]) =>
      Uint8Array.from([...without, ...bytesOf(...consignments.map((one) => delimited(7, one)))]);
    const decoded = (bytes: Uint8Array) => decodeManifests(bytes, CONSIGNED_TYPE);
    expect(decoded(written(fields.flat()))).to.deep.equal(honest());
    expect(() => decoded(without)).to.throw(/the consignment/);
    expect(() => decoded(written(fields.flat(), fields.flat()))).to.throw(/Too many: consignment/);
    expect(() => decoded(written([...fields.flat(), ...uint(6, 1)]))).to.throw(/canonical/);
    expect(() => decoded(written([...fields.slice(1).flat(), ...fields[0]!]))).to.throw(/canonical/);
  });
});
