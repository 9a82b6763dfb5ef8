/**
 * The receipts process of a side: writes what it is told into the tenants' folders, at a lower priority than everything
 * that moves objects. It reads no ledger and knows no object but from what it is told.
 */
import { setPriority } from 'node:os';
import { wordsOf } from '../../core/errors.js';
import { errnoOf } from '../files/directories.js';
import { serveParent } from '../processes/children.js';
import { documentOf } from './document.js';
import { InTheWay, makeReceiptsFolder, ReceiptsFolder } from './folder.js';
import { LocalTime } from './localTime.js';
import type { ReceiptOrder, ReceiptsProtocol, ReceiptTenant, WriteAnswer } from './messages.js';
import { placeOf } from './place.js';
import { summaryDocument, summaryText } from './summary.js';
import { textOf } from './text.js';

/** As `nice -n 10`: receipts can wait, objects should not. */
const NICENESS = 10;

export function serveReceipts(): void {
  const folders = new Map<string, string>();
  let time = new LocalTime();

  const use = (tenants: readonly ReceiptTenant[]) => {
    folders.clear();
    for (const { name, folder } of tenants) {
      folders.set(name, folder);
      try {
        makeReceiptsFolder(folder);
      } catch {
        // Said with the first receipt that cannot be written there.
      }
    }
  };

  try {
    setPriority(NICENESS);
  } catch {
    // Not every system lets us; it works all the same.
  }

  serveParent<ReceiptsProtocol>({
    answer: {
      start: ({ tenants, timeZone }) => {
        time = new LocalTime(timeZone);
        use(tenants);
        return null;
      },
      write: ({ tenant, orders }) =>
        inFolder(folders.get(tenant), orders.length, (folder) => carryOut(folder, orders, time)),
      summary: (facts) =>
        inFolder(folders.get(facts.tenant), 1, (folder) => {
          const name = facts.isOver ? facts.day : 'today';
          folder.write(null, `${name}.json`, summaryDocument(facts, time));
          folder.write(null, `${name}.txt`, summaryText(facts, time));
          return DONE;
        }),
      sweep: ({ beforeDay }) => {
        for (const path of folders.values()) {
          inFolder(path, 0, (folder) => {
            folder.sweep(beforeDay);
            return DONE;
          });
        }
        return null;
      },
    },
    on: { tenants: use },
  });
}

const DONE: WriteAnswer = { failed: [], away: false, words: '' };

/** Opens the folder for as long as the work takes: between two rounds a file system may be unmounted. */
function inFolder(
  path: string | undefined,
  orders: number,
  work: (folder: ReceiptsFolder) => WriteAnswer,
): WriteAnswer {
  if (path === undefined) return DONE;
  let folder: ReceiptsFolder | undefined;
  try {
    folder = ReceiptsFolder.open(path);
    return work(folder);
  } catch (error) {
    return { failed: Array.from({ length: orders }, (_, i) => i), away: true, words: sayFailure(error) };
  } finally {
    folder?.close();
  }
}

/** One after the other: a day that cannot be written to is tried again later, the rest goes on. */
function carryOut(folder: ReceiptsFolder, orders: readonly ReceiptOrder[], time: LocalTime): WriteAnswer {
  const answer: WriteAnswer = { failed: [], away: false, words: '' };
  orders.forEach((order, i) => {
    try {
      if ('remove' in order) {
        const { day, stem } = placeOf(order.remove, time);
        for (const extension of EXTENSIONS) folder.remove(day, stem + extension);
      } else {
        const { day, stem } = placeOf(order.write, time);
        folder.write(day, `${stem}.json`, documentOf(order.write));
        folder.write(day, `${stem}.txt`, textOf(order.write, time));
      }
    } catch (error) {
      answer.words = sayFailure(error);
      // What the tenant has put in the way of one receipt stays its own business.
      if (!(error instanceof InTheWay)) answer.failed.push(i);
    }
  });
  return answer;
}

const EXTENSIONS = ['.json', '.txt'];

const sayFailure = (error: unknown): string => (errnoOf(error) ? `It gives ${errnoOf(error)}.` : wordsOf(error));
