/**
 * What a Redis says about itself (INFO), and what follows from it: what it may not be if queues are to live in it, and
 * what an operator should know of one that is in use.
 */
import { type ErrorCode, SluiceError } from '../../core/errors.js';
import { formatSize } from '../../core/units.js';

export interface RedisFacts {
  readonly version: string;
  /** Undefined where the server does not tell; then it is not held against it. */
  readonly policy: string | undefined;
  readonly appendOnly: boolean | undefined;
  readonly isReplica: boolean;
  readonly isCluster: boolean;
  /** 0: without a bound. */
  readonly maxMemoryBytes: number;
  readonly usedMemoryBytes: number;
  /** Keys thrown away since it started. */
  readonly evicted: number;
  /** Writes it has refused for want of memory or disk since it started. */
  readonly refused: number;
  /** Another one after each start of the server. */
  readonly run: string;
  /** The last write of its append-only file or snapshot failed. */
  readonly diskFails: boolean;
}

export interface Worry {
  readonly code: ErrorCode;
  readonly words: string;
}

/** The oldest server whose every command BullMQ uses without a workaround. */
const OLDEST_VERSION = [6, 2] as const;

export function factsOf(info: string): RedisFacts {
  const field = (name: string) => new RegExp(`^${name}:(.{1,64}?)\\r?$`, 'm').exec(info)?.[1];
  const number = (name: string) => Number(field(name) ?? 0) || 0;
  const errors = (name: string) => Number(new RegExp(`^errorstat_${name}:count=(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const aof = field('aof_enabled');
  return {
    // Valkey says redis_version 7.2.4 for compatibility, whatever it is: its own field comes first.
    version: field('valkey_version') ?? field('redis_version') ?? '0.0',
    policy: field('maxmemory_policy'),
    appendOnly: aof === undefined ? undefined : aof === '1',
    isReplica: field('role') === 'slave',
    isCluster: field('cluster_enabled') === '1',
    maxMemoryBytes: number('maxmemory'),
    usedMemoryBytes: number('used_memory'),
    evicted: number('evicted_keys'),
    refused: errors('OOM') + errors('MISCONF'),
    run: field('run_id') ?? '',
    diskFails: field('aof_last_write_status') === 'err' || field('rdb_last_bgsave_status') === 'err',
  };
}

/**
 * An evicting server is refused rather than warned of: one that forgets everything is noticed at once, but one that
 * throws single keys away takes queues apart unseen.
 * @throws SluiceError QUEUE_STORE_UNAVAILABLE, QUEUE_STORE_UNSAFE
 */
export function refuseUnfit(facts: RedisFacts, shown: string): void {
  const [major = 0, minor = 0] = facts.version.split('.').map(Number);
  if (major < OLDEST_VERSION[0] || (major === OLDEST_VERSION[0] && minor < OLDEST_VERSION[1])) {
    throw unavailable(`${shown} is Redis ${facts.version}; ${OLDEST_VERSION.join('.')} or newer is needed.`);
  }
  if (facts.isCluster) {
    throw unavailable(`${shown} is part of a cluster; the queues need a single Redis, or one behind Sentinels.`);
  }
  if (facts.isReplica) {
    throw unavailable(
      `${shown} is a replica and takes no writes; give the address of its master, or the Sentinels as queues.sentinels.`,
    );
  }
  if (evicts(facts)) throw new SluiceError('QUEUE_STORE_UNSAFE', `${shown} has maxmemory-policy ${facts.policy}.`);
}

/** What is not as it should be with a server that is in use. */
export function worriesAbout(facts: RedisFacts, shown: string): Worry[] {
  const worries: Worry[] = [];
  if (evicts(facts)) {
    worries.push({ code: 'QUEUE_STORE_UNSAFE', words: `${shown} has maxmemory-policy ${facts.policy}.` });
  } else if (facts.appendOnly === false) {
    worries.push({ code: 'QUEUE_STORE_UNSAFE', words: `${shown} has appendonly no.` });
  }
  const { maxMemoryBytes, usedMemoryBytes } = facts;
  if (maxMemoryBytes > 0 && usedMemoryBytes >= maxMemoryBytes) {
    const words = `${shown} uses ${formatSize(usedMemoryBytes)}; its maxmemory is ${formatSize(maxMemoryBytes)}.`;
    worries.push({ code: 'QUEUE_STORE_FULL', words });
  } else if (facts.diskFails) {
    worries.push({ code: 'QUEUE_STORE_FULL', words: `${shown} cannot write its data to its disk.` });
  }
  if (facts.isReplica) {
    worries.push({ code: 'QUEUE_STORE_UNAVAILABLE', words: `${shown} has become a replica and takes no writes.` });
  }
  return worries;
}

const evicts = ({ policy }: RedisFacts) => policy !== undefined && policy !== 'noeviction';
const unavailable = (words: string) => new SluiceError('QUEUE_STORE_UNAVAILABLE', words);

/**
 * Whether something was lost in a way that takes queues apart between two looks: a job may be gone while its key is
 * still taken. BullMQ's scripts are not undone when memory ends in the middle of one.
 */
export function mayBeTorn(before: RedisFacts, now: RedisFacts): boolean {
  if (before.run !== now.run) return now.evicted + now.refused > 0 || evicts(before);
  return now.evicted > before.evicted || now.refused > before.refused;
}
