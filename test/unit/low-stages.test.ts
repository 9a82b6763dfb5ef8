/** The work of the low side's queue stages (ingress/work/stages.ts), with a real ledger and spool and made-up processes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { LowLedger, type TakenObject } from '../../ingress/ledger/ledger.js';
import { openPolicy } from '../../ingress/scan/policy.js';
import type { SealRequest } from '../../ingress/seal/messages.js';
import type { SendOrder } from '../../ingress/send/orders.js';
import { giveUpTenant } from '../../ingress/work/giveUp.js';
import { Quarantine } from '../../ingress/work/quarantine.js';
import { SpoolKeeper } from '../../ingress/work/spoolKeeper.js';
import { LowStages, type TransfersJob } from '../../ingress/work/stages.js';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import type { Verdict } from '../../shared/wire/verdict.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { BLOCK_SYMBOLS, objectId, SYMBOL_BYTES, sha256, taken, verdict } from '../support/ledgers.js';

/** Scans, seals and sends that end as a test says; a queue that remembers what was put into it. */
interface Job {
  stage: string;
  key: string;
  data: { transfers?: string[]; payload?: string };
}

const QUIET = { progress: () => {}, log: () => {} };

describe('stages of the low side', () => {
  let folder: string;
  let ledger: LowLedger;
  let stages: LowStages;
  let jobs: Job[];
  let scanned: string[];
  let sealed: SealRequest[];
  let orders: SendOrder[];
  let sent: string[];
  let alarms: string[];
  let scan: (name: string) => Verdict;
  let seal: (request: SealRequest) => void | Promise<void>;
  let send: (order: SendOrder) => void | Promise<void>;

  beforeEach(() => {
    folder = newFolder(memoryFolder());
    for (const name of ['objects', 'envelopes', 'quarantine']) mkdirSync(join(folder, name));
    ledger = new LowLedger(join(folder, 'ledger.sqlite'), () => 1_000);
    [jobs, scanned, sealed, orders, sent, alarms] = [[], [], [], [], [], []];
    scan = () => verdict('pass');
    seal = () => {};
    send = () => {};
    const scanner = {
      scan: async (requests: { name: string }[]) =>
        requests.map(({ name }) => {
          scanned.push(name);
          return scan(name);
        }),
    };
    const sealer = {
      ask: async (_name: string, request: SealRequest) => {
        await seal(request);
        sealed.push(request);
        return { object: objectId(0x100 + sealed.length), bytes: Buffer.from(`envelope ${sealed.length}`) };
      },
    };
    const sender = {
      ask: async (_name: string, order: SendOrder) => {
        orders.push(order);
        await send(order);
        return { object: order.object, repairNext: order.repairFirst + 5, envelopePassNext: order.envelopePass + 1 };
      },
    };
    stages = new LowStages({
      ledger,
      scanner: scanner as never,
      sealer: sealer as never,
      sender: sender as never,
      quarantine: new Quarantine(join(folder, 'quarantine'), join(folder, 'objects')),
      objectsDir: join(folder, 'objects'),
      envelopesDir: join(folder, 'envelopes'),
      rules: new Map(['demo', 'other'].map((name) => [name, { label: `label of ${name}`, policy: openPolicy }])),
      coding: { symbolBytes: SYMBOL_BYTES, blockSymbols: BLOCK_SYMBOLS },
      bundles: { bundleMaxFileBytes: 2_000, bundleBytes: 10_000, bundleMaxObjects: 4 },
      now: () => 1_000,
      changed: () => {},
      sent: (objects) => sent.push(...objects.map(({ path }) => path)),
      alarm: (code) => alarms.push(code),
    });
    const queue = (stage: string) => ({
      add: async (added: { key: string; data: never }[]) => {
        jobs.push(...added.map(({ key, data }) => ({ stage, key, data })));
      },
    });
    stages.use({ scan: queue('scan') as never, seal: queue('seal') as never, send: queue('send') as never });
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  /** Takes an object whose bytes are in a spool file of its own. */
  const take = (name: string, sizeBytes = 1_000, changes: Partial<TakenObject> = {}): string => {
    const bytes = Buffer.alloc(sizeBytes, name);
    writeFileSync(join(folder, 'objects', name), bytes);
    const object = taken(name, { sizeBytes, sha256: sha256(bytes), blockDigests: new Uint8Array(0), ...changes });
    ledger.addTaken([object]);
    return object.transfer;
  };
  const jobsOf = (stage: string) => jobs.splice(0).filter((job) => job.stage === stage);
  const states = (transfers: string[]) => transfers.map((transfer) => ledger.object(transfer)!.state);
  const codeOf = async (work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      return (error as SluiceError).code;
    }
    return undefined;
  };
  const fail = (code: ErrorCode) => () => {
    throw new SluiceError(code, 'Made by a test.');
  };
  const runJobs = async (stage: 'seal' | 'send') => {
    for (const { data } of jobsOf(stage)) {
      if (stage === 'seal') await stages.runSeal(data as TransfersJob);
      else await stages.runSend(data as { payload: string }, QUIET);
    }
  };
  /** Takes, scans and seals; what comes out waits in the send stage. */
  const sealAll = async (...transfers: string[]) => {
    await stages.runScan({ transfers });
    await runJobs('seal');
  };

  describe('scan', () => {
    it('what passes goes on to be sealed, all of it in one job', async () => {
      const transfers = [take('a'), take('b')];
      await stages.runScan({ transfers });
      expect(jobs).to.deep.equal([{ stage: 'seal', key: transfers[0], data: { transfers } }]);
      expect(ledger.object(transfers[0]!)!.verdict).to.deep.equal(verdict('pass'));
    });

    it("FAULTS 60: a seal job holds few payloads, so that another tenant's does not wait for hundreds", async () => {
      const large = Array.from({ length: 40 }, (_, n) => take(`large ${n}`, 2_001));
      const small = [take('a'), take('b')];
      await stages.runScan({ transfers: [...large, ...small] });
      expect(jobs.map(({ data }) => data.transfers!.length)).to.deep.equal([2, 16, 16, 8]);
      expect(jobs[0]!.data.transfers).to.deep.equal(small);
    });

    it('what is refused goes into quarantine with its bytes, the rest goes on', async () => {
      scan = (name) => (name === 'bad' ? verdict('refuse', 'SCAN_TYPE_NOT_ALLOWED') : verdict('pass'));
      const [bad, good] = [take('bad'), take('good')];
      await stages.runScan({ transfers: [bad, good] });
      expect(ledger.object(bad)).to.include({ state: 'refused', code: 'SCAN_TYPE_NOT_ALLOWED', verdict: null });
      expect(readFileSync(join(folder, 'quarantine', `${bad}.bytes`))).to.deep.equal(Buffer.alloc(1_000, 'bad'));
      expect(JSON.parse(readFileSync(join(folder, 'quarantine', `${bad}.json`), 'utf8'))).to.include({ path: 'bad' });
      expect(jobs.map(({ data }) => data.transfers)).to.deep.equal([[good]]);
    });

    it('FAULTS 47: what cannot be scanned is held and tried again with the job; the rest does not wait', async () => {
      scan = (name) => (name === 'held' ? verdict('hold', 'SCAN_UNAVAILABLE') : verdict('pass'));
      const [held, good] = [take('held'), take('good')];
      const job = { transfers: [held, good] };
      expect(await codeOf(stages.runScan(job))).to.equal('SCAN_UNAVAILABLE');
      expect(states([held, good])).to.deep.equal(['held', 'taken']);
      expect(jobs.splice(0).map(({ data }) => data.transfers)).to.deep.equal([[good]]);
      scan = () => verdict('pass');
      expect(await codeOf(stages.runScan(job))).to.equal(undefined);
      expect(scanned).to.deep.equal(['held', 'good', 'held']);
      expect(ledger.object(held)).to.include({ state: 'taken', code: null });
      expect(jobs[0]!.data.transfers).to.deep.equal([held, good]);
    });

    it('what cannot be put into quarantine is held, never lost and never sent', async () => {
      scan = () => verdict('refuse', 'SCAN_CRASHED');
      const transfer = take('bad');
      rmSync(join(folder, 'quarantine'), { recursive: true });
      expect(await codeOf(stages.runScan({ transfers: [transfer] }))).to.equal('SPOOL_IO');
      expect(states([transfer])).to.deep.equal(['held']);
      expect(jobs).to.deep.equal([]);
      mkdirSync(join(folder, 'quarantine'));
      await stages.runScan({ transfers: [transfer] });
      expect(states([transfer])).to.deep.equal(['refused']);
    });

    it('run twice it scans nothing again, and a refusal stays one', async () => {
      scan = (name) => (name === 'bad' ? verdict('refuse', 'SCAN_CRASHED') : verdict('pass'));
      const transfers = [take('bad'), take('good')];
      await stages.runScan({ transfers });
      await runJobs('seal');
      scan = () => verdict('pass');
      await stages.runScan({ transfers });
      expect(scanned).to.deep.equal(['bad', 'good']);
      expect(states(transfers)).to.deep.equal(['refused', 'sealed']);
      expect(jobsOf('seal')).to.deep.equal([]);
    });

    it('jobs name a bounded number of objects', async () => {
      const transfers = Array.from({ length: 300 }, (_, i) => `${i}`);
      await stages.enqueueScan(transfers);
      expect(jobs.map(({ data }) => data.transfers!.length)).to.deep.equal([256, 44]);
    });
  });

  describe('seal', () => {
    it('small objects of a tenant travel together, large ones and other tenants alone', async () => {
      const names: [string, number, string][] = [
        ['a', 1_000, 'demo'],
        ['large', 20_000, 'demo'],
        ['b', 500, 'demo'],
        ['c', 700, 'other'],
        ['empty', 0, 'demo'],
        ['d', 10, 'demo'],
        ['fifth', 10, 'demo'],
      ];
      await sealAll(...names.map(([name, size, tenant]) => take(name, size, { tenant })));
      const groups = sealed.map(({ entries }) =>
        entries.map(({ manifest }) => `${Buffer.from(manifest.path)} ${manifest.offset}`),
      );
      expect(groups).to.deep.equal([['a 0', 'b 1000', 'empty 1500', 'd 1500'], ['c 0'], ['fifth 0'], ['large 0']]);
      const manifests = sealed.flatMap(({ entries }) => entries.map(({ manifest }) => manifest));
      expect(manifests.map(({ sequence }) => sequence)).to.deep.equal([1, 2, 3, 4, 5, 6, 7]);
      expect(manifests[4]).to.include({ label: 'label of other', tenant: 'other', submitter: 'other' });
      expect(sealed[3]!.coding.lengthBytes).to.equal(20_000);
      expect(sealed[3]!.coding.blockDigests.length).to.equal(3 * 32);
      expect(readdirSync(join(folder, 'envelopes'))).to.have.length(4);
      // What was sealed together is handed on in any order.
      expect(jobsOf('send').map(({ key }) => key)).to.have.members(sealed.map(({ coding }) => coding.object));
    });

    it('a single object keeps the digests made while it was taken', async () => {
      const blockDigests = new Uint8Array(32).fill(9);
      await sealAll(take('a', 1_000, { blockDigests }));
      expect(sealed[0]!.coding.blockDigests).to.deep.equal(blockDigests);
    });

    it('run twice it seals nothing again and gives no further number', async () => {
      const transfers = [take('a'), take('b')];
      await sealAll(...transfers);
      await stages.runSeal({ transfers });
      await stages.runSeal({ payload: ledger.object(transfers[0]!)!.payload! });
      expect([sealed.length, ledger.sequenceLast()]).to.deep.equal([1, 2]);
    });

    it('what is not scanned is not sealed', async () => {
      const [held, taken] = [take('held'), take('taken')];
      ledger.holdForScan(held, 'SCAN_UNAVAILABLE', '');
      await stages.runSeal({ transfers: [held, taken] });
      expect([sealed, ledger.sequenceLast()]).to.deep.equal([[], 0]);
    });

    it('a sealer that is away is asked again for the same payload, with the same numbers', async () => {
      const transfers = [take('a'), take('b')];
      await stages.runScan({ transfers });
      seal = fail('CHILD_FAILED');
      expect(await codeOf(stages.runSeal({ transfers }))).to.equal('CHILD_FAILED');
      const payload = ledger.object(transfers[0]!)!.payload!;
      expect(ledger.payload(payload)!.state).to.equal('sealing');
      seal = () => {};
      await stages.runSeal({ transfers });
      expect(sealed.map(({ coding }) => coding.object)).to.deep.equal([payload]);
      expect([ledger.sequenceLast(), ledger.voids(9)]).to.deep.equal([2, []]);
      expect(states(transfers)).to.deep.equal(['sealed', 'sealed']);
    });

    it('a refusal for good makes the numbers void, holds the objects for another scan, and the rest goes on', async () => {
      const [a, b, large] = [take('a'), take('b'), take('large', 5_000)];
      seal = ({ entries }) => {
        if (entries.length === 2) fail('SEAL_VERDICT_INCOMPLETE')();
      };
      await sealAll(a, b, large);
      expect([ledger.object(a), ledger.object(b)], 'their transfers are gone').to.deep.equal([undefined, undefined]);
      const held = ledger.waiting('held', false).map(({ transfer }) => ledger.object(transfer)!);
      expect(held.map(({ path, code, verdict: given, sequence }) => ({ path, code, given, sequence }))).to.deep.equal(
        ['a', 'b'].map((path) => ({ path, code: 'SEAL_VERDICT_INCOMPLETE', given: null, sequence: null })),
      );
      expect(ledger.voids(9)).to.deep.equal([{ first: 1, last: 2 }]);
      expect([states([large]), alarms]).to.deep.equal([['sealed'], ['SEAL_VERDICT_INCOMPLETE']]);
      expect(ledger.sequenceDone(), 'the position can go on').to.equal(2);

      seal = () => {};
      await sealAll(...held.map(({ transfer }) => transfer));
      expect(held.map(({ transfer }) => ledger.object(transfer)!.sequence)).to.deep.equal([4, 5]);
    });

    it('objects of a tenant that is not configured any more are held, not sealed', async () => {
      const transfer = take('a', 1_000, { tenant: 'gone' });
      await sealAll(transfer);
      expect(sealed).to.deep.equal([]);
      expect(ledger.counts()).to.deep.equal({ held: 1 });
      expect(ledger.object(transfer)).to.include({ code: 'TENANT_REMOVED', sequence: null });
    });

    describe('given up by an operator', () => {
      let changed: string[];
      const giveUp = (tenant: string) => {
        const folders = { objects: join(folder, 'objects'), envelopes: join(folder, 'envelopes') };
        const spool = new SpoolKeeper(ledger, { highWater: 1e9, minFree: 0, retention: 1e9 }, folders, () => 1e9);
        const serves = (name: string) => name !== 'gone';
        changed = [];
        return giveUpTenant(tenant, { ledger, stages, spool, serves, changed: (some) => changed.push(...some) });
      };
      const spooled = () => readdirSync(join(folder, 'objects')).sort();

      it('what waits for a tenant that is gone is refused for that, and the spool is free of it', async () => {
        const [a, b] = ['a', 'b'].map((name) => take(name, 1_000, { tenant: 'gone' }));
        const other = take('c');
        await sealAll(a!, b!);
        const fresh = take('d', 500, { tenant: 'gone' });
        const held = {
          transfer: 'f'.repeat(32),
          tenant: 'gone',
          path: 'e',
          rawPath: Buffer.from('e'),
          fingerprint: '1',
          sizeBytes: 9,
        };
        ledger.addNotTaken(held, 'held', 'INTAKE_UNREADABLE', '');
        expect(await giveUp('gone')).to.equal(
          'yes: 3 objects of "gone" are given up, and 2.4 KiB of the spool are free again.',
        );
        expect(changed).to.have.members([a, b, fresh]);
        for (const one of changed)
          expect(ledger.object(one)).to.include({ state: 'refused', code: 'TENANT_GIVEN_UP', spoolFile: '' });
        expect([spooled(), states([other]), ledger.counts()]).to.deep.equal([
          ['c'],
          ['taken'],
          { refused: 3, taken: 1 },
        ]);
        expect(readdirSync(join(folder, 'quarantine'))).to.deep.equal([]);
        const due = ledger.receipts.due('gone', 9_999, 99).map(({ transfer }) => transfer);
        expect(due, 'receipts').to.include.members(changed);
        expect(await giveUp('gone')).to.equal('yes: nothing waits here for the tenant "gone".');
      });

      it('is refused of a tenant that is in the configuration', async () => {
        const transfer = take('a');
        expect(await giveUp('demo')).to.match(/^no: the tenant "demo" is in the configuration/);
        expect([spooled(), states([transfer])]).to.deep.equal([['a'], ['taken']]);
      });

      it('what was sealed goes out; numbers of what was not become void', async () => {
        const [sent, begun] = ['sealed', 'begun'].map((name) => take(name, 5_000, { tenant: 'gone' }));
        for (const [i, transfer] of [sent!, begun!].entries()) {
          const object = objectId(0x50 + i);
          ledger.setVerdict(transfer, verdict('pass'));
          const blockDigests = new Uint8Array(32);
          const coding = {
            object,
            lengthBytes: 5_000,
            symbolBytes: SYMBOL_BYTES,
            blockSymbols: BLOCK_SYMBOLS,
            blockDigests,
          };
          ledger.addPayload('gone', coding, [{ transfer, offset: 0 }]);
        }
        ledger.payloadSealed(objectId(0x50), objectId(0x60));
        expect(await giveUp('gone')).to.match(/^yes: 1 objects of/);
        expect([states([sent!]), ledger.voids(9)]).to.deep.equal([['sealed'], [{ first: 2, last: 2 }]]);
        expect([ledger.payload(objectId(0x51))!.state, spooled()]).to.deep.equal(['dropped', ['sealed']]);
      });

      it('what is scanned meanwhile stays given up', async () => {
        const transfer = take('a', 1_000, { tenant: 'gone' });
        let given: Promise<string> | undefined;
        scan = () => {
          given = giveUp('gone');
          return verdict('pass');
        };
        const scanning = stages.runScan({ transfers: [transfer] });
        await Promise.all([scanning, given]);
        expect(ledger.object(transfer)).to.include({ state: 'refused', code: 'TENANT_GIVEN_UP' });
      });
    });

    it('a payload begun before a restart is sealed by its own job', async () => {
      const transfer = take('a');
      seal = fail('CHILD_FAILED');
      await stages.runScan({ transfers: [transfer] });
      await codeOf(stages.runSeal({ transfers: [transfer] }));
      seal = () => {};
      jobs.length = 0;
      await stages.enqueueSealing(ledger.object(transfer)!.payload!);
      await runJobs('seal');
      expect(states([transfer])).to.deep.equal(['sealed']);
    });
  });

  describe('send', () => {
    it('hands over where the bytes lie, neighbours of one spool file as one range', async () => {
      writeFileSync(join(folder, 'objects', 'pack'), Buffer.alloc(1_500, 1));
      const one = take('one', 1_000, { spoolFile: 'pack', spoolOffset: 0 });
      const two = take('two', 500, { spoolFile: 'pack', spoolOffset: 1_000 });
      const alone = take('alone', 300);
      await sealAll(one, two, take('empty', 0), alone);
      await runJobs('send');
      const [order] = orders;
      expect(order!.ranges).to.deep.equal([
        { file: join(folder, 'objects', 'pack'), offset: 0, sizeBytes: 1_500 },
        { file: join(folder, 'objects', 'alone'), offset: 0, sizeBytes: 300 },
      ]);
      expect(order).to.include({ lengthBytes: 1_800, repairFirst: 0, envelopePass: 0 });
      expect(existsSync(order!.envelopeFile)).to.equal(true);
      expect(sent).to.deep.equal(['one', 'two', 'empty', 'alone']);
      expect(states([one, two, alone])).to.deep.equal(['sent', 'sent', 'sent']);
      expect(ledger.sequenceDone()).to.equal(4);
    });

    it('run twice it sends nothing again; sent again on request it goes on behind the repair symbols used', async () => {
      const transfer = take('a');
      await sealAll(transfer);
      const payload = ledger.object(transfer)!.payload!;
      for (let i = 0; i < 2; i++) await stages.runSend({ payload }, QUIET);
      expect(orders).to.have.length(1);
      ledger.payloadAgain(payload);
      await stages.runSend({ payload }, QUIET);
      expect(orders.map(({ repairFirst, envelopePass }) => [repairFirst, envelopePass])).to.deep.equal([
        [0, 0],
        [5, 1],
      ]);
      expect(orders[1]!.envelope).to.equal(orders[0]!.envelope);
    });

    it('never sends a payload twice at once', async () => {
      await sealAll(take('a'));
      const payload = sealed[0]!.coding.object;
      let finish = () => {};
      send = () =>
        new Promise((resolve) => {
          finish = resolve;
        });
      const first = stages.runSend({ payload }, QUIET);
      await stages.runSend({ payload }, QUIET);
      // The order follows once it is in the ledger.
      await setImmediate();
      expect(orders).to.have.length(1);
      expect(ledger.counts()).to.deep.equal({ sending: 1 });
      finish();
      await first;
      expect(sent).to.deep.equal(['a']);
    });

    it('a sending that failed is tried again', async () => {
      await sealAll(take('a'));
      const payload = sealed[0]!.coding.object;
      send = fail('CHILD_FAILED');
      expect(await codeOf(stages.runSend({ payload }, QUIET))).to.equal('CHILD_FAILED');
      expect([sent, ledger.sequenceDone()]).to.deep.equal([[], 0]);
      send = () => {};
      await stages.runSend({ payload }, QUIET);
      expect([sent, ledger.sequenceDone()]).to.deep.equal([['a'], 1]);
    });

    it('what has been given up is not sent', async () => {
      const transfer = take('a');
      await sealAll(transfer);
      const payload = ledger.object(transfer)!.payload!;
      ledger.dropPayload(payload);
      await stages.runSend({ payload }, QUIET);
      await stages.runSend({ payload: objectId(0xdead) }, QUIET);
      expect(orders).to.deep.equal([]);
    });
  });
});
