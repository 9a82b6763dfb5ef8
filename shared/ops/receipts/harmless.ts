/**
 * The last guard over everything that is written for people: whatever a text holds, nothing in it acts on a terminal,
 * turns the direction of a line or begins a new one (FAULTS 63). Names come here escaped already; this escapes no
 * second time.
 */
import { LIMITS } from '../../core/limits.js';

export function harmless(text: string): string {
  const short = text.length > LIMITS.receiptMaxText * 4 ? `${text.slice(0, LIMITS.receiptMaxText * 4)}…` : text;
  return short.replace(ACTING, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** Controls, format and direction characters (but the two joiners that some scripts need), half surrogates, line ends. */
const ACTING = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/gu;
