/**
 * Text on its way into a store or onto a screen: bounded, without characters that PostgreSQL refuses (NUL, halves of
 * surrogate pairs) or that change how a line looks, and addresses without their password.
 */
import { type ErrorCode, SluiceError } from '../../core/errors.js';

/** Control, format (direction-changing, zero-width) and unpaired surrogate characters. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}]/gu;

/** A text of one line and at most this many UTF-16 units, safe to store and to show. */
export function plain(text: string, maxLength: number): string {
  // Cut first: what a cut leaves of a character is then replaced like any other half.
  const bounded = text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`;
  return bounded.replace(UNSAFE, '\ufffd');
}

/** Whether a text can be stored as it is everywhere. */
export function isPlain(text: string): boolean {
  return text.search(UNSAFE) < 0;
}

export interface RedisAddress {
  /** The address as given, with whatever secrets it holds. Goes to the driver and nowhere else. */
  readonly url: URL;
  /** The address as people may see it. */
  readonly shown: string;
  /** Takes the secrets out of a sentence, in case a driver quotes them. */
  redact(text: string): string;
}

/** @throws SluiceError CONFIG_INVALID, which never quotes the address, since a password may stand anywhere in it */
export function parseRedisAddress(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    throw new SluiceError(
      'CONFIG_INVALID',
      'The Redis address must look like redis://host:6379/0 or rediss://user:password@host:6379/0.',
    );
  }
  const user = url.username === '' ? '' : `${url.username}@`;
  const secrets = [url.password, decode(url.password), url.searchParams.get('password') ?? ''];
  return {
    url,
    shown: `${url.protocol}//${user}${url.host}${url.pathname === '/' ? '' : url.pathname}`,
    redact: (sentence) =>
      secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')), sentence),
  };
}

/** What a driver or a server says, and what it means for an operator. */
const MEANINGS: readonly [RegExp, ErrorCode, string][] = [
  [/\bOOM\b/, 'QUEUE_STORE_FULL', 'Its memory is full (maxmemory).'],
  [/\bMISCONF\b|No space left|ENOSPC/i, 'QUEUE_STORE_FULL', 'It cannot write its data to its disk.'],
  [/\bREADONLY\b/, 'QUEUE_STORE_UNAVAILABLE', 'it is a replica and takes no writes'],
  [/\bNOAUTH\b/, 'QUEUE_STORE_UNAVAILABLE', 'it asks for a password; give it as queues.redisPasswordFile'],
  [/\bWRONGPASS\b/, 'QUEUE_STORE_UNAVAILABLE', 'it refuses this user and password'],
  [/\bNOPERM\b/, 'QUEUE_STORE_UNAVAILABLE', 'its user may not do what the queues need'],
  [
    /self[- ]signed|unable to (verify|get)|UNABLE_TO_/i,
    'QUEUE_STORE_UNAVAILABLE',
    'its certificate comes from an authority that is not trusted here; give the certificate of that authority as queues.redisCa',
  ],
  [/altnames/i, 'QUEUE_STORE_UNAVAILABLE', 'its certificate is made out to another name'],
  [
    /certificate (has expired|is not yet valid)/i,
    'QUEUE_STORE_UNAVAILABLE',
    'its certificate is not valid at this time',
  ],
  [
    /wrong version number|length too long|record overflow/i,
    'QUEUE_STORE_UNAVAILABLE',
    'it does not speak TLS there; use its TLS port, or redis: instead of rediss:',
  ],
  [/All sentinels are unreachable/i, 'QUEUE_STORE_UNAVAILABLE', 'no Sentinel answers, or none knows this name'],
];

/** The code of a trouble with a store, and the words of the driver with what they mean in front. */
export function storeTrouble(said: string): { code: ErrorCode; words: string } {
  const text = plain(said, 300);
  // What a full server says names the script it refused: nothing an operator could use.
  for (const [pattern, code, meaning] of MEANINGS)
    if (pattern.test(text)) return { code, words: code === 'QUEUE_STORE_FULL' ? meaning : `${meaning} (${text})` };
  return { code: 'QUEUE_STORE_UNAVAILABLE', words: text };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
