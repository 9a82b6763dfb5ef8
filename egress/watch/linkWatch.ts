/**
 * Says what the receiver's counters mean for an operator: datagrams this machine dropped itself, and symbols that came
 * with two contents. A counter that rises is an alarm that says how much came together since it began; one that stands
 * still for a minute is history.
 */
import { ALARM_REPEATED_MS } from '../../shared/ops/health/alarms.js';
import type { ReceiverCounters } from '../receive/messages.js';

type Say = (code: string, words: string, about: string) => void;

interface Watched {
  code: string;
  about: string;
  read: (counters: ReceiverCounters) => number;
  words: (total: number) => string;
}

const WATCHED: readonly Watched[] = [
  {
    code: 'RECEIVER_OVERRUN',
    about: 'kernel',
    read: ({ kernelDrops }) => kernelDrops ?? 0,
    words: (total) => `The kernel dropped ${counted(total, 'datagram')}: the socket's receive buffer was full.`,
  },
  {
    code: 'RECEIVER_OVERRUN',
    about: 'assembly',
    read: ({ ringDrops }) => ringDrops,
    words: (total) =>
      `${counted(total, 'datagram')} ${total === 1 ? 'was' : 'were'} dropped because assembly could not keep up.`,
  },
  {
    code: 'SYMBOL_CONFLICT',
    about: '',
    read: ({ assembly }) => assembly.conflicting,
    words: (total) => `${counted(total, 'frame')} carried other bytes than an earlier frame of the same symbol.`,
  },
];

const counted = (total: number, what: string): string => `${total} ${what}${total === 1 ? '' : 's'}`;

export class LinkWatch {
  private readonly last = WATCHED.map(() => 0);
  /** Since the alarm began, and when it last rose. */
  private readonly total = WATCHED.map(() => 0);
  private readonly roseMs = WATCHED.map(() => Number.NEGATIVE_INFINITY);

  constructor(private readonly say: Say) {}

  /** @param nowMs monotonic */
  look(counters: ReceiverCounters, nowMs: number): void {
    WATCHED.forEach(({ code, about, read, words }, i) => {
      const value = read(counters);
      // A receiver that was started again counts from nothing.
      const more = value >= this.last[i]! ? value - this.last[i]! : value;
      this.last[i] = value;
      if (more === 0) return;
      if (nowMs - this.roseMs[i]! >= ALARM_REPEATED_MS) this.total[i] = 0;
      this.roseMs[i] = nowMs;
      this.total[i]! += more;
      this.say(code, words(this.total[i]!), about);
    });
  }
}
