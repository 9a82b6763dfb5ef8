/** The proof that a verdict is complete: everything that must keep an object from being sealed. */
import { expect } from 'chai';
import { codeOf, SluiceError } from '../../shared/core/errors.js';
import { assertComplete, type Verdict, worstOf } from '../../shared/wire/verdict.js';

const sha256 = 'ab'.repeat(32);
const policy = { requiredFilters: ['type', 'archive'] };
const filter = (name: string) => ({
  name,
  version: '1',
  configDigest: '01'.repeat(32),
  verdict: 'pass' as const,
  digest: sha256,
});
const complete = (): Verdict => ({
  type: 'text/plain',
  verdict: 'pass',
  filters: [filter('type'), filter('archive')],
  findings: [{ code: 'TYPE_EXTENSION_MISMATCH', where: '', detail: '', filter: 'type' }],
  ms: 1,
});

describe('scan verdict', () => {
  it('lets a complete verdict through, findings and further filters included', () => {
    assertComplete(policy, complete(), sha256);
    assertComplete(policy, { ...complete(), filters: [...complete().filters, filter('clamav')] }, sha256);
  });

  const table: [string, (verdict: Verdict) => Partial<Record<keyof Verdict, unknown>>][] = [
    ['a required filter is missing', (v) => ({ filters: v.filters.slice(1) })],
    ['no filter ran', () => ({ filters: [] })],
    ['the whole verdict is refuse', () => ({ verdict: 'refuse' })],
    ['the whole verdict is hold', () => ({ verdict: 'hold' })],
    ['the whole verdict is something else', () => ({ verdict: 'PASS' })],
    ['a required filter refused', (v) => ({ filters: [{ ...v.filters[0], verdict: 'refuse' }, v.filters[1]] })],
    ['a required filter held', (v) => ({ filters: [v.filters[0], { ...v.filters[1], verdict: 'hold' }] })],
    ['a filter saw other bytes', (v) => ({ filters: [v.filters[0], { ...v.filters[1], digest: 'cd'.repeat(32) }] })],
    ['a digest is absent', (v) => ({ filters: [v.filters[0], { ...v.filters[1], digest: undefined }] })],
    ['a further filter did not pass', (v) => ({ filters: [...v.filters, { ...filter('extra'), verdict: 'refuse' }] })],
    ['a filter is there twice', (v) => ({ filters: [...v.filters, v.filters[0]] })],
    ['a filter has no version', (v) => ({ filters: [{ ...v.filters[0], version: '' }, v.filters[1]] })],
    ['a configuration is not named', (v) => ({ filters: [{ ...v.filters[0], configDigest: 'no' }, v.filters[1]] })],
    ['there is no type', () => ({ type: '' })],
    ['filters are not a list', () => ({ filters: undefined })],
    [
      'there are more filters than a manifest holds',
      () => ({ filters: Array.from({ length: 33 }, (_, i) => filter(`f${i}`)) }),
    ],
  ];
  for (const [title, change] of table) {
    it(`does not seal when ${title}`, () => {
      const verdict = { ...complete(), ...change(complete()) } as Verdict;
      expect(() => assertComplete(policy, verdict, sha256)).to.throw(SluiceError, 'SEAL_VERDICT_INCOMPLETE');
    });
  }

  it('does not seal without required filters or without a digest to compare', () => {
    expect(() => assertComplete({ requiredFilters: [] }, complete(), sha256)).to.throw(SluiceError, 'INCOMPLETE');
    for (const digest of ['', 'AB'.repeat(32), undefined as unknown as string]) {
      const verdict = { ...complete(), filters: complete().filters.map((f) => ({ ...f, digest })) };
      try {
        assertComplete(policy, verdict, digest);
        expect.fail('sealed');
      } catch (error) {
        expect(codeOf(error)).to.equal('SEAL_VERDICT_INCOMPLETE');
      }
    }
  });

  it('combines outcomes to the worst, and nothing to hold', () => {
    expect(worstOf(['pass', 'hold', 'refuse'])).to.equal('refuse');
    expect(worstOf(['pass', 'hold'])).to.equal('hold');
    expect(worstOf(['pass', 'pass'])).to.equal('pass');
    expect(worstOf([])).to.equal('hold');
  });
});
