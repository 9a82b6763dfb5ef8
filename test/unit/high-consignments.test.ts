/** Consignments on the high side: a real ledger, the real release into a real storage; what arrives is made up. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import Database from 'libsql';
import { CONSIGNMENT_COUNTS } from '../../egress/ledger/consignments.js';
import { HighLedger } from '../../egress/ledger/ledger.js';
import type { ReleaseOrder } from '../../egress/release/messages.js';
import { Releaser } from '../../egress/release/releaser.js';
import type { VerifiedConsignment, VerifiedObject } from '../../egress/verify/messages.js';
import { LinkPosition } from '../../egress/work/position.js';
import { AssemblyRoom } from '../../egress/work/room.js';
import { HighStages } from '../../egress/work/stages.js';
import { SluiceError } from '../../shared/core/errors.js';
import { contents, memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { HISTORY, heartbeat, id, manifests, objectId, sha256, transferId, verified } from '../support/ledgers.js';

const SPOOL_MAX = 1_000;
const [A, B, C] = [1, 2, 3].map(objectId) as [string, string, string];

/** Members by sequence number: path and content. */
const MEMBERS: [string, string][] = [
  ['.consignment', ''],
  ['a', 'first'],
  ['sub/b', 'second'],
  ['large', 'a file of its own'],
];
const BYTES = MEMBERS.reduce((sum, [, text]) => sum + text.length, 0);
const CONSIGNMENT: VerifiedConsignment = {
  id: id(0xc, 32),
  firstSequence: 1,
  objects: 4,
  sizeBytes: BYTES,
  tenant: 'demo',
  root: 'in/box',
  parts: ['in', 'box'],
};
const PUBLISHED = (root = 'in/box') => Object.fromEntries(MEMBERS.map(([path, text]) => [`${root}/${path}`, text]));
const sorted = (found: Record<string, string>) => Object.fromEntries(Object.entries(found).sort());

