/**
 * The alarms that hold now. Raised again, an alarm stays one, with a count; it is over when whoever raised it says so,
 * or when it has not been raised for a while. Thousands of one kind are told in a few sentences. Nothing is kept over a
 * restart: what still holds is raised again.
 */
import type { Clock } from '../../core/clock.js';
import { ERRORS, type ErrorCode } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import type { ActiveAlarm, PastAlarm } from './status.js';

const MINUTE_MS = 60_000;
/** What is said again and again while it lasts is over when it has not been said for so long. */
export const ALARM_REPEATED_MS = MINUTE_MS;
/** An event stays an alarm for this long, so that an operator who comes back from a break sees it. */
const EVENT_MS = 15 * MINUTE_MS;
const UNTIL_CLEARED = Number.POSITIVE_INFINITY;
/** How long an alarm holds after it was last raised, where it is not a single event. */
const HOLDS_MS: Readonly<Record<string, number>> = {
  // Conditions: whoever finds them also finds that they are over.
  LINK_SILENT: UNTIL_CLEARED,
  LINK_PARAMETERS: UNTIL_CLEARED,
  TENANT_REMOVED: UNTIL_CLEARED,
  CONFIG_REFUSED: UNTIL_CLEARED,
  CONFIG_RESTART: UNTIL_CLEARED,
  SPOOL_FULL: UNTIL_CLEARED,
  TENANT_STARVED: UNTIL_CLEARED,
  QUOTA_EXCEEDED: UNTIL_CLEARED,
  QUEUE_STORE_UNSAFE: UNTIL_CLEARED,
  RECEIPT_UNWRITABLE: UNTIL_CLEARED,
  TRANSFER_UNSEEN: UNTIL_CLEARED,
  TRANSFER_INCOMPLETE: UNTIL_CLEARED,
  RELEASE_STUCK: UNTIL_CLEARED,
  RELEASE_IO: UNTIL_CLEARED,
  // Said again and again while they last.
  QUEUE_STORE_UNAVAILABLE: MINUTE_MS,
  QUEUE_STORE_FULL: MINUTE_MS,
  INTAKE_UNREADABLE: MINUTE_MS,
  INTAKE_CROWDED: MINUTE_MS,
  SPOOL_IO: 5 * MINUTE_MS,
  SEAL_UNAVAILABLE: MINUTE_MS,
  RECEIVER_OVERRUN: ALARM_REPEATED_MS,
  CLOCK_STEPPED: 60 * MINUTE_MS,
};

/** With `about` these say what waits for it, and are cleared; without it they are single events. */
const STANDING_ABOUT: ReadonlySet<string> = new Set(['STORAGE_FULL', 'QUEUE_JOB_FAILED']);

/**
 * Sentences of one kind that are told within a span; the others of that span become one. An alarm that goes on and on is
 * told ever more rarely: its spans double, and each after the first one has a single sentence.
 */
const SENTENCES = 10;
const SPAN_MS = 10_000;
const SPAN_MAX_MS = 10 * MINUTE_MS;

interface Held {
  code: string;
  about: string;
  words: string;
  sinceMs: number;
  lastMs: number;
  count: number;
  /** Monotonic. */
  raisedMs: number;
  spanMs: number;
  spanLengthMs: number;
  said: number;
  unsaid: number;
}

/** What is to be told of an alarm. */
export interface Saying {
  readonly code: string;
  readonly words: string;
}

export class Alarms {
  private readonly held = new Map<string, Held>();
  private readonly past: PastAlarm[] = [];

  constructor(private readonly clock: Clock) {}

  /**
   * An alarm, or news that is none (severity `info`): that is only remembered.
   * @param about tells alarms of one kind apart: a tenant, a folder. Few and short; they are told apart up to a bound.
   * @param times how often it has happened since it was last raised: 0 when it is the same one in other words
   * @returns what is to be told now, undefined when enough of this kind has been told
   */
  raise(code: string, words: string, about = '', times = 1): Saying | undefined {
    const nowMs = this.clock.monotonicMs();
    const wallMs = this.clock.wallMs();
    const known = this.held.get(keyOf(code, about));
    if (!known && this.held.size >= LIMITS.alarmsActive) {
      // Too many to tell apart: those of one kind become one; what finds no place even so is told and not kept.
      const [kind] = [...this.held.values()].filter((one) => one.code === code);
      return kind ? this.again(kind, words, nowMs, wallMs, times) : { code, words };
    }
    if (known) return this.again(known, words, nowMs, wallMs, times);
    const fresh = { code, about, words, sinceMs: wallMs, lastMs: wallMs, count: 1, raisedMs: nowMs };
    this.held.set(keyOf(code, about), { ...fresh, spanMs: nowMs, spanLengthMs: SPAN_MS, said: 1, unsaid: 0 });
    return { code, words };
  }

