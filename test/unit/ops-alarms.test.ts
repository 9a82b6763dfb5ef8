/** Alarms as state (shared/ops/health/alarms.ts) and what is told of them (shared/ops/health/news.ts). */
import { expect } from 'chai';
import pino from 'pino';
import { ManualClock } from '../../shared/core/clock.js';
import { LIMITS } from '../../shared/core/limits.js';
import { News } from '../../shared/ops/health/news.js';

describe('alarms', () => {
  let clock: ManualClock;
  let news: News<never>;
  let told: string[];
  beforeEach(() => {
    clock = new ManualClock(1_000_000);
    news = new News(pino({ level: 'silent' }), clock);
    told = [];
    news.onAlarm(({ code, words }) => told.push(`${code}: ${words}`));
  });
  const active = () => news.alarms.active().map(({ code, words, count }) => [code, words, count]);

  it('hold until they are cleared, and say that they are over', () => {
    news.alarm('SPOOL_FULL', 'The spool holds 8 GiB.');
    clock.advance(86_400_000);
    news.tick();
    expect(active()).to.deep.equal([['SPOOL_FULL', 'The spool holds 8 GiB.', 1]]);
    news.over('SPOOL_FULL');
    news.over('SPOOL_FULL');
    expect(active()).to.deep.equal([]);
    expect(told).to.have.length(2);
    expect(told[1]).to.equal('ALARM_OVER: SPOOL_FULL held for 1 d: The spool holds 8 GiB.');
    expect(news.alarms.recent().map(({ code }) => code)).to.have.members(['ALARM_OVER', 'SPOOL_FULL']);
  });

  it('hold for a while when nobody clears them, longer when they are raised again', () => {
    news.alarm('QUEUE_STORE_UNAVAILABLE', 'No answer.');
    clock.advance(50_000);
    news.alarm('QUEUE_STORE_UNAVAILABLE', 'No answer still.');
    clock.advance(50_000);
    news.tick();
    expect(active()).to.deep.equal([['QUEUE_STORE_UNAVAILABLE', 'No answer still.', 2]]);
    clock.advance(10_000);
    news.tick();
    expect(active()).to.deep.equal([]);
  });

  it('ten thousand of a kind are one alarm with a count, told in a few sentences', () => {
    for (let n = 1; n <= 10_000; n++) news.alarm('TRANSFER_UNSEEN', `Its sequence number is ${n}.`);
    expect(active()).to.deep.equal([['TRANSFER_UNSEEN', 'Its sequence number is 10000.', 10_000]]);
    expect(told).to.have.length(10);
    clock.advance(10_000);
    news.tick();
    news.tick();
    expect(told).to.have.length(11);
    expect(told.at(-1)).to.include('10000. (And 9989 more of this kind.)');
  });

  it('what goes on for an hour is told ever more rarely, and after a quiet time at once', () => {
    for (let second = 0; second < 3_600; second++) {
      news.alarm('INTAKE_UNREADABLE', `poll ${second}`);
      news.tick();
      clock.advance(1_000);
    }
    expect(active()[0]![2]).to.equal(3_600);
    expect(told.length).to.be.within(12, 30);
    clock.advance(50_000);
    news.alarm('SPOOL_IO', 'x');
    told.length = 0;
    clock.advance(250_000);
    news.tick();
    for (let n = 0; n < 3; n++) news.alarm('SPOOL_IO', `again ${n}`);
    const again = told.filter((words) => words.startsWith('SPOOL_IO'));
    expect(again).to.deep.equal(['SPOOL_IO: again 0', 'SPOOL_IO: again 1', 'SPOOL_IO: again 2']);
  });

  it('FAULTS 54: what the store lost and what is rebuilt by itself is news, told and over at once', () => {
    for (const code of ['QUEUE_STORE_EMPTIED', 'QUEUE_JOB_LOST']) news.alarm(code, 'gone');
    expect(active()).to.deep.equal([]);
    expect(told).to.have.length(2);
  });

  it('FAULTS 8: RECEIVER_OVERRUN is over a minute after the last drop', () => {
    news.alarm('RECEIVER_OVERRUN', '938 datagrams', 'kernel');
    clock.advance(59_999);
    news.tick();
    expect(active()).to.have.length(1);
    clock.advance(1);
    news.tick();
    expect(active()).to.deep.equal([]);
  });

  it('STORAGE_FULL holds for whom it is about until there is room, and for a while as an event', () => {
    news.alarm('STORAGE_FULL', 'waits', 'town');
    news.alarm('STORAGE_FULL', 'made room');
    clock.advance(3_600_000);
    news.tick();
    expect(active().map(([, words]) => words)).to.deep.equal(['waits']);
  });

  it('are told apart by what they are about, up to a bound', () => {
    for (let n = 0; n < 3_000; n++) news.alarm('TENANT_STARVED', `tenant ${n}`, String(n));
    expect(news.alarms.active()).to.have.length(LIMITS.alarmsActive);
    expect(news.alarms.active().reduce((sum, { count }) => sum + count, 0)).to.equal(3_000);
    news.over('TENANT_STARVED', '5');
    expect(news.alarms.active()).to.have.length(LIMITS.alarmsActive - 1);
    news.over('TENANT_STARVED');
    expect(active()).to.deep.equal([]);
    expect(news.alarms.recent().length).to.be.at.most(2 * LIMITS.alarmsRemembered);
  });

  it('come gravest first, with what to do; what is only news is none', () => {
    news.alarm('TRANSFER_UNSEEN', 'a');
    clock.advance(1);
    news.alarm('LINK_BACK', 'b');
    news.alarm('SPOOL_IO', 'c');
    news.alarm('NO_SUCH_CODE', 'd');
    expect(active().map(([code]) => code)).to.deep.equal(['SPOOL_IO', 'NO_SUCH_CODE', 'TRANSFER_UNSEEN']);
    expect(news.alarms.active()[0]!.remedy).to.include('Check the disk');
    expect(news.alarms.recent().map(({ code }) => code)).to.deep.equal(['LINK_BACK']);
    expect(told).to.have.length(4);
  });

  it('FAULTS 63: what they say is one line without characters that act on a screen', () => {
    news.alarm('INTAKE_UNREADABLE', 'a\r\nb\u001b[2Jc\u202e');
    expect(active()[0]![1]).to.equal('a\ufffd\ufffdb\ufffd[2Jc\ufffd');
    news.alarm('SPOOL_IO', 'x'.repeat(100_000));
    expect(news.alarms.active()[0]!.words.length).to.be.at.most(LIMITS.alarmMaxText);
  });
});
