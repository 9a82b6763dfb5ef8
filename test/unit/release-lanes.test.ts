/** Who is released next (egress/release/lanes.ts), with processes that end their work when a test says so. */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { ReleaseLanes, stuckWords } from '../../egress/release/lanes.js';
import type { ReleaseOrder } from '../../egress/release/messages.js';
import { codeOf, SluiceError } from '../../shared/core/errors.js';

const KiB = 1024;
const GiB = 1024 ** 3;

describe('lanes of the releasing processes', () => {
  let lanes: ReleaseLanes;
  /** What each process has been asked, and how it ends. */
  let told: string[];
  let asked: { lane: string; tenant: string; end: (error?: Error) => void }[];

  beforeEach(() => {
    asked = [];
    told = [];
    lanes = new ReleaseLanes(
      (lane) => ({
        pid: 1,
        start: async () => {},
        stop: async () => {},
        ask: (_name: string, orders: unknown) =>
          new Promise((resolve, reject) => {
            const end = (error?: Error) => (error ? reject(error) : resolve(orders as never));
            asked.push({ lane, tenant: (orders as ReleaseOrder[])[0]?.tenantFolder ?? '', end });
          }),
      }),
      {
        stuck: (folder, about) => told.push(`${folder} hangs: ${about}`),
        over: (about) => told.push(`over: ${about}`),
      },
      20,
    );
  });

  const ask = (tenantFolder: string, sizeBytes: number, objects = 1) => {
    const orders = Array.from({ length: objects }, () => ({ tenantFolder, sizeBytes }) as ReleaseOrder);
    return lanes.ask('release', orders, 1_000);
  };

  it('FAULTS 60: a storage that hangs is told of by its name while others wait behind it, until it answers', async () => {
    const hanging = ask('slow', 10 * KiB);
    const behind = ask('town', 10 * KiB);
    await sleep(60);
    expect(told).to.deep.equal(['slow hangs: releasing letters slow']);
    asked[0]!.end();
    await hanging;
    await setImmediate();
    asked[1]!.end();
    await behind;
    await sleep(60);
    expect(told.slice(1)).to.deep.equal(['over: releasing letters slow']);
    const large = ask('flood', 5 * GiB);
    await sleep(60);
    asked[2]!.end();
    await large;
    expect(told, 'a large file takes its time').to.have.length(2);
    expect(stuckWords('slow', new Map([['the town hall', '/srv/storage/slow']]))).to.contain('the town hall');
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
