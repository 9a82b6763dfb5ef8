/** What the receiver's counters mean for an operator (egress/watch/linkWatch.ts). */
import { expect } from 'chai';
import { zeroCounters } from '../../egress/receive/frameIntake.js';
import type { ReceiverCounters } from '../../egress/receive/messages.js';
import { LinkWatch } from '../../egress/watch/linkWatch.js';

describe('watching the counters of the receiver', () => {
  it('FAULTS 8, 56: what rises is an alarm with how much it rose, also after the receiver was started again', () => {
    const said: string[] = [];
    const watch = new LinkWatch((code, words, about) => said.push(`${code} ${about} ${/\d+/.exec(words)}`));
    const look = (kernelDrops: number | undefined, ringDrops: number, conflicting: number) => {
      const counters = { datagrams: 1, ringDrops, oversize: 0, empty: 0, quietMs: {} };
      const assembly = { ...zeroCounters(), conflicting };
      watch.look({ ...counters, ...(kernelDrops === undefined ? {} : { kernelDrops }), assembly } as ReceiverCounters);
      return said.splice(0);
    };
    expect(look(undefined, 0, 0)).to.deep.equal([]);
    expect(look(5, 0, 0)).to.deep.equal(['RECEIVER_OVERRUN kernel 5']);
    expect(look(5, 7, 2)).to.deep.equal(['RECEIVER_OVERRUN assembly 7', 'SYMBOL_CONFLICT  2']);
    expect(look(5, 7, 2)).to.deep.equal([]);
    expect(look(3, 7, 3)).to.deep.equal(['RECEIVER_OVERRUN kernel 3', 'SYMBOL_CONFLICT  1']);
  });
});
