/**
 * The name of a second, third, ... file where one of that name is already: `report.pdf`, `report.v2.pdf`,
 * `report.v3.pdf`. Nothing is ever overwritten, neither in a tenant's storage nor among accepted originals.
 */
import { LIMITS } from '../core/limits.js';

/**
 * `version` counts from 1, which is the name itself. The answer is never longer than a part of a path may be. A folder
 * has no extension: `2026.q1`, `2026.q1.v2`.
 */
export function versionName(name: string, version: number, kind: 'file' | 'folder' = 'file'): string {
  if (version <= 1) return name;
  const extension = kind === 'file' ? (EXTENSION.exec(name)?.[0] ?? '') : '';
  const suffix = `.v${version}${extension}`;
  const stem = name.slice(0, name.length - extension.length);
  const room = LIMITS.pathPartMaxBytes - ENCODER.encode(suffix).length;
  const short = cutToBytes(stem, room);
  // A name cut at a blank or dot would look like another mistake.
  return (short === stem ? stem : short.replace(/[. ]+$/, '')) + suffix;
}

// --- parts -----------------------------------------------------------------------------------------------------------

/** What people call the extension: short, without blanks, after something; `.tar.gz` and its like are one. */
const EXTENSION = /(?<=.)(?:\.tar)?\.[^.\s/]{1,16}$/s;
const ENCODER = new TextEncoder();

/** As many whole characters as fit. */
function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x1_0000 ? 3 : 4;
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}
