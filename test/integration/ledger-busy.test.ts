/** A ledger that somebody else is writing while it is opened: a command beside a side that has just been started. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import Database from 'libsql';
import { newFolder, removeFolders } from '../support/folders.js';

const LEDGER_FILE = new URL('../../shared/ops/ledger/ledgerFile.js', import.meta.url).href;
const HELD_MS = 400;

describe('opening a ledger', () => {
  after(removeFolders);

  it('waits for whoever has it locked, from its first call on', async () => {
    const path = join(newFolder(), 'ledger.sqlite');
    const other = new Database(path);
    other.exec('CREATE TABLE kept (n INTEGER)');
    other.exec('BEGIN EXCLUSIVE');
    setTimeout(() => other.exec('COMMIT'), HELD_MS);
    const open = `import { LedgerFile } from '${LEDGER_FILE}'; new LedgerFile(process.argv[1], 'low', []).close();`;
    const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', open, path]);
    const { stderr } = await child;
    expect(stderr).to.equal('');
    other.close();
  });
});
