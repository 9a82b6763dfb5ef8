/** The command that explains codes, and the table it reads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ERRORS } from '../../shared/core/errors.js';
import { codesReference, explanation } from '../../shared/ops/cli/explain.js';

describe('sluice explain', () => {
  it('says what a code means and what to do, however it is written', () => {
    expect(explanation('spool_full')).to.contain('SPOOL_FULL').and.to.contain(ERRORS.SPOOL_FULL.remedy);
  });

  it('names codes that begin alike when there is none of that name', () => {
    expect(() => explanation('NAME_SILLY')).to.throw(/NAME_TOO_LONG/);
    expect(() => explanation('__proto__')).to.throw(/There is no code/);
  });

  it('every code has a meaning and a remedy, each whole sentences on one line', () => {
    for (const [code, { meaning, remedy }] of Object.entries(ERRORS)) {
      for (const words of [meaning, remedy]) expect(words, code).to.match(/^[^\n]+[.?]$/);
    }
  });

  it('docs/CODES.md is what "npm run docs" prints', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/CODES.md'), 'utf8');
    expect(page === codesReference(), 'run "npm run docs"').to.equal(true);
  });
});
