/** A ledger that several processes open at the same moment: commands beside a side that has just been started. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { newFolder, removeFolders } from '../support/folders.js';

const LEDGER_FILE = new URL('../../shared/ops/ledger/ledgerFile.js', import.meta.url).href;
const OPEN = `import { LedgerFile } from '${LEDGER_FILE}'; new LedgerFile(process.argv[1], 'low', []).close();`;
/** Enough that without waiting for each other some of them fail: two in five did. */
const AT_ONCE = 6;
const ROUNDS = 4;

describe('opening a ledger', () => {
  after(removeFolders);

  it('waits for whoever has it locked, from its first call on', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const path = join(newFolder(), 'ledger.sqlite');
      const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', OPEN, path]);
      for (const { stderr } of await Promise.all(Array.from({ length: AT_ONCE }, run))) expect(stderr).to.equal('');
    }
  });
});
