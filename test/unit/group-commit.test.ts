/** Writes that share a transaction (shared/ops/ledger/groupCommit.ts). */
import { join } from 'node:path';
import { expect } from 'chai';
import { codeOf, SluiceError } from '../../shared/core/errors.js';
import { GroupCommit } from '../../shared/ops/ledger/groupCommit.js';
import { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';

describe('group commit', () => {
  let file: LedgerFile;
  let transactions: number;
  let commits: GroupCommit;

  beforeEach(() => {
    file = new LedgerFile(join(newFolder(memoryFolder()), 'ledger.sqlite'), 'low', [
      'CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT;',
    ]);
    transactions = 0;
    commits = new GroupCommit((work) => {
      transactions++;
      file.transaction(work);
    });
  });
  afterEach(() => {
    file.close();
    removeFolders();
  });

  const add = (n: number) => commits.do(() => file.run('INSERT INTO t VALUES (?)', n));
  const all = () => file.all('SELECT n FROM t ORDER BY n').map(({ n }) => n);

  it('what is wanted at the same time is one transaction, and everybody gets their own answer', async () => {
    const answers = await Promise.all([add(1), add(2), commits.do(() => all().length)]);
    expect([answers, transactions]).to.deep.equal([[1, 1, 2], 1]);
    await add(3);
    expect([all(), transactions]).to.deep.equal([[1, 2, 3], 2]);
  });

  it('one that fails fails alone, and leaves nothing behind', async () => {
    const results = await Promise.all([
      add(1),
      commits
        .do(() => {
          file.run('INSERT INTO t VALUES (2)');
          throw new SluiceError('SPOOL_IO', 'Made by a test.');
        })
        .catch(codeOf),
      add(3),
    ]);
    expect(results).to.deep.equal([1, 'SPOOL_IO', 1]);
    expect(all()).to.deep.equal([1, 3]);
  });
});
