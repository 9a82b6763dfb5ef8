/**
 * What happens on a side, told to everybody who wants to know: whoever started it, its log, receipts, metrics. Listeners
 * are told in the order in which they came and must not throw; what they do with it never holds up what happened.
 */
import { wordsOf } from '../core/errors.js';
import type { Log } from './log.js';
import type { Alarm } from './sides.js';

interface ObjectNews {
  readonly transfer: string;
  readonly state: string;
  readonly code?: string;
}

export class News<Item extends ObjectNews> {
  private readonly objectListeners: ((news: Item[]) => void)[] = [];
  private readonly alarmListeners: ((alarm: Alarm) => void)[] = [];

  constructor(private readonly log: Log) {}

  onObjects(listener: (news: Item[]) => void): void {
    this.objectListeners.push(listener);
  }

  onAlarm(listener: (alarm: Alarm) => void): void {
    this.alarmListeners.push(listener);
  }

  /** Objects are in another state now. */
  objects(news: Item[]): void {
    if (news.length === 0) return;
    for (const { transfer, state, code } of news) this.log.info({ transfer, state, code }, 'object');
    for (const listener of this.objectListeners) this.tell(() => listener(news));
  }

  /** Something a person should know of. */
  alarm(code: string, words: string): void {
    this.log.warn({ code }, words);
    for (const listener of this.alarmListeners) this.tell(() => listener({ code, words }));
  }

  private tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.log.error({ error: wordsOf(error) }, 'a listener failed');
    }
  }
}
