/**
 * Receipts and daily summaries of a side, as its supervisor has them: the process that writes them, the desk that gives
 * it what is due, and the broom that takes old ones away.
 */
import { Child, DISK_SILENT_MS } from '../processes/children.js';
import type { DayFacts } from './dayFacts.js';
import { type DeskTenant, ReceiptDesk } from './desk.js';
import type { ReceiptFacts } from './facts.js';
import { LocalTime } from './localTime.js';
import type { ReceiptsProtocol } from './messages.js';
import type { ReceiptOutbox } from './outbox.js';
import { Summaries } from './summaries.js';

export interface ReceiptsTools {
  side: 'low' | 'high';
  /** The side's receipts process. */
  module: URL;
  outbox: ReceiptOutbox;
  facts: {
    of(transfer: string): ReceiptFacts | undefined;
    day(tenant: string, fromMs: number, untilMs: number): DayFacts;
  };
  tenants: () => readonly DeskTenant[];
  /** How long receipts stay, milliseconds. */
  retentionMs: () => number;
  news: {
    onObjects(listener: (news: { tenant: string }[]) => void): void;
    alarm(code: string, words: string, about?: string): void;
    over(code: string, about?: string): void;
  };
  /** Wall clock. */
  nowMs?: () => number;
  timeZone?: string;
  againMs?: number;
}

const SWEEP_MS = 3_600_000;
/** How long the end of a side waits for receipts that are due. */
const FINISH_MS = 1_000;
const SWEEP_TIMEOUT_MS = 600_000;

export class Receipts {
  private readonly child: Child<ReceiptsProtocol>;
  private readonly desk: ReceiptDesk;
  private readonly time: LocalTime;
  private sweeping: NodeJS.Timeout | undefined;

  constructor(private readonly tools: ReceiptsTools) {
    const { side, outbox, facts, tenants, news, nowMs = Date.now, timeZone } = tools;
    this.time = new LocalTime(timeZone);
    this.child = new Child<ReceiptsProtocol>({
      silentMs: DISK_SILENT_MS,
      name: 'receipts',
      module: tools.module,
      onStart: async (child) => {
        await child.ask('start', { tenants: this.folders(), timeZone: this.time.zone });
      },
    });
    const summaries = new Summaries({
      side,
      outbox,
      dayOf: (tenant, fromMs, untilMs) => facts.day(tenant, fromMs, untilMs),
      nowMs,
      time: this.time,
    });
    this.desk = new ReceiptDesk({
      side,
      outbox,
      factsOf: (transfer) => facts.of(transfer),
      child: this.child,
      summaries,
      tenants,
      nowMs,
      keptMs: tools.retentionMs,
      againMs: tools.againMs,
      unwritable: (tenant, words) => news.alarm('RECEIPT_UNWRITABLE', words, tenant),
      over: (tenant) => news.over('RECEIPT_UNWRITABLE', tenant),
    });
    news.onObjects((objects) => this.desk.changed(new Set(objects.map(({ tenant }) => tenant))));
  }

  /** What summaries say of these tenants has changed. */
  changed(tenants: readonly string[]): void {
    this.desk.changed(tenants);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async start(): Promise<void> {
    await this.child.start();
    this.desk.start();
    this.sweep();
    this.sweeping = setInterval(() => this.sweep(), SWEEP_MS);
  }

  /** Tenants have come, gone or moved. */
  tenantsChanged(): void {
    this.child.tell('tenants', this.folders());
    this.desk.everybody();
  }

  /** The ledger may be closed afterwards. What was not written yet is written after the next start. */
  async stop(): Promise<void> {
    clearInterval(this.sweeping);
    if (this.child.pid !== undefined) await this.desk.finish(FINISH_MS);
    // First the desk is told, so that it takes the end of the process for no trouble.
    const idle = this.desk.stop();
    await this.child.stop();
    await idle;
  }

  private folders() {
    const wanting = this.tools.tenants().filter(({ receiptsFor }) => receiptsFor !== 'none');
    return wanting.map(({ name, receipts }) => ({ name, folder: receipts }));
  }

  private sweep(): void {
    const { retentionMs, nowMs = Date.now } = this.tools;
    const beforeDay = this.time.day(nowMs() - retentionMs());
    // What could not be taken away now is in an hour.
    this.child.ask('sweep', { beforeDay }, SWEEP_TIMEOUT_MS).catch(() => {});
  }
}
