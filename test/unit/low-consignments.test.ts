/** Consignments on the low side: with a real ledger, spool and quarantine; scans, seals and sends end as a test says. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { BatchMessage } from '../../ingress/intake/messages.js';
import { HAS_PAYLOAD, PAYLOADS_OF_CONSIGNMENTS } from '../../ingress/ledger/consignments.js';
import { LowLedger, type LowObject } from '../../ingress/ledger/ledger.js';
import { MIGRATIONS } from '../../ingress/ledger/rows.js';
import { openPolicy } from '../../ingress/scan/policy.js';
import type { SealRequest } from '../../ingress/seal/messages.js';
import { Quarantine } from '../../ingress/work/quarantine.js';
import { Recorder } from '../../ingress/work/recorder.js';
import { Resender } from '../../ingress/work/resender.js';
import { LowStages, type SealJob, type TransfersJob } from '../../ingress/work/stages.js';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { LedgerFile } from '../../shared/ops/ledger/ledgerFile.js';
import type { Verdict } from '../../shared/wire/verdict.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { BLOCK_SYMBOLS, id, objectId, SYMBOL_BYTES, sha256, verdict } from '../support/ledgers.js';

const C = id(0xc, 32);
const ROOT = 'année/2026';

describe('consignments of the low side', () => {
  let folder: string;
  let ledger: LowLedger;
  let stages: LowStages;
  let recorder: Recorder;
  let jobs: { stage: string; key: string; data: unknown }[];
  let sealed: SealRequest[];
  let sent: string[];
  let coding: { symbolBytes: number; blockSymbols: number };
  let scan: (name: string) => Verdict;
  let seal: (request: SealRequest) => void;
  let send: (paths: string[]) => void;

  beforeEach(() => {
    folder = newFolder(memoryFolder());
    for (const name of ['objects', 'envelopes', 'quarantine']) mkdirSync(join(folder, name));
    coding = { symbolBytes: SYMBOL_BYTES, blockSymbols: BLOCK_SYMBOLS };
    [jobs, sealed, sent] = [[], [], []];
    scan = () => verdict('pass');
    seal = () => {};
    send = () => {};
    open();
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  /** As at every start: what was in queues and memory is gone, what is in the ledger is not. */
  function open(): void {
    ledger?.close();
    jobs = [];
    ledger = new LowLedger(join(folder, 'ledger.sqlite'), () => 1_000);
    const queue = (stage: string) => ({
      add: async (added: { key: string; data: unknown }[]) => {
        jobs.push(...added.map(({ key, data }) => ({ stage, key, data })));
      },
    });
    stages = new LowStages({
      ledger,
      scanner: { scan: async (asked: { name: string }[]) => asked.map(({ name }) => scan(name)) } as never,
      sealer: {
        ask: async (_name: string, request: SealRequest) => {
          seal(request);
          sealed.push(request);
          return { object: objectId(0x100 + sealed.length), bytes: Buffer.from(`envelope ${sealed.length}`) };
        },
      } as never,
      sender: {
        ask: async (_name: string, { object }: { object: string }) => {
          send(ledger.objectsOfPayload(object).map(({ path }) => path));
          return { object, repairNext: 5, envelopePassNext: 1 };
        },
      } as never,
      quarantine: new Quarantine(join(folder, 'quarantine'), join(folder, 'objects')),
      objectsDir: join(folder, 'objects'),
      envelopesDir: join(folder, 'envelopes'),
      rules: new Map([['demo', { label: 'open', policy: openPolicy }]]),
      coding,
      bundles: { bundleMaxFileBytes: 2_000, bundleBytes: 3_000, bundleMaxObjects: 4 },
      now: () => 1_000,
      changed: () => {},
      sent: (objects) => sent.push(...objects.map(({ path }) => path)),
      alarm: () => {},
    });
    stages.use({ scan: queue('scan') as never, seal: queue('seal') as never, send: queue('send') as never });
    recorder = new Recorder({
      ledger,
      stages,
      changed: () => {},
      recorded: () => {},
      settle: (ids) => stages.gate.settle(ids),
      alarm: (code, words) => expect.fail(`${code} ${words}`),
    });
  }

  /** What the supervisor does at start and now and then. */
  const rebuild = async () => {
    for (const state of ['taken', 'held'] as const) {
      await stages.enqueueScan(ledger.waiting(state, false).map(({ transfer }) => transfer));
    }
    await stages.enqueueSeal(ledger.waiting('taken', true).map(({ transfer }) => transfer));
    await stages.gate.settleAll();
    for (const { object } of ledger.payloadsIn('sealing')) await stages.enqueueSealing(object);
    for (const { object } of ledger.payloadsIn('sealed')) await stages.enqueueSend(object);
  };
  /** Runs what is in the queues until nothing is; a job that fails is put aside. Answers the codes of failures. */
  const work = async (only: readonly string[] = ['scan', 'seal', 'send']) => {
    const failed: string[] = [];
    await stages.gate.settle([]);
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      if (!only.includes(job.stage)) continue;
      try {
        if (job.stage === 'scan') await stages.runScan(job.data as TransfersJob);
        else if (job.stage === 'seal') await stages.runSeal(job.data as SealJob);
        else await stages.runSend(job.data as { payload: string }, { progress: () => {}, log: () => {} });
      } catch (error) {
        failed.push((error as SluiceError).code);
      }
    }
    return failed;
  };
  const entry = (name: string, sizeBytes: number): BatchMessage['taken'][0] => {
    const path = `${ROOT}/${name}`;
    const spoolFile = name.replaceAll('/', '_');
    const bytes = Buffer.alloc(sizeBytes, name);
    writeFileSync(join(folder, 'objects', spoolFile), bytes);
    return {
      path,
      rawPath: Buffer.from(path),
      fingerprint: `1:${name}:3:4:5`,
      sizeBytes,
      mtimeNs: 5n,
      sha256: Buffer.from(sha256(bytes), 'hex'),
      blockDigests: new Uint8Array(0),
      spoolFile,
      spoolOffset: 0,
      consignment: { id: C, root: ROOT },
    };
  };
  const MEMBERS: [string, number][] = [
    ['.consignment', 0],
    ['a', 1_000],
    ['b', 1_500],
    ['sub/c', 1_200],
    ['large', 9_000],
  ];
  const BYTES = 12_700;
  let batches = 0;
  const record = (taken: BatchMessage['taken'], more: Partial<BatchMessage> = {}) =>
    recorder.recordUntilDone({ id: ++batches, tenant: 'demo', taken, refused: [], held: [], ...more });
  const whole = { consignments: [{ id: C, root: ROOT, objects: MEMBERS.length, bytes: BYTES }] };
  const take = (more: Partial<BatchMessage> = whole) =>
    record(
      MEMBERS.map(([name, size]) => entry(name, size)),
      more,
    );
  const objects = (): LowObject[] => ledger.page(0, 100).map(({ object }) => object);
  const states = () => [...new Set(objects().map(({ state }) => state))].sort();
  const only = () => ledger.consignments.get(objects()[0]!.consignment!)!;
  const fail = (code: ErrorCode) => () => {
    throw new SluiceError(code, 'Made by a test.');
  };

  it('is sealed in as many payloads as it takes, with numbers that follow each other; then all is sent', async () => {
    take();
    expect(await work()).to.deep.equal([]);
    expect(
      sealed.map(({ entries }) => entries.map(({ manifest }) => Buffer.from(manifest.path).toString())),
    ).to.deep.equal([[`${ROOT}/.consignment`, `${ROOT}/a`, `${ROOT}/b`], [`${ROOT}/sub/c`], [`${ROOT}/large`]]);
    const numbers = sealed.flatMap(({ entries }) => entries.map(({ manifest }) => manifest.sequence));
    expect(numbers).to.deep.equal([1, 2, 3, 4, 5]);
    for (const { consignment } of sealed) {
      expect(consignment).to.deep.equal({
        id: C,
        firstSequence: 1,
        objects: 5,
        sizeBytes: BYTES,
        root: Buffer.from(ROOT),
      });
    }
    expect([states(), only().state, sent.length]).to.deep.equal([['sent'], 'sent', 5]);
  });

  it('nothing of it is sealed before all of it is taken, in whatever batches it comes', async () => {
    const entries = MEMBERS.map(([name, size]) => entry(name, size));
    record(entries.slice(0, 2));
    record(entries.slice(2));
    await work();
    open();
    await rebuild();
    await work();
    expect([sealed, states(), only().state]).to.deep.equal([[], ['taken'], 'taking']);
    record([], whole);
    await work();
    expect([sealed.length, only().state]).to.deep.equal([3, 'sent']);
  });

  it('FAULTS 47: while one is held all wait, and nothing of it is sealed', async () => {
    scan = (name) => (name.endsWith('/b') ? verdict('hold', 'SCAN_UNAVAILABLE') : verdict('pass'));
    take();
    expect(await work()).to.deep.equal(['SCAN_UNAVAILABLE']);
    await rebuild();
    await work();
    expect([sealed, states()]).to.deep.equal([[], ['held', 'taken']]);
    scan = () => verdict('pass');
    await rebuild();
    await work();
    expect(only().state).to.equal('sent');
  });

  it('one that the scan refuses refuses all, naming it and its own code; every byte is kept', async () => {
    scan = (name) => (name.endsWith('/b') ? verdict('refuse', 'SCAN_TYPE_NOT_ALLOWED') : verdict('pass'));
    take();
    await work();
    const codes = objects().map(({ path, code, detail }) => [path.slice(ROOT.length + 1), code, detail]);
    const because = `Because of "${ROOT}/b" (SCAN_TYPE_NOT_ALLOWED).`;
    expect(codes).to.deep.equal(
      MEMBERS.map(([name]) =>
        name === 'b' ? ['b', 'SCAN_TYPE_NOT_ALLOWED', 'Made by a test.'] : [name, 'CONSIGNMENT_REFUSED', because],
      ),
    );
    expect([sealed, states(), only().state, ledger.sequenceLast()]).to.deep.equal([[], ['refused'], 'refused', 0]);
    for (const { transfer, sizeBytes } of objects()) {
      expect(readFileSync(join(folder, 'quarantine', `${transfer}.bytes`)).length).to.equal(sizeBytes);
    }
    await rebuild();
    expect(jobs, 'nothing is left to do').to.deep.equal([]);
  });

  it('one that intake refuses refuses all, those that come after it too', async () => {
    const entries = MEMBERS.map(([name, size]) => entry(name, size));
    const { path, rawPath, fingerprint, consignment } = entry('link', 0);
    const refused = [{ path, rawPath, fingerprint, sizeBytes: 0, code: 'INTAKE_NOT_REGULAR' as const, detail: '' }];
    record(entries.slice(0, 3), { refused: [{ ...refused[0]!, consignment: consignment! }] });
    await work();
    record(entries.slice(3));
    await work();
    expect(states()).to.deep.equal(['refused']);
    expect(objects().map(({ code }) => code)).to.have.members([
      'INTAKE_NOT_REGULAR',
      ...Array(5).fill('CONSIGNMENT_REFUSED'),
    ]);
    expect(sealed).to.deep.equal([]);
  });

  it('more than may travel as one, or other members than were said, are refused', async () => {
    take({ consignments: [{ id: C, root: ROOT, objects: LIMITS.consignmentMaxObjects + 1, bytes: BYTES }] });
    await work();
    expect(new Set(objects().map(({ code }) => code))).to.deep.equal(new Set(['CONSIGNMENT_TOO_LARGE']));
    const D = id(0xd, 32);
    const others = MEMBERS.map(([name, size]) => ({ ...entry(name, size), consignment: { id: D, root: ROOT } }));
    record(others, { consignments: [{ id: D, root: ROOT, objects: 6, bytes: BYTES }] });
    await work();
    expect(ledger.consignments.get(D)).to.include({ state: 'refused', code: 'CONSIGNMENT_INVALID' });
    expect(sealed).to.deep.equal([]);
  });

  it('what cannot be put into quarantine is not refused yet, and is as soon as it can', async () => {
    scan = (name) => (name.endsWith('/.consignment') ? verdict('refuse', 'SCAN_CRASHED') : verdict('pass'));
    take();
    const blocked = join(folder, 'quarantine', `${objects()[3]!.transfer}.bytes.new`);
    mkdirSync(blocked);
    writeFileSync(join(folder, 'objects', 'sub_c'), Buffer.alloc(1_300)); // Not its own file alone: it must be copied.
    expect(await work()).to.deep.equal(['SPOOL_IO']);
    expect([states(), sealed]).to.deep.equal([['refused', 'taken'], []]);
    const { rmSync } = await import('node:fs');
    rmSync(blocked, { recursive: true });
    await stages.gate.settleAll();
    expect(states()).to.deep.equal(['refused']);
  });

  it('nothing is sent before all is sealed, and the originals are dealt with when all has been sent', async () => {
    take();
    let sealings = 0;
    seal = () => {
      if (++sealings === 3) fail('CHILD_FAILED')();
    };
    expect(await work()).to.deep.equal(['CHILD_FAILED']);
    expect([sealed.length, sent]).to.deep.equal([2, []]);
    seal = () => {};
    open();
    await rebuild();
    let sendings = 0;
    send = () => {
      if (++sendings > 1) fail('CHILD_FAILED')();
    };
    expect(new Set(await work())).to.deep.equal(new Set(['CHILD_FAILED']));
    expect([sent, only().state, states()]).to.deep.equal([[], 'sealing', ['sending', 'sent']]);
    const mayGo = () => ledger.expiredSpoolFiles(2_000).map(({ spoolFile }) => spoolFile);
    expect([mayGo(), ledger.toDispose(['demo'], 9)], 'what was sent may be needed again').to.deep.equal([[], []]);
    send = () => {};
    open();
    await rebuild();
    await work();
    expect([sealed.length, sent.length, only().state]).to.deep.equal([3, 5, 'sent']);
    expect([mayGo().length, ledger.toDispose(['demo'], 9).length]).to.deep.equal([5, 5]);
  });

  it('what is asked at every payload finds its answer by the index, however many payloads there are', async () => {
    take();
    await work(['scan', 'seal']);
    expect([ledger.consignments.payloads(C).length, ledger.consignments.isSealed(C)]).to.deep.equal([3, true]);
    const file = new LedgerFile(join(folder, 'ledger.sqlite'), 'low', MIGRATIONS);
    const plan = file.all(`EXPLAIN QUERY PLAN ${HAS_PAYLOAD}`, C, 'sealing').map(({ detail }) => detail);
    file.close();
    expect(plan).to.have.length(1);
    expect(plan[0]).to.match(/payloads_of_consignments \(consignment=\? AND state=\?\)/);
  });

  it('a ledger of an earlier version learns whose its payloads are', async () => {
    take();
    await work(['scan', 'seal']);
    const before = ledger.consignments.payloads(C);
    const file = new LedgerFile(join(folder, 'ledger.sqlite'), 'low', MIGRATIONS);
    file.run('DROP INDEX payloads_of_consignments');
    file.run('ALTER TABLE payloads DROP COLUMN consignment');
    const version = MIGRATIONS.indexOf(PAYLOADS_OF_CONSIGNMENTS);
    file.setMeta('version', String(version));
    file.close();
    // The later ones have been made already.
    const migrated = new LedgerFile(join(folder, 'ledger.sqlite'), 'low', MIGRATIONS.slice(0, version + 1));
    migrated.setMeta('version', String(MIGRATIONS.length));
    migrated.close();
    open();
    expect([before.length, ledger.consignments.payloads(C)]).to.deep.equal([3, before]);
  });

  it('FAULTS 51: killed in front of any sealing or sending, it goes on from the ledger with the same numbers', async () => {
    for (let crashAt = 1; crashAt <= 6; crashAt++) {
      open();
      const before = ledger.sequenceLast();
      const name = { id: id(crashAt, 32), root: ROOT };
      const members = MEMBERS.map(([file, size]) => ({ ...entry(file, size), consignment: name }));
      record(members, { consignments: [{ ...name, objects: members.length, bytes: BYTES }] });
      [sealed, sent] = [[], []];
      let steps = 0;
      const step = () => {
        if (++steps >= crashAt) fail('CHILD_FAILED')();
      };
      [seal, send] = [step, step];
      await work();
      [seal, send] = [() => {}, () => {}];
      open();
      await rebuild();
      await work();
      expect(ledger.consignments.get(name.id)?.state, `crash ${crashAt}`).to.equal('sent');
      expect([ledger.sequenceLast(), sealed.length, sent.length]).to.deep.equal([before + 5, 3, 5]);
      expect(ledger.voids(9)).to.deep.equal([]);
    }
  });

  it('intake that starts again finds nothing of what was half taken, and takes the whole anew', async () => {
    record(MEMBERS.slice(0, 2).map(([name, size]) => entry(name, size)));
    await work();
    ledger.consignments.forgetHalfTaken((tenant) => tenant !== 'demo');
    expect(objects().length, 'another process takes it').to.equal(2);
    ledger.consignments.forgetHalfTaken((tenant) => tenant === 'demo');
    expect([objects(), ledger.known(), ledger.consignments.open()]).to.deep.equal([[], [], []]);
    take();
    await work();
    ledger.consignments.forgetHalfTaken(() => true);
    expect([objects().length, only().state]).to.deep.equal([5, 'sent']);
  });

  it('a refusal of the sealer for good gives all of it up: void numbers, another id, and nothing was sent', async () => {
    take();
    let sealings = 0;
    seal = () => {
      if (++sealings === 2) fail('SEAL_VERDICT_INCOMPLETE')();
    };
    await work(['scan', 'seal']);
    expect(ledger.voids(9)).to.deep.equal([{ first: 1, last: 5 }]);
    expect(objects().map(({ payload, sequence }) => [payload, sequence])).to.deep.equal(Array(5).fill([null, null]));
    expect([only().state, ledger.payloadsIn('sealed')]).to.deep.equal(['taken', []]);
    sealed = [];
    await rebuild();
    await work();
    expect([states(), only().state]).to.deep.equal([['sent'], 'sent']);
    expect(sealed[0]!.consignment).to.include({ firstSequence: 6, objects: 5 });
    expect(sealed[0]!.consignment!.id)
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.equal(C);
  });

  it('of a tenant that is given up it is refused as a whole, also while it is still being taken', async () => {
    const entries = MEMBERS.map(([name, size]) => entry(name, size));
    record(entries.slice(0, 2));
    await work();
    expect(ledger.giveUp('demo', 'TENANT_GIVEN_UP', 'Why.')).to.have.length(2);
    record(entries.slice(2));
    await work();
    expect([states(), only().code]).to.deep.equal([['refused'], 'TENANT_GIVEN_UP']);
    await rebuild();
    expect([jobs, sealed]).to.deep.equal([[], []]);
  });

  it('of a tenant that is given up while it is sealed, its numbers become void and all of it is refused', async () => {
    take();
    seal = fail('CHILD_FAILED');
    await work();
    expect(ledger.giveUp('demo', 'TENANT_GIVEN_UP', 'Why.')).to.have.length(5);
    expect([states(), only().state, ledger.voids(9)]).to.deep.equal([['refused'], 'refused', [{ first: 1, last: 5 }]]);
  });

  describe('sent again', () => {
    const resender = () => new Resender(ledger, stages, coding);
    const resend = async (transfer: string) => {
      const answer = await resender().resend(transfer);
      await work();
      return answer;
    };

    it('one member, by transfer or number, takes all of it along: the other side may have dropped any part', async () => {
      take();
      await work();
      const all = objects().map(({ path }) => path);
      const paths: string[] = [];
      send = (named) => paths.push(...named);
      for (const named of [objects()[3]!.transfer, String(objects()[4]!.sequence), C]) {
        [sealed, sent] = [[], []];
        expect(await resend(named)).to.equal(`yes: the consignment ${ROOT} is sent again, all 5 files of it.`);
        expect(paths.splice(0), named).to.have.members(all);
        expect([sealed, sent, ledger.voids(9)], 'under the same id and numbers').to.deep.equal([[], [], []]);
        expect([states(), only().state, only().id]).to.deep.equal([['sent'], 'sent', C]);
      }
    });

    it('one member goes with its payload alone once others are no longer in the spool', async () => {
      take();
      await work();
      ledger.spoolFileRemoved('a');
      const paths: string[] = [];
      send = (named) => paths.push(...named);
      expect(await resend(objects()[3]!.transfer)).to.match(
        /^yes: .* Others of its consignment .* no longer in the spool/,
      );
      expect(paths).to.deep.equal([`${ROOT}/sub/c`]);
      expect(await resend(C)).to.match(/^no: a part of .* is no longer in the spool/);
    });

    it('while the rest of it is still to be sent, what has been sent goes again alone', async () => {
      take();
      send = (named) => {
        if (named.includes(`${ROOT}/sub/c`)) throw new SluiceError('CHILD_FAILED', 'Killed.');
      };
      await work();
      expect(only().state).to.equal('sealing');
      const gone = objects().filter(({ state }) => state === 'sent');
      expect(gone).not.to.deep.equal([]);
      expect(await resender().resend(gone[0]!.transfer)).to.match(/^yes: .* is sent again/);
      expect(objects().find(({ path }) => path === gone[0]!.path)!.state).to.equal('sealed');
      expect(await resender().resend(C)).to.match(/^no: .* is still being sent/);
    });

    it('several numbers and ranges go with one request: each consignment once, and one answer for it', async () => {
      take();
      await work();
      const paths: string[] = [];
      send = (named) => paths.push(...named);
      const last = Math.max(...objects().map(({ sequence }) => sequence!));
      const answer = await resend(`1-${last},${objects()[0]!.transfer},${last + 7}`);
      const [first, ...others] = answer.split('\n');
      expect(first).to.equal(`no: 1: the consignment ${ROOT} is sent again, all 5 files of it.`);
      expect(others).to.deep.equal([
        `${last + 7}: no object has the id or sequence number ${last + 7}.`,
        '5 more of them travel in the same bundles and consignments, which are being sent again already.',
      ]);
      expect(paths).to.have.members(objects().map(({ path }) => path));
      expect(await resend(`1-${last}`)).to.match(/^yes: /);
      expect(await resender().resend('1-5001')).to.match(/^no: 5000 transfers at most/);
    });

    it('what is being sent again already is said to be, and not begun anew', async () => {
      take();
      await work();
      expect(await resender().resend('1')).to.match(/ is sent again/);
      expect(await resender().resend('1')).to.match(/^yes: .* is being sent again already\.$/);
    });

    it('over a link with other parameters all of it goes, as another consignment', async () => {
      take();
      await work();
      sealed = [];
      coding = { symbolBytes: SYMBOL_BYTES * 2, blockSymbols: BLOCK_SYMBOLS };
      open();
      resender().adaptToLink();
      expect(await resend(objects()[3]!.transfer)).to.match(/with the 4 others of its consignment/);
      expect(sealed.map(({ coding: { symbolBytes }, entries }) => [symbolBytes, entries.length])).to.deep.equal([
        [1_024, 3],
        [1_024, 1],
        [1_024, 1],
      ]);
      expect(new Set(sealed.map(({ consignment }) => consignment!.id)).size).to.equal(1);
      expect(sealed[0]!.consignment).to.include({ firstSequence: 6, objects: 5 }).and.not.include({ id: C });
      expect([states(), ledger.voids(9)]).to.deep.equal([['sent'], [{ first: 1, last: 5 }]]);
    });

    it('a link that has changed in the middle of it begins all of it again', async () => {
      take();
      let sendings = 0;
      send = () => {
        if (++sendings === 2) fail('CHILD_FAILED')();
      };
      await work();
      send = () => {};
      coding = { symbolBytes: SYMBOL_BYTES * 2, blockSymbols: BLOCK_SYMBOLS };
      sealed = [];
      open();
      resender().adaptToLink();
      expect(only().state).to.equal('taken');
      await rebuild();
      await work();
      expect([sealed.length, states(), only().state]).to.deep.equal([3, ['sent'], 'sent']);
      expect(only().id).not.to.equal(C);
      expect(ledger.sequenceDone()).to.equal(10);
    });

    it('a link that has changed before it could be sent again leaves it as it was sent, whatever has gone since', async () => {
      take();
      await work();
      const [first] = objects();
      await resender().resend(first!.consignment!);
      // One payload has been sent again, and of its members one spool file has gone.
      const [again] = ledger.payloadsIn('sealed');
      ledger.payloadSent(again!.object, 9, 2);
      ledger.spoolFileRemoved(ledger.objectsOfPayload(again!.object)[0]!.spoolFile);
      const transfers = objects().map(({ transfer }) => transfer);
      coding = { symbolBytes: SYMBOL_BYTES * 2, blockSymbols: BLOCK_SYMBOLS };
      [sealed, jobs] = [[], []];
      open();
      expect(resender().adaptToLink()).to.deep.equal([`${ROOT}/sub/c`, `${ROOT}/large`]);
      expect([states(), only().state, only().id, ledger.voids(9)]).to.deep.equal([['sent'], 'sent', C, []]);
      expect(objects().map(({ transfer }) => transfer)).to.deep.equal(transfers);
      await rebuild();
      await work();
      expect([sealed, states()]).to.deep.equal([[], ['sent']]);
    });

    it('what is not in the spool any more is not promised', async () => {
      take();
      await work();
      for (const { spoolFile } of ledger.expiredSpoolFiles(2_000).slice(0, 1)) ledger.spoolFileRemoved(spoolFile);
      coding = { symbolBytes: SYMBOL_BYTES * 2, blockSymbols: BLOCK_SYMBOLS };
      open();
      const [there] = objects().filter(({ spoolFile }) => spoolFile !== '');
      expect(await resend(there!.transfer)).to.match(/^no: .* no longer in the spool/);
      expect(existsSync(join(folder, 'objects', 'a'))).to.equal(true);
    });
  });
});
