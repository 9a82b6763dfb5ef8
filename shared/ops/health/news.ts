/**
 * What happens on a side, told to everybody who wants to know: whoever started it, its log, receipts, metrics. Listeners
 * are told in the order in which they came and must not throw; what they do with it never holds up what happened.
 */
import type { Clock } from '../../core/clock.js';
import { wordsOf } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { formatDuration } from '../../core/units.js';
import { plain } from '../queues/words.js';
import type { Alarm } from '../sides.js';
import { systemClock } from '../systemClock.js';
import { Alarms, type Saying } from './alarms.js';
import { type Log, logTogether } from './log.js';

interface ObjectNews {
  readonly transfer: string;
  readonly state: string;
  readonly tenant?: string;
  readonly path?: string;
  readonly sequence?: number | null;
  readonly code?: string;
  readonly detail?: string;
}

export class News<Item extends ObjectNews> {
  /** What holds now. */
  readonly alarms: Alarms;
  private readonly objectListeners: ((news: Item[]) => void)[] = [];
  private readonly alarmListeners: ((alarm: Alarm) => void)[] = [];

  constructor(
    private readonly log: Log,
    clock: Clock = systemClock,
  ) {
    this.alarms = new Alarms(clock);
  }

  onObjects(listener: (news: Item[]) => void): void {
    this.objectListeners.push(listener);
  }

  onAlarm(listener: (alarm: Alarm) => void): void {
    this.alarmListeners.push(listener);
  }

  /** Objects are in another state now. */
  objects(news: Item[]): void {
    if (news.length === 0) return;
    logTogether(this.log, () => {
      for (const { transfer, state, tenant, path, sequence, code, detail } of news)
        this.log.info({ transfer, state, tenant, path, sequence: sequence ?? undefined, code, detail }, 'object');
    });
    for (const listener of this.objectListeners) this.tell(() => listener(news));
  }

  /**
   * Something a person should know of. It holds until it is over, or has not been raised for a while (alarms.ts); of
   * many of one kind only some are told.
   * @param about what tells it from others of its kind: a tenant, a folder
   */
  alarm(code: string, words: string, about = ''): void {
    this.say(this.alarms.raise(code, plain(words, LIMITS.alarmMaxText), about));
  }

  /** A condition that lasts, with how much of it there is now: one alarm, in other words whenever they change. */
  standing(code: string, words: string): void {
    this.say(this.alarms.raise(code, plain(words, LIMITS.alarmMaxText), '', 0));
  }

  /** The cause of an alarm is gone; nothing happens unless it held. Without `about`: all of this kind. */
  over(code: string, about?: string): void {
    for (const { words, sinceMs, clearedMs } of this.alarms.clear(code, about)) {
      const held = formatDuration(Math.max(0, (clearedMs ?? sinceMs) - sinceMs));
      this.alarm('ALARM_OVER', `${code} held for ${held}: ${words}`, code);
    }
  }

  /** To be called every second or so: alarms end by themselves, and what was held back for its number is told. */
  tick(): void {
    for (const saying of this.alarms.tick()) this.say(saying);
  }

  private say(saying: Saying | undefined): void {
    if (!saying) return;
    this.log.warn({ code: saying.code }, saying.words);
    for (const listener of this.alarmListeners) this.tell(() => listener({ ...saying }));
  }

  private tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.log.error({ error: wordsOf(error) }, 'a listener failed');
    }
  }
}
