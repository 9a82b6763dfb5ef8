/**
 * Looks after a Redis that is in use, every two seconds: whether it answers and takes writes, whether it still holds
 * what it was given (a marker that has gone, keys thrown away), and what it says about itself. Says it when something is
 * wrong, and when it is over; a private server that hangs is replaced.
 */
import type { Redis } from 'ioredis';
import { type ErrorCode, SluiceError } from '../../core/errors.js';
import type { Side } from './folder.js';
import { factsOf, mayBeTorn, type RedisFacts, worriesAbout } from './redis-facts.js';
import type { Troubles } from './troubles.js';
import { storeTrouble } from './words.js';

const INTERVAL_MS = 2_000;
/** A private server that has not answered so many times in a row hangs. */
const HANGS_AFTER = 4;
/** Outside the prefix of either side, so that each sees what the other left. */
const SIDE_KEY = 'sluice:side';
/** What may stand for long, and is over when a look finds it no more. */
const STANDING: readonly ErrorCode[] = ['QUEUE_STORE_UNAVAILABLE', 'QUEUE_STORE_FULL', 'QUEUE_STORE_UNSAFE'];

export interface Watched {
  /** In the first database; its commands give up after some seconds. */
  readonly client: Redis;
  readonly side: Side;
  readonly shown: string;
  readonly redact: (text: string) => string;
  readonly troubles: Troubles;
  /** Forgets all jobs of this side: what is left of queues that were taken apart does harm. */
  readonly wipe: () => Promise<void>;
  /** For a server of our own: ends it and starts another. */
  readonly replace?: (() => Promise<void>) | undefined;
}

/** Begins to look; what it answers ends it. */
export function watchRedis(watched: Watched, facts: RedisFacts): () => void {
  const watch = new Watch(watched, facts);
  const timer = setInterval(() => void watch.look(), INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Sets the side's marker unless one stands there. @returns whether it had to be set */
export async function markSide(client: Redis, side: Side, shown: string): Promise<boolean> {
  if ((await client.set(SIDE_KEY, side, 'NX')) === 'OK') return true;
  const found = await client.get(SIDE_KEY);
  if (found === side || found === null) return false;
  const other = found.slice(0, 16);
  throw new SluiceError('STATE_WRONG_SIDE', `${shown} is used by the ${other} side; this is the ${side} side.`);
}

class Watch {
  private looking = false;
  private silent = 0;
  /** Something was lost; what is left is forgotten once the server takes writes again. */
  private torn = false;
  private said = new Map<ErrorCode, string>();

  constructor(
    private readonly watched: Watched,
    private facts: RedisFacts,
  ) {
    this.say(facts);
  }

  async look(): Promise<void> {
    const { client, side, shown, troubles } = this.watched;
    // While it is away the connections tell, and there is nobody to ask.
    if (this.looking || client.status !== 'ready') return;
    this.looking = true;
    try {
      const before = this.facts;
      // A marker that has gone means that the server was flushed or threw keys away: jobs may be missing too.
      const marked = await markSide(client, side, shown);
      this.facts = factsOf(await client.info());
      this.silent = 0;
      this.torn ||= marked || mayBeTorn(before, this.facts);
      const isFull = this.facts.maxMemoryBytes > 0 && this.facts.usedMemoryBytes >= this.facts.maxMemoryBytes;
      if (this.torn && !isFull) {
        await this.watched.wipe();
        this.torn = false;
        const why = marked ? 'no longer holds the marker of this side' : 'has lost keys, or refused to take them';
        troubles.report('QUEUE_STORE_EMPTIED', `${shown} ${why}.`);
      }
      this.say(this.facts);
    } catch (error) {
      await this.failed(error);
    } finally {
      this.looking = false;
    }
  }

  private async failed(error: unknown): Promise<void> {
    const { shown, redact, troubles, replace } = this.watched;
    if (error instanceof SluiceError) return troubles.report(error.code, error.detail);
    const { code, words } = storeTrouble(redact(String(error)));
    this.torn ||= code === 'QUEUE_STORE_FULL';
    const hangs = /timed out/i.test(words);
    troubles.report(code, hangs ? `${shown} does not answer.` : `${shown}: ${words}`);
    this.silent = hangs ? this.silent + 1 : 0;
    if (this.silent < HANGS_AFTER || !replace) return;
    this.silent = 0;
    await replace();
  }

  /** What is new is said, what is gone is over. */
  private say(facts: RedisFacts): void {
    const { shown, troubles } = this.watched;
    const now = new Map(worriesAbout(facts, shown).map(({ code, words }) => [code, words]));
    for (const [code, words] of now) {
      // How it is set up is said once; what stops the work as long as it does.
      if (code !== 'QUEUE_STORE_UNSAFE' || this.said.get(code) !== words) troubles.report(code, words);
    }
    for (const code of STANDING) if (!now.has(code)) troubles.over(code);
    this.said = now;
  }
}