  private again(held: Held, words: string, nowMs: number, wallMs: number, times: number): Saying | undefined {
    held.words = words;
    held.lastMs = wallMs;
    held.raisedMs = nowMs;
    held.count += times;
    if (nowMs - held.spanMs >= held.spanLengthMs) this.beginSpan(held, nowMs);
    if (held.said >= (held.spanLengthMs === SPAN_MS ? SENTENCES : 1)) {
      held.unsaid++;
      return undefined;
    }
    held.said++;
    return { code: held.code, words };
  }

  /**
   * Its cause is gone. Without `about`: all of this kind.
   * @returns those that held, newest last
   */
  clear(code: string, about?: string): PastAlarm[] {
    const over = [...this.held].filter(([, one]) => one.code === code && (about === undefined || one.about === about));
    return over.map(([key, one]) => this.end(key, one));
  }

  /** To be called every second or so: ends what has not been raised for long; answers what is still to be told. */
  tick(): Saying[] {
    const nowMs = this.clock.monotonicMs();
    const sayings: Saying[] = [];
    for (const [key, one] of this.held) {
      if (one.unsaid > 0 && nowMs - one.spanMs >= one.spanLengthMs) {
        sayings.push({ code: one.code, words: `${one.words} (And ${one.unsaid - 1} more of this kind.)` });
        this.beginSpan(one, nowMs);
        one.said = 1;
      }
      if (nowMs - one.raisedMs >= holdsMs(one)) this.end(key, one);
    }
    return sayings;
  }

  /** The gravest first, then the newest. */
  active(): ActiveAlarm[] {
    const alarms = [...this.held.values()].filter(({ code }) => severityOf(code) !== 'info').map(shownOf);
    return alarms.sort((a, b) => GRAVITY[b.severity] - GRAVITY[a.severity] || b.sinceMs - a.sinceMs);
  }

  /** Those that are over, and news that never was an alarm; newest first. */
  recent(): PastAlarm[] {
    const news = [...this.held.values()].filter(({ code }) => severityOf(code) === 'info').map(shownOf);
    return [...this.past, ...news].sort((a, b) => b.lastMs - a.lastMs);
  }

  private beginSpan(held: Held, nowMs: number): void {
    // After a quiet time it is told at once again.
    const wentOn = nowMs - held.spanMs < 2 * held.spanLengthMs;
    held.spanLengthMs = wentOn ? Math.min(2 * held.spanLengthMs, SPAN_MAX_MS) : SPAN_MS;
    held.spanMs = nowMs;
    held.said = 0;
    held.unsaid = 0;
  }

  private end(key: string, held: Held): PastAlarm {
    this.held.delete(key);
    const ended =
      severityOf(held.code) === 'info' ? shownOf(held) : { ...shownOf(held), clearedMs: this.clock.wallMs() };
    this.past.push(ended);
    if (this.past.length > LIMITS.alarmsRemembered) this.past.shift();
    return ended;
  }
}

const GRAVITY = { info: 0, warning: 1, error: 2, alarm: 3 } as const;
const INFO_MS = SPAN_MS;

const keyOf = (code: string, about: string): string => `${code} ${about}`;
const entryOf = (code: string) => (Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : ERRORS.INTERNAL);
const severityOf = (code: string) => entryOf(code).severity;

function holdsMs({ code, about }: Held): number {
  if (about !== '' && STANDING_ABOUT.has(code)) return UNTIL_CLEARED;
  if (severityOf(code) === 'info') return INFO_MS;
  return HOLDS_MS[code] ?? EVENT_MS;
}

function shownOf({ code, words, sinceMs, lastMs, count }: Held): ActiveAlarm {
  const { severity, remedy } = entryOf(code);
  return { code, severity, words, remedy, sinceMs, lastMs, count };
}
