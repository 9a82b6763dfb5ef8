/**
 * The supervisor's side of receipts: looks up which are due, has the receipts process write them, and settles them in
 * the ledger. Nothing waits for it; what it did not get done before the end of a process is done by the next one.
 *
 *   ledger: receipts_due --> facts --> receipts process --> tenant's folder
 *        ^------------- settled ------------'
 */
import { wordsOf } from '../../core/errors.js';
import type { Child } from '../processes/children.js';
import type { ReceiptFacts, ReceiptKey } from './facts.js';
import type { ReceiptOrder, ReceiptsProtocol, WriteAnswer } from './messages.js';
import { CONSIGNMENT_MARK, type DueReceipt, type ReceiptOutbox } from './outbox.js';
import type { Summaries } from './summaries.js';
import { isProblem } from './words/catalogue.js';

export interface DeskTenant {
  name: string;
  receipts: string;
  receiptsFor: 'all' | 'problems' | 'none';
}

export interface DeskTools {
  side: 'low' | 'high';
  outbox: ReceiptOutbox;
  /** Undefined: nothing is to be said of it. */
  factsOf: (transfer: string) => ReceiptFacts | undefined;
  child: Pick<Child<ReceiptsProtocol>, 'ask'>;
  summaries: Pick<Summaries, 'changed' | 'due'>;
  tenants: () => readonly DeskTenant[];
  /** Wall clock. */
  nowMs: () => number;
  /** How long receipts stay, milliseconds. */
  keptMs: () => number;
  /** When a folder that could not be written to is tried again; 10 s unless given. */
  againMs?: number | undefined;
  /** Receipts of a tenant cannot be written; `over`: they can be again. Said once each. */
  unwritable: (tenant: string, words: string) => void;
  over: (tenant: string) => void;
}

/** Time between two looks: what changes in between is written once. */
const ROUND_MS = 500;
/** Receipts written in one go: what the supervisor does for them takes a few milliseconds. */
const AT_ONCE = 100;
/** All tenants are looked at again, whatever the news said. */
const EVERYBODY_MS = 60_000;
const AGAIN_MS = 10_000;
const DEATHS_IN_A_ROW = 3;
/** Members of a consignment with one of these: its own receipt tells it once. */
const TOLD_OF_THE_WHOLE: ReadonlySet<string> = new Set(['CONSIGNMENT_REFUSED', 'CONSIGNMENT_INCOMPLETE']);
/** A folder on the network may be slow. */
const WRITE_TIMEOUT_MS = 120_000;

export class ReceiptDesk {
  /** Tenants of whom something may be due. */
  private readonly waiting = new Set<string>();
  /** Tenants whose folder cannot be written to, and when to try again (monotonic). */
  private readonly away = new Map<string, number>();
  private nextEverybodyMs = 0;
  /** How often in a row the receipts process did not answer. */
  private deaths = 0;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  /** No further round begins by itself; and nothing more is done. */
  private ending = false;
  private stopped = false;

  private readonly againMs: number;

  constructor(private readonly tools: DeskTools) {
    this.againMs = tools.againMs ?? AGAIN_MS;
  }

  start(): void {
    const again = () => {
      this.working = this.round().then(
        () => this.wellAgain(''),
        (error) => this.say('', wordsOf(error)),
      );
      void this.working.then(() => {
        if (!this.ending) this.timer = setTimeout(again, ROUND_MS);
      });
    };
    again();
  }

  /** A last round, as far as it gets in this time. */
  async finish(withinMs: number): Promise<void> {
    this.ending = true;
    clearTimeout(this.timer);
    const last = this.working.then(() => this.round()).catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([last, late]);
    clearTimeout(timer);
    this.stopped = true;
    this.working = last;
  }

