/** A receipt for people: short, in plain words, to be understood when it is read aloud. All languages in one text. */
import { isoTime } from './document.js';
import type { ArrivalEstimate, HighFacts, LowFacts, ReceiptFacts } from './facts.js';
import { harmless } from './harmless.js';
import type { LocalTime } from './localTime.js';
import { LANGUAGES, mustClerkAct, wordsOfCode } from './words/catalogue.js';
import type { Language, Odds } from './words/language.js';

export function textOf(facts: ReceiptFacts, time: LocalTime): string {
  return inAllLanguages((language) => paragraphs(facts, new Speaker(language, time, facts.sinceMs)));
}

/** One section a language, each under its title; every line harmless. */
export function inAllLanguages(section: (language: Language) => { title: string; lines: string[] }): string {
  const sections = LANGUAGES.map((language) => {
    const { title, lines } = section(language);
    return [`${language.name.toUpperCase()} - ${harmless(title)}`, '', ...lines.map(harmless)].join('\n');
  });
  return `${sections.join('\n\n----------------------------------------\n\n')}\n`;
}

/** A language and a place on earth. The zone of the times is said once, at the end. */
export class Speaker {
  private readonly offset: string;

  constructor(
    readonly language: Language,
    private readonly time: LocalTime,
    atMs: number,
  ) {
    this.offset = isTime(atMs) ? time.text(atMs).offset : '';
  }

  moment(ms: number): string {
    if (!isTime(ms)) return String(ms);
    const { day, clock, offset } = this.time.text(ms);
    const text = this.language.moment(day, clock);
    // Summer time began or ended in between.
    return offset === this.offset ? text : `${text} (${offset})`;
  }

  zone(): string {
    return this.language.zone(this.offset);
  }
}

/** Clocks may say anything. */
const isTime = (ms: number): boolean => isoTime(ms) !== null;

/** The first digits of a transfer id, in groups, to be read out over a telephone; the operator's tools take them. */
export const spoken = (transfer: string): string => transfer.slice(0, 12).replace(/(.{4})(?=.)/g, '$1 ');

/** Rounded down, and never better than "more than 9,999 in 10,000": the assumption is not worth more. */
export function oddsOf({ probability }: ArrivalEstimate): Odds {
  if (probability >= 0.9999) return { of: 9_999, in: 10_000, more: true };
  if (probability >= 0.99) return { of: Math.floor(probability * 1_000), in: 1_000, more: false };
  return { of: Math.floor(probability * 100), in: 100, more: false };
}

// --- parts -----------------------------------------------------------------------------------------------------------

function paragraphs(facts: ReceiptFacts, speaker: Speaker): { title: string; lines: string[] } {
  const { language } = speaker;
  const { consignment, name, sizeBytes, seenMs, transfer, sequence, state } = facts;
  const what = consignment
    ? language.consignment(name || language.nameWithheld, consignment.objects, language.size(sizeBytes))
    : language.file(name || language.nameWithheld, language.size(sizeBytes));
  const when = speaker.moment(seenMs);
  return {
    title: language.title[state],
    lines: [
      what,
      facts.side === 'low' ? language.handedIn(when) : language.announced(when),
      '',
      ...(facts.side === 'low' ? lowLines(facts, speaker) : highLines(facts, speaker)),
      '',
      language.reference(spoken(transfer), sequence === null ? null : String(sequence)),
      speaker.zone(),
    ],
  };
}

function lowLines(facts: LowFacts, speaker: Speaker): string[] {
  const { language } = speaker;
  const since = speaker.moment(facts.sinceMs);
  switch (facts.state) {
    case 'held':
      return [language.held(since), ...reason(facts, language), ...next(facts, speaker)];
    case 'withdrawn':
      return [...language.withdrawn(since)];
    case 'refused':
      return [language.refused(since), ...findings(facts, language), '', ...whereItIs(facts, language)];
    case 'sent':
      return sentLines(facts, speaker);
    default:
      return inWorkLines(facts, facts.state, speaker);
  }
}

function inWorkLines(
  { operator, sentBeforeMs }: LowFacts,
  state: keyof Language['inWork'],
  speaker: Speaker,
): string[] {
  const { language } = speaker;
  const [what, ...more] = language.inWork[state];
  const before = sentBeforeMs ? language.sentBefore(speaker.moment(sentBeforeMs)) : what!;
  return operator ? [before, ...byOperator(operator, speaker)] : [before, ...more];
}

function byOperator({ act, sinceMs }: NonNullable<LowFacts['operator']>, speaker: Speaker): string[] {
  const { language } = speaker;
  return [act === 'retry' ? language.gaveUp : language.paused(speaker.moment(sinceMs))];
}

