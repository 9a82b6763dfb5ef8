/** How numbers that are missing are written: as `sluice resend` takes them. */
import type { GapRange } from '../ledger/missing.js';

export const rangeWords = ({ first, last }: Pick<GapRange, 'first' | 'last'>): string =>
  first === last ? String(first) : `${first}-${last}`;
