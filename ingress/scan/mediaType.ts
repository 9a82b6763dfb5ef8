/**
 * The type of an object by its content: file-type on the first bytes, and our own decision where it has none (text,
 * empty) or is too easily convinced. Untrusted bytes: scan process only.
 */
import { fileTypeFromBuffer } from 'file-type';
import type { Subject } from './subject.js';

export const EMPTY_TYPE = 'application/x-empty';
export const UNKNOWN_TYPE = 'application/octet-stream';
export const TEXT_TYPE = 'text/plain';
export const HTML_TYPE = 'text/html';
export const SVG_TYPE = 'image/svg+xml';

/** Bytes that are looked at for characters no text has. */
const TEXT_SAMPLE_BYTES = 64 * 1024;
/** Bytes in which a document says what it is. */
const MARKUP_BYTES = 1024;

/** Formats that may be pure text: only these are believed of an object that reads as text. */
const TEXT_FORMATS = new Set([
  'application/eps',
  'application/pdf',
  'application/pgp-encrypted',
  'application/postscript',
  'application/rtf',
  'application/xml',
]);

/** Media type without parameters. */
export async function mediaTypeOf(subject: Subject): Promise<string> {
  if (subject.size === 0) return EMPTY_TYPE;
  const { head } = subject;
  // The byte order mark is also how some audio frames begin.
  if (isUtf16(head)) return TEXT_TYPE;
  const text = readsAsText(subject);
  let found: string | undefined;
  try {
    const detected = await fileTypeFromBuffer(head);
    if (detected) found = detected.mime.replace(/;.*/, '').toLowerCase();
  } catch {
    // What begins like a format and then breaks it is of no known type.
  }
  if (!text) return found ?? UNKNOWN_TYPE;
  const markup = markupType(head);
  if (markup) return markup;
  // A two-letter signature such as "BM" or "MZ" makes no image or program of a text that begins with it.
  return found !== undefined && (TEXT_FORMATS.has(found) || found.startsWith('text/')) ? found : TEXT_TYPE;
}

/** No byte is zero, and the beginning holds no other control character than layout and the escape of a terminal. */
function readsAsText({ head, withoutZero }: Subject): boolean {
  if (!withoutZero) return false;
  const end = Math.min(head.length, TEXT_SAMPLE_BYTES);
  for (let i = 0; i < end; i++) {
    const byte = head[i]!;
    if (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1b) return false;
  }
  return true;
}

/** Announced by a byte order mark, whole units, and no control characters among the first of them. */
function isUtf16(head: Buffer): boolean {
  const little = head[0] === 0xff && head[1] === 0xfe;
  if (!little && !(head[0] === 0xfe && head[1] === 0xff)) return false;
  const end = Math.min(head.length, MARKUP_BYTES) & ~1;
  for (let i = 2; i < end; i += 2) {
    const unit = little ? head.readUInt16LE(i) : head.readUInt16BE(i);
    if (unit < 0x20 && !(unit >= 0x09 && unit <= 0x0d)) return false;
  }
  return true;
}

function markupType(head: Buffer): string | undefined {
  const start = head
    .subarray(0, MARKUP_BYTES)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (!start.startsWith('<')) return undefined;
  if (/^<(?:!doctype\s+html|html)[\s>]/i.test(start)) return HTML_TYPE;
  if (/^<(?:\?xml|!doctype\s+svg|!--|svg)/i.test(start) && /<svg[\s>]/i.test(start)) return SVG_TYPE;
  return undefined;
}
