/** The bounds of the low side's spool: what is sent goes first, and only what is not sent makes intake wait. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LowLedger, newTransferId } from '../../ingress/ledger/ledger.js';
import { SpoolKeeper } from '../../ingress/work/spoolKeeper.js';

const HOUR_MS = 3_600_000;

describe('spool of the low side', () => {
  let folder: string;
  let ledger: LowLedger;
  let nowMs = 1_000_000;
  const folders = () => ({ objects: join(folder, 'objects'), envelopes: join(folder, 'envelopes') });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    for (const path of Object.values(folders())) mkdirSync(path);
    ledger = new LowLedger(join(folder, 'ledger.sqlite'), () => nowMs);
  });
  afterEach(() => {
    ledger.close();
    rmSync(folder, { recursive: true });
  });

  /** An object of 1000 bytes in a spool file of its own. */
  function take(name: string): string {
    const transfer = newTransferId();
    writeFileSync(join(folders().objects, name), Buffer.alloc(1000));
    ledger.addTaken([
      {
        transfer,
        tenant: 'demo',
        path: name,
        rawPath: Buffer.from(name),
        fingerprint: '1:2:3:4:5',
        sizeBytes: 1000,
        mtimeNs: 0n,
        sha256: '0'.repeat(64),
        blockDigests: new Uint8Array(32),
        spoolFile: name,
        spoolOffset: 0,
      },
    ]);
    return transfer;
  }
  const left = () => readdirSync(folders().objects).sort();

  it('keeps what a tenant sent for its own time', () => {
    const rules = { highWater: 1e9, minFree: 0, retention: HOUR_MS };
    let own: number | undefined = 3 * HOUR_MS;
    const keeper = new SpoolKeeper(ledger, { ...rules, retentionOf: () => own }, folders(), () => 1e12);
    ledger.setState(take('a'), 'sent');
    nowMs += 2 * HOUR_MS;
    keeper.look(nowMs);
    expect(left()).to.deep.equal(['a']);
    nowMs += HOUR_MS;
    own = undefined;
    keeper.look(nowMs);
    expect(left()).to.deep.equal([]);
  });

  it('keeps what was sent for the retention time', () => {
    const keeper = new SpoolKeeper(ledger, { highWater: 1e9, minFree: 0, retention: HOUR_MS }, folders(), () => 1e12);
    ledger.setState(take('a'), 'sent');
    nowMs += HOUR_MS / 2;
    expect(keeper.look(nowMs)).to.equal(null);
    expect(left()).to.deep.equal(['a']);
    nowMs += HOUR_MS;
    expect(keeper.look(nowMs)).to.equal(null);
    expect(left()).to.deep.equal([]);
    expect(ledger.spoolBytes()).to.equal(0);
  });

  it('FAULTS 22: removes nothing for its age while the clock is not trusted, and goes on when it was set back', () => {
    const keeper = new SpoolKeeper(ledger, { highWater: 1e9, minFree: 0, retention: HOUR_MS }, folders(), () => 1e12);
    ledger.setState(take('a'), 'sent');
    keeper.look(nowMs + 9_000 * HOUR_MS, 0, false);
    expect(left()).to.deep.equal(['a']);
    ledger.setState(take('b'), 'sealed');
    keeper.look(nowMs + 9_000 * HOUR_MS);
    expect(left()).to.deep.equal(['b']);
    ledger.setState(take('c'), 'sent');
    nowMs += 2 * HOUR_MS;
    keeper.look(nowMs);
    expect(left(), 'a sweep was planned for years ahead').to.deep.equal(['b']);
  });

  it('FAULTS 49: gives up the oldest of what was sent when room runs short, and holds intake only for the rest', () => {
    const keeper = new SpoolKeeper(ledger, { highWater: 2500, minFree: 0, retention: HOUR_MS }, folders(), () => 1e12);
    for (const name of ['a', 'b']) {
      ledger.setState(take(name), 'sent');
      nowMs += 10;
    }
    take('c');
    nowMs += 10;
    expect(keeper.look(nowMs)).to.equal(null);
    expect(left()).to.deep.equal(['b', 'c']);
    take('d');
    take('e');
    nowMs += 10;
    expect(keeper.look(nowMs)).to.match(/spool\.highWater/);
    expect(left()).to.deep.equal(['c', 'd', 'e']);
  });

  it('FAULTS 49: holds intake while the disk has too little room', () => {
    let freeBytes = 100;
    const keeper = new SpoolKeeper(
      ledger,
      { highWater: 1e9, minFree: 500, retention: HOUR_MS },
      folders(),
      () => freeBytes,
    );
    take('a');
    expect(keeper.look(nowMs)).to.match(/spool\.minFree/);
    expect(left()).to.deep.equal(['a']);
    freeBytes = 1000;
    expect(keeper.look(nowMs)).to.equal(null);
  });

  it('FAULTS 49: gives up the oldest of what was sent for a file that waits for room, and no more than it needs', () => {
    const keeper = new SpoolKeeper(ledger, { highWater: 5000, minFree: 0, retention: HOUR_MS }, folders(), () => 1e12);
    for (const name of ['a', 'b', 'c']) {
      ledger.setState(take(name), 'sent');
      nowMs += 10;
    }
    expect([keeper.look(nowMs), keeper.roomBytes()]).to.deep.equal([null, 2000]);
    expect(left()).to.deep.equal(['a', 'b', 'c']);
    expect([keeper.look(nowMs, 3500), keeper.roomBytes(3500)]).to.deep.equal([null, 4000]);
    expect(left()).to.deep.equal(['c']);
  });

  it('FAULTS 49: the room ends at the high-water mark or at what must stay free on the disk', () => {
    let freeBytes = 10_000;
    const rules = { highWater: 5000, minFree: 9_000, retention: HOUR_MS };
    const keeper = new SpoolKeeper(ledger, rules, folders(), () => freeBytes);
    expect(keeper.roomBytes()).to.equal(1000);
    freeBytes = 20_000;
    expect(keeper.roomBytes()).to.equal(5000);
    take('a');
    expect(keeper.roomBytes()).to.equal(4000);
    freeBytes = 100;
    expect(keeper.roomBytes()).to.equal(0);
  });

  it('FAULTS 49: a file larger than the high-water mark gets room once nothing unsent is left, if the disk has it', () => {
    let freeBytes = 100_000;
    const rules = { highWater: 5000, minFree: 1000, retention: HOUR_MS };
    const keeper = new SpoolKeeper(ledger, rules, folders(), () => freeBytes);
    const transfer = take('a');
    expect([keeper.look(nowMs, 8000), keeper.roomBytes(8000)]).to.deep.equal([null, 4000]);
    ledger.setState(transfer, 'sent');
    nowMs += 10;
    expect([keeper.look(nowMs, 8000), keeper.roomBytes(8000)]).to.deep.equal([null, 99_000]);
    expect(keeper.roomBytes()).to.equal(5000);
    freeBytes = 7000;
    expect(keeper.roomBytes(8000)).to.equal(6000);
  });
});
