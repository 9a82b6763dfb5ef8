/**
 * Says what the receiver's counters mean for an operator: datagrams this machine dropped itself, and symbols that came
 * with two contents. A counter that rises is an alarm; one that stands still is history.
 */
import type { ReceiverCounters } from '../receive/messages.js';

type Say = (code: string, words: string, about: string) => void;

interface Watched {
  code: string;
  about: string;
  read: (counters: ReceiverCounters) => number;
  words: (more: number) => string;
}

const WATCHED: readonly Watched[] = [
  {
    code: 'RECEIVER_OVERRUN',
    about: 'kernel',
    read: ({ kernelDrops }) => kernelDrops ?? 0,
    words: (more) => `The kernel dropped ${more} datagrams: the socket's receive buffer was full.`,
  },
  {
    code: 'RECEIVER_OVERRUN',
    about: 'assembly',
    read: ({ ringDrops }) => ringDrops,
    words: (more) => `${more} datagrams were dropped because assembly could not keep up.`,
  },
  {
    code: 'SYMBOL_CONFLICT',
    about: '',
    read: ({ assembly }) => assembly.conflicting,
    words: (more) => `${more} frames carried other bytes than an earlier frame of the same symbol.`,
  },
];

export class LinkWatch {
  private readonly last = WATCHED.map(() => 0);

  constructor(private readonly say: Say) {}

  look(counters: ReceiverCounters): void {
    WATCHED.forEach(({ code, about, read, words }, i) => {
      const value = read(counters);
      // A receiver that was started again counts from nothing.
      const more = value >= this.last[i]! ? value - this.last[i]! : value;
      this.last[i] = value;
      if (more > 0) this.say(code, words(more), about);
    });
  }
}
