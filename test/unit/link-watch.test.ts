/** What the receiver's counters mean for an operator (egress/watch/linkWatch.ts). */
import { expect } from 'chai';
import { zeroCounters } from '../../egress/receive/frameIntake.js';
import type { ReceiverCounters } from '../../egress/receive/messages.js';
import { LinkWatch } from '../../egress/watch/linkWatch.js';

describe('watching the counters of the receiver', () => {
  it('FAULTS 8, 56: what rises is an alarm that says the total since it began, also after the receiver was started again', () => {
    const said: string[] = [];
    let nowMs = 0;
    const watch = new LinkWatch((code, words, about) => said.push(`${code} ${about} ${/\d+ \w+/.exec(words)}`));
    const look = (kernelDrops: number | undefined, ringDrops: number, conflicting: number) => {
      const counters = { datagrams: 1, ringDrops, oversize: 0, empty: 0, quietMs: {} };
      const assembly = { ...zeroCounters(), conflicting };
      const given = { ...counters, ...(kernelDrops === undefined ? {} : { kernelDrops }), assembly };
      watch.look(given as ReceiverCounters, nowMs);
      return said.splice(0);
    };
    expect(look(undefined, 0, 0)).to.deep.equal([]);
    expect(look(1, 0, 0)).to.deep.equal(['RECEIVER_OVERRUN kernel 1 datagram']);
    expect(look(5, 7, 2)).to.deep.equal([
      'RECEIVER_OVERRUN kernel 5 datagrams',
      'RECEIVER_OVERRUN assembly 7 datagrams',
      'SYMBOL_CONFLICT  2 frames',
    ]);
    expect(look(5, 7, 2)).to.deep.equal([]);
    nowMs = 59_999;
    expect(look(3, 7, 3)).to.deep.equal(['RECEIVER_OVERRUN kernel 8 datagrams', 'SYMBOL_CONFLICT  3 frames']);
    // That alarm is over by now (shared/ops/health/alarms.ts).
    nowMs += 60_000;
    expect(look(4, 7, 3)).to.deep.equal(['RECEIVER_OVERRUN kernel 1 datagram']);
  });
});
