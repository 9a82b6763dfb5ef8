/** What waits says so on its receipt, for what reason and since when, on both sides, and stops saying so (egress and ingress receipts). */
import { join } from 'node:path';
import { expect } from 'chai';
import { HighLedger } from '../../egress/ledger/ledger.js';
import { HighReceiptFacts } from '../../egress/receipts/facts.js';
import { LowLedger } from '../../ingress/ledger/ledger.js';
import { LowReceiptFacts } from '../../ingress/receipts/facts.js';
import { Recorder } from '../../ingress/work/recorder.js';
import { LIMITS } from '../../shared/core/limits.js';
import { documentOf } from '../../shared/ops/receipts/document.js';
import type { ReceiptFacts } from '../../shared/ops/receipts/facts.js';
import { LocalTime } from '../../shared/ops/receipts/localTime.js';
import { textOf } from '../../shared/ops/receipts/text.js';
import { memoryFolder, newFolder, removeFolders } from '../support/folders.js';
import { coding, manifests, objectId, taken, transferId, verdict, verified } from '../support/ledgers.js';
import { MORNING_MS } from '../support/receipts.js';

const HERE = new LocalTime('Europe/Luxembourg');
const REASON = 'QUEUE_JOB_FATAL: The gateway ended again and again while it worked on this.';

