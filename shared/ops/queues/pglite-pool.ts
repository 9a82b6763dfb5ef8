/**
 * A pool of connections where there is only one session. BullMQ's PostgreSQL backend expects a pg.Pool; PGlite runs one
 * session inside this process. So all clients of this pool speak through that session, and every notification goes to
 * every client: BullMQ picks its own by channel and queue.
 */
import { EventEmitter } from 'node:events';
import type { PGlite } from '@electric-sql/pglite';
import type { PgQueryResult } from 'bullmq';
import { SluiceError } from '../../core/errors.js';
import type { Troubles } from './troubles.js';

/** BullMQ's own default for a pool that is handed to it. */
export const SCHEMA = 'bullmq';
/** Statements between two rounds of housekeeping, and the tables that change all the time. */
const TIDY_EVERY = 10_000;
const TIDY_TABLES = ['job', 'job_log', 'event', 'dedup', 'meta'].map((table) => `${SCHEMA}.${table}`);

/** The part of pg.Pool that BullMQ uses. */
export class Pool extends EventEmitter {
  /** Nothing can drop silently inside one process, so a waiting worker need not look again every ten seconds. */
  readonly options = { keepAlive: true };
  private readonly clients = new Set<Client>();
  private readonly stopListening: () => void;
  private untilTidy = TIDY_EVERY;
  private tidying: Promise<void> | undefined;
  private ended = false;

  constructor(
    private readonly database: PGlite,
    private readonly troubles?: Troubles,
  ) {
    super();
    this.setMaxListeners(0);
    this.stopListening = database.onNotification((channel, payload) => {
      for (const client of this.clients) client.emit('notification', { channel, payload });
    });
  }

  async query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    // BullMQ knows these words and lets such a straggler rest.
    if (this.ended)
      throw new SluiceError('QUEUE_STORE_UNAVAILABLE', 'Cannot use a pool after calling end on the pool.');
    if (--this.untilTidy <= 0) this.tidy();
    // Without parameters there may be several statements, as in the migrations.
    const result = params ? await this.database.query(text, [...params]) : (await this.database.exec(text)).at(-1);
    return { rows: (result?.rows ?? []) as Row[], rowCount: result?.affectedRows ?? 0 };
  }

  async connect(): Promise<Client> {
    const client = new Client(this);
    this.clients.add(client);
    return client;
  }

  forget(client: Client): void {
    this.clients.delete(client);
  }

  async end(): Promise<void> {
    this.ended = true;
    this.stopListening();
    await this.tidying;
  }

  /** One session has no background processes: nobody else removes dead rows or lets the log of changes go. */
  private tidy(): void {
    this.untilTidy = TIDY_EVERY;
    this.tidying ??= this.database
      .exec(`VACUUM ${TIDY_TABLES.join(', ')}`)
      .then(() => this.database.exec('CHECKPOINT'))
      .then(
        () => {},
        (error) => this.troubles?.report('QUEUE_STORE_UNAVAILABLE', `Housekeeping failed: ${error}`),
      )
      .finally(() => {
        this.tidying = undefined;
      });
  }
}

/** The part of pg.PoolClient that BullMQ uses. */
class Client extends EventEmitter {
  constructor(private readonly pool: Pool) {
    super();
    this.setMaxListeners(0);
  }
  query<Row>(text: string, params?: readonly unknown[]): Promise<PgQueryResult<Row>> {
    return this.pool.query<Row>(text, params);
  }
  release(): void {
    this.pool.forget(this);
  }
}
