/** The work of the high side's queue stages (egress/work/stages.ts), with a real ledger and made-up processes. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { HighLedger } from '../../egress/ledger/ledger.js';
import type { QuarantineOrder, ReleaseOrder, ReleaseResult } from '../../egress/release/messages.js';
import type { Verified, VerifiedManifests, VerifiedObject } from '../../egress/verify/messages.js';
import { AssemblyRoom } from '../../egress/work/room.js';
import { HighStages } from '../../egress/work/stages.js';
import { type ErrorCode, SluiceError } from '../../shared/core/errors.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { HISTORY, manifests, objectId, transferId, verified } from '../support/ledgers.js';

const SPOOL_MAX = 10_000;
const [A, B, C, D] = [objectId(1), objectId(2), objectId(3), objectId(4)];

describe('stages of the high side', () => {
  let folder: string;
  let ledger: HighLedger;
  let stages: HighStages;
  let freeBytes: number;
  let written: Map<string, number>;
  let answers: Map<string, Verified<VerifiedManifests>>;
  let verifier: { ask: (name: string, ask: { object: string }) => Promise<Verified<VerifiedManifests>> };
  /** What the receiver was told, as "event payload". */
  let told: string[];
  let alarms: string[];
  let overs: string[];
  let room: AssemblyRoom;
  let storages: Map<string, string>;
  let quota: { bytes?: number; objects?: number };
  let dealtWith: string[];
  let toRelease: string[];
  let asked: string[];
  let quarantined: QuarantineOrder[];
  let released: ReleaseOrder[];
  let release: (order: ReleaseOrder) => ReleaseResult | Promise<ReleaseResult>;

  beforeEach(() => {
    folder = newFolder(memoryFolder());
    for (const name of ['envelopes', 'assembly', 'quarantine']) mkdirSync(join(folder, name));
    let nowMs = 1_000;
    ledger = new HighLedger(join(folder, 'ledger.sqlite'), () => nowMs++);
    toRelease = [];
    freeBytes = 1e9;
    written = new Map();
    answers = new Map();
    overs = [];
    quota = {};
    storages = new Map([['demo', '/storages/demo']]);
    [told, alarms, dealtWith, asked, quarantined, released] = [[], [], [], [], [], []];
    release = ({ transfer, parts }) => ({ transfer, ok: true, publishedAs: parts.join('/'), version: 1 });
    verifier = { ask: async (_name, { object }) => answers.get(object)! };
    const releaser = {
      ask: async (name: string, orders: ReleaseOrder[]) => {
        asked.push(`${name} ${orders.map(({ transfer }) => Number.parseInt(transfer, 16)).join(' ')}`.trim());
        if (name === 'quarantine') quarantined.push(...(orders as QuarantineOrder[]));
        if (name !== 'release') return null;
        released.push(...orders);
        return Promise.all(orders.map(release));
      },
    };
    type News = { object?: string };
    const receiver = { tell: (event: string, { object }: News) => told.push(`${event} ${Number(`0x${object}`)}`) };
    room = new AssemblyRoom(
      { spoolMax: SPOOL_MAX, objectsMax: 1_000, minFree: 100, tenants: () => [{ name: 'demo', quota }] },
      { freeBytes: () => freeBytes, writtenBytes: (payload) => written.get(payload) ?? 0 },
    );
    stages = new HighStages({
      ledger,
      verifier: { ask: (name: string, ask: { object: string }) => verifier.ask(name, ask) } as never,
      releaser: releaser as never,
      receiver: receiver as never,
      envelopesDir: join(folder, 'envelopes'),
      assemblyDir: join(folder, 'assembly'),
      quarantineDir: join(folder, 'quarantine'),
      storages,
      room,
      changed: () => {},
      alarm: (code) => alarms.push(code),
      over: (code) => overs.push(code),
      verified: (envelope) => dealtWith.push(envelope),
      release: (payloads) => toRelease.push(...payloads),
    });
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  /** The envelope of payload n arrives and is verified. */
  const arrive = async (n: number, objects: VerifiedObject[], lengthBytes = 1_000, envelope = objectId(100 + n)) => {
    writeFileSync(stages.envelopeFile(envelope), 'envelope');
    answers.set(envelope, { ok: true, value: manifests(n, objects, undefined, lengthBytes) });
    await stages.runVerify({ envelope });
  };
  /** Payload n of so many bytes is there with one object. */
  const payload = (n: number, lengthBytes: number) => arrive(n, [verified(n, { sizeBytes: lengthBytes })], lengthBytes);
  const incomplete = (...payloads: string[]) => {
    for (const object of payloads) ledger.setPayload(object, 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
  };
  const assemble = (object: string) => ledger.setPayload(object, 'assembled', 'verifying');
  const objects = (of: string) => ledger.objectsOfPayload(of).map(({ state, code }) => [state, code]);
  const tell = () => told.splice(0);
  const codeOf = async (work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      return (error as SluiceError).code;
    }
    return undefined;
  };

  it('FAULTS 49: what is collected is asked for again, and nothing that waits for room or is there', async () => {
    for (const n of [1, 2, 3]) await payload(n, 3_000);
    await payload(4, 3_000);
    assemble(A);
    incomplete(B);
    tell();
    stages.remind();
    expect(tell()).to.deep.equal(['expect 3', 'expect 2']);
  });

  it('FAULTS 16: signed digests that contradict each other: nothing is released, the bytes are kept with the reason', async () => {
    await payload(1, 1_000);
    stages.recordAssembled(ledger.payload(A)!, true);
    await stages.runRelease({ payload: A });
    expect(objects(A)).to.deep.equal([['quarantined', 'MANIFEST_INVALID']]);
    expect([released.length, quarantined.length, ledger.payload(A)!.state]).to.deep.equal([0, 1, 'closed']);
  });

  it('the digest of the whole is expected of one object in several blocks, and of nothing else', async () => {
    await payload(1, 1_000);
    const { coding } = ledger.payload(A)!;
    const stored = (more: object) => stages.expectation({ ...ledger.payload(A)!, coding: { ...coding, ...more } });
    expect(stored({}).sha256).to.equal(undefined);
    const several = { blockDigests: new Uint8Array(64) };
    expect(Buffer.from(stored(several).sha256!).toString('hex')).to.equal(ledger.objectsOfPayload(A)[0]!.sha256);
    expect(stored({ ...several, lengthBytes: 1_001 }).sha256, 'a part of it').to.equal(undefined);
  });

  describe('tenants that change, and time that passes', () => {
    it('what was verified for a tenant that is gone waits for it; nothing is lost, nothing released elsewhere', async () => {
      await payload(1, 1_000);
      assemble(A);
      storages.clear();
      expect(await codeOf(stages.runRelease({ payload: A }))).to.equal('TENANT_REMOVED');
      expect([released, quarantined]).to.deep.equal([[], []]);
      expect([objects(A), ledger.payload(A)!.state]).to.deep.equal([[['verifying', 'TENANT_REMOVED']], 'assembled']);
      storages.set('demo', '/elsewhere/demo');
      await stages.runRelease({ payload: A });
      expect(released.map(({ storageRoot, tenantFolder }) => [storageRoot, tenantFolder])).to.deep.equal([
        ['/elsewhere', 'demo'],
      ]);
      expect(objects(A)).to.deep.equal([['released', null]]);
    });

    it('what an operator gives up of it goes into the quarantine, and what is still to come is not collected', async () => {
      for (const n of [1, 2, 3]) await payload(n, 1_000);
      assemble(A);
      incomplete(B);
      storages.clear();
      expect(await codeOf(stages.runRelease({ payload: A }))).to.equal('TENANT_REMOVED');
      tell();
      expect(stages.giveUp('nobody')).to.equal(0);
      expect(stages.giveUp('demo')).to.equal(3);
      expect(toRelease).to.deep.equal([A]);
      expect(tell()).to.have.members(['forget 2', 'forget 3']);
      await stages.runRelease({ payload: A });
      expect(quarantined.map(({ code }) => code)).to.deep.equal(['TENANT_GIVEN_UP']);
      for (const one of [A, B, C]) {
        expect(objects(one)).to.deep.equal([['quarantined', 'TENANT_GIVEN_UP']]);
        expect(ledger.payload(one)!.state).to.equal('closed');
      }
      expect([released, room.usedBytes]).to.deep.equal([[], 0]);
      storages.set('demo', '/storages/demo');
      expect(stages.giveUp('demo')).to.equal(0);
    });

    it('alarms once for each tenant and reason of an envelope, and not for what its own rules allow', async () => {
      const label = { code: 'VERIFY_LABEL_NOT_ALLOWED', detail: 'It is labelled "secret".' };
      const large = { code: 'VERIFY_TOO_LARGE', detail: '' };
      await arrive(1, [
        verified(1, { reject: label }),
        verified(2, { offset: 1000, reject: label }),
        verified(3, { offset: 2000, reject: large }),
        verified(4, { offset: 3000 }),
      ]);
      expect(alarms).to.deep.equal(['VERIFY_LABEL_NOT_ALLOWED']);
    });

    it('what arrived of an incomplete payload is given up for its age, and taken in again when it comes again', async () => {
      await payload(1, SPOOL_MAX);
      incomplete(A);
      tell();
      stages.expire(ledger.payload(A)!);
      expect(tell()).to.deep.equal(['evict 1']);
      expect([objects(A), ledger.payload(A)!.isExpired]).to.deep.equal([[['incomplete', 'TRANSFER_INCOMPLETE']], true]);
      await payload(2, SPOOL_MAX);
      expect(tell(), 'its room is free').to.deep.equal(['expect 2']);
      ledger.closePayload(B);
      room.give(B);
      await payload(1, SPOOL_MAX);
      expect([tell(), ledger.payload(A)!.isExpired]).to.deep.equal([['expect 1'], false]);
    });
  });

  describe('verify', () => {
    it('admits an envelope and has its payload collected; run twice it does nothing more', async () => {
      await payload(1, 1_000);
      expect([tell(), dealtWith, alarms]).to.deep.equal([['expect 1'], [objectId(101)], []]);
      expect(existsSync(stages.envelopeFile(objectId(101)))).to.equal(false);
      await stages.runVerify({ envelope: objectId(101) });
      expect([tell(), dealtWith]).to.deep.equal([[], [objectId(101), objectId(101)]]);
    });

    it('the envelope of a resend has an open payload expected again, and a finished one forgotten', async () => {
      await payload(1, 1_000);
      incomplete(A);
      tell();
      await payload(1, 1_000);
      expect(tell()).to.deep.equal(['expect 1']);
      for (const finish of [assemble, (object: string) => ledger.closePayload(object)]) {
        finish(A);
        await payload(1, 1_000);
        expect(tell()).to.deep.equal(['forget 1']);
      }
      expect(ledger.counts()).to.deep.equal({ verifying: 1, unseen: 0 });
    });

    it('FAULTS 5: an envelope recorded long ago has nothing collected, although the ledger has removed its transfer', async () => {
      await payload(1, 1_000);
      ledger.setReleased(transferId(1), 'x');
      ledger.closePayload(A);
      await payload(2, 1_000);
      ledger.account(HISTORY, 2, 2, () => false);
      ledger.receipts.settle(ledger.receipts.due('demo', Number.MAX_SAFE_INTEGER, 10));
      expect(ledger.finished.prune(2_000)).to.equal(1);
      expect(ledger.payload(A)).to.equal(undefined);
      tell();
      await payload(1, 1_000);
      expect([tell(), alarms, released]).to.deep.equal([['forget 1'], [], []]);
      expect(ledger.counts()).to.deep.equal({ assembling: 1, unseen: 0 });
    });

    it('FAULTS 17: of two envelopes that differ the first stays, and the other one is an alarm', async () => {
      await payload(1, 1_000);
      tell();
      await arrive(1, [verified(1, { sha256: 'f'.repeat(64) })], 1_000, objectId(200));
      expect([tell(), alarms]).to.deep.equal([[], ['ENVELOPE_CONFLICT']]);
      expect(ledger.objectsOfPayload(A)[0]!.sha256).to.equal('0'.repeat(64));
      expect(dealtWith).to.have.length(2);
    });

    it('an envelope that is not believed is an alarm and goes away', async () => {
      const envelope = objectId(101);
      writeFileSync(stages.envelopeFile(envelope), 'forged');
      answers.set(envelope, { ok: false, code: 'ENVELOPE_SIGNATURE', detail: '' });
      await stages.runVerify({ envelope });
      expect([alarms, told, dealtWith]).to.deep.equal([['ENVELOPE_SIGNATURE'], [], [envelope]]);
      expect(existsSync(stages.envelopeFile(envelope))).to.equal(false);
    });

    it('while the verifier is away the envelope stays and counts as not dealt with', async () => {
      const envelope = objectId(101);
      const working = verifier;
      verifier = { ask: () => Promise.reject(new SluiceError('CHILD_FAILED', 'Made by a test.')) };
      expect(await codeOf(payload(1, 1_000))).to.equal('CHILD_FAILED');
      expect([dealtWith, existsSync(stages.envelopeFile(envelope))]).to.deep.equal([[], true]);
      verifier = working;
      await stages.runVerify({ envelope });
      expect([dealtWith, told]).to.deep.equal([[envelope], ['expect 1']]);
    });

    it('of tenants nobody serves here nothing is collected, and each object says why', async () => {
      const reject = { code: 'VERIFY_TENANT_UNKNOWN', detail: 'Why.' };
      await arrive(1, [verified(1, { reject }), verified(2, { reject })]);
      expect(tell()).to.deep.equal(['forget 1']);
      expect(objects(A)).to.deep.equal(Array(2).fill(['quarantined', 'VERIFY_TENANT_UNKNOWN']));
      expect(ledger.payload(A)!.state).to.equal('closed');
      await arrive(2, [verified(3, { reject }), verified(4)]);
      expect(tell(), 'unless somebody else has an object in the bundle').to.deep.equal(['expect 2']);
    });

    it('what is rejected for another reason is collected, for the operator to look at', async () => {
      await arrive(1, [verified(1, { reject: { code: 'VERIFY_LABEL_NOT_ALLOWED', detail: 'Why.' } })]);
      expect(tell()).to.deep.equal(['expect 1']);
    });

    it('larger than the spool may ever be: quarantined unseen, and nobody makes room for it', async () => {
      await payload(1, 1_000);
      incomplete(A);
      tell();
      await payload(2, SPOOL_MAX + 1);
      expect(tell()).to.deep.equal(['forget 2']);
      expect(objects(B)).to.deep.equal([['quarantined', 'VERIFY_TOO_LARGE']]);
      await payload(3, SPOOL_MAX - 1_000);
      expect(tell(), 'it takes no room itself').to.deep.equal(['expect 3']);
    });
  });

  describe('room', () => {
    it('FAULTS 49: without it a payload waits, said once, and is expected as soon as there is some', async () => {
      await payload(1, 6_000);
      await payload(2, 6_000);
      for (let i = 0; i < 3; i++) stages.expectAgain();
      expect([tell(), alarms]).to.deep.equal([['expect 1'], ['STORAGE_FULL']]);
      assemble(A);
      await stages.runRelease({ payload: A });
      expect(tell()).to.deep.equal(['forget 1']);
      stages.expectAgain();
      stages.expectAgain();
      expect(tell()).to.deep.equal(['expect 2']);
    });

    it('FAULTS 49: nothing waits any more once the only payload that waited is given up, and that is said', async () => {
      await payload(1, SPOOL_MAX);
      await payload(2, SPOOL_MAX);
      incomplete(B);
      expect([alarms, overs]).to.deep.equal([['STORAGE_FULL'], []]);
      stages.expire(ledger.payload(B)!);
      expect(overs).to.have.members(['STORAGE_FULL', 'QUOTA_EXCEEDED']);
    });

    it('FAULTS 60: over its quota a tenant waits, said once, and goes on by itself', async () => {
      quota = { bytes: 2_500 };
      for (const n of [1, 2, 3, 4]) await payload(n, 1_000);
      expect(tell()).to.deep.equal(['expect 1', 'expect 2']);
      expect(alarms).to.deep.equal(['QUOTA_EXCEEDED']);
      assemble(A);
      await stages.runRelease({ payload: A });
      tell();
      stages.expectAgain();
      expect([tell(), overs]).to.deep.equal([['expect 3'], []]);
      quota = {};
      stages.expectAgain();
      expect([tell(), alarms]).to.deep.equal([['expect 4'], ['QUOTA_EXCEEDED']]);
      expect(overs).to.include('QUOTA_EXCEEDED');
    });

    it('FAULTS 60: more than the quota of its tenant by itself, it is quarantined unseen', async () => {
      quota = { bytes: 999 };
      await payload(1, 1_000);
      expect(objects(A)).to.deep.equal([['quarantined', 'VERIFY_TOO_LARGE']]);
    });

    it('FAULTS 49: is made by evicting payloads, the one incomplete for longest first and no more than it takes', async () => {
      for (const n of [1, 2, 3]) await payload(n, 3_000);
      incomplete(C, A, B);
      tell();
      await payload(4, 3_500);
      expect(tell()).to.deep.equal(['evict 3', 'expect 4']);
      expect(alarms).to.deep.equal(['STORAGE_FULL']);
      expect(ledger.payload(C)!.state, 'it may be sent again').to.equal('incomplete');
    });

    it('is never made from payloads that are on their way or assembled', async () => {
      await payload(1, 5_000);
      await payload(2, 5_000);
      assemble(B);
      tell();
      await payload(3, 1_000);
      expect(tell()).to.deep.equal([]);
    });

    it('no incomplete payload is given up in vain', async () => {
      await payload(1, 2_000);
      await payload(2, 6_000);
      incomplete(A);
      tell();
      await payload(3, 8_000);
      stages.expectAgain();
      expect(tell()).to.deep.equal([]);
    });

    it('FAULTS 49: a full disk costs no more than it takes, and its bytes come back later', async () => {
      for (const n of [1, 2, 3]) await payload(n, 1_000);
      for (const n of [A, B, C]) written.set(n, 1_000);
      incomplete(A, B, C);
      tell();
      freeBytes = 500;
      await payload(4, 1_000);
      expect(tell()).to.deep.equal(['evict 1']);
      freeBytes = 1_500;
      stages.expectAgain();
      expect(tell()).to.deep.equal(['expect 4']);
    });

    it('FAULTS 49: a disk that others have filled costs nothing: giving up what arrived would not help', async () => {
      for (const n of [1, 2]) await payload(n, 1_000);
      written.set(A, 300);
      incomplete(A, B);
      tell();
      freeBytes = 150;
      await payload(4, 1_000);
      stages.expectAgain();
      expect([tell(), alarms]).to.deep.equal([[], ['STORAGE_FULL']]);
    });

    it('what was evicted is collected anew when it is sent again and there is room', async () => {
      await payload(1, 6_000);
      incomplete(A);
      await payload(2, 6_000);
      tell();
      await payload(1, 6_000);
      expect(tell()).to.deep.equal([]);
      ledger.setPayload(B, 'assembled', 'verifying');
      await stages.runRelease({ payload: B });
      stages.expectAgain();
      expect(tell()).to.deep.equal(['forget 2', 'expect 1']);
    });

    it('is not kept waiting for a payload that is decided', async () => {
      await payload(1, 6_000);
      await payload(2, 6_000);
      ledger.closePayload(B);
      ledger.closePayload(A);
      tell();
      stages.expectAgain();
      expect(tell()).to.deep.equal([]);
    });
  });

  describe('release', () => {
    const start = async (n: number, members: VerifiedObject[]) => {
      await arrive(n, members);
      assemble(objectId(n));
      tell();
    };

    it('publishes, records, forgets and closes; run twice it does nothing more', async () => {
      await start(1, [verified(1, { parts: ['a', 'b'] })]);
      for (let i = 0; i < 2; i++) await stages.runRelease({ payload: A });
      expect(asked).to.deep.equal(['release 1', 'forget 1']);
      expect(released[0]).to.deep.equal({
        transfer: transferId(1),
        storageRoot: '/storages',
        tenantFolder: 'demo',
        parts: ['a', 'b'],
        payloadFile: join(folder, 'assembly', A, 'data'),
        offset: 0,
        sizeBytes: 1_000,
        whole: true,
        sha256: '0'.repeat(64),
        mtimeNs: 5n,
      });
      expect(ledger.objectsOfPayload(A)[0]).to.include({ state: 'released', publishedAs: 'a/b' });
      expect([ledger.payload(A)!.state, tell()]).to.deep.equal(['closed', ['forget 1']]);
    });

    it('releases nothing that is not assembled', async () => {
      await arrive(1, [verified(1)]);
      for (const of of [A, D]) await stages.runRelease({ payload: of });
      incomplete(A);
      await stages.runRelease({ payload: A });
      expect(asked).to.deep.equal([]);
    });

    it('of a bundle rejected in part, only the rest is released, and no member is taken for the whole', async () => {
      const reject = { code: 'VERIFY_LABEL_NOT_ALLOWED', detail: 'Why.' };
      await start(1, [verified(1), verified(2, { reject, parts: [] }), verified(3)]);
      await stages.runRelease({ payload: A });
      expect(asked).to.deep.equal(['quarantine 2', 'release 1 3', 'forget 1 3']);
      expect(quarantined[0]).to.include({ ...reject, quarantineDir: join(folder, 'quarantine'), tenant: 'demo' });
      expect([...released, ...quarantined].map(({ whole }) => whole)).to.deep.equal([false, false, false]);
      expect(objects(A)).to.deep.equal([
        ['released', null],
        ['quarantined', 'VERIFY_LABEL_NOT_ALLOWED'],
        ['released', null],
      ]);
      expect(ledger.payload(A)!.state).to.equal('closed');
    });

    for (const code of ['STORAGE_FULL', 'RELEASE_IO'] as ErrorCode[]) {
      it(`FAULTS 49: what fails with ${code} is tried again, without what was released already`, async () => {
        await start(1, [verified(1), verified(2)]);
        const good = release;
        release = (order) =>
          order.transfer === transferId(2)
            ? { transfer: order.transfer, ok: false, code, detail: 'Why.' }
            : good(order);
        for (let i = 0; i < 2; i++) expect(await codeOf(stages.runRelease({ payload: A }))).to.equal(code);
        expect(objects(A)).to.deep.equal([
          ['released', null],
          ['verifying', code],
        ]);
        expect([alarms, overs], 'said once, while it lasts').to.deep.equal([[code], []]);
        expect([ledger.payload(A)!.state, tell()], 'its bytes are still wanted').to.deep.equal(['assembled', []]);
        release = good;
        await stages.runRelease({ payload: A });
        expect(asked).to.deep.equal(['release 1 2', 'release 2', 'release 2', 'forget 1 2']);
        expect([alarms, overs]).to.deep.equal([[code], [code]]);
        expect(objects(A).at(-1)).to.deep.equal(['released', null]);
        expect(ledger.payload(A)!.state).to.equal('closed');
      });
    }

    it('what fails for good is quarantined with its reason, and the payload is done with', async () => {
      await start(1, [verified(1), verified(2)]);
      const good = release;
      release = (order) =>
        order.transfer === transferId(1)
          ? { transfer: order.transfer, ok: false, code: 'DIGEST_MISMATCH', detail: 'Why.' }
          : good(order);
      await stages.runRelease({ payload: A });
      expect(asked).to.deep.equal(['release 1 2', 'quarantine 1', 'forget 2']);
      expect(objects(A)).to.deep.equal([
        ['quarantined', 'DIGEST_MISMATCH'],
        ['released', null],
      ]);
      expect(ledger.payload(A)!.state).to.equal('closed');
    });

    it('goes in batches, each recorded before the next one is begun', async () => {
      await start(
        1,
        Array.from({ length: 600 }, (_, i) => verified(i + 1)),
      );
      const good = release;
      let recorded = -1;
      release = (order) => {
        if (order.transfer === transferId(600)) recorded = ledger.counts().released!;
        return good(order);
      };
      await stages.runRelease({ payload: A });
      expect(asked.map((words) => words.split(' ').length - 1)).to.deep.equal([...Array(9).fill(64), 24, 600]);
      expect(recorded).to.equal(576);
    });

    it('never runs twice at once for a payload', async () => {
      await start(1, [verified(1)]);
      const good = release;
      let finish = () => {};
      release = (order) =>
        new Promise((resolve) => {
          finish = () => resolve(good(order));
        });
      const first = stages.runRelease({ payload: A });
      await stages.runRelease({ payload: A });
      expect(asked).to.deep.equal(['release 1']);
      finish();
      await first;
      expect(asked).to.deep.equal(['release 1', 'forget 1']);
    });
  });
});
