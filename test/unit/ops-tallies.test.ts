/** Tallies of the ledgers (shared/ops/health/tallies.ts): they always equal what counting every row would give. */
import { join } from 'node:path';
import { expect } from 'chai';
import Database from 'libsql';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { MIGRATIONS } from '../../ingress/ledger/rows.js';
import { ManualClock } from '../../shared/core/clock.js';
import { Prng } from '../../shared/core/prng.js';
import { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { coding, manifests, objectId, taken, transferId, verdict, verified } from '../support/ledgers.js';

describe('tallies of a ledger', () => {
  let file: string;
  const clock = new ManualClock(1_000);
  beforeEach(() => {
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
  });
  afterEach(removeFolders);

  /** What the tallies must be, counted row by row. */
  const counted = (spooled: string): unknown[] => {
    const database = new Database(file);
    const rows = database
      .prepare(`SELECT tenant, state, ${spooled} AS spooled, count(*) AS objects, total(size) AS bytes FROM objects
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`)
      .all() as Record<string, unknown>[];
    database.close();
    return rows.map(({ spooled, ...row }) => ({ ...row, isSpooled: spooled === 1 }));
  };

  it('low side: after whatever happens to objects', () => {
    const ledger = new LowLedger(file, () => clock.wallMs());
    const prng = new Prng(5);
    const transfers: string[] = [];
    for (let n = 1; n <= 60; n++) {
      const tenant = prng.below(2) ? 'town' : 'court';
      const one = taken(`f${n}`, { tenant, sizeBytes: prng.below(5_000) });
      ledger.addTaken([one]);
      transfers.push(one.transfer);
      const any = transfers[prng.below(transfers.length)]!;
      const entry = { ...taken(`h${n % 7}`, { tenant }), sizeBytes: 10 };
      if (n % 2) ledger.addNotTaken(entry, n % 4 === 1 ? 'held' : 'refused', 'INTAKE_UNSTABLE', '');
      if (n % 3 === 0) ledger.setVerdict(any, verdict('pass'));
      if (n % 5 === 0) ledger.setState(any, 'refused', 'SCAN_CRASHED', '');
      if (n % 6 === 0) {
        ledger.addPayload(tenant, coding(objectId(n)), [{ transfer: one.transfer, offset: 0 }]);
        ledger.payloadSealed(objectId(n), objectId(1000 + n));
        if (n % 12 === 0) ledger.payloadSent(objectId(n), 0, 0);
        if (n % 24 === 0) ledger.spoolFileRemoved(`f${n}`);
        if (n % 18 === 0) ledger.dropPayload(objectId(n));
      }
    }
    expect(ledger.tallies.all()).to.deep.equal(counted('spool_file IS NOT NULL'));
    const spooled = ledger.tallies.all().filter(({ isSpooled }) => isSpooled);
    expect(ledger.spoolBytes()).to.equal(spooled.reduce((sum, { bytes }) => sum + bytes, 0));
    ledger.close();
  });

  it('high side: from admission to release', () => {
    const ledger = new HighLedger(file, () => clock.wallMs());
    for (let n = 1; n <= 9; n++) ledger.admit(objectId(100 + n), manifests(n, [verified(n, { sizeBytes: n })]));
    ledger.setPayload(objectId(1), 'assembled', 'verifying');
    ledger.setReleased(transferId(1), 'x');
    ledger.setState(transferId(2), 'quarantined', 'DIGEST_MISMATCH', '');
    ledger.setPayload(objectId(3), 'incomplete', 'incomplete');
    expect(ledger.tallies.all()).to.deep.equal(counted('0'));
    expect(ledger.counts()).to.deep.equal({ assembling: 6, incomplete: 1, quarantined: 1, released: 1, unseen: 0 });
    ledger.close();
  });

  it('are made from the rows of a ledger of the first version', () => {
    const old = new LedgerFile(file, 'low', MIGRATIONS.slice(0, 1));
    for (const [transfer, state, size] of [
      ['a', 'sent', 5],
      ['b', 'sent', 6],
      ['c', 'taken', 2 ** 53 - 1],
    ] as const)
      old.run(
        `INSERT INTO objects (transfer, tenant, path, raw_path, fingerprint, size, mtime_ns, state, seen_ms, changed_ms)
           VALUES (?, 'town', 'p', x'00', 'f', ?, '0', ?, 7, 7)`,
        transfer,
        size,
        state,
      );
    old.close();
    const ledger = new LowLedger(file, () => clock.wallMs());
    const tally = { tenant: 'town', isSpooled: false };
    expect(ledger.tallies.all()).to.deep.equal([
      { ...tally, state: 'sent', objects: 2, bytes: 11 },
      { ...tally, state: 'taken', objects: 1, bytes: 2 ** 40 },
    ]);
    expect(ledger.tallies.oldestMs('town', 'taken')).to.equal(7);
    expect(ledger.tallies.oldestMs('court', 'taken')).to.equal(undefined);
    ledger.close();
  });

  it('cost the same after a hundred thousand finished objects', () => {
    const ledger = new LowLedger(file, () => clock.wallMs());
    ledger.addTaken([taken('waits')]);
    const look = () => {
      ledger.counts();
      ledger.spoolBytes();
      ledger.tallies.oldestMs('demo', 'taken');
      ledger.toDispose(['demo'], 200);
      ledger.sequenceDone();
    };
    const quickestMs = () => {
      let best = Number.POSITIVE_INFINITY;
      for (let n = 0; n < 50; n++) {
        const startedMs = performance.now();
        look();
        best = Math.min(best, performance.now() - startedMs);
      }
      return best;
    };
    const few = quickestMs();
    const database = new Database(file);
    database.exec(`
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
      INSERT INTO objects (transfer, tenant, path, raw_path, fingerprint, size, mtime_ns, spool_file, state, disposed,
        sequence, seen_ms, changed_ms)
        SELECT i, 'demo', i, CAST(i AS BLOB), i, 10, '0', NULL, 'sent', 1, i, 1, 1 FROM n`);
    database.close();
    expect(ledger.counts()).to.deep.equal({ sent: 100_000, taken: 1 });
    // Reading 100,000 rows takes some 20 ms; the look takes a fraction of one.
    expect(quickestMs(), 'milliseconds').to.be.below(5 * few + 1);
    ledger.close();
  });
});
