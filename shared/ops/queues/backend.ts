/** What every kind of store gives to the stages: how BullMQ reaches it. The only difference between the kinds. */
import type { BackendFactory, ConnectionOptions } from 'bullmq';

export type StoreKind = 'redis' | 'redis-server' | 'embedded';

/** As BullMQ takes it: age in seconds. */
export interface Kept {
  readonly count: number;
  readonly age: number;
}

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
  readonly keepCompleted: Kept;
  readonly keepFailed: Kept;
  /** Whether nobody else can be working on this store, so that whatever it takes for running is not. */
  readonly exclusive: boolean;
  /** The store last: stages are closed before this is called. */
  close(): Promise<void>;
}

/** How many finished jobs of a stage are kept to be looked at, and for how long. */
export interface KeepFinished {
  readonly count: number;
  readonly forMs: number;
}

export const KEEP_DEFAULT: KeepFinished = { count: 1_000, forMs: 24 * 3_600_000 };
/** Jobs that were given up are what an operator looks for: not fewer of them, and not for less time, than this. */
const FAILED_LEAST = { count: 10_000, seconds: 14 * 24 * 3_600 } as const;

export function keepOnRedis({ count, forMs }: KeepFinished): Pick<Backend, 'keepCompleted' | 'keepFailed'> {
  // An age of 0 would mean none to BullMQ.
  const age = Math.max(1, Math.round(forMs / 1_000));
  return {
    keepCompleted: { count, age },
    keepFailed: { count: Math.max(count, FAILED_LEAST.count), age: Math.max(age, FAILED_LEAST.seconds) },
  };
}
