/**
 * Names of objects: which relative paths travel, which two of them would be taken for one another, and how any name
 * at all is shown to people. Both sides apply it on their own: the low side at intake, the high side before release.
 *
 * A path is raw bytes, parts divided by '/'. Two profiles (FAULTS 23-26):
 *   posix     refuses only what cannot be represented or could lead astray on any system
 *   portable  refuses as well what Windows or a cautious administration cannot store under that very name
 */
import type { ErrorCode } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';

export type NamesProfile = 'posix' | 'portable';

export type CheckedPath =
  | { readonly ok: true; readonly path: string; readonly parts: string[] }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string };

/**
 * Checks a relative path. `path` of the answer is exactly the text of the bytes (nothing is normalised or repaired),
 * `parts` the same divided at '/'. `detail` never holds a character that a terminal or a log would act on.
 */
export function checkPath(bytes: Uint8Array, profile: NamesProfile): CheckedPath {
  if (bytes.length > LIMITS.pathMaxBytes) {
    return refuse('NAME_TOO_LONG', `The path has ${bytes.length} bytes, ${LIMITS.pathMaxBytes} are allowed.`);
  }
  if (bytes.length === 0) return refuse('NAME_UNSAFE_PATH', 'The path is empty.');
  let path: string;
  try {
    path = UTF8.decode(bytes);
  } catch {
    return refuse('NAME_NOT_UTF8', `"${showName(bytes)}"`);
  }
  const forbidden = forbiddenCharacter(path);
  if (forbidden !== undefined) {
    return refuse('NAME_FORBIDDEN_CHARACTER', `"${showName(path)}" holds ${codePointName(forbidden)}.`);
  }
  if (bytes[0] === SLASH) return refuse('NAME_UNSAFE_PATH', `"${showName(path)}" is absolute.`);
  const parts = path.split('/');
  if (parts.length > LIMITS.pathMaxDepth) {
    return refuse('NAME_TOO_LONG', `The path has ${parts.length} parts, ${LIMITS.pathMaxDepth} are allowed.`);
  }
  if (DRIVE.test(parts[0]!)) return refuse('NAME_UNSAFE_PATH', `"${showName(path)}" begins with a drive.`);
  for (const part of parts) {
    const problem = checkPart(part);
    if (problem) return problem;
  }
  if (profile === 'portable') {
    const problem = checkPortable(path, parts);
    if (problem) return problem;
  }
  return { ok: true, path, parts };
}

/**
 * Two different paths with one key collide: the second one is refused (FAULTS 25).
 *
 *   posix     NFC, so that a composed and a decomposed accent are one name.
 *   portable  NFKD (its classes are those of NFKC), then lower, upper and lower case again, which makes one class of
 *             every case variant that Unicode's default mappings know (ß, ẞ, ss and SS; all sigmas; K and the Kelvin
 *             sign), then characters nobody sees (joiners, soft hyphen, variation selectors) taken out, then single
 *             Cyrillic and Greek letters that are drawn like a Latin one in either case put in its place.
 *
 * This is not the whole of Unicode's confusables (UTS 39): it does not know digits for letters (1, l, I; 0, O), letter
 * groups (rn, m), or other scripts. Case is folded without regard to language, so that i and the Turkish ı collide.
 */
export function collisionKey(path: string, profile: NamesProfile): string {
  if (profile === 'posix') return ASCII.test(path) ? path : path.normalize('NFC');
  if (ASCII.test(path)) return path.toLowerCase();
  const folded = path.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase().normalize('NFKD');
  return folded.replace(UNSEEN, '').replace(LOOKALIKE, (letter) => LATIN.get(letter)!);
}

/**
 * Any name in a form that is safe in a terminal, a log line, a JSON text and between double quotes, and from which the
 * bytes can be told: control, direction, invisible and private characters as \u{hex}, bytes that are not UTF-8 as
 * \xHH, backslash and double quote behind a backslash (FAULTS 63). Longer names end in an ellipsis.
 */
export function showName(name: Uint8Array | string): string {
  let text = '';
  if (typeof name === 'string') text = escapeText(name.length > SHOWN_MAX ? name.slice(0, SHOWN_MAX) : name);
  else {
    let start = 0;
    const end = Math.min(name.length, SHOWN_MAX);
    for (let i = 0; i < end; ) {
      const length = sequenceLength(name, i);
      if (length === 0) {
        text += escapeText(UTF8.decode(name.subarray(start, i)));
        text += `\\x${name[i]!.toString(16).padStart(2, '0')}`;
        start = i + 1;
      }
      i += length || 1;
      if (i >= end) text += escapeText(UTF8.decode(name.subarray(start, i)));
    }
  }
  return name.length > SHOWN_MAX ? `${text}…` : text;
}

// --- parts -----------------------------------------------------------------------------------------------------------

