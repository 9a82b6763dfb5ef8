/**
 * When the summary of a day is due: a running one for today while things change, and one of each day that is over, also
 * of days on which the gateway did not run. Time is an argument.
 */
import { LIMITS } from '../../core/limits.js';
import type { DayFacts } from './dayFacts.js';
import type { LocalTime } from './localTime.js';
import type { ReceiptOutbox } from './outbox.js';
import type { SummaryFacts } from './summary.js';

export interface SummariesTools {
  side: 'low' | 'high';
  outbox: Pick<ReceiptOutbox, 'lastSummary' | 'summaryWritten'>;
  dayOf: (tenant: string, fromMs: number, untilMs: number) => DayFacts;
  nowMs: () => number;
  time: LocalTime;
}

export interface DueSummary {
  facts: SummaryFacts;
  /** To be called when it has been written. */
  written: () => void;
}

/** What was handed in just before midnight may still be sent. */
const AFTER_MIDNIGHT_MS = 5 * 60_000;
const TODAY_EVERY_MS = 20_000;

export class Summaries {
  /** Tenants of whom something has changed since the running summary was written. */
  private readonly stale = new Set<string>();
  private nextTodayMs = Number.NEGATIVE_INFINITY;
  private lookedDay = '';
  private begun = false;

  constructor(private readonly tools: SummariesTools) {}

  changed(tenant: string): void {
    this.stale.add(tenant);
  }

  due(tenants: readonly { name: string; receiptsFor: string }[]): DueSummary[] {
    const { nowMs, time } = this.tools;
    const now = nowMs();
    const wanting = tenants.filter(({ receiptsFor }) => receiptsFor !== 'none').map(({ name }) => name);
    // A clock that was set back by more than a moment must not silence today's summary until it is there again.
    if (this.nextTodayMs - now > TODAY_EVERY_MS) this.nextTodayMs = now;
    const over = this.over(wanting, time.day(now - AFTER_MIDNIGHT_MS));
    // Over a restart nobody knows what the last one says.
    if (!this.begun) for (const tenant of wanting) this.stale.add(tenant);
    this.begun = true;
    if (now < this.nextTodayMs || this.stale.size === 0) return over;
    this.nextTodayMs = now + TODAY_EVERY_MS;
    const today = time.day(now);
    const running = wanting.filter((tenant) => this.stale.has(tenant)).map((tenant) => this.running(tenant, today));
    return [...over, ...running];
  }

  /** Days before this one that nobody has been told of. */
  private over(tenants: readonly string[], day: string): DueSummary[] {
    if (this.lookedDay === day) return [];
    const { outbox, time } = this.tools;
    const due: DueSummary[] = [];
    for (const tenant of tenants) {
      const yesterday = time.dayAfter(day, -1);
      const last = outbox.lastSummary(tenant);
      // A tenant that is new here begins with the day it came.
      if (last === undefined || last > yesterday) {
        outbox.summaryWritten(tenant, yesterday);
        continue;
      }
      const earliest = time.dayAfter(day, -LIMITS.summaryMaxDays);
      let missing = last < earliest ? earliest : time.dayAfter(last);
      for (; missing < day; missing = time.dayAfter(missing)) due.push(this.ofDay(tenant, missing));
    }
    if (due.length === 0) this.lookedDay = day;
    return due;
  }

  private ofDay(tenant: string, day: string): DueSummary {
    const written = () => this.tools.outbox.summaryWritten(tenant, day);
    return { facts: this.facts(tenant, day, true), written };
  }

  private running(tenant: string, day: string): DueSummary {
    this.stale.delete(tenant);
    return { facts: this.facts(tenant, day, false), written: () => {} };
  }

  private facts(tenant: string, day: string, isOver: boolean): SummaryFacts {
    const { side, dayOf, nowMs, time } = this.tools;
    // What lies in the share now is no news of a day that is over.
    const { inShare, pausedMs, unread, ...span } = dayOf(
      tenant,
      time.dayStartMs(day),
      time.dayStartMs(time.dayAfter(day)),
    );
    const now = { ...(inShare && { inShare }), ...(pausedMs && { pausedMs }), ...(unread && { unread }) };
    return { side, tenant, day, isOver, asOfMs: nowMs(), ...span, ...(isOver ? {} : now) };
  }
}
