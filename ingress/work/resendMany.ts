/** Several ids and ranges of numbers in one request to send again: each bundle and consignment once, with one answer. */
import { LIMITS } from '../../shared/core/limits.js';

/** What is begun for one id; durable once the transaction around it is. */
export interface Begun {
  readonly words: string;
  /** Puts what is begun into the queue. */
  readonly queue: () => Promise<void>;
}

export interface ManyTools {
  begin: (id: string) => Begun;
  /** What is sent again with an id's object: its consignment, or the payload it travels in, if there is one. */
  unitOf: (id: string) => string | undefined;
  transaction: <T>(work: () => T) => T;
}

/** So many in one transaction: some milliseconds. */
const AT_ONCE = 100;

/**
 * @param argument ids and ranges, "2861-2915,3001", with commas between them
 * @returns the single ids; undefined when they are more than one request may ask for
 */
export function idsOf(argument: string, isKnown: (id: string) => boolean): string[] | undefined {
  const ids = new Set<string>();
  for (const word of argument.split(',').map((text) => text.trim())) {
    if (word === '') continue;
    const range = /^(\d{1,15})\s*-\s*(\d{1,15})$/.exec(word);
    const [first, last] = range ? [Number(range[1]), Number(range[2])] : [1, 0];
    // The digits of an id may be read out in groups with dashes between them.
    if (!range || first > last || isKnown(word)) ids.add(word);
    else if (last - first >= LIMITS.resendMost) return undefined;
    else for (let number = first; number <= last; number++) ids.add(String(number));
    if (ids.size > LIMITS.resendMost) return undefined;
  }
  return [...ids];
}

export async function resendMany(ids: readonly string[], tools: ManyTools): Promise<string> {
  const begunWith = new Set<string>();
  const lines: string[] = [];
  let isRefused = false;
  let along = 0;
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const queues: Begun['queue'][] = [];
    tools.transaction(() => {
      for (const id of ids.slice(at, at + AT_ONCE)) {
        const unit = tools.unitOf(id);
        if (unit !== undefined && begunWith.has(unit)) {
          along++;
          continue;
        }
        const { words, queue } = tools.begin(id);
        if (unit !== undefined) begunWith.add(unit);
        isRefused ||= words.startsWith('no');
        lines.push(`${id}: ${words.replace(/^(yes|no): /, '')}`);
        queues.push(queue);
      }
    });
    await Promise.all(queues.map((queue) => queue()));
  }
  const shown = lines.slice(0, LIMITS.resendLines);
  if (lines.length > shown.length) shown.push(`And ${lines.length - shown.length} more answers of these kinds.`);
  if (along > 0)
    shown.push(
      `${along} more of them travel in the same bundles and consignments, which are being sent again already.`,
    );
  return `${isRefused ? 'no' : 'yes'}: ${shown.join('\n')}`;
}