const SLASH = 0x2f;
/** Characters (or bytes) of a name that are shown; a checked path is never longer. */
const SHOWN_MAX = LIMITS.pathMaxBytes;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const ASCII = /^[\x00-\x7f]*$/;

/**
 * Refused everywhere: C0, DEL, C1, backslash (a divider elsewhere), everything that turns the direction of text, and
 * characters without a shape that serve to fake a name. The joiners U+200C and U+200D are needed in Persian, Indic and
 * emoji names, variation selectors and the soft hyphen occur in honest ones: they pass. Tags (U+E0020...) pass only
 * inside the three flags that are spelled with them.
 */
const FORBIDDEN =
  /[\u0000-\u001f\\\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e007f}]/u;
const TAG = /[\u{e0000}-\u{e007f}]/u;
const FLAG = /\u{1f3f4}[\u{e0061}-\u{e007a}]{2,6}\u{e007f}/gu;

function forbiddenCharacter(path: string): number | undefined {
  const match = FORBIDDEN.exec(TAG.test(path) ? path.replace(FLAG, '') : path);
  return match?.[0].codePointAt(0);
}

/** "C:" as the first part leads to another disk on the systems that know drives; "C:x" alone is for `portable`. */
const DRIVE = /^[A-Za-z]:$/;

function checkPart(part: string): CheckedPath | undefined {
  if (part === '') return refuse('NAME_UNSAFE_PATH', 'A part of the path is empty.');
  if (part === '.' || part === '..') return refuse('NAME_UNSAFE_PATH', `A part of the path is "${part}".`);
  // A UTF-16 unit is three bytes of UTF-8 at most, so that most parts need no counting.
  if (part.length * 3 > LIMITS.pathPartMaxBytes && utf8Length(part) > LIMITS.pathPartMaxBytes) {
    return refuse('NAME_TOO_LONG', `A part has ${utf8Length(part)} bytes, ${LIMITS.pathPartMaxBytes} are allowed.`);
  }
  return undefined;
}

const NOT_PORTABLE = /[<>:"|?*]/;
/** Names that open a device on Windows, whatever follows a dot; blanks before the dot do not help. */
const DEVICE =
  /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$|clock\$) *(?:\.|$)/i;

function checkPortable(path: string, parts: readonly string[]): CheckedPath | undefined {
  if (path.length > LIMITS.pathPortableMaxUnits) {
    const detail = `The path has ${path.length} characters, ${LIMITS.pathPortableMaxUnits} are allowed.`;
    return refuse('NAME_NOT_PORTABLE', detail);
  }
  for (const part of parts) {
    const character = NOT_PORTABLE.exec(part)?.[0];
    if (character) return refuse('NAME_NOT_PORTABLE', `"${showName(part)}" holds ${character}`);
    if (/[. ]$/.test(part)) return refuse('NAME_NOT_PORTABLE', `"${showName(part)}" ends with a dot or a space.`);
    if (DEVICE.test(part))
      return refuse(
        'NAME_NOT_PORTABLE',
        `"${showName(part)}" is a name that Windows keeps for itself (as CON, NUL, COM1), whatever follows the dot.`,
      );
  }
  return undefined;
}

/** Nothing is seen of these in a name. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;

/** Small letters that look like the Latin one below them, or whose capitals do. */
const LOOKALIKES = 'авекмнорстухѕіјһԁԛԝαβεζηικμνορτυχ';
const LATIN_FOR = 'abekmhopctyxsijhdqwabezhikmnoptyx';
const LATIN = new Map(Array.from(LOOKALIKES, (letter, i) => [letter, LATIN_FOR[i]!]));
const LOOKALIKE = new RegExp(`[${LOOKALIKES}]`, 'g');

/** Cc, Cf, Cs, Co, line and paragraph separators and noncharacters, except the two joiners; backslash and quote. */
const ESCAPED = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\u3164\uffa0\\"]/gu;

function escapeText(text: string): string {
  return text.replace(ESCAPED, (character) =>
    character === '\\' || character === '"' ? `\\${character}` : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** Bytes of the well-formed UTF-8 sequence at `at` (RFC 3629, section 4), 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  const length = lead >= 0xc2 && lead <= 0xdf ? 2 : (lead & 0xf0) === 0xe0 ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  // The second byte rules out overlong forms, surrogates and what lies beyond U+10FFFF.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (bytes[at + 1]! < low || bytes[at + 1]! > high) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
}

function utf8Length(text: string): number {
  return UTF8_ENCODER.encode(text).length;
}
const UTF8_ENCODER = new TextEncoder();

function codePointName(codePoint: number): string {
  if (codePoint === 0x5c) return 'a backslash';
  return `the character U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;
}

function refuse(code: ErrorCode, detail: string): CheckedPath {
  return { ok: false, code, detail };
}
