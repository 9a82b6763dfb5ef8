/**
 * The alarms of what is missing here follow from the ledger, not from having been noticed: they stand as long as anything
 * is missing, also after a restart, each with how much it is.
 */
import type { News } from '../../shared/ops/health/news.js';
import type { HighObjectNews } from '../../shared/ops/sides.js';
import type { HighLedger } from '../ledger/ledger.js';
import { rangeWords } from './missingWords.js';

/** Ranges that an alarm names, and numbers looked at for them. */
const RANGES_NAMED = 5;
const NUMBERS_LOOKED_AT = 5_000;

const LISTED = '"sluice missing" lists all that is missing.';

export interface MissingWatchTools {
  ledger: Pick<HighLedger, 'missing' | 'tallies'>;
  news: Pick<News<HighObjectNews>, 'standing' | 'over'>;
}

export class MissingWatch {
  private unseen = 0;
  private incomplete = 0;

  constructor(private readonly tools: MissingWatchTools) {}

  /** To be called at the start and every second or so. */
  look(): void {
    const { ledger } = this.tools;
    const unseen = ledger.missing.gapCount;
    if (unseen !== this.unseen) this.tell('TRANSFER_UNSEEN', unseen, this.unseenWords(unseen));
    this.unseen = unseen;
    const incomplete = ledger.tallies.counts().incomplete ?? 0;
    if (incomplete !== this.incomplete) {
      const words = incomplete === 1 ? '1 object is incomplete.' : `${incomplete} objects are incomplete.`;
      this.tell('TRANSFER_INCOMPLETE', incomplete, `${words} ${LISTED}`);
    }
    this.incomplete = incomplete;
  }

  private tell(code: string, count: number, words: string): void {
    if (count === 0) this.tools.news.over(code);
    else this.tools.news.standing(code, words);
  }

  private unseenWords(count: number): string {
    const ranges = this.tools.ledger.missing.gapRanges(RANGES_NAMED, NUMBERS_LOOKED_AT);
    const named = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const more = named < count ? ` and ${count - named} more` : '';
    const what = count === 1 ? '1 number of which nothing came' : `${count} numbers of which nothing came`;
    return `${what}: ${ranges.map(rangeWords).join(', ')}${more}. ${LISTED}`;
  }
}
