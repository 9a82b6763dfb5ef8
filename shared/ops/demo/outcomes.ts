/**
 * What has become of each object, as an outside observer puts it together from what the two sides tell. Nothing flows
 * from here to either side.
 */
import type { HighObjectNews, LowObjectNews } from '../sides.js';

export type Outcome = 'released' | 'quarantined' | 'incomplete' | 'refused' | 'held' | 'pending';

export interface Followed {
  /** 32 hexadecimal digits once the low side has told of it, else empty. */
  transfer: string;
  tenant: string;
  rawPath: string;
  path: string;
  sizeBytes: number;
  /** Last state either side told. */
  state: string;
  outcome: Outcome;
  code: string;
  detail: string;
  publishedAs: string;
  /** Milliseconds from when it was first met to its outcome. */
  tookMs: number;
}

const LOW_OUTCOME: Record<string, Outcome> = { refused: 'refused', held: 'held' };
const SENT_AGAIN: readonly string[] = ['sealed', 'sending'];
const HIGH_OUTCOME: Record<string, Outcome> = {
  released: 'released',
  quarantined: 'quarantined',
  incomplete: 'incomplete',
};

export class Outcomes {
  private readonly objects = new Map<string, Followed & { firstMs: number }>();
  private readonly byTransfer = new Map<string, string>();
  private readonly bySequence = new Map<number, string>();
  /** News of the high side about transfers the low side has not told of yet. */
  private readonly early = new Map<string, HighObjectNews>();
  /** When something last happened, by the observer's own clock. */
  lastNewsMs = performance.now();
  /** Whether a new outcome changes what was final before: only a resend does. */
  private open = 0;

  /** Objects that are expected even if nobody ever tells of them. */
  expect(tenant: string, object: { rawPath: string; path: string; sizeBytes: number }): void {
    this.object(tenant, object);
  }

  get all(): Followed[] {
    return [...this.objects.values()];
  }

  /** Objects without a final outcome. */
  get pending(): number {
    return this.open;
  }

  count(outcome: Outcome): number {
    let count = 0;
    for (const object of this.objects.values()) if (object.outcome === outcome) count++;
    return count;
  }

  low(news: readonly LowObjectNews[]): void {
    this.lastNewsMs = performance.now();
    for (const item of news) {
      const object = this.object(item.tenant, item);
      const key = keyOf(item.tenant, item.rawPath);
      this.byTransfer.set(item.transfer, key);
      if (item.sequence !== null) this.bySequence.set(item.sequence, key);
      object.transfer = item.transfer;
      // Incomplete is an end only until the low side sends it once more.
      const again = object.outcome === 'incomplete' && SENT_AGAIN.includes(item.state);
      if (again || !isFinal(object.outcome)) this.set(object, item.state, LOW_OUTCOME[item.state] ?? 'pending', item);
      const waiting = this.early.get(item.transfer);
      if (waiting) {
        this.early.delete(item.transfer);
        this.high([waiting]);
      }
    }
  }

  high(news: readonly HighObjectNews[]): void {
    this.lastNewsMs = performance.now();
    for (const item of news) {
      const key =
        this.byTransfer.get(item.transfer) ?? (item.sequence === null ? undefined : this.bySequence.get(item.sequence));
      const object = key === undefined ? undefined : this.objects.get(key);
      if (!object) {
        if (item.transfer !== '') this.early.set(item.transfer, item);
        continue;
      }
      // Released is the end. Incomplete may still be completed, and something of it may be found quarantined.
      if (object.outcome === 'released') continue;
      object.publishedAs = item.publishedAs ?? '';
      this.set(object, item.state, HIGH_OUTCOME[item.state] ?? 'pending', item);
    }
  }

  private object(
    tenant: string,
    item: { rawPath: string; path: string; sizeBytes: number },
  ): Followed & { firstMs: number } {
    const key = keyOf(tenant, item.rawPath);
    let object = this.objects.get(key);
    if (!object) {
      const { rawPath, path, sizeBytes } = item;
      object = {
        transfer: '',
        tenant,
        rawPath,
        path,
        sizeBytes,
        state: 'stable',
        outcome: 'pending',
        code: '',
        detail: '',
        publishedAs: '',
        tookMs: 0,
        firstMs: performance.now(),
      };
      this.objects.set(key, object);
      this.open++;
    }
    return object;
  }

  private set(
    object: Followed & { firstMs: number },
    state: string,
    outcome: Outcome,
    { code, detail }: { code?: string; detail?: string },
  ): void {
    if (isFinal(object.outcome)) this.open++;
    object.state = state;
    object.outcome = outcome;
    object.code = code ?? '';
    object.detail = detail ?? '';
    object.tookMs = performance.now() - object.firstMs;
    if (isFinal(outcome)) this.open--;
  }
}

const keyOf = (tenant: string, rawPath: string) => `${tenant}\0${rawPath}`;
const isFinal = (outcome: Outcome) => outcome !== 'pending' && outcome !== 'held';
