/** A Redis of the site, as sites run them: TLS, passwords, Sentinels, replicas; and what may happen to it under work. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { codeOf, type ErrorCode, type SluiceError } from '../../shared/core/errors.js';
import { openQueueStore, type QueueStore, type QueueStoreOptions } from '../../shared/ops/queues/store.js';
import { newFolder, removeFolders } from '../support/folders.js';
import { reached, refusal, until, type Work, work } from '../support/queues.js';
import {
  type Certificates,
  makeCertificates,
  RedisProcess,
  skipWithoutRedis,
  stopRedisProcesses,
} from '../support/redisServers.js';

const PASSWORD = 's3cret p@ss';

describe('queues: a Redis of the site, as sites run them', function () {
  this.timeout(40_000);
  before(skipWithoutRedis);

  let troubles: SluiceError[];
  let over: ErrorCode[];
  const stores: QueueStore[] = [];
  const open = async (options: Partial<QueueStoreOptions>) => {
    const store = await openQueueStore({
      side: 'low',
      store: 'redis',
      dir: newFolder(),
      closeTimeoutMs: 300,
      onTrouble: (error) => troubles.push(error),
      onOver: (code) => over.push(code),
      ...options,
    });
    stores.push(store);
    return store;
  };
  const refused = async (options: Partial<QueueStoreOptions>): Promise<SluiceError> => {
    const outcome = await open(options).catch((error) => error);
    expect(codeOf(outcome), String(outcome.kind ?? outcome)).not.to.equal('INTERNAL');
    return outcome as SluiceError;
  };
  const told = (code: ErrorCode) => troubles.some((error) => error.code === code);
  /** Adds a job and waits for its handler. */
  const works = async (store: QueueStore, name = 'work') => {
    const seen: string[] = [];
    const stage = await store.stage<Work>(name, { concurrency: 1 }, async ({ id }) => {
      seen.push(id);
    });
    await stage.add([work('first')]);
    await until('it works', () => seen.includes('first'), 10_000);
    return { stage, seen };
  };
  const secretFile = (content: string, mode = 0o600) => {
    const file = join(newFolder(), 'password');
    writeFileSync(file, content, { mode });
    chmodSync(file, mode);
    return file;
  };
  beforeEach(() => {
    troubles = [];
    over = [];
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await stopRedisProcesses();
  });
  after(removeFolders);

  describe('over TLS', () => {
    let certificates: Certificates;
    before(function () {
      const made = makeCertificates();
      if (made) certificates = made;
      else this.skip();
    });
    const tls = () => RedisProcess.start(certificates.server, { tls: { rejectUnauthorized: false } });

    it('is checked against the authority of the site', async () => {
      const { port } = await tls();
      const store = await open({ redisUrl: `rediss://127.0.0.1:${port}`, redisCa: certificates.ca });
      expect(store.description).to.contain(`rediss://127.0.0.1:${port}`);
      await works(store);
    });

    it('says in clear words what is wrong: an authority nobody knows, another name, no TLS where TLS is asked for', async () => {
      const { port } = await tls();
      const secure = `rediss://127.0.0.1:${port}`;
      for (const redisCa of [undefined, certificates.strangerCa]) {
        const unknown = await refused({ redisUrl: secure, redisCa });
        expect(unknown.code).to.equal('QUEUE_STORE_UNAVAILABLE');
        expect(unknown.detail).to.contain('an authority that is not trusted here').and.to.contain('queues.redisCa');
      }
      const other = await RedisProcess.start(certificates.misnamed, { tls: { rejectUnauthorized: false } });
      const misnamed = await refused({ redisUrl: `rediss://127.0.0.1:${other.port}`, redisCa: certificates.ca });
      expect(misnamed.detail).to.contain('made out to another name');
      const noFile = await refused({ redisUrl: secure, redisCa: join(certificates.folder, 'absent.pem') });
      expect(noFile.code).to.equal('CONFIG_INVALID');
      const noCertificate = await refused({ redisUrl: secure, redisCa: join(certificates.folder, 'ca.key') });
      expect(noCertificate.code).to.equal('CONFIG_INVALID');
      const [plain, unencrypted] = await Promise.all([
        RedisProcess.start().then((server) => refused({ redisUrl: `rediss://127.0.0.1:${server.port}` })),
        refused({ redisUrl: `redis://127.0.0.1:${port}` }),
      ]);
      expect(plain.detail).to.contain('may not speak TLS');
      expect(unencrypted.detail).to.contain('may want TLS');
    });
  });

  it('FAULTS 66: takes its password from a file that only its owner reads, and shows it nowhere', async () => {
    const { url } = await RedisProcess.start(['--requirepass', PASSWORD], { password: PASSWORD });
    await works(await open({ redisUrl: url, redisPasswordFile: secretFile(`${PASSWORD}\n`) }));
    const none = await refused({ redisUrl: url });
    expect(none.detail).to.contain('asks for a password').and.to.contain('queues.redisPasswordFile');
    const wrong = await refused({ redisUrl: url, redisPasswordFile: secretFile('another one') });
    expect(wrong.detail).to.contain('refuses this user and password').and.not.to.contain('another one');
    expect((await refused({ redisUrl: url, redisPasswordFile: secretFile(PASSWORD, 0o644) })).code).to.equal(
      'KEY_EXPOSED',
    );
    expect(JSON.stringify([none, wrong, troubles])).not.to.contain(PASSWORD);
  });

  it('serves a user of its own, and says when that one may too little', async () => {
    const server = await RedisProcess.start();
    await server.command('ACL', 'SETUSER', 'queues', 'on', `>${PASSWORD}`, '~*', '&*', '+@all');
    await server.command('ACL', 'SETUSER', 'reader', 'on', `>${PASSWORD}`, '~*', '+@read', '+ping');
    const redisPasswordFile = secretFile(PASSWORD);
    const at = (user: string) => server.url.replace('//', `//${user}@`);
    await works(await open({ redisUrl: at('queues'), redisPasswordFile }));
    const refusedOne = await refused({ redisUrl: at('reader'), redisPasswordFile });
    expect(refusedOne.detail).to.contain('may not do what the queues need');
  });

  it('is refused when it is a replica or part of a cluster, or belongs to the other side', async () => {
    const master = await RedisProcess.start();
    const replica = await RedisProcess.start(['--replicaof', '127.0.0.1', String(master.port)]);
    expect((await refused({ redisUrl: replica.url })).detail)
      .to.contain('is a replica')
      .and.to.contain('sentinels');
    const cluster = await RedisProcess.start(['--cluster-enabled', 'yes']);
    expect((await refused({ redisUrl: cluster.url })).detail).to.contain('part of a cluster');
    await open({ redisUrl: master.url });
    expect(await refusal(open({ redisUrl: `${master.url}/3`, side: 'high' }))).to.equal('STATE_WRONG_SIDE');
  });

  it('FAULTS 54: behind Sentinels, work goes on at the replica when the master is gone', async () => {
    const master = await RedisProcess.start();
    const replica = await RedisProcess.start(['--replicaof', '127.0.0.1', String(master.port)]);
    const sentinel = await master.startSentinel();
    await until(
      'the sentinel knows the replica',
      async () => {
        return JSON.stringify(await sentinel.command('SENTINEL', 'replicas', 'queues')).includes(String(replica.port));
      },
      15_000,
    );
    const sentinels = [{ host: '127.0.0.1', port: sentinel.port }];
    const unknown = await refused({ sentinels, sentinelName: 'others' });
    expect(unknown.code).to.equal('QUEUE_STORE_UNAVAILABLE');
    const store = await open({ sentinels, sentinelName: 'queues' });
    expect(store.description).to.contain('"queues" behind the Sentinels');
    const { stage, seen } = await works(store);
    await master.kill();
    await until(
      'what is added comes through',
      async () => {
        await stage.add([work('after')]).catch(() => {});
        return seen.includes('after');
      },
      20_000,
    );
    expect(await replica.command('ROLE')).to.include('master');
    await until('the trouble is over', () => over.includes('QUEUE_STORE_UNAVAILABLE'), 10_000);
  });

  it('FAULTS 54: full (maxmemory), it takes nothing more and says so; with room again it is over and work goes on', async () => {
    const server = await RedisProcess.start();
    const { stage, seen } = await works(await open({ redisUrl: server.url }));
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await refusal(stage.add([work('refused')]))).to.equal('QUEUE_STORE_FULL');
    await until('it is told', () => told('QUEUE_STORE_FULL'));
    expect(troubles.map(({ detail }) => detail).join('\n')).not.to.match(/OOM|script/);
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await until('it is over', () => over.includes('QUEUE_STORE_FULL'));
    await stage.add([work('again')]);
    await until('it is handled', () => seen.includes('again'));
  });

  it('FAULTS 54: a job whose data are gone is lost, not failed: no handler sees it, and nothing of it stays', async () => {
    const server = await RedisProcess.start();
    const { stage, seen } = await works(await open({ redisUrl: server.url }));
    await stage.pause();
    await stage.add([work('gone')]);
    const ids = (await server.command('KEYS', '{sluice-low}:work:[0-9]*')) as string[];
    const [waiting] = (await server.command('LRANGE', '{sluice-low}:work:wait', '0', '-1')) as string[];
    const hash = ids.find((key) => key.endsWith(`:${waiting}`)) as string;
    await server.command('DEL', hash);
    await stage.resume();
    await until('it is told', () => told('QUEUE_JOB_LOST'));
    await until('it has gone', async () => (await stage.counts()).active === 0);
    expect(seen).to.deep.equal(['first']);
    expect(await stage.counts()).to.deep.include({ waiting: 0, delayed: 0, failed: 0 });
    expect(await server.command('EXISTS', hash)).to.equal(0);
    expect(told('QUEUE_JOB_FAILED')).to.equal(false);
  });

  it('FAULTS 54: told to throw keys away while it is in use, it says so until that is taken back', async () => {
    const server = await RedisProcess.start();
    await works(await open({ redisUrl: server.url }));
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
    await until('it is told', () => told('QUEUE_STORE_UNSAFE'));
    // Room for nothing: every key goes.
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    await server.command('PING');
    await until('it is full', () => told('QUEUE_STORE_FULL'), 8_000);
    await server.command('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
    await until('the loss is told', () => told('QUEUE_STORE_EMPTIED'), 8_000);
    await until('it is over', () => over.includes('QUEUE_STORE_UNSAFE'));
  });

  it('FAULTS 54: what a torn queue has left does not keep work out: it is forgotten, and what is added again is done', async () => {
    const server = await RedisProcess.start();
    const { stage, seen } = await works(await open({ redisUrl: server.url }));
    await stage.pause();
    await stage.add([work('torn')]);
    // As a server does that throws keys away: the list goes, the job and the note that its key is taken stay.
    const keys = (await server.command('KEYS', '{sluice-low}:work:*')) as string[];
    expect(keys.filter((key) => key.includes(':de:'))).to.have.length(1);
    const lists = keys.filter((key) => /:(wait|paused|prioritized)$/.test(key));
    await server.command('DEL', ...(lists as [string]));
    await stage.add([work('torn')]);
    expect((await stage.counts()).waiting, 'its key is taken').to.equal(0);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await refusal(stage.add([work('refused')]))).to.equal('QUEUE_STORE_FULL');
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    await until('it is told', () => told('QUEUE_STORE_EMPTIED'));
    expect(await stage.isPaused(), 'an operator said so').to.equal(true);
    await stage.add([work('torn')]);
    await stage.resume();
    await until('it is handled', () => seen.includes('torn'));
  });

  it('FAULTS 54: stopped in its tracks (SIGSTOP) it is said not to answer, and nothing was lost when it goes on', async () => {
    const server = await RedisProcess.start();
    const { stage, seen } = await works(await open({ redisUrl: server.url }));
    server.signal('SIGSTOP');
    const adding = stage.add([work('meanwhile')]);
    await until('it is told', () => told('QUEUE_STORE_UNAVAILABLE'), 12_000);
    expect(troubles.at(-1)!.detail).to.contain('does not answer');
    server.signal('SIGCONT');
    await adding;
    await until('it is handled', () => seen.includes('meanwhile'));
    await until('it is over', () => over.includes('QUEUE_STORE_UNAVAILABLE'));
  });

  it('keeps so many finished jobs, for so long', async () => {
    const server = await RedisProcess.start();
    const store = await open({ redisUrl: server.url, keepFinished: 7, keepFinishedFor: 2_000 });
    const stage = await store.stage<Work>('work', { concurrency: 2 }, async () => {});
    await stage.add(Array.from({ length: 40 }, (_, i) => work(String(i))));
    await reached(stage, { waiting: 0, active: 0, completed: 7 });
    await until('they are old', async () => (await stage.counts()).completed === 0, 8_000);
  });
});
