/** The languages receipts are written in, in this order, and which codes can never be on one. */
import { ERRORS, type ErrorCode } from '../../../core/errors.js';
import { ENGLISH } from './english.js';
import { FRENCH } from './french.js';
import type { CodeWords, Language, ReceiptState } from './language.js';

/** One more language: a file of sentences, one of codes, and a place here. */
export const LANGUAGES: readonly Language[] = [ENGLISH, FRENCH];

export const wordsOfCode = (language: Language, code: string): CodeWords =>
  Object.hasOwn(language.codes, code) ? language.codes[code]! : language.unknownCode;

/**
 * Codes of configuration, start, queues, link and consoles: no object is held, refused or quarantined with one. Every
 * other code needs words in every language; a test says so.
 */
const NEVER_OF_AN_OBJECT =
  /^(CONFIG_|KEY_|STATE_|QUEUE_STORE_|QUEUE_JOB_(INVALID|LOST|FAILED)|FRAME_|LINK_|TRANSPORT_|SEQUENCE_|ENVELOPE_(MALFORMED|KEY_UNKNOWN|SIGNATURE|CONFLICT)|INTAKE_STUCK|RELEASE_STUCK|CONSIGNMENT_NOT_FOUND|BYTES_EXPIRED|CHILD_CRASH_LOOP|TENANT_STARVED|RECEIVER_|SYMBOL_|CLOCK_|ALARM_|RECEIPT_|CONSOLE_|REQUEST_|USAGE)/;

export const codesOfObjects = (): ErrorCode[] =>
  (Object.keys(ERRORS) as ErrorCode[]).filter((code) => !NEVER_OF_AN_OBJECT.test(code));

/** Held for one of these, a file waits for somebody who owns it. */
const CLERK_ACTS: ReadonlySet<string> = new Set(['INTAKE_UNREADABLE', 'INTAKE_CROWDED', 'ENVELOPE_TOO_LARGE']);

/** Whether a held file goes on only when the clerk does something. */
export const mustClerkAct = (code: string | null): boolean =>
  code !== null &&
  (CLERK_ACTS.has(code) || (Object.hasOwn(ERRORS, code) && ERRORS[code as ErrorCode].persistence === 'permanent'));

/** States that somebody may have to do something about. */
export const isProblem = (state: ReceiptState): boolean =>
  state === 'held' || state === 'waiting' || state === 'refused' || state === 'quarantined' || state === 'incomplete';
