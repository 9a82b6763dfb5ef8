/** How batches of intake get into the low side's ledger when that cannot be written or read for a while. */
import { join } from 'node:path';
import { expect } from 'chai';
import type { BatchMessage } from '../../ingress/intake/messages.js';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { Recorder, type RecorderTools } from '../../ingress/work/recorder.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';

describe('recording what intake has taken', () => {
  let ledger: LowLedger;
  let recorded: number[];
  let alarms: string[];

  beforeEach(() => {
    ledger = new LowLedger(join(newFolder(memoryFolder()), 'ledger.sqlite'), () => 1_000);
    [recorded, alarms] = [[], []];
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  const recorder = (changes: Partial<RecorderTools> = {}) =>
    new Recorder({
      ledger,
      stages: { enqueueScan: async () => {} },
      changed: () => {},
      recorded: (id) => recorded.push(id),
      settle: async () => {},
      alarm: (code) => alarms.push(code),
      againMs: 5,
      ...changes,
    });
  const taken = (path: string): BatchMessage['taken'][0] => ({
    path,
    rawPath: Buffer.from(path),
    fingerprint: `1:${path}:3:4:5`,
    sizeBytes: 10,
    mtimeNs: 5n,
    sha256: Buffer.alloc(32),
    blockDigests: new Uint8Array(0),
    spoolFile: path,
    spoolOffset: 0,
  });
  const batch: BatchMessage = { id: 7, tenant: 'demo', taken: [taken('a'), taken('b')], refused: [], held: [] };
  const paths = () => ledger.page(0, 9).map(({ object }) => object.path);
  /** A ledger whose transactions fail so many times, before they are written or after. */
  const failing = (times: number, when: 'before' | 'after') => {
    const flaky = Object.create(ledger) as LowLedger;
    flaky.transaction = (work) => {
      if (times-- <= 0) return ledger.transaction(work);
      if (when === 'after') ledger.transaction(work);
      throw new Error('disk I/O error');
    };
    return flaky;
  };
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) await wait(1);
  };

  it('FAULTS 51: what fails after the rows are durable does not write them again', async () => {
    const changed = () => {
      throw new Error('disk I/O error');
    };
    recorder({ changed }).recordUntilDone(batch);
    await wait(20);
    expect([paths(), recorded, alarms.length]).to.deep.equal([['a', 'b'], [7], 1]);
  });

  it('a ledger that cannot be written is tried again until it can, even if the failed attempt was written', async () => {
    for (const when of ['before', 'after'] as const) {
      recorder({ ledger: failing(when === 'before' ? 3 : 1, when) }).recordUntilDone({ ...batch, id: recorded.length });
      const before = recorded.length;
      await until(() => recorded.length > before);
    }
    expect([paths(), recorded]).to.deep.equal([
      ['a', 'b', 'a', 'b'],
      [0, 1],
    ]);
    expect(alarms).to.deep.equal(Array(4).fill('SPOOL_IO'));
  });

  it('is given up when the process that took it has ended: the next one has removed the bytes', async () => {
    let runs = true;
    recorder({ ledger: failing(2, 'before') }).recordUntilDone(batch, () => runs);
    runs = false;
    await wait(40);
    expect([paths(), recorded, alarms]).to.deep.equal([[], [], ['SPOOL_IO']]);
  });
});
