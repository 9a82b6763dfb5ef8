/** The summary of a day for one tenant: what became of what was handed in (low side) or announced (high side). */
import { isoTime, RECEIPT_FORMAT } from './document.js';
import type { ReceiptKey } from './facts.js';
import { harmless } from './harmless.js';
import type { LocalTime } from './localTime.js';
import { placeOf } from './place.js';
import { inAllLanguages, Speaker, spoken } from './text.js';
import { wordsOfCode } from './words/catalogue.js';
import type { ReceiptState } from './words/language.js';

/** A file that somebody should look at. */
export interface AttentionFacts extends ReceiptKey {
  state: ReceiptState;
  code: string | null;
  sequence: number | null;
}

export interface SummaryFacts {
  side: 'low' | 'high';
  tenant: string;
  /** YYYY-MM-DD, local. */
  day: string;
  isOver: boolean;
  /** When the figures were read. */
  asOfMs: number;
  /** Objects first met on this day, by what has become of them. */
  states: { state: ReceiptState; objects: number; bytes: number }[];
  /** Held, refused, quarantined or incomplete; the first so many of them. */
  attention: AttentionFacts[];
  attentionMore: number;
  /** High side: sequence numbers noticed on this day of which nothing came, of all tenants. */
  gaps: { count: number; first: number[] };
  /** Low side: files in the share as of now, waiting for room in the quota, and not taken for other reasons. */
  inShare?: { overQuota: number; notTaken: number; unnamed?: number };
  /** Since when an operator has paused a part of this side; null when none is, absent when the day is over. */
  pausedMs?: number | null;
  /** High side: announcements of all tenants that the gateway gave up reading. */
  unread?: number;
}

export function summaryText(facts: SummaryFacts, time: LocalTime): string {
  return inAllLanguages((language) => {
    const { side, tenant, day, isOver, asOfMs, states, attention, attentionMore, gaps } = facts;
    const { overQuota, notTaken, unnamed = 0 } = (!isOver && facts.inShare) || { overQuota: 0, notTaken: 0 };
    const { summary } = language;
    const speaker = new Speaker(language, time, asOfMs);
    const moment = speaker.moment(asOfMs);
    const objects = states.reduce((sum, one) => sum + one.objects, 0);
    const bytes = states.reduce((sum, one) => sum + one.bytes, 0);
    const lines = [isOver ? summary.asOf(moment) : summary.soFar(moment), ''];
    if (objects === 0) lines.push(summary.nothing(side));
    else {
      lines.push(summary.total(side, objects, language.size(bytes)));
      for (const one of states) lines.push(`- ${summary.state(one.state, one.objects, language.size(one.bytes))}`);
      if (states.some(({ state }) => state === 'sent')) lines.push('', summary.sentIsNot);
    }
    if (notTaken > 0) lines.push('', summary.notTaken(notTaken));
    if (overQuota > 0) lines.push('', summary.overQuota(overQuota));
    if (overQuota > 0 && unnamed > 0) lines.push(summary.overQuotaUnnamed(unnamed));
    if (!isOver && facts.pausedMs) lines.push('', language.paused(speaker.moment(facts.pausedMs)));
    if (!isOver && facts.unread) lines.push('', summary.unread(facts.unread));
    if (attention.length > 0) lines.push('', summary.attention);
    else if (overQuota === 0 && attentionMore === 0 && !facts.unread) lines.push('', summary.noAttention);
    for (const one of attention) {
      const { day: filed, stem } = placeOf(one, time);
      const what = wordsOfCode(language, one.code ?? '').what;
      lines.push(
        `- ${summary.entry(one.state, one.name || language.nameWithheld, membersOf(one), spoken(one.transfer))} ${what}`,
        `  ${filed}/${stem}.txt`,
      );
    }
    if (attentionMore > 0) lines.push(summary.more(attentionMore));
    if (gaps.count > 0) lines.push('', summary.gaps(gaps.count, numbersOf(gaps)));
    lines.push('', speaker.zone());
    return { title: summary.title(side, tenant, day), lines };
  });
}

const numbersOf = ({ count, first }: SummaryFacts['gaps']): string =>
  first.join(', ') + (count > first.length ? ', ...' : '');

const membersOf = ({ consignment }: AttentionFacts): number | null =>
  typeof consignment === 'object' ? consignment.objects : null;

export function summaryDocument(facts: SummaryFacts, time: LocalTime): string {
  const { asOfMs, attention, attentionMore, states, pausedMs, ...rest } = facts;
  const document = {
    format: RECEIPT_FORMAT.replace('receipt', 'summary'),
    ...rest,
    zone: time.zone,
    asOf: isoTime(asOfMs),
    ...(pausedMs === undefined ? {} : { pausedSince: isoTime(pausedMs) }),
    states: Object.fromEntries(states.map(({ state, objects, bytes }) => [state, { objects, bytes }])),
    attention: attention.map((one) => {
      const { day, stem } = placeOf(one, time);
      const { state, code, transfer, sequence, name } = one;
      const objects = membersOf(one);
      const whole = objects === null ? {} : { consignment: { objects } };
      return { state, code, transfer, sequence, name: harmless(name), ...whole, receipt: `${day}/${stem}.json` };
    }),
    attentionMore,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