describe('receipts of what waits: low side', () => {
  let nowMs: number;
  let file: string;
  let ledger: LowLedger;
  let inShare: { overQuota: number; notTaken: number };
  let facts: LowReceiptFacts;
  const open = () => {
    ledger = new LowLedger(file, () => nowMs);
    const rules = { overhead: 0.1, repairFloor: 16, assumedLoss: 0.01, retentionOf: () => 1_000 };
    facts = new LowReceiptFacts(
      ledger,
      () => rules,
      () => inShare,
    );
  };
  beforeEach(() => {
    nowMs = MORNING_MS;
    inShare = { overQuota: 0, notTaken: 0 };
    file = join(newFolder(memoryFolder()), 'ledger.sqlite');
    open();
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });

  const take = (name: string, changes = {}) => {
    const object = { ...taken(name), ...changes };
    ledger.addTaken([object]);
    return object.transfer;
  };
  const hold = (name: string, code: 'INTAKE_UNREADABLE' | 'QUOTA_EXCEEDED') => {
    const { transfer, ...entry } = taken(name);
    ledger.addNotTaken({ transfer, ...entry }, 'held', code, '');
    return transfer;
  };
  const bury = (stage: string, key: string, transfers?: string[]) => {
    const data = transfers ? { transfers } : {};
    ledger.deadLetters.of(stage).bury({ key, title: key, data, reason: REASON, attempts: 2, failedMs: nowMs });
  };
  const due = () => ledger.receipts.due('demo', Number.MAX_SAFE_INTEGER, 100).map(({ transfer }) => transfer);
  const settle = () => ledger.receipts.settle(ledger.receipts.due('demo', Number.MAX_SAFE_INTEGER, 100));
  const day = () => facts.day('demo', 0, Number.MAX_SAFE_INTEGER);
  const both = (transfer: string) => {
    const of = facts.of(transfer) as ReceiptFacts;
    return { text: textOf(of, HERE), json: JSON.parse(documentOf(of)) };
  };

  it('a file on hold that is taken out of the share ends as taken back: nothing was sent, nobody waits', () => {
    const transfer = hold('a', 'INTAKE_UNREADABLE');
    settle();
    nowMs += 60_000;
    const changed: string[] = [];
    const recorder = new Recorder({
      ledger,
      stages: { enqueueScan: async () => {} },
      changed: (transfers) => changed.push(...transfers),
      recorded: () => {},
      settle: async () => {},
      alarm: (_, words) => expect.fail(words),
    });
    const gone = [Buffer.from('a'), Buffer.from('never held')];
    recorder.recordUntilDone({ id: 1, tenant: 'demo', taken: [], refused: [], held: [], gone });
    expect([changed, due()]).to.deep.equal([[transfer], [transfer]]);
    const { text, json } = both(transfer);
    expect(json).to.include({ state: 'withdrawn', code: null, since: new Date(nowMs).toISOString() });
    expect(text).to.include('Nothing of it was sent').and.include("Rien n'en a été envoyé");
    expect(text).not.to.match(/waiting since|attend depuis/);
    expect(day().states.map(({ state }) => state)).to.deep.equal(['withdrawn']);
    expect(day().attention).to.deep.equal([]);
    expect(ledger.known(), 'the same file is new when it comes again').to.deep.equal([]);
    expect(hold('a', 'INTAKE_UNREADABLE')).not.to.equal(transfer);
    expect(facts.of(transfer)).to.include({ state: 'withdrawn' });
  });

  it('what the gateway gave up is on hold with the reason and since when, and goes on when it is tried again', () => {
    const [dead, fine] = [take('dead'), take('fine')];
    settle();
    nowMs += 60_000;
    bury('scan', dead, [dead]);
    expect(due()).to.deep.equal([dead]);
    const { text, json } = both(dead);
    const since = new Date(nowMs).toISOString();
    expect(json).to.deep.include({ state: 'held', code: 'QUEUE_JOB_FATAL', since, operator: { act: 'retry', since } });
    expect(text)
      .to.include('stopped trying')
      .and.include('a cessé de réessayer')
      .and.not.include('tries again by itself');
    expect(facts.of(fine)).to.include({ state: 'taken' });
    expect(day().attention.map(({ transfer, state }) => [transfer, state])).to.deep.equal([[dead, 'held']]);
    expect(day().states.map(({ state, objects }) => `${objects} ${state}`)).to.deep.equal(['1 held', '1 taken']);
    const tallies = ledger.dead.inTallies(ledger.tallies.all());
    expect(tallies.map(({ state, objects }) => `${objects} ${state}`)).to.have.members(['1 held', '1 taken']);
    settle();
    ledger.deadLetters.revive('scan', dead);
    expect(due()).to.deep.equal([dead]);
    expect(facts.of(dead)).to.include({ state: 'taken', code: null });
    expect(day().attention).to.deep.equal([]);
  });

  it('also when it was given up as a payload, or as a consignment', () => {
    const sent = take('a');
    ledger.setVerdict(sent, verdict('pass'));
    ledger.addPayload('demo', coding(objectId(1)), [{ transfer: sent, offset: 0 }]);
    ledger.payloadSealed(objectId(1), objectId(101));
    const id = 'c'.repeat(32);
    ledger.consignments.begin(id, 'demo', 'folder');
    take('folder/1', { consignment: id });
    ledger.consignments.taken(id, 1, 1_000);
    settle();
    bury('send', objectId(1));
    bury('seal', id);
    expect(due()).to.have.members([sent, `c:${id}`]);
    for (const key of [sent, `c:${id}`]) expect(facts.of(key)).to.include({ state: 'held', code: 'QUEUE_JOB_FATAL' });
    expect(day().attention.map(({ transfer }) => transfer)).to.have.members([sent, id]);
  });

  it('a pause is named, with the first moment of it, also after a restart; and not any more when it is over', () => {
    const transfer = take('a');
    settle();
    const pausedMs = nowMs;
    ledger.rememberPaused(['scan']);
    expect(due()).to.deep.equal([transfer]);
    nowMs += 1_000;
    ledger.rememberPaused(['scan', 'send']);
    ledger.close();
    open();
    const { text, json } = both(transfer);
    expect(json).to.deep.include({
      state: 'taken',
      operator: { act: 'resume', since: new Date(pausedMs).toISOString() },
    });
    expect(text).to.include('An operator has paused').and.include('nothing is lost');
    expect(text).to.include('Un opérateur a mis').and.include("rien n'est perdu");
    expect(day()).to.include({ pausedMs });
    settle();
    ledger.rememberPaused(['send']);
    expect(due()).to.deep.equal([transfer]);
    expect(both(transfer).json).to.include({ operator: null });
    ledger.rememberPaused([]);
    expect(day()).not.to.have.property('pausedMs');
  });

  it('of files that wait for the quota and have no receipt the number is told', () => {
    hold('a', 'QUOTA_EXCEEDED');
    hold('b', 'INTAKE_UNREADABLE');
    inShare = { overQuota: 1_200, notTaken: 0 };
    expect(day().inShare).to.deep.equal({ overQuota: 1_200, notTaken: 0, unnamed: 1_199 });
    inShare = { overQuota: 0, notTaken: 3 };
    expect(day().inShare).to.deep.equal({ overQuota: 0, notTaken: 3, unnamed: 0 });
  });

  it('what is sent again was sent: its receipt does not say that it was not', () => {
    const transfer = take('a');
    ledger.setVerdict(transfer, verdict('pass'));
    ledger.addPayload('demo', coding(objectId(1)), [{ transfer, offset: 0 }]);
    ledger.payloadSealed(objectId(1), objectId(101));
    expect(both(transfer).text).to.include('has not been sent yet');
    ledger.payloadSent(objectId(1), 3, 1);
    ledger.payloadAgain(objectId(1));
    const { text, json } = both(transfer);
    expect(json).to.include({ state: 'sealed', sentBefore: new Date(nowMs).toISOString() });
    expect(text)
      .to.include('sent again')
      .and.not.match(/not been sent|n'est pas encore envoyé/);
  });
});

describe('receipts of what waits: high side', () => {
  const A = objectId(1);
  let nowMs: number;
  let ledger: HighLedger;
  let facts: HighReceiptFacts;
  beforeEach(() => {
    nowMs = MORNING_MS;
    ledger = new HighLedger(join(newFolder(memoryFolder()), 'ledger.sqlite'), () => nowMs);
    facts = new HighReceiptFacts(ledger);
    ledger.admit(objectId(101), manifests(1, [verified(1)]));
  });
  afterEach(() => {
    ledger.close();
    removeFolders();
  });
  const due = () => ledger.receipts.due('demo', nowMs, 100).map(({ transfer }) => transfer);
  const settle = () => ledger.receipts.settle(ledger.receipts.due('demo', Number.MAX_SAFE_INTEGER, 100));
  const arrive = () => ledger.setPayload(A, 'assembled', 'verifying');
  const day = () => facts.day('demo', 0, Number.MAX_SAFE_INTEGER);
  const both = () => {
    const of = facts.of(transferId(1)) as ReceiptFacts;
    return { text: textOf(of, HERE), json: JSON.parse(documentOf(of)) };
  };

  it('what is released within a few seconds has no other receipt; what waits longer has one, until it is released', () => {
    arrive();
    const since = new Date(nowMs).toISOString();
    nowMs += LIMITS.waitingNamedAfterMs - 1;
    ledger.waiting.tell();
    expect([due(), day().attention]).to.deep.equal([[], []]);
    nowMs += 1;
    ledger.waiting.tell();
    expect(due()).to.deep.equal([transferId(1)]);
    expect(both().json).to.deep.include({ state: 'waiting', isHere: true, code: null, since, operator: null });
    expect(both().text).to.include('has come completely').and.include('Il est arrivé en entier');
    expect(day().attention.map(({ state }) => state)).to.deep.equal(['waiting']);
    expect(day().states.map(({ state }) => state)).to.deep.equal(['waiting']);
    settle();
    ledger.waiting.tell();
    expect(due(), 'once').to.deep.equal([]);
    ledger.setReleased(transferId(1), 'file-1');
    expect([due(), facts.of(transferId(1))!.state]).to.deep.equal([[transferId(1)], 'released']);
  });

  it('FAULTS 49: a storage that is full is named as the reason, once, and since when', () => {
    arrive();
    const sinceMs = nowMs;
    ledger.waiting.release(transferId(1), 'STORAGE_FULL', 'x');
    expect(due(), 'it may pass').to.deep.equal([]);
    nowMs += LIMITS.waitingNamedAfterMs;
    expect(due()).to.deep.equal([transferId(1)]);
    settle();
    ledger.waiting.release(transferId(1), 'STORAGE_FULL', 'another try');
    expect(due()).to.deep.equal([]);
    expect(facts.of(transferId(1))).to.include({ state: 'waiting', code: 'STORAGE_FULL', sinceMs });
    expect(both().text).to.include('Make room').and.include('Faites de la place');
  });

  it('what cannot be received for want of room says so, and stops when there is room', () => {
    ledger.waiting.room(A, 'QUOTA_EXCEEDED');
    nowMs += LIMITS.waitingNamedAfterMs;
    expect(due()).to.deep.equal([transferId(1)]);
    expect(both().json).to.include({ state: 'waiting', isHere: false, code: 'QUOTA_EXCEEDED' });
    expect(both().text).to.include('cannot receive it for now').and.not.include('has come completely');
    expect(day().attention).to.have.length(1);
    settle();
    ledger.waiting.room(A, null);
    expect([due(), facts.of(transferId(1))!.state]).to.deep.equal([[transferId(1)], 'assembling']);
    expect(day().attention).to.deep.equal([]);
  });

  it('a release that was given up, and one that is paused, say whose turn it is', () => {
    arrive();
    const bury = (stage: string, key: string) =>
      ledger.deadLetters.of(stage).bury({ key, title: key, data: {}, reason: REASON, attempts: 1, failedMs: nowMs });
    bury('release', A);
    expect(due()).to.deep.equal([transferId(1)]);
    expect(facts.of(transferId(1))).to.deep.include({
      state: 'waiting',
      code: 'QUEUE_JOB_FATAL',
      operator: { act: 'retry', sinceMs: nowMs },
    });
    settle();
    ledger.deadLetters.revive('release');
    expect(due()).to.deep.equal([transferId(1)]);
    settle();
    ledger.rememberPaused(['release']);
    nowMs += LIMITS.waitingNamedAfterMs;
    expect(due()).to.deep.equal([transferId(1)]);
    expect(both().text).to.include('An operator has paused').and.include('Un opérateur a mis');
    expect(day()).to.include({ pausedMs: MORNING_MS });
    expect(day()).not.to.have.property('unread');
    bury('verify', objectId(102));
    expect(day()).to.include({ unread: 1 });
  });

  it('a consignment waits as one: its members have no receipts of their own for that', () => {
    const consignment = {
      id: 'd'.repeat(32),
      firstSequence: 5,
      objects: 1,
      sizeBytes: 1_000,
      root: 'r',
      parts: ['r'],
      tenant: 'demo',
    };
    ledger.admit(objectId(105), { ...manifests(5, [verified(5, { parts: ['r', 'f'] })]), consignment });
    ledger.setPayload(objectId(5), 'assembled', 'verifying');
    settle();
    ledger.consignments.setWhole(consignment.id);
    ledger.waiting.releaseOfConsignment(consignment.id, 'RELEASE_IO', 'x');
    nowMs += LIMITS.waitingNamedAfterMs;
    ledger.waiting.tell();
    expect(due()).to.deep.equal([`c:${consignment.id}`]);
    expect(facts.of(`c:${consignment.id}`)).to.include({ state: 'waiting', code: 'RELEASE_IO', isHere: true });
    expect(facts.of(transferId(5))).to.include({ state: 'verifying' });
    expect(day().attention.map(({ transfer }) => transfer)).to.deep.equal([consignment.id]);
  });
});