function reason({ code, detail }: { code: string | null; detail: string }, language: Language): string[] {
  const lines = [language.why(wordsOfCode(language, code ?? '').what)];
  if (detail !== '') lines.push(language.detail(detail));
  return lines;
}

function next({ code, operator }: LowFacts, speaker: Speaker): string[] {
  const { language } = speaker;
  if (operator) return byOperator(operator, speaker);
  if (mustClerkAct(code)) return [language.heldAct, wordsOfCode(language, code ?? '').todo];
  return [language.heldGoesOn, language.heldWait];
}

function findings(facts: LowFacts, language: Language): string[] {
  if (facts.consignment && facts.findings.length > 0) return culprits(facts, language);
  const found = facts.findings.length > 0 ? facts.findings : [{ code: facts.code, where: '', detail: facts.detail }];
  const todo = new Set<string>();
  const lines: string[] = [];
  for (const { code, where, detail } of found) {
    lines.push(...reason({ code, detail }, language));
    if (where !== '') lines.push(language.where(where));
    todo.add(wordsOfCode(language, code ?? '').todo);
  }
  return [...lines, '', ...[...todo].map((what) => language.todo(what))];
}

/** Of a consignment: why it is refused, and which of its files are the reason. */
function culprits({ code, findings }: LowFacts, language: Language): string[] {
  const { what, todo } = wordsOfCode(language, code ?? '');
  const lines = [language.why(what)];
  for (const one of findings.filter(({ where }) => where !== '')) {
    lines.push(language.which(one.where, wordsOfCode(language, one.code).what));
    if (one.detail !== '') lines.push(language.detail(one.detail));
  }
  return [...lines, '', language.todo(todo)];
}

function whereItIs({ inQuarantine }: LowFacts, language: Language): string[] {
  return [language.refusedStays, inQuarantine ? language.refusedKept : language.refusedUnread];
}

function sentLines(facts: LowFacts, speaker: Speaker): string[] {
  const { language } = speaker;
  const { estimate, original, originalPath, againUntilMs, sequence, transfer } = facts;
  const lines = [language.sent(speaker.moment(facts.sinceMs)), language.unknowable];
  if (estimate) lines.push(language.estimate(oddsOf(estimate), percent(estimate.assumedLoss)), language.estimateIsNot);
  if (againUntilMs !== null) {
    lines.push('', language.missing(spoken(transfer), String(sequence ?? '-'), speaker.moment(againUntilMs)));
  }
  if (original) lines.push('', language.original[original](originalPath));
  const originals = facts.originals ?? [];
  if (originals.length > 0) lines.push('');
  for (const { outcome, objects, path } of originals) lines.push(language.originals[outcome](objects, path));
  return lines;
}

/** "1", "0.5": as many digits as it takes. */
const percent = (fraction: number): string => String(Number((fraction * 100).toPrecision(3)));

function highLines(facts: HighFacts, speaker: Speaker): string[] {
  const { language } = speaker;
  const since = speaker.moment(facts.sinceMs);
  const sealed = facts.sealedMs === null ? null : speaker.moment(facts.sealedMs);
  switch (facts.state) {
    case 'released': {
      const as = facts.publishedAs ?? facts.name;
      const renamed = as === facts.name || facts.consignment ? [] : [language.renamed(facts.name)];
      const about = language.facts(facts.sha256 ?? '-', facts.label, facts.sealedBy, sealed);
      // The digest of a consignment is in the receipts of its members.
      const shown = facts.consignment ? about.slice(0, -1) : about;
      return [language.released(as, since), ...renamed, '', ...shown];
    }
    case 'quarantined':
      return [
        language.quarantined(since),
        ...reason({ code: facts.code, detail: '' }, language),
        language.quarantinedTodo,
      ];
    case 'incomplete':
      return [
        language.incomplete(since),
        language.incompleteTodo(spoken(facts.transfer), String(facts.sequence ?? '-')),
      ];
    case 'waiting':
      return waitingLines(facts, speaker);
    default:
      return [...language.coming];
  }
}

function waitingLines({ code, operator, isHere, sinceMs }: HighFacts, speaker: Speaker): string[] {
  const { language } = speaker;
  const lines = [language.waiting(isHere === true, speaker.moment(sinceMs))];
  if (code !== null) lines.push(language.why(wordsOfCode(language, code).what));
  if (operator) return [...lines, ...byOperator(operator, speaker)];
  if (code === null) return [...lines, language.waitingTurn, language.waitingGoesOn];
  return [...lines, language.todo(wordsOfCode(language, code).todo), language.waitingGoesOn];
}
