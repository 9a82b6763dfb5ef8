/** Started by `sluice missing`: what the high side has not got, from its ledger, whether the side runs or not. */
import { join } from 'node:path';
import { LIMITS } from '../shared/core/limits.js';
import { HighLedger } from './ledger/ledger.js';
import { rangeWords } from './watch/missingWords.js';

const [stateDir, format] = process.argv.slice(2);
const ledger = new HighLedger(join(stateDir!, 'ledger.sqlite'), Date.now);
const { missing } = ledger;
const unseen = missing.gapCount;
const ranges = missing.gapRanges(LIMITS.missingShown, LIMITS.missingNumbersRead);
const incomplete = ledger.tallies.counts().incomplete ?? 0;
const objects = missing.incomplete(LIMITS.missingShown);
ledger.close();

const named = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
const unseenMore = Math.max(0, unseen - named);
const incompleteMore = Math.max(0, incomplete - objects.length);

if (format === 'json') {
  process.stdout.write(`${JSON.stringify({ unseen, ranges, unseenMore, incomplete, objects, incompleteMore })}\n`);
} else {
  const lines: string[] = [];
  if (unseen > 0) lines.push(`Nothing came of ${unseen} ${unseen === 1 ? 'number' : 'numbers'}:`);
  for (const range of ranges) lines.push(`  ${rangeWords(range)}`);
  if (unseenMore > 0) lines.push(`  and ${unseenMore} more`);
  if (incomplete > 0) lines.push(`${incomplete} ${incomplete === 1 ? 'object is' : 'objects are'} incomplete:`);
  for (const { transfer, tenant, path, sequence } of objects)
    lines.push(`  ${sequence}  ${transfer}  ${tenant}  ${path}`);
  if (incompleteMore > 0) lines.push(`  and ${incompleteMore} more`);
  lines.push(
    unseen + incomplete === 0
      ? 'Nothing is missing.'
      : 'The low side sends them again: sluice resend NUMBER, or FIRST-LAST, several at once if need be.',
  );
  process.stderr.write(`${lines.join('\n')}\n`);
}
