/**
 * Where a receipt is filed: `2026-11-22/report.pdf--0123456789ab.txt`. The name is made of letters, digits and a few
 * signs that mean nothing to any system, is of bounded length whatever the object is called, and ends in the id of the
 * transfer, so that no two receipts share one.
 */
import { LIMITS } from '../../core/limits.js';
import type { ReceiptKey } from './facts.js';
import type { LocalTime } from './localTime.js';

export interface ReceiptPlace {
  /** Folder of a day, YYYY-MM-DD. */
  readonly day: string;
  /** File name without its extension. */
  readonly stem: string;
}

export function placeOf(key: ReceiptKey, time: LocalTime): ReceiptPlace {
  // No name of a file has two hyphens in it, so that no object can be called like a consignment.
  const kind = key.consignment ? '--consignment' : '';
  return { day: time.day(key.seenMs), stem: `${safeName(key.name)}${kind}--${idPart(key)}` };
}

/** Written by us, as far as a name can tell. */
export const isReceiptName = (name: string): boolean => RECEIPT_NAME.test(name) && name.length <= NAME_MAX;
export const isDay = (name: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(name);

/** The last part of a path in plain ASCII: accents are taken off, everything that could mean something becomes "_". */
export function safeName(path: string): string {
  const last = path.slice(path.lastIndexOf('/') + 1).slice(0, LIMITS.receiptNameMaxLength * 4);
  const plain = last
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[._-]+/, '')
    // Two hyphens divide the name from the id.
    .replace(/-{2,}/g, '-');
  const extension = /(?<=.)\.[A-Za-z0-9]{1,8}$/.exec(plain)?.[0] ?? '';
  const stem = plain.slice(0, plain.length - extension.length).slice(0, LIMITS.receiptNameMaxLength - extension.length);
  const short = `${stem}${extension}`.replace(/[._-]+$/, '');
  if (short === '') return 'file';
  return DEVICE.test(short) ? `_${short}` : short;
}

// --- parts -----------------------------------------------------------------------------------------------------------

const ID_DIGITS = 32;
/** Ids made on the low side are random: so many digits do not meet by chance. */
const OWN_ID_DIGITS = 12;
const RECEIPT_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*--(?:[0-9a-f]{12}|[0-9a-f]{32})\.(?:txt|json)$/;
const NAME_MAX = LIMITS.receiptNameMaxLength + 1 + '--consignment--'.length + ID_DIGITS + '.json'.length;
/** Opens a device on Windows, whatever follows a dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d|conin|conout|clock)(?:[._]|$)/i;

/** On the high side the ids come from the other side, which may be hostile: half of one could be made to collide. */
function idPart({ side, transfer }: ReceiptKey): string {
  return side === 'low' ? transfer.slice(0, OWN_ID_DIGITS) : transfer;
}