describe('consignments of the high side', () => {
  let folder: string;
  let storage: string;
  let ledger: HighLedger;
  let stages: HighStages;
  let position: LinkPosition;
  let releaser: Releaser;
  let told: string[];
  let alarms: string[];
  let toRelease: string[];
  let served: Map<string, string>;
  /** Called in front of each request to the releasing process. */
  let before: (request: string) => void;
  let nowMs: number;

  beforeEach(() => {
    folder = newFolder(memoryFolder());
    for (const name of ['envelopes', 'assembly', 'quarantine', 'staging', 'storage', 'storage/demo']) {
      fs.mkdirSync(join(folder, name));
    }
    storage = join(folder, 'storage', 'demo');
    served = new Map([['demo', storage]]);
    before = () => {};
    nowMs = 1_000;
    open();
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  /** As at every start. */
  function open(): void {
    ledger?.close();
    [told, alarms, toRelease] = [[], [], []];
    ledger = new HighLedger(join(folder, 'ledger.sqlite'), () => nowMs);
    releaser = new Releaser(join(folder, 'staging'));
    const ask = async (name: string, asked: never): Promise<unknown> => {
      before(name);
      if (name === 'beginFolder') return releaser.beginFolder(asked);
      if (name === 'addToFolder') {
        const { folder: to, orders } = asked as { folder: never; orders: ReleaseOrder[] };
        return releaser.addToFolder(to, orders);
      }
      if (name === 'publishFolder') return releaser.publishFolder(asked);
      if (name === 'forgetFolder') return releaser.forgetFolder(asked);
      if (name === 'quarantine') return releaser.quarantine(asked);
      if (name === 'release') return releaser.release(asked);
      return releaser.forget(asked);
    };
    stages = new HighStages({
      ledger,
      verifier: { ask: async () => answer } as never,
      releaser: { ask } as never,
      receiver: {
        tell: (event: string, { object, remove }: { object: string; remove?: boolean }) => {
          told.push(`${event} ${Number(`0x${object}`)}`);
          if (remove || event === 'evict')
            fs.rmSync(join(folder, 'assembly', object), { recursive: true, force: true });
        },
      } as never,
      envelopesDir: join(folder, 'envelopes'),
      assemblyDir: join(folder, 'assembly'),
      quarantineDir: join(folder, 'quarantine'),
      storages: served,
      room: new AssemblyRoom(
        { spoolMax: SPOOL_MAX, objectsMax: 1_000, minFree: 0, tenants: () => [{ name: 'demo', quota: {} }] },
        { freeBytes: () => 1e9, writtenBytes: () => 0 },
      ),
      changed: () => {},
      alarm: (code) => alarms.push(code),
      over: () => {},
      verified: () => {},
      release: (payloads) => toRelease.push(...payloads),
    });
    position = new LinkPosition(
      ledger,
      { reorderWindowMs: 100, silenceMs: 10_000 },
      {
        incomplete: ({ object }) => ledger.setPayload(object, 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE'),
        consignmentIncomplete: (consignment) => stages.consignmentIncomplete(consignment),
        unseen: () => {},
        sessionEnded: () => {},
        alarm: () => {},
        linkIsBack: () => {},
      },
    );
    for (const payload of ledger.payloadsIn('assembled')) stages.takeRoom(payload);
  }

  let answer: unknown;
  let envelopes = 0;
  const member = (sequence: number, changes: Partial<VerifiedObject> = {}): VerifiedObject => {
    const [path, text] = MEMBERS[sequence - 1] ?? ['further', ''];
    const parts = [...CONSIGNMENT.parts, ...path.split('/')];
    const bytes = Buffer.from(text);
    return verified(sequence, {
      path: parts.join('/'),
      parts,
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
      ...changes,
    });
  };
  /** The envelope of payload n with these members arrives. */
  const arrive = async (
    n: number,
    members: VerifiedObject[],
    consignment: Partial<VerifiedConsignment> = {},
    lengthBytes = members.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  ) => {
    let offset = 0;
    const objects = members.map((one) => {
      offset += one.sizeBytes;
      return { ...one, offset: offset - one.sizeBytes };
    });
    answer = {
      ok: true,
      value: { ...manifests(n, objects, undefined, lengthBytes), consignment: { ...CONSIGNMENT, ...consignment } },
    };
    const envelope = objectId(1_000 + ++envelopes);
    fs.writeFileSync(stages.envelopeFile(envelope), 'envelope');
    await stages.runVerify({ envelope });
  };
  /** All its blocks are there: what the supervisor does then. */
  const assemble = (payload: string) => {
    fs.mkdirSync(join(folder, 'assembly', payload), { recursive: true });
    const texts = ledger.objectsOfPayload(payload).map(({ sequence }) => MEMBERS[sequence - 1]?.[1] ?? '');
    fs.writeFileSync(join(folder, 'assembly', payload, 'data'), texts.join(''));
    ledger.setPayload(payload, 'assembled', 'verifying');
    return stages.runRelease({ payload });
  };
  /** The first two payloads of three are there. */
  const allButLast = async () => {
    await arrive(1, [member(1), member(2)]);
    await arrive(2, [member(3)]);
    await assemble(A);
    await assemble(B);
  };
  const last = async () => {
    await arrive(3, [member(4)]);
    await assemble(C);
  };
  const rebuild = async () => {
    for (const payload of ledger.payloadsToRelease()) await stages.runRelease({ payload });
  };
  const pass = (done: number) => {
    position.heartbeat(heartbeat(done), nowMs);
    nowMs += 100;
    position.tick(nowMs, { silentMs: 0, busy: false, quietMs: () => 1e9 });
  };
  const said = () =>
    [A, B, C].flatMap((payload) => ledger.objectsOfPayload(payload)).map(({ state, code }) => [state, code]);
  const stored = () => contents(storage);
  const spooled = () => fs.readdirSync(join(folder, 'assembly')).length;
  const codeOf = async (work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      return (error as SluiceError).code;
    }
    return undefined;
  };

  it('nothing of it is visible before all of it is there; then all is, once, and nothing is left behind', async () => {
    await allButLast();
    expect([stored(), said()]).to.deep.equal([{}, Array(3).fill(['verifying', null])]);
    await last();
    expect(stored()).to.deep.equal(sorted(PUBLISHED()));
    const objects = [A, B, C].flatMap((payload) => ledger.objectsOfPayload(payload));
    expect(objects.map(({ state, publishedAs }) => [state, publishedAs])).to.deep.equal(
      MEMBERS.map(([path]) => ['released', `in/box/${path}`]),
    );
    expect([A, B, C].map((payload) => ledger.payload(payload)!.state)).to.deep.equal(Array(3).fill('closed'));
    expect([told.slice(-3), spooled(), fs.readdirSync(join(folder, 'staging'))]).to.deep.equal([
      ['forget 1', 'forget 2', 'forget 3'],
      0,
      [],
    ]);
    await last();
    await rebuild();
    expect(Object.keys(stored()).length, 'sent again it changes nothing').to.equal(4);
  });

  it('a name that is taken gets a version, and what is said of the members has it', async () => {
    fs.mkdirSync(join(storage, 'in/box'), { recursive: true });
    fs.writeFileSync(join(storage, 'in/box/a'), 'theirs');
    await allButLast();
    await last();
    expect(stored()).to.deep.equal(sorted({ 'in/box/a': 'theirs', ...PUBLISHED('in/box.v2') }));
    expect(ledger.objectsOfPayload(B)[0]!.publishedAs).to.equal('in/box.v2/sub/b');
  });

  it('FAULTS 51: killed in front of any step of the release, it is released once', async () => {
    for (let crashAt = 1, crashed = true; crashed; crashAt++) {
      let steps = 0;
      before = () => {
        if (++steps >= crashAt) throw new SluiceError('CHILD_FAILED', 'Killed.');
      };
      await allButLast();
      crashed = (await codeOf(last())) === 'CHILD_FAILED';
      expect(Object.keys(stored()).length, `crash ${crashAt}`).to.be.oneOf([0, 4]);
      before = () => {};
      open();
      await rebuild();
      expect(stored(), `crash ${crashAt}`).to.deep.equal(sorted(PUBLISHED()));
      expect([spooled(), fs.readdirSync(join(folder, 'staging'))]).to.deep.equal([0, []]);
      expect(ledger.counts()).to.include({ released: 4 });
      ledger.close();
      fs.rmSync(join(folder, 'ledger.sqlite'));
      for (const name of ['ledger.sqlite-wal', 'ledger.sqlite-shm']) fs.rmSync(join(folder, name), { force: true });
      fs.rmSync(join(storage, 'in'), { recursive: true });
      ledger = undefined as never;
      open();
    }
  });

  describe('a member that may not be released', () => {
    const reject = { code: 'VERIFY_LABEL_NOT_ALLOWED', detail: 'Why.' };
    const refused = ['quarantined', 'CONSIGNMENT_REFUSED'];

    it('takes all with it, those that came before and after; every byte is kept with the reason', async () => {
      await arrive(1, [member(1), member(2)]);
      await assemble(A);
      await arrive(2, [member(3, { reject })]);
      expect(toRelease).to.include(A);
      await rebuild();
      await assemble(B);
      await last();
      expect(said()).to.deep.equal([refused, refused, ['quarantined', reject.code], refused]);
      expect([stored(), spooled()]).to.deep.equal([{}, 0]);
      expect(ledger.objectsOfPayload(A)[0]!.detail).to.equal(`Because of "in/box/sub/b" (${reject.code}).`);
      for (const [i, [, text]] of MEMBERS.entries()) {
        const kept = join(folder, 'quarantine', transferId(i + 1));
        expect(fs.readFileSync(`${kept}.bytes`, 'utf8')).to.equal(text);
        expect(JSON.parse(fs.readFileSync(`${kept}.json`, 'utf8')).code).to.match(/VERIFY_LABEL|CONSIGNMENT_REFUSED/);
      }
    });

    it('is told to the parts that are there when it is decided, and to no others, once', async () => {
      await arrive(1, [member(1)]);
      await arrive(2, [member(2)]);
      await assemble(A);
      await arrive(3, [member(3, { reject })]);
      await arrive(4, [member(4, { reject })]);
      expect(toRelease).to.deep.equal([A]);
    });

    it('FAULTS 16: that turns out to be damaged when it is put into the folder takes all with it', async () => {
      await allButLast();
      fs.writeFileSync(join(folder, 'assembly', B, 'data'), 'secomd');
      fs.writeFileSync(join(folder, 'assembly', A, 'data'), 'FIRST');
      await last();
      expect(said()).to.deep.equal([refused, ['quarantined', 'DIGEST_MISMATCH'], refused, refused]);
      expect([stored(), fs.readdirSync(join(folder, 'storage'))]).to.deep.equal([{}, ['demo']]);
    });

    for (const [what, parts] of [
      ['the name of another', ['in', 'box', 'a']],
      ['a file where another has its folder', ['in', 'box', 'sub']],
    ] as const) {
      it(`FAULTS 25: ${what} takes all with it`, async () => {
        await allButLast();
        await arrive(3, [member(4, { parts: [...parts], path: parts.join('/') })]);
        await assemble(C);
        expect(said()).to.deep.equal([refused, refused, refused, ['quarantined', 'CONSIGNMENT_INVALID']]);
        expect(stored()).to.deep.equal({});
      });
    }

    it('FAULTS 29: a link where the folder should go has all quarantined', async () => {
      fs.symlinkSync('/nowhere', join(storage, 'in'));
      await allButLast();
      await last();
      expect(said()).to.deep.equal(Array(4).fill(['quarantined', 'RELEASE_UNSAFE_TARGET']));
      expect(fs.readdirSync(join(folder, 'storage'))).to.deep.equal(['demo']);
    });

    it('sizes that do not add up have all quarantined', async () => {
      const more = { sizeBytes: BYTES + 1 };
      await arrive(1, [member(1), member(2)], more);
      await arrive(2, [member(3)], more);
      await arrive(3, [member(4)], more);
      for (const payload of [A, B, C]) await assemble(payload);
      expect(said()).to.deep.equal(Array(4).fill(['quarantined', 'CONSIGNMENT_INVALID']));
    });

    it('an unknown tenant, or more than could ever be held here, is not collected at all', async () => {
      await arrive(1, [member(1), member(2)], { sizeBytes: SPOOL_MAX + 1 });
      expect([told, said()]).to.deep.equal([['forget 1'], Array(2).fill(['quarantined', 'VERIFY_TOO_LARGE'])]);
      const unknown = { code: 'VERIFY_TENANT_UNKNOWN', detail: '' };
      const other = { id: id(0xd, 32), tenant: 'nobody' };
      await arrive(2, [member(3, { tenant: 'nobody', reject: unknown })], other);
      await rebuild();
      expect(told).to.deep.equal(['forget 1', 'forget 2']);
    });
  });

  it('FAULTS 49: a full storage shows nothing, gives its room back and is tried again', async () => {
    await allButLast();
    const add = releaser.addToFolder.bind(releaser);
    releaser.addToFolder = (to, orders) => {
      add(to, orders.slice(0, 2));
      return { transfer: orders[2]!.transfer, code: 'STORAGE_FULL', detail: '' };
    };
    expect(await codeOf(last())).to.equal('STORAGE_FULL');
    expect([stored(), fs.readdirSync(join(folder, 'storage'))]).to.deep.equal([{}, ['demo']]);
    pass(4);
    expect(said(), 'it is not incomplete').to.deep.equal(Array(4).fill(['verifying', null]));
    releaser.addToFolder = add;
    await rebuild();
    expect(stored()).to.deep.equal(sorted(PUBLISHED()));
  });

  it('FAULTS 51: one that was published before a crash and is not found is told to the operator', async () => {
    await allButLast();
    let published = 0;
    const publish = releaser.publishFolder.bind(releaser);
    releaser.publishFolder = (to) => {
      publish(to);
      fs.rmSync(join(storage, 'in'), { recursive: true });
      published++;
      throw new SluiceError('CHILD_FAILED', 'Killed.');
    };
    expect(await codeOf(last())).to.equal('CHILD_FAILED');
    open();
    await rebuild();
    expect([published, alarms]).to.deep.equal([1, ['CONSIGNMENT_NOT_FOUND']]);
    expect(said()).to.deep.equal(Array(4).fill(['released', null]));
  });

  it('of a tenant who is gone since then it waits until the tenant is back', async () => {
    await allButLast();
    served.delete('demo');
    expect(await codeOf(last())).to.equal('TENANT_REMOVED');
    expect(said()).to.deep.equal(Array(4).fill(['verifying', 'TENANT_REMOVED']));
    served.set('demo', storage);
    await rebuild();
    expect([stored(), said()]).to.deep.equal([sorted(PUBLISHED()), Array(4).fill(['released', null])]);
  });

  it('refused or incomplete it is one entry of what needs attention, whatever each of its files says', async () => {
    const needing = () => ledger.needingAttention('demo', 0, 9_999, 99).first;
    await allButLast();
    pass(4);
    expect(needing()).to.deep.equal([`c:${CONSIGNMENT.id}`]);
    await arrive(3, [member(4)], {}, 17);
    ledger.setPayload(C, 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
    expect(needing()).to.have.length(1);
    ledger.consignments.setQuarantined(CONSIGNMENT.id, { code: 'CONSIGNMENT_INVALID', detail: 'Made by a test.' });
    await assemble(C);
    await rebuild();
    expect(said()).to.deep.equal(Array(4).fill(['quarantined', 'CONSIGNMENT_INVALID']));
    expect(needing()).to.deep.equal([`c:${CONSIGNMENT.id}`]);
  });

  describe('what was built out of sight of one that is rejected when its tenant is gone', () => {
    const hidden = () => fs.existsSync(join(folder, 'storage/.sluice-staging', CONSIGNMENT.id));
    const reject = { code: 'VERIFY_TENANT_UNKNOWN', detail: '' };
    /** All of it is in its hidden folder when the process is killed; then the tenant is taken out, and a member rejected. */
    const buildAndReject = async () => {
      before = (request) => {
        if (request === 'publishFolder') throw new SluiceError('CHILD_FAILED', 'Killed.');
      };
      await allButLast();
      expect(await codeOf(last())).to.equal('CHILD_FAILED');
      before = () => {};
      expect(hidden()).to.equal(true);
      served.delete('demo');
      await arrive(4, [member(5, { reject })]);
      expect(ledger.consignments.get(CONSIGNMENT.id)!.state).to.equal('quarantined');
    };

    it('FAULTS 51, 61: is removed with it', async () => {
      await buildAndReject();
      await rebuild();
      expect([hidden(), stored(), ledger.consignments.leftBehind()]).to.deep.equal([false, {}, []]);
      expect(said().map(([state]) => state)).to.deep.equal(Array(4).fill('quarantined'));
    });

    it('FAULTS 51, 61: holds nothing up while the storage is away, and is removed at the next start that finds it', async () => {
      await buildAndReject();
      fs.renameSync(join(folder, 'storage'), join(folder, 'away'));
      await rebuild();
      expect(said().map(([state]) => state)).to.deep.equal(Array(4).fill('quarantined'));
      open();
      await stages.tidy();
      expect(alarms).to.deep.equal(['RELEASE_IO']);
      fs.renameSync(join(folder, 'away'), join(folder, 'storage'));
      expect(hidden()).to.equal(true);
      open();
      await stages.tidy();
      expect([alarms, hidden(), ledger.consignments.leftBehind()]).to.deep.equal([[], false, []]);
    });

    it('what waits for its tenant to come back stays', async () => {
      before = (request) => {
        if (request === 'publishFolder') throw new SluiceError('CHILD_FAILED', 'Killed.');
      };
      await allButLast();
      await codeOf(last());
      before = () => {};
      served.delete('demo');
      open();
      await stages.tidy();
      expect(hidden()).to.equal(true);
      served.set('demo', storage);
      await rebuild();
      expect(stored()).to.deep.equal(sorted(PUBLISHED()));
      expect([hidden(), ledger.consignments.leftBehind()]).to.deep.equal([false, []]);
    });
  });

  it('of a tenant who is gone, given up by an operator, all that came of it goes into the quarantine', async () => {
    await allButLast();
    await arrive(3, [member(4)]);
    served.delete('demo');
    expect(stages.giveUp('demo')).to.equal(4);
    for (const payload of toRelease) await stages.runRelease({ payload });
    expect(said()).to.deep.equal(Array(4).fill(['quarantined', 'TENANT_GIVEN_UP']));
    expect([ledger.consignments.get(CONSIGNMENT.id)!.state, stored(), spooled()]).to.deep.equal(['quarantined', {}, 0]);
  });

  describe('members that do not come', () => {
    const waiting = ['incomplete', 'CONSIGNMENT_INCOMPLETE'];
    const lost = ['incomplete', 'TRANSFER_INCOMPLETE'];

    it('FAULTS 15, 17: are missed once the position has passed the last number, and all say so; bytes are kept', async () => {
      await allButLast();
      pass(3);
      expect(said(), 'the last number may still come').to.deep.equal(Array(3).fill(['verifying', null]));
      pass(4);
      expect([said(), stored(), spooled()]).to.deep.equal([Array(3).fill(waiting), {}, 2]);
      expect(ledger.objectsOfPayload(A)[0]!.detail).to.equal('1 of the 4 files of "in/box" are missing.');
    });

    it('say so once: nothing is put into the queue or said again while nothing new has come', async () => {
      await allButLast();
      pass(4);
      const source = () => ledger.consignments.receiptSource(CONSIGNMENT.id)!;
      const { changedMs } = source();
      nowMs += 60_000;
      expect(ledger.payloadsToRelease()).to.deep.equal([]);
      // A job of it may be in the queue all the same.
      for (const payload of [A, B]) await stages.runRelease({ payload });
      expect([source().consignment.state, source().changedMs]).to.deep.equal(['incomplete', changedMs]);
      expect(said()).to.deep.equal(Array(3).fill(waiting));
    });

    it('FAULTS 51: killed between the last member and its release, it is found again', async () => {
      await allButLast();
      await arrive(3, [member(4)]);
      ledger.setPayload(C, 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
      pass(4);
      expect(said()).to.deep.equal([...Array(3).fill(waiting), lost]);
      fs.mkdirSync(join(folder, 'assembly', C));
      fs.writeFileSync(join(folder, 'assembly', C, 'data'), MEMBERS[3]![1]);
      ledger.setPayload(C, 'assembled', 'verifying');
      open();
      expect(ledger.payloadsToRelease()).to.deep.equal([C]);
      await rebuild();
      expect(stored()).to.deep.equal(sorted(PUBLISHED()));
    });

    it('FAULTS 59: a number of which nothing ever came is known to belong to it', async () => {
      await allButLast();
      const of = (sequence: number, history = HISTORY) => ledger.consignments.ofNumber(history, sequence)?.root;
      expect([0, 1, 4, 5].map((sequence) => of(sequence))).to.deep.equal([undefined, 'in/box', 'in/box', undefined]);
      expect(of(4, id(8, 32))).to.equal(undefined);
    });

    it('released all the same when they come after a resend', async () => {
      await arrive(1, [member(1), member(2)]);
      await arrive(2, [member(3)]);
      await arrive(3, [member(4)]);
      await assemble(A);
      pass(4);
      expect(said()).to.deep.equal([waiting, waiting, lost, lost]);
      open();
      await assemble(B);
      pass(4);
      expect(said()).to.deep.equal([waiting, waiting, waiting, lost]);
      await rebuild();
      expect(stored()).to.deep.equal({});
      await assemble(C);
      expect([said(), stored()]).to.deep.equal([Array(4).fill(['released', null]), sorted(PUBLISHED())]);
    });

    it('nothing is decided while one is on its way, and all is while the link is silent', async () => {
      await arrive(1, [member(1), member(2)]);
      await arrive(2, [member(3)]);
      await assemble(A);
      position.heartbeat(heartbeat(2), nowMs);
      nowMs += 100;
      position.tick(nowMs, { silentMs: 0, busy: false, quietMs: () => 0 });
      expect(said()).to.deep.equal([...Array(2).fill(['verifying', null]), ['assembling', null]]);
      position.tick(nowMs, { silentMs: 10_000, busy: false, quietMs: () => 0 });
      expect(said()).to.deep.equal([waiting, waiting, lost]);
    });

    it('FAULTS 49: what waits in vain makes room for others, and is collected anew when it is sent again', async () => {
      const size = 700;
      await arrive(1, [member(1), member(2, { sizeBytes: size })], { sizeBytes: size + 50 });
      await assemble(A);
      pass(4);
      expect(said()).to.deep.equal(Array(2).fill(waiting));
      await arrive(2, [verified(9, { sizeBytes: 600 })], {
        id: id(0xd, 32),
        firstSequence: 9,
        objects: 1,
        sizeBytes: 600,
      });
      expect([told, alarms]).to.deep.equal([['expect 1', 'evict 1', 'expect 2'], ['STORAGE_FULL']]);
      expect([ledger.payload(A)!.state, said().slice(0, 2), spooled()]).to.deep.equal([
        'incomplete',
        Array(2).fill(lost),
        0,
      ]);
    });

    it('FAULTS 49: it takes room as a whole and loses it as a whole, and never to a part of its own', async () => {
      const whole = { objects: 3, firstSequence: 1, sizeBytes: 1_000 };
      await arrive(1, [member(1, { sizeBytes: 300 })], whole);
      await arrive(2, [member(2, { sizeBytes: 300 })], whole);
      await assemble(A);
      pass(3);
      expect(said()).to.deep.equal([waiting, lost]);
      const other = { id: id(0xd, 32), firstSequence: 9, objects: 1, sizeBytes: 100 };
      told.length = 0;
      await arrive(3, [member(3, { sizeBytes: 400 })], whole);
      expect(told, 'it has its room').to.deep.equal(['expect 3']);
      await arrive(4, [verified(9, { sizeBytes: 100 })], other);
      expect(told, 'one is on its way').to.deep.equal(['expect 3']);
      pass(4);
      told.length = 0;
      stages.expectAgain();
      expect([told.slice(0, -1).sort(), told.at(-1)]).to.deep.equal([['evict 1', 'evict 2', 'evict 3'], 'expect 4']);
    });

    it('FAULTS 49, 60: two of which one half is there never hold what the other waits for', async () => {
      const first = { objects: 2, firstSequence: 1, sizeBytes: 700 };
      const second = { id: id(0xd, 32), objects: 2, firstSequence: 11, sizeBytes: 700 };
      await arrive(1, [member(1, { sizeBytes: 400 })], first);
      await arrive(2, [verified(11, { sizeBytes: 400 })], second);
      await arrive(3, [member(2, { sizeBytes: 300 })], first);
      await arrive(4, [verified(12, { sizeBytes: 300 })], second);
      expect(told, 'the first has room for all of it').to.deep.equal(['expect 1', 'expect 3']);
      for (const payload of [A, C]) await assemble(payload);
      expect(ledger.consignments.get(CONSIGNMENT.id)!.state, 'it is decided about').to.equal('quarantined');
      told.length = 0;
      stages.expectAgain();
      expect(told, 'and then the second').to.deep.equal(['expect 2', 'expect 4']);
    });

    it('what waits in vain is given up after the retention, and not before', async () => {
      await allButLast();
      const since = nowMs;
      const due = (ms: number) => ledger.incompleteBefore(ms).map(({ object }) => object);
      expect(due(1e9), 'it may still be released').to.deep.equal([]);
      pass(4);
      expect([due(since - 1), due(since)]).to.deep.equal([[], [A, B]]);
      for (const payload of ledger.incompleteBefore(since)) stages.expire(payload);
      expect([said(), spooled(), due(1e9)]).to.deep.equal([Array(3).fill(lost), 0, []]);
    });

    it('what is on its way or whole never makes room', async () => {
      await arrive(1, [member(1), member(2, { sizeBytes: 700 })], { sizeBytes: 800 });
      await assemble(A);
      await arrive(2, [verified(9, { sizeBytes: 600 })], {
        id: id(0xd, 32),
        firstSequence: 9,
        objects: 1,
        sizeBytes: 600,
      });
      expect(told).to.deep.equal(['expect 1']);
    });
  });

  describe('a hostile low side', () => {
    it('FAULTS 17: what contradicts the first envelope of a consignment is refused whole, with an alarm', async () => {
      await arrive(1, [member(1), member(2)]);
      const others: Partial<VerifiedConsignment>[] = [
        { objects: 5 },
        { sizeBytes: BYTES + 1 },
        { firstSequence: 2 },
        { root: 'in/other', parts: ['in', 'other'] },
        { tenant: 'other' },
      ];
      for (const other of others) await arrive(2, [member(3)], other);
      expect(alarms).to.deep.equal(Array(others.length).fill('CONSIGNMENT_CONFLICT'));
      expect(ledger.payload(B)).to.equal(undefined);
      expect(ledger.objectsOfPayload(A)).to.have.length(2);
    });

    it('FAULTS 13: the last of many members costs the ledger no more than the first', () => {
      const consignment = { ...CONSIGNMENT, objects: 2_000, sizeBytes: 1_000 };
      const took = Array.from({ length: 2_000 }, (_, i) => {
        const one = verified(i + 1, { sizeBytes: 0, parts: ['in', 'box', `${i}`] });
        const since = performance.now();
        expect(ledger.admit(objectId(9_000 + i), { ...manifests(i + 1, [one]), consignment })).to.equal('new');
        return performance.now() - since;
      });
      const median = (of: number[]) => of.sort((a, b) => a - b)[of.length >> 1]!;
      expect(median(took.slice(-200))).to.be.below(3 * median(took.slice(100, 300)) + 0.3);
    });

    it('the members of a ledger of an earlier version are counted', async () => {
      await allButLast();
      ledger.close();
      const file = new Database(join(folder, 'ledger.sqlite'));
      for (const column of ['known_objects', 'known_size']) file.exec(`ALTER TABLE consignments DROP COLUMN ${column}`);
      file.exec(CONSIGNMENT_COUNTS);
      file.close();
      open();
      await arrive(3, [member(4, { sizeBytes: BYTES })]);
      expect(alarms).to.deep.equal(['CONSIGNMENT_CONFLICT']);
      await last();
      expect(stored()).to.deep.equal(sorted(PUBLISHED()));
    });

    it('FAULTS 13: more bytes than it can have are refused, in whatever order they are announced', async () => {
      await arrive(1, [member(1), member(2)]);
      await arrive(2, [member(3, { sizeBytes: BYTES })]);
      expect([alarms, ledger.payload(B)]).to.deep.equal([['CONSIGNMENT_CONFLICT'], undefined]);
    });

    it('a number of it that is given to something else leaves it incomplete, and releases nothing of it', async () => {
      await allButLast();
      answer = { ok: true, value: manifests(3, [verified(4, { sizeBytes: 0 })], undefined, 0) };
      fs.writeFileSync(stages.envelopeFile(objectId(77)), 'envelope');
      await stages.runVerify({ envelope: objectId(77) });
      await assemble(C).catch(() => {});
      await arrive(4, [member(4)]);
      expect(alarms).to.deep.equal(['ENVELOPE_CONFLICT']);
      pass(4);
      expect(said().slice(0, 3)).to.deep.equal(Array(3).fill(['incomplete', 'CONSIGNMENT_INCOMPLETE']));
      expect(Object.keys(stored()).filter((path) => path.startsWith('in/'))).to.deep.equal([]);
    });

    it('two that name one folder are two folders', async () => {
      await allButLast();
      await last();
      const second = { id: id(0xd, 32), firstSequence: 11 };
      const again = (sequence: number) => ({
        ...member(sequence),
        sequence: sequence + 10,
        transfer: transferId(sequence + 10),
      });
      await arrive(4, [1, 2, 3, 4].map(again), second);
      const payload = objectId(4);
      fs.mkdirSync(join(folder, 'assembly', payload));
      fs.writeFileSync(join(folder, 'assembly', payload, 'data'), MEMBERS.map(([, text]) => text).join(''));
      ledger.setPayload(payload, 'assembled', 'verifying');
      await stages.runRelease({ payload });
      expect(stored()).to.deep.equal(sorted({ ...PUBLISHED(), ...PUBLISHED('in/box.v2') }));
    });

    it('endless incomplete ones take up no more than the room there is', async () => {
      for (let n = 1; n <= 200; n++) {
        const first = 10 * n;
        const name = { id: id(0x1000 + n, 32), firstSequence: first, objects: 2, sizeBytes: 400 };
        await arrive(n, [verified(first, { sizeBytes: 300, parts: ['in', 'box', 'x'] })], name);
        const payload = objectId(n);
        if (!told.includes(`expect ${n}`)) continue;
        fs.mkdirSync(join(folder, 'assembly', payload), { recursive: true });
        fs.writeFileSync(join(folder, 'assembly', payload, 'data'), Buffer.alloc(300));
        ledger.setPayload(payload, 'assembled', 'verifying');
        await stages.runRelease({ payload });
        pass(first + 5);
        expect(spooled()).to.be.at.most(3);
      }
      expect(told.filter((words) => words.startsWith('expect')).length, 'each had its chance').to.equal(200);
      expect(stored()).to.deep.equal({});
    });
  });
});
