/** Refused objects are kept before they count as refused, and never lost when they cannot be kept. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { LowLedger, newTransferId } from '../../ingress/ledger/ledger.js';
import { openPolicy } from '../../ingress/scan/policy.js';
import { Quarantine } from '../../ingress/work/quarantine.js';
import { LowStages, type StageTools } from '../../ingress/work/stages.js';
import { newFolder, removeFolders } from '../support/folders.js';

describe('quarantine of the low side', () => {
  let objectsDir: string;
  let quarantineDir: string;
  let ledger: LowLedger;
  let quarantine: Quarantine;

  beforeEach(() => {
    objectsDir = newFolder();
    quarantineDir = join(newFolder(), 'quarantine');
    fs.mkdirSync(quarantineDir);
    ledger = new LowLedger(join(newFolder(), 'ledger.sqlite'), () => 1_000);
    quarantine = new Quarantine(quarantineDir, objectsDir);
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  function take(path: string, spoolFile: string, spoolOffset: number, sizeBytes: number): string {
    const transfer = newTransferId();
    const rest = { fingerprint: '1:2:3:4:5', mtimeNs: 0n, sha256: '0'.repeat(64), blockDigests: new Uint8Array(32) };
    const place = { spoolFile, spoolOffset, sizeBytes };
    ledger.addTaken([{ transfer, tenant: 'demo', path, rawPath: Buffer.from(path), ...place, ...rest }]);
    return transfer;
  }
  const kept = (transfer: string) => join(quarantineDir, `${transfer}.bytes`);
  const keep = (transfer: string) => quarantine.keep(ledger.object(transfer)!, 'SCAN_MEMORY', 'why');
  const inode = (path: string) => fs.statSync(path).ino;

  it('gives a spool file that holds one object a second name instead of copying it', () => {
    const file = join(objectsDir, 'file');
    fs.writeFileSync(file, 'the object');
    const transfer = take('a', 'file', 0, 10);
    for (let i = 0; i < 2; i++) keep(transfer);
    expect(inode(kept(transfer))).to.equal(inode(file));
    fs.rmSync(file);
    expect(fs.readFileSync(kept(transfer), 'utf8')).to.equal('the object');
    expect(JSON.parse(fs.readFileSync(join(quarantineDir, `${transfer}.json`), 'utf8'))).to.include({
      tenant: 'demo',
      path: 'a',
      code: 'SCAN_MEMORY',
      detail: 'why',
    });
  });

  it('copies an object out of a spool file that holds others, which it leaves as it is', () => {
    const file = join(objectsDir, 'pack');
    fs.writeFileSync(file, 'onetwo');
    const transfers = [take('a', 'pack', 0, 3), take('b', 'pack', 3, 3)];
    for (const transfer of [...transfers, ...transfers]) keep(transfer);
    expect(transfers.map((transfer) => fs.readFileSync(kept(transfer), 'utf8'))).to.deep.equal(['one', 'two']);
    expect(fs.readFileSync(file, 'utf8')).to.equal('onetwo');
    expect(fs.statSync(file).nlink).to.equal(1);
  });

  it('FAULTS 50: says SPOOL_IO, and keeps nothing, when the spool file is missing or too short', () => {
    fs.writeFileSync(join(objectsDir, 'short'), 'on');
    for (const transfer of [take('a', 'missing', 0, 3), take('b', 'short', 0, 3)]) {
      expect(() => keep(transfer))
        .to.throw()
        .with.property('code', 'SPOOL_IO');
    }
    expect(fs.readdirSync(quarantineDir)).to.deep.equal([]);
  });

  it('FAULTS 49, 50: an object that cannot be kept is held and tried again; the others are recorded', async () => {
    fs.writeFileSync(join(objectsDir, 'file'), 'bad');
    fs.writeFileSync(join(objectsDir, 'pack'), 'good');
    const transfers = [take('bad', 'file', 0, 3), take('good', 'pack', 0, 4)];
    const scanned: string[][] = [];
    const finding = { code: 'SCAN_MEMORY', where: '', detail: 'why', filter: 'scanner' };
    const tools: Partial<StageTools> = {
      ledger,
      quarantine,
      objectsDir,
      changed: () => undefined,
      bundles: { bundleMaxFileBytes: 1_000, bundleBytes: 10_000, bundleMaxObjects: 10 },
      rules: new Map([['demo', { label: '', policy: openPolicy }]]),
      scanner: {
        scan: async (requests: { name: string }[]) => {
          scanned.push(requests.map(({ name }) => name));
          return requests.map(({ name }) => ({
            type: 'text/plain',
            verdict: name === 'bad' ? 'refuse' : 'pass',
            filters: [],
            findings: name === 'bad' ? [finding] : [],
            tookMs: 1,
          }));
        },
      } as unknown as StageTools['scanner'],
    };
    const sealed: unknown[] = [];
    const stages = new LowStages(tools as StageTools);
    const seal = { add: async (jobs: unknown[]) => void sealed.push(...jobs) };
    stages.use({ seal } as unknown as Parameters<LowStages['use']>[0]);
    const states = () => transfers.map((transfer) => ledger.object(transfer)?.state);
    const run = () =>
      stages.runScan({ transfers }).then(
        () => 'done',
        (error) => error.code,
      );

    fs.rmdirSync(quarantineDir);
    expect(await run()).to.equal('SPOOL_IO');
    expect(states()).to.deep.equal(['held', 'taken']);
    expect(ledger.object(transfers[1]!)?.verdict).not.to.equal(null);
    expect(sealed).to.have.length(1);

    fs.mkdirSync(quarantineDir);
    expect(await run()).to.equal('done');
    expect(states()).to.deep.equal(['refused', 'taken']);
    expect(ledger.object(transfers[0]!)).to.include({ code: 'SCAN_MEMORY', detail: 'why' });
    expect(fs.readFileSync(kept(transfers[0]!), 'utf8')).to.equal('bad');
    expect(scanned).to.deep.equal([['bad', 'good'], ['bad']]);
  });
});
