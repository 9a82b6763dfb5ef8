/**
 * The people who watch both sides: one reads what the high side names as incomplete or unseen, the other asks the low
 * side to send it again, with `sluice resend`. Reading is done in the ledgers, for the one of a killed side says nothing.
 */
import { join } from 'node:path';
import Database from 'libsql';
import type { Workplace } from '../support/cli.js';

/** A payload is not asked for again before it had time to arrive. */
const PATIENCE_MS = 8_000;
const AT_ONCE = 2;

export class Operator {
  private readonly askedMs = new Map<string, number>();
  asked = 0;

  constructor(
    private readonly place: Workplace,
    private readonly lowState: string,
    private readonly highState: string,
  ) {}

  /** Asks for everything that is missing now. */
  async resendMissing(): Promise<void> {
    const missing = query<{ sequence: number }>(
      this.highState,
      `SELECT sequence FROM objects WHERE state = 'incomplete' UNION SELECT sequence FROM gaps`,
    );
    const payloads = new Map<string, number>();
    for (const { sequence } of missing) {
      const [object] = query<{ payload: string }>(
        this.lowState,
        `SELECT payload FROM objects WHERE sequence = ${sequence} AND state = 'sent'`,
      );
      const recently = performance.now() - (this.askedMs.get(object?.payload ?? '') ?? -PATIENCE_MS) < PATIENCE_MS;
      if (object && !recently) payloads.set(object.payload, sequence);
    }
    await this.resend(payloads);
  }

  /** People also ask for what has long arrived: nothing may come of it. */
  async resendNeedlessly(choose: (count: number) => number): Promise<void> {
    const sent = query<{ payload: string; sequence: number }>(
      this.lowState,
      `SELECT payload, min(sequence) AS sequence FROM objects WHERE state = 'sent' GROUP BY payload`,
    );
    const one = sent[choose(Math.max(1, sent.length))];
    if (one) await this.resend(new Map([[one.payload, one.sequence]]));
  }

  private async resend(payloads: ReadonlyMap<string, number>): Promise<void> {
    const waiting = [...payloads];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [payload, sequence] = next;
        this.askedMs.set(payload, performance.now());
        this.asked++;
        await this.place.sluice('resend', String(sequence), '--state', this.lowState).ended;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
}

/** Rows of a side's ledger; none while it cannot be read. */
export function query<Row>(stateDir: string, sql: string): Row[] {
  let database: Database.Database | undefined;
  try {
    database = new Database(join(stateDir, 'ledger.sqlite'), { readonly: true } as Database.Options);
    return database.prepare(sql).all() as Row[];
  } catch {
    return [];
  } finally {
    database?.close();
  }
}
