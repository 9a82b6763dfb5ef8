/** Forgetting all jobs of a side on a Redis: what is left of queues that were taken apart does harm. */
import type { Redis } from 'ioredis';

/** Keys looked at in one go. */
const COUNT = 1_000;

/**
 * One script, for it must happen at once: a job that is added between two steps would lose its place in the queue and
 * keep its key, and with it nobody could add that work again.
 */
const WIPE = `
  local cursor = '0'
  repeat
    local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', ARGV[2])
    cursor = page[1]
    for _, key in ipairs(page[2]) do
      if string.sub(key, -5) ~= ':meta' then redis.call('UNLINK', key) end
    end
  until cursor == '0'`;

/** Removes everything under a prefix but what queues know of themselves (paused or not). */
export async function wipeBelow(client: Redis, prefix: string): Promise<void> {
  // The prefix is ours and holds nothing that a pattern would read otherwise than as it stands. As its key it leads to
  // the right node of a cluster.
  await client.eval(WIPE, 1, prefix, `${prefix}:*`, COUNT);
}
