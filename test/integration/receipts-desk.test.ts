/** From the ledger to the tenant's folder: the desk, the summaries and the real receipts process (shared/ops/receipts). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { HighReceiptFacts } from '../../egress/receipts/facts.js';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { LowReceiptFacts } from '../../ingress/receipts/facts.js';
import { LIMITS } from '../../shared/core/limits.js';
import { dayFacts } from '../../shared/ops/receipts/dayFacts.js';
import type { DeskTenant } from '../../shared/ops/receipts/desk.js';
import { LocalTime } from '../../shared/ops/receipts/localTime.js';
import { Receipts } from '../../shared/ops/receipts/receipts.js';
import { textOf } from '../../shared/ops/receipts/text.js';
import { contents, memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { coding, manifests, objectId, taken, transferId, verdict, verified } from '../support/ledgers.js';
import { until } from '../support/processes.js';
import { MORNING_MS } from '../support/receipts.js';

const ZONE = 'Europe/Luxembourg';
const DAY_MS = 86_400_000;

describe('receipts: from the ledger to the folder', () => {
  let base: string;
  let nowMs: number;
  let retentionMs: number;
  let ledger: LowLedger;
  let tenants: DeskTenant[];
  let receipts: Receipts;
  let alarms: string[];
  let changed: (names: string[]) => void;

  const tenant = (name: string, receiptsFor: DeskTenant['receiptsFor'] = 'all'): DeskTenant => ({
    name,
    receipts: join(base, 'receipts', name),
    receiptsFor,
  });
  const news = {
    onObjects: (listener: (news: { tenant: string }[]) => void) => {
      changed = (names) => listener(names.map((name) => ({ tenant: name })));
    },
    alarm: (code: string, words: string, about = '') => void alarms.push(`${code} ${about}: ${words}`),
    over: (code: string, about = '') => void alarms.push(`over ${code} ${about}`),
  };
  const begin = async () => {
    receipts = new Receipts({
      side: 'low',
      module: new URL('../../ingress/receipts/process.js', import.meta.url),
      outbox: ledger.receipts,
      facts: new LowReceiptFacts(ledger, () => ({
        overhead: 0.1,
        repairFloor: 16,
        assumedLoss: 0.01,
        retentionOf: () => DAY_MS,
      })),
      tenants: () => tenants,
      retentionMs: () => retentionMs,
      news,
      nowMs: () => nowMs,
      timeZone: ZONE,
      againMs: 200,
    });
    await receipts.start();
  };
  const filesOf = (name: string) => {
    const root = join(base, 'receipts', name);
    return fs.existsSync(root) ? Object.keys(contents(root)).filter((path) => path.includes('/')) : [];
  };
  const documentsOf = (name: string) =>
    filesOf(name)
      .filter((path) => path.endsWith('.json'))
      .map((path) => JSON.parse(fs.readFileSync(join(base, 'receipts', name, path), 'utf8')));
  const allWritten = () => until(() => ledger.receipts.size() === 0);
  const take = (name: string, of = 'town') => {
    const object = taken(name, { tenant: of });
    ledger.addTaken([object]);
    return object.transfer;
  };
  const refuse = (name: string, of = 'town') => {
    const transfer = take(name, of);
    ledger.refuse(transfer, verdict('refuse', 'SCAN_TYPE_NOT_ALLOWED').findings, 'SCAN_TYPE_NOT_ALLOWED', 'x');
    return transfer;
  };
  const send = (transfer: string, n: number, of = 'town') => {
    ledger.setVerdict(transfer, verdict('pass'));
    ledger.addPayload(of, coding(objectId(n)), [{ transfer, offset: 0 }]);
    ledger.payloadSealed(objectId(n), objectId(100 + n));
    ledger.payloadSent(objectId(n), 3, 1);
  };

  beforeEach(() => {
    base = newFolder(memoryFolder());
    nowMs = MORNING_MS;
    retentionMs = 10 * DAY_MS;
    ledger = new LowLedger(join(base, 'ledger.sqlite'), () => nowMs);
    tenants = [tenant('town'), tenant('harbour')];
    alarms = [];
  });
  afterEach(async () => {
    await receipts?.stop();
    ledger.close();
    removeFolders();
  });

  it('what was due before the start is written, and every change afterwards', async () => {
    const transfer = refuse('a.txt');
    await begin();
    await allWritten();
    const stem = `2026-11-22/a.txt--${transfer.slice(0, 12)}`;
    expect(filesOf('town')).to.deep.equal([`${stem}.json`, `${stem}.txt`]);
    expect(documentsOf('town')[0]).to.include({ state: 'refused', code: 'SCAN_TYPE_NOT_ALLOWED', inQuarantine: true });
    const other = take('b.txt');
    ledger.setState(other, 'held', 'SCAN_UNAVAILABLE', '');
    changed(['town']);
    await allWritten();
    expect(documentsOf('town').map(({ state }) => state)).to.have.members(['refused', 'held']);
    expect(alarms).to.deep.equal([]);
  });

  it('an object that is sent within a moment is written once, with its odds and how long it can be sent again', async () => {
    send(take('a.txt'), 1);
    await begin();
    await allWritten();
    const [document] = documentsOf('town');
    expect(document).to.include({ state: 'sent', sequence: 1, resendableUntil: '2026-11-23T07:09:10.000Z' });
    expect(document.arrival.known).to.equal(false);
    expect(document.arrival.probability).to.be.within(0.999, 1);
  });

  it('FAULTS 61: each tenant has its own, and nothing of another', async () => {
    refuse('mine.txt', 'town');
    refuse('theirs.txt', 'harbour');
    await begin();
    await allWritten();
    expect(documentsOf('town').map(({ name }) => name)).to.deep.equal(['mine.txt']);
    expect(documentsOf('harbour').map(({ name }) => name)).to.deep.equal(['theirs.txt']);
  });

  it('`problems` has only those that hold: what was held and is sent goes; `none` has nothing at all', async () => {
    tenants = [tenant('town', 'problems'), tenant('harbour', 'none')];
    const transfer = take('a.txt');
    ledger.setState(transfer, 'held', 'SCAN_UNAVAILABLE', '');
    refuse('b.txt', 'harbour');
    await begin();
    await allWritten();
    expect(documentsOf('town').map(({ state }) => state)).to.deep.equal(['held']);
    send(transfer, 1);
    changed(['town']);
    await allWritten();
    expect(filesOf('town')).to.deep.equal([]);
    expect(fs.existsSync(join(base, 'receipts', 'harbour'))).to.equal(false);
  });

  it('a receipt somebody has taken away does not come back by itself', async () => {
    const transfer = refuse('a.txt');
    await begin();
    await allWritten();
    fs.rmSync(join(base, 'receipts', 'town', '2026-11-22'), { recursive: true });
    refuse('b.txt');
    changed(['town']);
    await allWritten();
    expect(documentsOf('town').map(({ name }) => name)).to.deep.equal(['b.txt']);
    expect(ledger.receiptSource(transfer)!.object.state).to.equal('refused');
  });

  it('FAULTS 49: a folder that is away is said once, holds up nobody else, and gets everything once it is back', async () => {
    const folder = join(base, 'receipts', 'town');
    fs.mkdirSync(join(base, 'receipts'));
    // What a network file system looks like while it is not mounted the way it should be.
    fs.writeFileSync(folder, '');
    for (let i = 0; i < 250; i++) refuse(`a${i}.txt`);
    refuse('b.txt', 'harbour');
    await begin();
    await until(() => documentsOf('harbour').length === 1 && alarms.length > 0);
    expect(ledger.receipts.size()).to.equal(250);
    expect(alarms).to.have.length(1);
    expect(alarms[0]).to.match(/^RECEIPT_UNWRITABLE town: The receipts of "town"/);
    fs.rmSync(folder);
    fs.mkdirSync(folder);
    await until(() => ledger.receipts.size() === 0);
    expect(documentsOf('town')).to.have.length(250);
    expect(alarms).to.have.length(2);
    expect(alarms[1]).to.equal('over RECEIPT_UNWRITABLE town');
  });

  it('FAULTS 51: the process dies in the middle of it: all is written all the same', async () => {
    for (let i = 0; i < 400; i++) refuse(`a${i}.txt`);
    await begin();
    await until(() => ledger.receipts.size() < 400);
    process.kill(receipts.pid, 'SIGKILL');
    await until(() => receipts.pid !== 0);
    changed(['town']);
    await until(() => ledger.receipts.size() === 0);
    expect(documentsOf('town')).to.have.length(400);
    expect(alarms, 'one death is nothing to wake anybody for').to.deep.equal([]);
  });

  it('a tenant that comes while the gateway runs gets its folder', async () => {
    await begin();
    tenants = [...tenants, tenant('new')];
    receipts.tenantsChanged();
    refuse('a.txt', 'new');
    changed(['new']);
    await allWritten();
    expect(documentsOf('new')).to.have.length(1);
  });

  it('old ones are swept at the start', async () => {
    const old = join(base, 'receipts', 'town', '2026-11-11');
    fs.mkdirSync(old, { recursive: true });
    fs.writeFileSync(join(old, 'a--0123456789ab.txt'), '');
    await begin();
    await until(() => !fs.existsSync(old));
  });

  describe('daily summaries', () => {
    const summary = (name: string, of = 'town') =>
      JSON.parse(fs.readFileSync(join(base, 'receipts', of, `${name}.json`), 'utf8'));
    const there = (name: string, of = 'town') => fs.existsSync(join(base, 'receipts', of, `${name}.txt`));

    it('today is told at once, with what needs attention and where its receipt is', async () => {
      send(take('a.txt'), 1);
      const transfer = refuse('b.txt');
      take('c.txt', 'harbour');
      await begin();
      await until(() => there('today') && there('today', 'harbour'));
      const { states, attention, day, isOver } = summary('today');
      expect({ day, isOver }).to.deep.equal({ day: '2026-11-22', isOver: false });
      expect(states).to.deep.equal({ refused: { objects: 1, bytes: 1000 }, sent: { objects: 1, bytes: 1000 } });
      expect(attention).to.have.length(1);
      expect(attention[0]).to.include({
        name: 'b.txt',
        state: 'refused',
        receipt: `2026-11-22/b.txt--${transfer.slice(0, 12)}.json`,
      });
      const text = fs.readFileSync(join(base, 'receipts', 'town', 'today.txt'), 'utf8');
      expect(text).to.include('Sent: 1 file').and.include('Envoyés : 1 fichier').and.include('b.txt');
      expect(summary('today', 'harbour').states).to.deep.equal({ taken: { objects: 1, bytes: 1000 } });
    });

    it('a day is told once it is over, and days on which the gateway did not run later', async () => {
      refuse('a.txt');
      await begin();
      await until(() => there('today'));
      expect(there('2026-11-22')).to.equal(false);
      // Midnight in Luxembourg is 23:00 UTC; what was handed in just before may still be sent.
      nowMs = Date.UTC(2026, 10, 22, 23, 4, 59);
      changed(['town']);
      await until(() => ledger.receipts.size() === 0);
      expect(there('2026-11-22')).to.equal(false);
      nowMs = Date.UTC(2026, 10, 22, 23, 5, 1);
      await until(() => there('2026-11-22') && there('2026-11-22', 'harbour'));
      expect(summary('2026-11-22')).to.include({ isOver: true });
      expect(summary('2026-11-22').states).to.deep.equal({ refused: { objects: 1, bytes: 1000 } });
      expect(summary('2026-11-22', 'harbour').states).to.deep.equal({});
      await receipts.stop();
      nowMs += 3 * DAY_MS;
      await begin();
      await until(() => there('2026-11-25'));
      for (const day of ['2026-11-23', '2026-11-24', '2026-11-25']) expect(there(day), day).to.equal(true);
      expect(there('2026-11-26')).to.equal(false);
      expect(fs.readFileSync(join(base, 'receipts', 'town', '2026-11-24.txt'), 'utf8')).to.include(
        'Nothing was handed in',
      );
    });

    it('a year without the gateway is no year of summaries', async () => {
      retentionMs = 400 * DAY_MS;
      await begin();
      await until(() => there('today'));
      await receipts.stop();
      nowMs += 366 * DAY_MS;
      await begin();
      await until(() => there('2027-11-22'));
      const days = fs.readdirSync(join(base, 'receipts', 'town')).filter((name) => /^2.*txt$/.test(name));
      expect(days).to.have.length(31);
    });
  });

  it('a consignment has one receipt, and its members one only for what is their own fault', async () => {
    const member = (name: string, consignment: string) => {
      const object = taken(`${consignment}/${name}`, { tenant: 'town', consignment: consignment.repeat(32) });
      ledger.consignments.begin(consignment.repeat(32), 'town', consignment);
      ledger.addTaken([object]);
      return object.transfer;
    };
    const good = [member('1', 'a'), member('2', 'a')];
    ledger.consignments.taken('a'.repeat(32), 2, 2000);
    for (const transfer of good) ledger.setVerdict(transfer, verdict('pass'));
    ledger.consignments.approve('a'.repeat(32));
    const members = good.map((transfer, i) => ({ transfer, offset: 1000 * i }));
    ledger.addPayload('town', coding(objectId(1), 2000), members);
    ledger.consignments.setFirstSequence('a'.repeat(32), 1);
    ledger.payloadSealed(objectId(1), objectId(101));
    ledger.payloadSent(objectId(1), 3, 1);
    ledger.consignments.sent('a'.repeat(32));
    const [culprit, other] = [member('1', 'b'), member('2', 'b')] as const;
    ledger.consignments.taken('b'.repeat(32), 2, 2000);
    ledger.refuse(culprit, verdict('refuse', 'SCAN_ARCHIVE_ENCRYPTED').findings, 'SCAN_ARCHIVE_ENCRYPTED', 'x');
    ledger.consignments.refuse('b'.repeat(32), 'CONSIGNMENT_REFUSED', 'Because of "b/1".');
    ledger.setState(other, 'refused', 'CONSIGNMENT_REFUSED', 'Because of "b/1".');
    await begin();
    await allWritten();
    expect(filesOf('town').filter((path) => path.endsWith('.txt'))).to.have.members([
      `2026-11-22/a--consignment--${'a'.repeat(12)}.txt`,
      `2026-11-22/b--consignment--${'b'.repeat(12)}.txt`,
      `2026-11-22/1--${culprit.slice(0, 12)}.txt`,
    ]);
    const [a, b] = documentsOf('town').filter(({ consignment }) => consignment);
    expect(a).to.deep.include({ state: 'sent', sequence: 1, sizeBytes: 2000, consignment: { objects: 2 } });
    expect(b).to.include({ state: 'refused', code: 'CONSIGNMENT_REFUSED', inQuarantine: true });
    expect(b.findings[1]).to.include({ code: 'SCAN_ARCHIVE_ENCRYPTED', where: 'b/1' });
    const { attention, attentionMore } = new LowReceiptFacts(ledger, () => ({}) as never).day('town', 0, nowMs + 1);
    expect(attention).to.have.length(1);
    expect(attention[0]).to.deep.include({ transfer: 'b'.repeat(32), name: 'b', consignment: { objects: 2 } });
    expect(attentionMore, 'the one entry stands for both').to.equal(0);
    // Where the originals went is told of the whole, when it is known.
    for (const transfer of good) ledger.setDisposed(transfer, false, 'moved', `a/${transfer.slice(0, 4)}`);
    await allWritten();
    const sent = filesOf('town').find((path) => path.includes('a--consignment') && path.endsWith('.txt'))!;
    expect(fs.readFileSync(join(base, 'receipts/town', sent), 'utf8')).to.include(
      'accepted files: 2 files, such as "a/',
    );
  });

  it('a consignment that was refused before it was taken counts its files; what is not named is counted', () => {
    const whole = 'c'.repeat(32);
    ledger.consignments.begin(whole, 'town', 'c');
    const files = ['.consignment', 'evil', 'ok.txt'].map((name) =>
      taken(`c/${name}`, { tenant: 'town', consignment: whole }),
    );
    ledger.addTaken(files);
    const [mark, evil, ok] = files.map(({ transfer }) => transfer);
    ledger.setState(evil!, 'refused', 'INTAKE_NOT_REGULAR', 'It is a link.');
    for (const other of [mark!, ok!]) ledger.setState(other, 'refused', 'CONSIGNMENT_REFUSED', 'Because of "c/evil".');
    ledger.consignments.refuse(whole, 'CONSIGNMENT_REFUSED', 'Because of "c/evil".');
    const text = textOf(new LowReceiptFacts(ledger, () => ({}) as never).of(`c:${whole}`)!, new LocalTime('UTC'));
    expect(text).to.include('the folder "c", 3 files, 3 kB').and.include('Which file: "c/evil".');
    expect(text).to.include('Quel fichier : « c/evil ».').and.not.include('Where in the file');
    for (const once of ['Why: ', 'What to do now: ', 'Pourquoi : ', 'Que faire maintenant : ']) {
      expect(text.split(once), once).to.have.length(2);
    }
    const day = dayFacts({
      states: [{ state: 'refused', objects: 5, bytes: 0 }],
      isOfDay: () => true,
      needing: { count: 1, first: [`c:${whole}`] },
      factsOf: (key) => new LowReceiptFacts(ledger, () => ({}) as never).of(key),
      gaps: { count: 0, first: [] },
    });
    expect(day.attentionMore).to.equal(2);
  });

  it('high side: a consignment says what it was released as, with every file of it', () => {
    const high = new HighLedger(join(base, 'high.sqlite'), () => nowMs);
    try {
      const id = 'c'.repeat(32);
      const objects = [1, 2].map((n) =>
        verified(n, { path: `box/${n}`, parts: ['box', `${n}`], offset: 1000 * n - 1000 }),
      );
      const consignment = {
        id,
        tenant: 'demo',
        root: 'box',
        parts: ['box'],
        firstSequence: 1,
        objects: 2,
        sizeBytes: 2000,
      };
      high.admit(objectId(9), { ...manifests(1, objects, undefined, 2000), consignment });
      expect(high.receipts.due('demo', nowMs, 10)).to.deep.equal([]);
      for (const n of [1, 2]) high.setReleased(transferId(n), `box.v2/${n}`);
      high.consignments.setReleased(id);
      const keys = high.receipts.due('demo', nowMs, 10).map(({ transfer }) => transfer);
      expect(keys).to.have.members([transferId(1), transferId(2), `c:${id}`]);
      const facts = new HighReceiptFacts(high);
      expect(facts.of(transferId(1))).to.include({ isMember: true });
      const whole = facts.of(`c:${id}`)!;
      expect(whole).to.include({ state: 'released', name: 'box', publishedAs: 'box.v2', transfer: id });
      expect(whole.consignment!.files!.map(({ path }) => path)).to.deep.equal(['1', '2']);
    } finally {
      high.close();
    }
  });

  it('high side: gaps of the link are named, and the quarantine tells no name it should not', () => {
    const high = new HighLedger(join(base, 'high.sqlite'), () => nowMs);
    try {
      const reject = { code: 'VERIFY_LABEL_NOT_ALLOWED', detail: 'It is labelled "secret".' };
      high.admit(objectId(9), manifests(1, [verified(1, { reject }), verified(2)]));
      high.setState(transferId(1), 'quarantined', reject.code, reject.detail);
      high.setReleased(transferId(2), 'file-2');
      high.account(manifests(1, []).history, 5, 5, (sequence) => sequence === 4);
      const facts = new HighReceiptFacts(high);
      expect(facts.of(transferId(1))).to.include({ state: 'quarantined', name: '', detail: '', code: reject.code });
      const day = facts.day('demo', MORNING_MS - DAY_MS, MORNING_MS + DAY_MS);
      expect(day.gaps).to.deep.equal({ count: 2, first: [3, 5] });
      expect(day.attention.map(({ name }) => name)).to.deep.equal(['']);
    } finally {
      high.close();
    }
  });

  for (const side of ['low', 'high'] as const) {
    it(`${side} side: what has waited for long does not hide what happened today, and all of it is counted`, () => {
      const most = LIMITS.summaryMaxNamed;
      const wait = (sequence: number, high?: HighLedger): string => {
        if (!high) {
          const one = taken(`${sequence}`, { tenant: 'town' });
          ledger.addTaken([one]);
          ledger.setState(one.transfer, 'held', 'SCAN_CRASHED', '');
          return one.transfer;
        }
        high.admit(objectId(1_000 + sequence), manifests(sequence, [verified(sequence, { tenant: 'town' })]));
        high.setPayload(objectId(sequence), 'incomplete', 'incomplete', 'TRANSFER_INCOMPLETE');
        return transferId(sequence);
      };
      const high = side === 'high' ? new HighLedger(join(base, 'high.sqlite'), () => nowMs) : undefined;
      try {
        for (let n = 1; n <= most + 7; n++) wait(n, high);
        nowMs += 40 * DAY_MS;
        const earlier = wait(1_001, high);
        nowMs += 1;
        const today = wait(1_002, high);
        const facts = high ? new HighReceiptFacts(high) : new LowReceiptFacts(ledger, () => ({}) as never);
        const { attention, attentionMore } = facts.day('town', nowMs - DAY_MS, nowMs + 1);
        expect(attention.slice(0, 2).map(({ transfer }) => transfer)).to.deep.equal([today, earlier]);
        expect([attention.length, attentionMore]).to.deep.equal([most, 9]);
      } finally {
        high?.close();
      }
    });
  }
});
