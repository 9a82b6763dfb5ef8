/** Who is released next (egress/release/lanes.ts), with processes that end their work when a test says so. */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ReleaseLanes, stuckWords } from '../../egress/release/lanes.js';
import type { ReleaseOrder } from '../../egress/release/messages.js';
import { codeOf, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { until } from '../support/queues.js';

const KiB = 1024;
const GiB = 1024 ** 3;

describe('lanes of the releasing processes', () => {
  let lanes: ReleaseLanes;
  /** What each process has been asked, and how it ends. */
  let told: string[];
  let asked: { lane: string; tenant: string; end: (error?: Error) => void }[];
  /** Processes that run, by number. */
  let running: Set<number>;
  let made: number;

  beforeEach(() => {
    asked = [];
    told = [];
    running = new Set();
    made = 0;
    lanes = new ReleaseLanes(
      (lane) => {
        const pid = ++made;
        return {
          pid,
          start: async () => void running.add(pid),
          stop: async () => void running.delete(pid),
          ask: (_name: string, orders: unknown) =>
            new Promise((resolve, reject) => {
              const end = (error?: Error) => (error ? reject(error) : resolve(orders as never));
              asked.push({ lane, tenant: (orders as ReleaseOrder[])[0]?.tenantFolder ?? '', end });
            }),
        };
      },
      {
        stuck: (storage, holdsUp) => told.push(`${storage} hangs${holdsUp ? ' and holds up others' : ''}`),
        over: (storage) => told.push(`${storage} answers`),
      },
      { lateMs: 20, stuckMs: 60, returnMs: 50 },
    );
  });
  afterEach(() => lanes.stop());

  const ask = (tenantFolder: string, sizeBytes: number, objects = 1) => {
    const orders = Array.from(
      { length: objects },
      () => ({ storageRoot: '/s', tenantFolder, sizeBytes }) as ReleaseOrder,
    );
    return lanes.ask('release', orders, 1_000);
  };
  const tenants = () => asked.map(({ tenant }) => tenant);

  it('FAULTS 60: a storage that hangs keeps its process, and others go on with a new one', async () => {
    await lanes.start();
    const hanging = ask('slow', 10 * KiB);
    const waiting = ask('slow', 10 * KiB).catch(codeOf);
    const behind = ask('town', 10 * KiB);
    await until('the other', () => asked.length > 1);
    expect(tenants()).to.deep.equal(['slow', 'town']);
    asked[1]!.end();
    await behind;
    expect(await waiting, 'comes again').to.equal('RELEASE_STUCK');
    expect(await ask('slow', GiB).catch(codeOf), 'nothing else is begun there').to.equal('RELEASE_STUCK');
    expect(asked).to.have.length(2);
    await until('the alarm', () => told.length > 0);
    expect(told).to.deep.equal(['/s/slow hangs']);
    expect([...running], 'none was ended').to.deep.equal([1, 2, 3]);
    expect(Object.keys(lanes.pids)).to.include('releaser.slow');

    asked[0]!.end();
    await hanging;
    await setImmediate();
    expect(told.slice(1)).to.deep.equal(['/s/slow answers']);
    const next = ask('slow', 10 * KiB);
    expect(tenants()).to.deep.equal(['slow', 'town', 'slow']);
    asked[2]!.end();
    await next;
    await until('its return to the others', () => running.size === 2);
    expect([...running]).to.deep.equal([2, 3]);
  });

  it('FAULTS 60: a storage that hangs in both processes is served by one when it answers', async () => {
    await lanes.start();
    const both = [ask('slow', 10 * KiB), ask('slow', KiB, 17)];
    await until('two processes of its own', () => running.size === 4);
    asked[0]!.end();
    await both[0];
    expect(await ask('slow', 1).catch(codeOf), 'the other call has not ended').to.equal('RELEASE_STUCK');
    asked[1]!.end();
    await both[1];
    await setImmediate();
    expect(running.size).to.equal(3);
    const after = [ask('slow', 10 * KiB), ask('slow', KiB, 17)];
    expect(asked, 'one thing at a time').to.have.length(3);
    asked[2]!.end();
    await after[0];
    await setImmediate();
    asked[3]!.end();
    await after[1];
  });

  it('FAULTS 60: a process that ends is no answer of its storage, and a large file takes its time', async () => {
    const dying = ask('slow', 10 * KiB).catch(codeOf);
    await until('the alarm', () => told.length > 0);
    const end = new SluiceError('CHILD_FAILED', 'It died.');
    asked[0]!.end(end);
    expect(await dying).to.equal('CHILD_FAILED');
    expect(told).to.deep.equal(['/s/slow hangs']);
    const again = ask('slow', 10 * KiB);
    asked[1]!.end();
    await again;
    await setImmediate();
    expect(told).to.deep.equal(['/s/slow hangs', '/s/slow answers']);
    const large = ask('flood', 5 * GiB);
    await sleep(100);
    asked[2]!.end();
    await large;
    expect(told).to.have.length(2);
  });

  it('so many storages have a process of their own; those beyond hold others up, which is said', async () => {
    for (let n = 0; n < LIMITS.releaseMaxAside; n++) {
      void ask(`slow ${n}`, KiB).catch(() => {});
      await until('its process', () => made === 3 + n);
    }
    const last = ask('slow last', KiB);
    const behind = ask('town', KiB);
    await until('the alarm', () => told.at(-1) === '/s/slow last hangs and holds up others');
    expect(made).to.equal(2 + LIMITS.releaseMaxAside);
    expect(tenants().at(-1)).to.equal('slow last');
    asked[0]!.end();
    await until('a place for it', () => tenants().at(-1) === 'town');
    asked.at(-1)!.end();
    asked.at(-2)!.end();
    await Promise.all([last, behind]);
  });

  it('says whose storage it is', () => {
    const storages = new Map([['the town hall', '/srv/storage/slow']]);
    expect(stuckWords('/srv/storage/slow', storages, false)).to.contain('the town hall');
    expect(stuckWords('/srv/storage/gone', storages, true))
      .to.contain('/srv/storage/gone')
      .and.contain('others wait');
  });

  it('FAULTS 60: a letter does not wait for a large file that is being made durable', async () => {
    void ask('flood', 5 * GiB);
    const letter = ask('town', 10 * KiB);
    expect(asked.map(({ lane, tenant }) => [lane, tenant])).to.deep.equal([
      ['releasing', 'flood'],
      ['releasing letters', 'town'],
    ]);
    asked[1]!.end();
    await letter;
  });

  it('FAULTS 60: tenants take turns at a process, however many objects one of them has waiting', async () => {
    for (let n = 0; n < 50; n++) void ask('flood', 10 * KiB);
    void ask('town', 10 * KiB);
    for (let n = 0; n < 3; n++) {
      asked[n]!.end();
      await setImmediate();
    }
    expect(asked.map(({ tenant }) => tenant).slice(0, 3)).to.include('town');
    for (let n = 3; n < 51; n++) {
      asked[n]!.end();
      await setImmediate();
    }
    expect(asked.length).to.equal(51);
  });

  it('a process does one thing at a time, and goes on after a failure', async () => {
    const first = ask('a', GiB).catch(codeOf);
    const second = ask('a', GiB);
    const many = ask('a', 1, 17);
    expect(asked.length).to.equal(1);
    asked[0]!.end(new SluiceError('CHILD_FAILED', 'It died.'));
    expect(await first).to.equal('CHILD_FAILED');
    await setImmediate();
    expect(asked.length).to.equal(2);
    asked[1]!.end();
    await second;
    await setImmediate();
    expect(asked[2]!.lane).to.equal('releasing');
    asked[2]!.end();
    await many;
  });
});
