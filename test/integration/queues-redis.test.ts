/** The Redis behind the queues: our own child and what may happen to it, and a server of the site. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { codeOf, SluiceError } from '../../shared/core/errors.js';
import { identityOf, isAlive, type ProcessIdentity } from '../../shared/ops/queues/process.js';
import { findRedisServer } from '../../shared/ops/queues/redis-server.js';
import { openQueueStore, type QueueStore, type QueueStoreOptions } from '../../shared/ops/queues/store.js';
import { reached, refusal, serverOf, startOwner, until, type Work, work } from '../support/queues.js';

const binary = findRedisServer();

function skipWithoutRedis(this: Mocha.Context): void {
  if (binary !== undefined) return;
  console.log('      skipped: neither redis-server nor valkey-server is on the PATH');
  this.skip();
}

describe('queues: a Redis of our own', function () {
  this.timeout(20_000);
  before(skipWithoutRedis);

  let root: string;
  let dir: string;
  let troubles: SluiceError[];
  const stores: QueueStore[] = [];
  const open = async (more: Partial<QueueStoreOptions> = {}) => {
    const onTrouble = (error: SluiceError) => troubles.push(error);
    const store = await openQueueStore({
      side: 'low',
      store: 'redis-server',
      dir,
      onTrouble,
      closeTimeoutMs: 300,
      ...more,
    });
    stores.push(store);
    return store;
  };
  const server = () => serverOf(dir) as ProcessIdentity;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    dir = join(root, 'state');
    troubles = [];
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('lives behind a socket of a folder that only its owner can enter, and listens to no network', async () => {
    const store = await open();
    const socket = join(dir, 'queues', 'redis.sock');
    expect(store.description).to.contain(socket);
    expect(statSync(dirname(socket)).mode & 0o777).to.equal(0o700);
    const client = new Redis(socket);
    const settings = await client.config('GET', 'port', 'appendonly', 'maxmemory-policy', 'dir');
    await client.quit();
    const flat = JSON.stringify(settings);
    expect(flat).to.match(/"port"[,:]"0"/);
    expect(flat).to.match(/"appendonly"[,:]"yes"/);
    expect(flat).to.match(/"maxmemory-policy"[,:]"noeviction"/);
  });

  it('goes where the path of its socket fits, and takes that folder away with it', async () => {
    dir = join(root, 'a-long-name-of-a-folder'.repeat(5));
    const store = await open();
    const { socketFolder } = JSON.parse(readFileSync(join(dir, 'queues', 'redis.json'), 'utf8'));
    expect(store.description).to.contain(socketFolder);
    expect(statSync(socketFolder).mode & 0o777).to.equal(0o700);
    await store.close();
    expect(existsSync(socketFolder)).to.equal(false);
  });

  it('FAULTS 54: killed while it works, it is started again and no job is lost', async () => {
    const store = await open();
    const seen = new Set<string>();
    const stage = await store.stage<Work>('work', { concurrency: 2 }, async ({ id }) => {
      seen.add(id);
    });
    await stage.pause();
    await stage.add(Array.from({ length: 50 }, (_, i) => work(String(i))));
    const before = server();
    process.kill(before.pid, 'SIGKILL');
    // This may fall into the gap; it waits for the server.
    await stage.add([work('during')]);
    await stage.resume();
    await until('all are handled', () => seen.size === 51, 10_000);
    expect(server()).not.to.deep.equal(before);
    expect(troubles.map(({ code }) => code)).to.include('CHILD_FAILED');
  });

  it('FAULTS 54: with data that cannot be read it starts anew and says so', async () => {
    const first = await open();
    await first.stage<Work>('work', { concurrency: 1 }, async () => {});
    await first.close();
    const folder = join(dir, 'queues', 'redis', 'appendonlydir');
    writeFileSync(join(folder, 'appendonly.aof.manifest'), 'this is no manifest\n');
    const store = await open();
    expect(store.kind).to.equal('redis-server');
    expect(troubles.map(({ code }) => code)).to.deep.equal(['QUEUE_STORE_EMPTIED']);
    let runs = 0;
    const stage = await store.stage<Work>('work', { concurrency: 1 }, async () => {
      runs++;
    });
    await stage.add([work('a')]);
    await until('it works', () => runs === 1);
  });

  it('stops an orphan that does not answer, and starts another', async () => {
    const owner = startOwner({ side: 'low', store: 'redis-server', dir }, `console.log('open');`);
    await owner.said('open');
    const orphan = server();
    owner.process.kill('SIGKILL');
    await owner.ended;
    process.kill(orphan.pid, 'SIGSTOP');
    await open();
    expect(isAlive(orphan)).to.equal(false);
    expect(isAlive(server())).to.equal(true);
  });

  it('leaves a stranger alone that has the pid of an orphan by now', async () => {
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      const identity = identityOf(stranger.pid as number) as ProcessIdentity;
      mkdirSync(join(dir, 'queues'), { recursive: true });
      const record = { process: { ...identity, startTicks: String(Number(identity.startTicks) - 1) } };
      writeFileSync(join(dir, 'queues', 'redis.json'), JSON.stringify(record));
      const store = await open();
      await store.close();
      expect(isAlive(identity)).to.equal(true);
    } finally {
      stranger.kill();
    }
  });

  it('FAULTS 55: a job that is always running when the process ends is what ends it, and fails', async () => {
    const options: QueueStoreOptions = { side: 'low', store: 'redis-server', dir, closeTimeoutMs: 10 };
    for (let round = 0; round < 5; round++) {
      const store = await open(options);
      const stage = await store.stage<Work>('work', { concurrency: 1 }, () => new Promise(() => {}));
      if (round === 0) await stage.add([work('poison')]);
      await reached(stage, { active: 1 });
      await store.close();
    }
    const owner = startOwner(
      options,
      `await store.stage('work', { concurrency: 1 }, () => {
         console.log('running');
         return new Promise(() => {});
       });`,
    );
    await owner.said('running');
    owner.process.kill('SIGKILL');
    await owner.ended;
    const stage = await (await open()).stage<Work>('work', { concurrency: 1 }, async () => {
      throw new SluiceError('INTERNAL', 'It runs once more.');
    });
    const [failure] = await stage.failures(1);
    expect(failure?.reason).to.match(/^QUEUE_JOB_FATAL: The gateway ended again and again/);
    expect(failure?.title).to.equal('file poison');
    expect(await stage.counts()).to.deep.equal({ waiting: 0, active: 0, delayed: 0, failed: 1, completed: 0 });
  });

  it('says in plain words that there is none, or falls back when it may choose', async () => {
    const none = await open({ path: '' }).catch((error) => error);
    expect(codeOf(none)).to.equal('QUEUE_STORE_UNAVAILABLE');
    expect(none.detail).to.match(/Neither redis-server nor valkey-server is on the PATH/);
    // One that cannot work, in the only folder of the PATH.
    writeFileSync(join(root, 'redis-server'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const broken = await open({ path: root }).catch((error) => error);
    expect(codeOf(broken)).to.equal('QUEUE_STORE_UNAVAILABLE');
    expect(broken.detail).to.contain(join(root, 'redis-server'));
    expect(findRedisServer(`relative:${root}`)).to.equal(join(root, 'redis-server'));
    expect(findRedisServer('relative:')).to.equal(undefined);
  });

  it('closes in bounded time when the server is away, and leaves nothing that keeps the process', async () => {
    const owner = startOwner(
      { side: 'low', store: 'redis-server', dir, closeTimeoutMs: 300 },
      `const stage = await store.stage('work', { concurrency: 2 }, () => new Promise(() => {}));
       await stage.add([{ key: 'k', title: 't', data: {} }]);
       await new Promise((resolve) => setTimeout(resolve, 100));
       process.on('SIGTERM', async () => {
         await store.close();
         console.log('closed');
       });
       setInterval(() => {}, 1000).unref();
       console.log('ready');`,
    );
    await owner.said('ready');
    const known = server();
    // Stopped, not killed: its socket takes connections and never answers.
    process.kill(known.pid, 'SIGSTOP');
    const began = performance.now();
    owner.process.kill('SIGTERM');
    await owner.said('closed');
    expect(await owner.ended).to.equal(0);
    expect(performance.now() - began).to.be.below(12_000);
    expect(isAlive(known)).to.equal(false);
  });
});

describe('queues: a Redis of the site', function () {
  this.timeout(20_000);

  const PASSWORD = 'p@ss:w/rd';
  let root: string;
  let port: number;
  let child: ChildProcess;
  let troubles: SluiceError[];
  const stores: QueueStore[] = [];
  const url = (password = PASSWORD, database = 0) =>
    `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  const open = async (more: Partial<QueueStoreOptions> = {}) => {
    const onTrouble = (error: SluiceError) => troubles.push(error);
    const store = await openQueueStore({ side: 'low', store: 'auto', redisUrl: url(), dir: root, onTrouble, ...more });
    stores.push(store);
    return store;
  };
  const startServer = async () => {
    const settings = ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', PASSWORD, '--appendonly', 'yes'];
    child = spawn(binary as string, [...settings, '--dir', root, '--save', ''], { stdio: 'ignore' });
    const probe = new Redis(url(), { retryStrategy: () => 20 });
    probe.on('error', () => {});
    await probe.ping();
    await probe.quit();
  };
  const command = async (...words: [string, ...string[]]) => {
    const client = new Redis(url());
    const answer = await client.call(...words);
    await client.quit();
    return answer;
  };
  before(async function () {
    skipWithoutRedis.call(this);
    root = mkdtempSync(join(tmpdir(), 'sluice-test-'));
    port = await freePort();
    await startServer();
  });
  beforeEach(() => {
    troubles = [];
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    if (child) await command('FLUSHALL');
  });
  after(() => {
    child?.kill('SIGKILL');
    if (root) rmSync(root, { recursive: true, force: true });
  });

  it('is what "auto" takes when an address is configured, and FAULTS 66: its password is shown nowhere', async () => {
    const store = await open();
    expect(store.kind).to.equal('redis');
    expect(store.description).to.match(/^the Redis [\d.]+ of this site at redis:\/\/127\.0\.0\.1:\d+\/0$/);
    const refused = await open({ redisUrl: url('wr0ng-secret') }).catch((error) => error);
    expect(codeOf(refused)).to.equal('QUEUE_STORE_UNAVAILABLE');
    expect(refused.detail).to.match(/WRONGPASS/);
    const told = JSON.stringify([store.description, refused.message, refused.detail, String(refused.cause), troubles]);
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'wr0ng-secret']) expect(told).not.to.contain(secret);
    expect(existsSync(join(root, 'queues')), 'nothing is put into the state folder').to.equal(false);
  });

  it('keeps to its prefix, so that a shared server stays tidy', async () => {
    const stage = await (await open()).stage<Work>('work', { concurrency: 1 }, async () => {});
    await stage.add([work('a')]);
    await reached(stage, { completed: 1 });
    const keys = (await command('KEYS', '*')) as string[];
    expect(keys.filter((key) => !key.startsWith('{sluice-low}:') && key !== 'sluice:side')).to.deep.equal([]);
  });

  it('refuses the other side, in another database too', async () => {
    await open();
    expect(await refusal(open({ side: 'high' }))).to.equal('STATE_WRONG_SIDE');
    expect(await refusal(open({ side: 'high', redisUrl: url(PASSWORD, 1) }))).to.equal('STATE_WRONG_SIDE');
  });

  it('FAULTS 67: an address that is none is refused, and not quoted', async () => {
    for (const redisUrl of ['secret', 'http://secret@host/', 'redis://', 'redis:secret', '']) {
      const refused = await open({ redisUrl }).catch((error) => error);
      expect(codeOf(refused), redisUrl).to.equal('CONFIG_INVALID');
      expect(refused.message, redisUrl).not.to.contain('secret');
    }
    const missing = openQueueStore({ side: 'low', store: 'redis', dir: root });
    expect(await refusal(missing)).to.equal('CONFIG_INVALID');
  });

  it('FAULTS 54: flushed while it is in use, it says so and goes on', async () => {
    const store = await open();
    let runs = 0;
    const stage = await store.stage<Work>('work', { concurrency: 1 }, async () => {
      runs++;
    });
    await stage.pause();
    await stage.add([work('lost')]);
    await command('FLUSHALL');
    await until('it is told', () => troubles.some(({ code }) => code === 'QUEUE_STORE_EMPTIED'));
    await stage.add([work('lost')]);
    await until('what is added again is handled', () => runs === 1);
  });

  it('FAULTS 54: stopped and started again, work goes on; nobody is told ten times a second', async () => {
    const store = await open();
    const seen: string[] = [];
    const stage = await store.stage<Work>('work', { concurrency: 1 }, async ({ id }) => {
      seen.push(id);
    });
    await stage.add([work('before')]);
    await until('the first is handled', () => seen.length === 1);
    const gone = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    const added = stage.add([work('during')]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await startServer();
    await added;
    await until('the second is handled', () => seen.length === 2);
    expect(seen).to.deep.equal(['before', 'during']);
    expect(troubles.filter(({ code }) => code === 'QUEUE_STORE_UNAVAILABLE')).to.have.length(1);
  });

  it('FAULTS 54: set up to throw keys away it is refused; without an append-only file it is used with a warning', async () => {
    await command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru', 'appendonly', 'no');
    try {
      const refused = await open().catch((error) => error);
      expect(codeOf(refused)).to.equal('QUEUE_STORE_UNSAFE');
      expect(refused.detail).to.contain('maxmemory-policy allkeys-lru');
      await command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      await open();
      expect(troubles.map(({ code }) => code)).to.deep.equal(['QUEUE_STORE_UNSAFE']);
      expect(troubles[0]?.detail).to.contain('appendonly no');
    } finally {
      await command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'appendonly', 'yes');
    }
  });

  it('says after some seconds that nobody answers', async () => {
    const free = await freePort();
    const refused = await open({ redisUrl: `redis://u:hidden@127.0.0.1:${free}` }).catch((error) => error);
    expect(codeOf(refused)).to.equal('QUEUE_STORE_UNAVAILABLE');
    expect(refused.message)
      .to.contain(`redis://u@127.0.0.1:${free}: connect ECONNREFUSED`)
      .and.not.to.contain('hidden');
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