  /** Resolves when the round that runs is over: the ledger may be closed then. */
  async stop(): Promise<void> {
    this.ending = true;
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  /** Objects of these tenants have changed. */
  changed(tenants: Iterable<string>): void {
    for (const tenant of tenants) {
      this.waiting.add(tenant);
      this.tools.summaries.changed(tenant);
    }
  }

  /** Tenants have come or gone: the next round looks at all of them. */
  everybody(): void {
    this.nextEverybodyMs = 0;
  }

  /** Writes everything that is due by now. */
  async round(): Promise<void> {
    const nowMs = performance.now();
    if (nowMs >= this.nextEverybodyMs) {
      this.nextEverybodyMs = nowMs + EVERYBODY_MS;
      // What was given up, or waits for too long, is no news of an object.
      this.changed(this.tools.outbox.tenants());
      const wanting = this.tools.tenants().filter(({ receiptsFor }) => receiptsFor !== 'none');
      const names = new Set(['', ...wanting.map(({ name }) => name)]);
      for (const tenant of this.away.keys()) if (!names.has(tenant)) this.wellAgain(tenant);
    }
    // A batch of each in turn: the storm of one does not hold up the receipt of another.
    let open = [...this.waiting].filter((tenant) => (this.away.get(tenant) ?? 0) <= nowMs);
    while (open.length > 0 && !this.stopped) {
      const more: string[] = [];
      for (const tenant of open) {
        if (!this.stopped && (await this.some(tenant)) === 'more') more.push(tenant);
      }
      open = more;
    }
    if (!this.stopped) await this.summarise();
  }

  /** A batch of one tenant. */
  private async some(name: string): Promise<'more' | 'done'> {
    const { outbox, tenants, nowMs } = this.tools;
    const due = outbox.due(name, nowMs(), AT_ONCE);
    if (due.length === 0) {
      // What has to wait a little is found by a later round.
      if (!outbox.isWaiting(name)) this.waiting.delete(name);
      return 'done';
    }
    const tenant = tenants().find((one) => one.name === name);
    if (!tenant) return this.keepFor(name, due);
    const { receiptsFor } = tenant;
    const orders: ReceiptOrder[] = [];
    const ordered: DueReceipt[] = [];
    for (const receipt of due) {
      const order = receiptsFor === 'none' ? undefined : this.orderOf(receipt, receiptsFor);
      if (order) {
        orders.push(order);
        ordered.push(receipt);
      }
    }
    const answer = orders.length === 0 ? GOOD : await this.write(name, orders);
    return this.settle(name, due, ordered, answer);
  }

  /** A tenant that is not served here may be again: what is due of it waits, unless it is too old to stay written. */
  private keepFor(tenant: string, due: DueReceipt[]): 'more' | 'done' {
    const { outbox, factsOf, nowMs, keptMs } = this.tools;
    const sinceMs = nowMs() - keptMs();
    const old = due.filter(({ transfer, gone }) => (gone?.seenMs ?? factsOf(transfer)?.seenMs ?? 0) < sinceMs);
    if (old.length > 0) outbox.settle(old);
    if (old.length === AT_ONCE) return 'more';
    this.waiting.delete(tenant);
    return 'done';
  }

  private settle(tenant: string, due: DueReceipt[], ordered: DueReceipt[], answer: WriteAnswer): 'more' | 'done' {
    const { outbox, nowMs } = this.tools;
    const failed = new Set(answer.failed.map((i) => ordered[i]!));
    const done = due.filter((receipt) => !failed.has(receipt));
    if (done.length > 0) outbox.settle(done);
    if (answer.words !== '') this.say(tenant, answer.words);
    else if (ordered.length > 0 && !answer.away) this.wellAgain(tenant);
    if (answer.away) return 'done';
    if (failed.size > 0) outbox.postpone([...failed], nowMs() + this.againMs);
    return due.length === AT_ONCE ? 'more' : 'done';
  }

  private orderOf({ transfer, gone }: DueReceipt, receiptsFor: 'all' | 'problems'): ReceiptOrder | undefined {
    const { side, factsOf } = this.tools;
    const id = transfer.startsWith(CONSIGNMENT_MARK) ? transfer.slice(CONSIGNMENT_MARK.length) : transfer;
    if (gone) return { remove: { side, transfer: id, ...gone } satisfies ReceiptKey };
    const facts = factsOf(transfer);
    if (!facts) return undefined;
    // What was held once and is not any more has no place among the problems.
    const isUnwanted = (receiptsFor === 'problems' || facts.isMember) && !isProblem(facts.state);
    const isForTheWhole = facts.isMember && facts.code !== null && TOLD_OF_THE_WHOLE.has(facts.code);
    return isUnwanted || isForTheWhole ? { remove: facts } : { write: facts };
  }

  private async summarise(): Promise<void> {
    for (const { facts, written } of this.tools.summaries.due(this.tools.tenants())) {
      if (this.stopped) return;
      if ((this.away.get(facts.tenant) ?? 0) > performance.now()) continue;
      const answer = await this.summary(facts);
      if (answer.failed.length === 0) written();
      else this.tools.summaries.changed(facts.tenant);
      if (answer.words !== '') this.say(facts.tenant, answer.words);
      else if (answer.failed.length === 0) this.wellAgain(facts.tenant);
    }
  }

  private write(tenant: string, orders: ReceiptOrder[]): Promise<WriteAnswer> {
    return this.asked(orders.length, this.tools.child.ask('write', { tenant, orders }, WRITE_TIMEOUT_MS));
  }

  private summary(facts: Parameters<typeof this.tools.child.ask<'summary'>>[1]): Promise<WriteAnswer> {
    return this.asked(1, this.tools.child.ask('summary', facts, WRITE_TIMEOUT_MS));
  }

  /**
   * A process that has died has written we do not know what: all of it is written again. It is started again by itself,
   * so that is worth saying only when it happens again and again.
   */
  private async asked(orders: number, asked: Promise<WriteAnswer>): Promise<WriteAnswer> {
    try {
      const answer = await asked;
      this.deaths = 0;
      return answer;
    } catch (error) {
      const failed = Array.from({ length: orders }, (_, i) => i);
      this.deaths++;
      return { failed, away: true, words: this.deaths < DEATHS_IN_A_ROW ? '' : wordsOf(error) };
    }
  }

  private wellAgain(tenant: string): void {
    if (this.away.delete(tenant)) this.tools.over(tenant);
  }

  /** Once for a folder (empty: for the desk itself), until it can be written to again. */
  private say(tenant: string, words: string): void {
    if (!this.away.has(tenant) && !this.stopped) {
      this.tools.unwritable(tenant, tenant === '' ? words : `The receipts of "${tenant}": ${words}`);
    }
    this.away.set(tenant, performance.now() + this.againMs);
  }
}

const GOOD: WriteAnswer = { failed: [], away: false, words: '' };
