/** Policy files: the open policy, what a file may say, and the words for what it may not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadPolicy, openPolicy } from '../../ingress/scan/policy.js';
import { allowsType } from '../../ingress/scan/rules.js';
import { SluiceError } from '../../shared/core/errors.js';

describe('scan policy', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-policy-'));
  });
  after(() => rmSync(dir, { recursive: true }));
  const load = (text: string) => {
    const path = join(dir, 'policy.yaml');
    writeFileSync(path, text);
    return loadPolicy(path);
  };

  it('is open unless it says otherwise', () => {
    expect(openPolicy).to.deep.include({ name: 'open', names: 'posix', allowedTypes: 'any', refuse: [] });
    expect(openPolicy.requiredFilters).to.deep.equal(['type', 'archive']);
    expect(load('name: open')).to.deep.equal(openPolicy);
    expect(load('name: open\narchive:\n')).to.deep.equal(openPolicy);
  });

  it('reads sizes, types and findings', () => {
    const policy = load(
      'name: strict\nmaxObjectSize: 2GiB\nnames: portable\nallowedTypes: [application/pdf, image/*]\nrefuse: [SCAN_ARCHIVE_DAMAGED]\narchive: { maxEntries: 10 }\n',
    );
    expect(policy).to.deep.include({
      maxObjectBytes: 2 * 1024 ** 3,
      names: 'portable',
      refuse: ['SCAN_ARCHIVE_DAMAGED'],
    });
    expect(policy.archive).to.deep.equal({ ...openPolicy.archive, maxEntries: 10 });
    expect(
      ['image/png', 'application/pdf', 'application/zip', 'text/plain'].map((type) => allowsType(policy, type)),
    ).to.deep.equal([true, true, false, false]);
  });

  const wrong: [string, string, string][] = [
    ['an unknown key', 'name: x\nmaxSize: 3', 'maxSize is not a known key; allowed: name, requiredFilters'],
    [
      'an unknown key in a section',
      'name: x\narchive: { depth: 3 }',
      'archive.depth is not a known key; allowed: maxEntries',
    ],
    [
      'a value out of bounds',
      'name: x\narchive: { maxEntries: 0 }',
      'archive.maxEntries is 0; allowed: a whole number from 1',
    ],
    ['a missing name', 'names: posix', 'name is missing'],
    ['an unknown word', 'name: x\nnames: portide', 'names is "portide"; allowed: posix, portable'],
    [
      'no filter at all',
      'name: x\nrequiredFilters: []',
      'requiredFilters is an empty list; allowed: a list of type, archive',
    ],
    ['an unknown filter', 'name: x\nrequiredFilters: [type, magic]', 'requiredFilters[1] is "magic"'],
    ['archive before type', 'name: x\nrequiredFilters: [archive, type]', 'with type first'],
    ['a filter twice', 'name: x\nrequiredFilters: [type, type]', 'each once'],
    [
      'a finding there is not',
      'name: x\nrefuse: [MACRO]',
      'refuse[0] is "MACRO"; allowed: a list of TYPE_EXTENSION_MISMATCH',
    ],
    ['a type that is none', 'name: x\nallowedTypes: [pdf]', 'allowedTypes[0] is "pdf"; allowed: any, or a list'],
    ['a size without sense', 'name: x\nmaxObjectSize: huge', 'maxObjectSize is "huge"; allowed: a size'],
    ['something else than keys', '- 1', 'the policy is a list; allowed: keys named name'],
    ['an empty file', '', 'name is missing'],
  ];
  for (const [title, text, words] of wrong) {
    it(`FAULTS 67: refuses ${title}, naming key, value and what is allowed`, () => {
      expect(() => load(text))
        .to.throw(SluiceError, words)
        .with.property('code', 'CONFIG_INVALID');
    });
  }

  it('says when the file cannot be had', () => {
    expect(() => loadPolicy(join(dir, 'none')))
      .to.throw(SluiceError)
      .with.property('code', 'CONFIG_UNREADABLE');
  });
});
