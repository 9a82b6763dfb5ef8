/** What every kind of store gives to the stages: how BullMQ reaches it. The only difference between the kinds. */
import type { BackendFactory, ConnectionOptions, KeepJobs } from 'bullmq';

export type StoreKind = 'redis' | 'redis-server' | 'embedded';

export interface Backend {
  readonly kind: StoreKind;
  readonly description: string;
  /** For adding and looking: gives up after some seconds, so that a caller learns of trouble. */
  readonly queueConnection: ConnectionOptions;
  /** For workers: waits for the store as long as it takes. */
  readonly workerConnection: ConnectionOptions;
  /** In front of every key, so that a shared server stays tidy. */
  readonly prefix: string;
  /** How BullMQ talks to the store. */
  readonly factory: BackendFactory;
  /** How many finished jobs are kept to be looked at, and for how many seconds. */
  readonly keepCompleted: KeepJobs;
  readonly keepFailed: KeepJobs;
  /** Whether nobody else can be working on this store, so that whatever it takes for running is not. */
  readonly exclusive: boolean;
  /** The store last: stages are closed before this is called. */
  close(): Promise<void>;
}
