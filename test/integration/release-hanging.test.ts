/** FAULTS 49, 60: real releasing processes, one of whose storages really hangs: a mount that nobody answers. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ReleaseLanes } from '../../egress/release/lanes.js';
import type { ReleaseOrder, ReleaserProtocol } from '../../egress/release/messages.js';
import { codeOf } from '../../shared/core/errors.js';
import { Child, DISK_SILENT_MS } from '../../shared/ops/processes/children.js';
import { newFolder, removeFolders } from '../support/folders.js';
import { type HangingMount, hangAt } from '../support/hangingMount.js';
import { until } from '../support/queues.js';

const module = new URL('../../egress/release/process.js', import.meta.url);
const FOR_EVER = Number.POSITIVE_INFINITY;

describe('a storage that hangs', function () {
  this.timeout(60_000);
  let base: string;
  let lanes: ReleaseLanes;
  let mount: HangingMount | undefined;
  let told: string[];
  let orders: number;

  beforeEach(async () => {
    base = newFolder();
    for (const folder of ['staging', 'payloads', 'storage', 'storage/slow', 'storage/town']) {
      fs.mkdirSync(join(base, folder));
    }
    [told, orders] = [[], 0];
    lanes = new ReleaseLanes(
      (name) =>
        new Child<ReleaserProtocol>({
          name,
          module,
          silentMs: DISK_SILENT_MS,
          onStart: async (child) => void (await child.ask('start', { stagingDir: join(base, 'staging') })),
        }),
      {
        stuck: (storage) => told.push(`stuck ${storage.slice(base.length)}`),
        over: (storage) => told.push(`over ${storage.slice(base.length)}`),
      },
      { lateMs: 500, stuckMs: 1_000, returnMs: 500 },
    );
    await lanes.start();
  });
  afterEach(async () => {
    mount?.end();
    mount = undefined;
    await lanes.stop();
    removeFolders();
  });

  const orderFor = (tenantFolder: string, name: string): ReleaseOrder => {
    const payloadFile = join(base, 'payloads', String(++orders));
    fs.writeFileSync(payloadFile, name);
    return {
      transfer: orders.toString(16).padStart(32, '0'),
      storageRoot: join(base, 'storage'),
      tenantFolder,
      parts: [name],
      payloadFile,
      offset: 0,
      sizeBytes: Buffer.byteLength(name),
      whole: false,
      sha256: createHash('sha256').update(name).digest('hex'),
      mtimeNs: 1_700_000_000_000_000_000n,
    };
  };
  /** "ok", or the code of the failure. */
  const release = async (order: ReleaseOrder): Promise<string> => {
    try {
      const [result] = await lanes.ask('release', [order], FOR_EVER);
      return result!.ok ? 'ok' : result!.code;
    } catch (error) {
      return codeOf(error);
    }
  };
  const inStorage = (tenant: string) => fs.readdirSync(join(base, 'storage', tenant)).sort();

  it('FAULTS 60: others are released within seconds; when it answers, its own are, each once', async function () {
    mount = hangAt(join(base, 'storage/slow'));
    if (!mount) {
      console.log('      skipped: mounting FUSE is not allowed here');
      return this.skip();
    }
    const held = [orderFor('slow', 'first'), orderFor('slow', 'second')];
    const hanging = release(held[0]!);
    const waiting = release(held[1]!);
    const startMs = performance.now();
    expect(await release(orderFor('town', 'letter'))).to.equal('ok');
    expect(performance.now() - startMs).to.be.below(10_000);
    expect(await waiting).to.equal('RELEASE_STUCK');
    await until('the alarm', () => told.length === 1);
    expect(told).to.deep.equal(['stuck /storage/slow']);
    const stuckPid = lanes.pids['releaser.slow']!;
    for (let n = 0; n < 5; n++) {
      expect(await release(orderFor('town', `letter ${n}`))).to.equal('ok');
      expect(await release(held[1]!)).to.equal('RELEASE_STUCK');
    }
    expect(Object.keys(lanes.pids), 'one process for it, however often it is tried').to.have.length(3);

    mount.end();
    expect(await hanging, 'the call that hung ends').to.equal('RELEASE_IO');
    await until('that it is over', () => told.length === 2);
    for (const order of held) expect(await release(order)).to.equal('ok');
    for (const order of held) expect(await release(order), 'a repetition finds it').to.equal('ok');
    expect(inStorage('slow')).to.deep.equal(['first', 'second']);
    expect(inStorage('town')).to.have.length(6);
    await until('its own process to end', () => !('releaser.slow' in lanes.pids));
    await until('its end', () => !fs.existsSync(`/proc/${stuckPid}`));
  });

  it('FAULTS 51, 60: a call that hung and is done at last counts, and nothing has been done beside it', async () => {
    const before = lanes.pids.letterReleaser!;
    process.kill(before, 'SIGSTOP');
    const order = orderFor('slow', 'first');
    const hanging = release(order);
    await until('the process to be set aside', () => lanes.pids.letterReleaser !== before);
    expect(await release(order)).to.equal('RELEASE_STUCK');
    expect(await release(orderFor('town', 'letter'))).to.equal('ok');
    process.kill(before, 'SIGCONT');
    expect(await hanging).to.equal('ok');
    expect(await release(order)).to.equal('ok');
    expect(inStorage('slow')).to.deep.equal(['first']);
  });

  it('a side can be ended while a storage hangs', async function () {
    mount = hangAt(join(base, 'storage/slow'));
    if (!mount) return this.skip();
    void release(orderFor('slow', 'first'));
    await until('the process to be set aside', () => 'releaser.slow' in lanes.pids);
    const startMs = performance.now();
    await lanes.stop();
    expect(performance.now() - startMs).to.be.below(15_000);
  });
});
