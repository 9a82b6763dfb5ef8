/** What may happen to the Redis of a side while the side works on it (FAULTS 54). Each of them passes. */
import { pause } from '../support/cli.js';
import { RedisProcess } from '../support/redisServers.js';

type Trouble = (server: RedisProcess) => Promise<void>;

/** How long each one lasts. */
const LASTS_MS = 2_500;

export const STORE_TROUBLES: Readonly<Record<string, Trouble>> = {
  flushed: async (server) => {
    await server.command('FLUSHALL');
  },
  'killed and started again': async (server) => {
    await server.kill();
    await pause(LASTS_MS);
    await server.startAgain();
  },
  'started again empty': async (server) => {
    await server.command('FLUSHALL');
    await server.kill();
    await server.startAgain();
  },
  hanging: async (server) => {
    server.signal('SIGSTOP');
    await pause(2 * LASTS_MS);
    server.signal('SIGCONT');
  },
  full: async (server) => {
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    await pause(LASTS_MS);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
  },
  evicting: async (server) => {
    const used = Number(/used_memory:(\d+)/.exec(String(await server.command('INFO', 'memory')))?.[1]);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random', 'maxmemory', String(used - 50_000));
    await pause(LASTS_MS);
    await server.command('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
  },
};

/** A Redis for each side, as a site has them. */
export class SiteStores {
  private constructor(readonly servers: Readonly<Record<'low' | 'high', RedisProcess>>) {}

  static async start(): Promise<SiteStores> {
    return new SiteStores({ low: await RedisProcess.start(), high: await RedisProcess.start() });
  }

  url(side: 'low' | 'high'): string {
    return this.servers[side].url;
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.servers).map((server) => server.kill()));
  }
}
