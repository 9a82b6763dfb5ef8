/** FAULTS 49: a ledger whose disk is full says no, keeps what it had, and goes on by itself when there is room. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { removeFolders, tinyFileSystem } from '../support/folders.js';

describe('a ledger on a disk that is full', () => {
  after(removeFolders);

  it('takes a transaction as a whole or not at all, and the next one once there is room', function () {
    const disk = tinyFileSystem(2 << 20);
    if (!disk) {
      console.log('      skipped: mounting small file systems is not allowed here');
      return this.skip();
    }
    let ledger: LedgerFile | undefined;
    try {
      ledger = new LedgerFile(join(disk.path, 'ledger.sqlite'), 'low', [
        'CREATE TABLE lines (batch INTEGER NOT NULL, text TEXT NOT NULL) STRICT',
      ]);
      const file = ledger;
      const write = (batch: number) =>
        file.transaction(() => {
          for (let i = 0; i < 20; i++) file.run('INSERT INTO lines VALUES (?, ?)', batch, 'x'.repeat(4_000));
        });
      write(0);
      fs.writeFileSync(join(disk.path, 'others'), '');
      const others = fs.openSync(join(disk.path, 'others'), 'w');
      try {
        for (;;) fs.writeSync(others, Buffer.alloc(4_096));
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).to.equal('ENOSPC');
      } finally {
        fs.closeSync(others);
      }
      for (const batch of [1, 2]) expect(() => write(batch)).to.throw();
      const counted = () => file.all('SELECT batch, count(*) AS n FROM lines GROUP BY batch ORDER BY batch');
      expect(counted()).to.deep.equal([{ batch: 0, n: 20 }]);
      fs.rmSync(join(disk.path, 'others'));
      write(3);
      expect(counted()).to.deep.equal([
        { batch: 0, n: 20 },
        { batch: 3, n: 20 },
      ]);
    } finally {
      ledger?.close();
      disk.unmount();
    }
  });
});
