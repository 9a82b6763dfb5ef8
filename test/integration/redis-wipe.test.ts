/** Forgetting all jobs of a side while others add some: what is there afterwards is there as a whole. */
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { wipeBelow } from '../../shared/ops/queues/redis-wipe.js';
import { removeFolders } from '../support/folders.js';
import { RedisProcess, skipWithoutRedis, stopRedisProcesses } from '../support/redisServers.js';

const PREFIX = '{sluice-low}';
/** A job as queues keep it: its place, its data, and the key that keeps the same work from being added twice. */
const ADD = `
  redis.call('ZADD', KEYS[1] .. ':scan:prioritized', 1, ARGV[1])
  redis.call('HSET', KEYS[1] .. ':scan:' .. ARGV[1], 'data', '{}')
  redis.call('SET', KEYS[1] .. ':scan:de:' .. ARGV[1], ARGV[1])`;
const ROUNDS = 60;
const ADDED_PER_ROUND = 40;

describe('queues: forgetting what a Redis holds', () => {
  const clients: Redis[] = [];
  before(skipWithoutRedis);
  after(async () => {
    for (const client of clients) client.disconnect();
    await stopRedisProcesses();
    removeFolders();
  });

  it('FAULTS 54: leaves no job without a place while jobs are added, and what queues know of themselves', async function () {
    this.timeout(20_000);
    const server = await RedisProcess.start();
    const [adding, wiping] = [new Redis(server.url), new Redis(server.url)];
    clients.push(adding, wiping);
    await wiping.hset(`${PREFIX}:scan:meta`, 'paused', '1');
    await wiping.set('sluice:side', 'low');
    let next = 0;
    const add = () => adding.eval(ADD, 1, PREFIX, `job-${next++}`);
    for (let round = 0; round < ROUNDS; round++) {
      const added = Array.from({ length: ADDED_PER_ROUND }, add);
      await Promise.all([...added, wipeBelow(wiping, PREFIX)]);
      const kept = (await wiping.keys(`${PREFIX}:scan:de:*`)).map((key) => key.slice(`${PREFIX}:scan:de:`.length));
      const placed = await wiping.zrange(`${PREFIX}:scan:prioritized`, '0', '-1');
      expect(kept.sort(), `round ${round}`).to.deep.equal(placed.sort());
    }
    await wipeBelow(wiping, PREFIX);
    expect((await wiping.keys('*')).sort()).to.deep.equal(['sluice:side', `${PREFIX}:scan:meta`].sort());
  });
});
