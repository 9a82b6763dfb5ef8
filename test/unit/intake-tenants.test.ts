/** Several tenants, quotas, settings that change, device numbers that change, and copies beside the polls. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Batch } from '../../ingress/intake/batch.js';
import { dispose } from '../../ingress/intake/dispose.js';
import type { KnownEntry } from '../../ingress/intake/known.js';
import { Intake, type QuotaRoom } from '../../ingress/intake/watch.js';
import { quotaRooms } from '../../ingress/work/quotas.js';
import { ManualClock } from '../../shared/core/clock.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Prng } from '../../shared/core/prng.js';
import { Partition } from '../../shared/fec/partition.js';
import { type Call, newFolder, removeFolders, systemError, watchedFs } from '../support/folders.js';
import { HOLD_MS, newIntake } from '../support/intake.js';

const paths = (list: { path: string }[]) => list.map(({ path }) => path);
const codes = (list: { path: string; code: string }[]) => list.map(({ path, code }) => `${path} ${code}`);

describe('intake: tenants go on independently', () => {
  afterEach(removeFolders);

  function two(
    options: { fs?: ReturnType<typeof watchedFs>; recorded?: (tenant: string) => Promise<void> | undefined } = {},
  ) {
    const base = newFolder();
    for (const folder of ['a', 'b', 'spool']) fs.mkdirSync(join(base, folder));
    const batches: Batch[] = [];
    const tenants = ['a', 'b'].map((name) => {
      return { name, share: join(base, name), names: 'posix' as const, maxObjectBytes: 1e9 };
    });
    const intake = new Intake(
      { tenants, spoolDir: join(base, 'spool'), holdMs: 0, symbolBytes: 1408, blockSymbols: 4096 },
      {
        clock: new ManualClock(),
        yieldNow: async () => {},
        onBatch: (batch) => {
          batches.push(batch);
          return options.recorded?.(batch.tenant);
        },
        ...(options.fs ? { fs: options.fs } : {}),
      },
    );
    return { base, intake, batches, tenants };
  }

  it('FAULTS 60: while nobody records the batches of one tenant, another one is polled and taken', async () => {
    let open: () => void = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { base, intake, batches } = two({ recorded: (tenant) => (tenant === 'a' ? opened : undefined) });
    fs.writeFileSync(join(base, 'a/f'), '');
    const waiting = intake.pollTenant('a');
    for (let i = 0; i < 3; i++) {
      fs.writeFileSync(join(base, `b/f${i}`), '');
      expect(await intake.pollTenant('b')).to.include({ taken: 1 });
    }
    open();
    expect(await waiting).to.include({ taken: 1 });
    expect(batches.map(({ tenant }) => tenant)).to.deep.equal(['a', 'b', 'b', 'b']);
    await intake.close();
  });

  for (const errno of ['EIO', 'ESTALE', 'EACCES', 'ENOENT', 'ENOTCONN']) {
    it(`FAULTS 32, 60: a share that gives ${errno} is a trouble of that share only, and nothing of it is forgotten`, async () => {
      let failing = false;
      const before = ({ name, args }: Call) => {
        if (failing && name === 'openSync' && String(args[0]).endsWith('/a')) throw systemError(errno);
      };
      const { base, intake, batches } = two({ fs: watchedFs({ before }) });
      fs.writeFileSync(join(base, 'a/f'), '');
      await intake.poll();
      failing = true;
      fs.writeFileSync(join(base, 'b/f'), '');
      const report = await intake.poll();
      expect(report.troubles.map(({ tenant, detail }) => `${tenant} ${detail}`)).to.deep.equal([
        `a The share gives ${errno}.`,
      ]);
      failing = false;
      await intake.poll();
      expect(batches.map(({ tenant }) => tenant)).to.deep.equal(['a', 'b']);
      await intake.close();
    });
  }

  it('other tenants are served from the next poll on, and what is known of one that comes back stays known', async () => {
    const { base, intake, batches, tenants } = two();
    fs.writeFileSync(join(base, 'a/f'), '12345');
    await intake.poll();
    intake.setTenants([tenants[1]!]);
    fs.writeFileSync(join(base, 'a/g'), '');
    expect([...(await intake.poll()).tenants.keys()]).to.deep.equal(['b']);
    intake.setTenants([tenants[1]!, { ...tenants[0]!, maxObjectBytes: 3 }]);
    fs.writeFileSync(join(base, 'a/h'), '1234');
    fs.writeFileSync(join(base, 'a/F'), '');
    await intake.poll();
    expect(batches.flatMap(({ taken }) => paths(taken))).to.deep.equal(['f', 'F', 'g']);
    expect(batches.flatMap(({ refused }) => codes(refused))).to.deep.equal(['h INTAKE_TOO_LARGE']);
    // Under other rules the name of what lies there counts at once.
    intake.setTenants([{ ...tenants[0]!, names: 'portable' }]);
    fs.writeFileSync(join(base, 'a/G'), '');
    await intake.poll();
    expect(batches.flatMap(({ refused }) => codes(refused)).at(-1)).to.equal('G NAME_COLLISION');
    await intake.close();
  });

  it('FAULTS 51: a tenant that is configured after the start knows what the ledger knew of it', async () => {
    const { base, intake, batches, tenants } = two();
    fs.writeFileSync(join(base, 'a/f'), '');
    await intake.poll();
    const { rawPath, identity } = batches[0]!.taken[0]!;
    await intake.close();
    const again: Batch[] = [];
    const later = new Intake(
      { tenants: [tenants[1]!], spoolDir: join(base, 'spool'), holdMs: 0, symbolBytes: 1408, blockSymbols: 4096 },
      {
        clock: new ManualClock(),
        yieldNow: async () => {},
        onBatch: (batch) => void again.push(batch),
        known: [{ tenant: 'a', rawPath, identity, state: 'taken' }],
      },
    );
    later.setTenants(tenants);
    await later.poll();
    expect(again).to.deep.equal([]);
    await later.close();
  });
});

describe('intake: large files are copied beside the polls', () => {
  afterEach(removeFolders);

  const LARGE = 3_000_000;

  it('what lies in the spool is what was there, with the digests of file and blocks', async () => {
    const bench = newIntake({ inlineMaxFileBytes: 1_000_000, symbolBytes: 1024, blockSymbols: 700 });
    for (const size of [LARGE, 1_000_001, 5_000_000]) {
      const content = new Prng(size).fill(new Uint8Array(size));
      bench.drop(`f${size}`, Buffer.from(content));
    }
    for (let i = 0; i < 4; i++) await bench.settle();
    expect(bench.taken()).to.have.length(3);
    for (const taken of bench.taken()) {
      const bytes = bench.bytesOf(taken);
      expect(bytes.equals(fs.readFileSync(join(bench.share, taken.path)))).to.equal(true);
      const sha256 = (part: Uint8Array) => createHash('sha256').update(part).digest('hex');
      expect(taken.sha256.toString('hex')).to.equal(sha256(bytes));
      const partition = new Partition(taken.sizeBytes, { symbolBytes: 1024, blockSymbols: 700 });
      const digests = Array.from({ length: partition.blocks }, (_, sbn) => {
        const start = partition.byteOffset(sbn);
        return sha256(bytes.subarray(start, start + partition.byteLength(sbn)));
      });
      expect(taken.blockDigests.toString('hex')).to.equal(digests.join(''));
    }
    await bench.intake.close();
  });

  it('FAULTS 60: small files of the same tenant are taken while a large one is copied', async () => {
    const bench = newIntake({ inlineMaxFileBytes: 1_000_000 });
    bench.drop('a-large', Buffer.alloc(LARGE));
    bench.drop('small');
    await bench.intake.poll();
    bench.clock.advance(HOLD_MS);
    const report = await bench.intake.poll();
    expect(report).to.include({ taken: 1 });
    expect(paths(bench.taken())).to.deep.equal(['small']);
    await bench.intake.idle();
    expect(paths(bench.taken())).to.deep.equal(['small', 'a-large']);
    expect(await bench.intake.poll()).to.include({ entries: 2, stable: 0, waiting: 0 });
    await bench.intake.close();
  });

  it('FAULTS 30: one that changes while it is copied is not taken, and nothing is left of it', async () => {
    const bench = newIntake({ inlineMaxFileBytes: 1_000_000 });
    bench.drop('f', Buffer.alloc(60_000_000));
    await bench.intake.poll();
    bench.clock.advance(HOLD_MS);
    await bench.intake.poll();
    fs.writeFileSync(join(bench.share, 'f'), 'x', { flag: 'r+' });
    await bench.intake.idle();
    expect([bench.batches.length, fs.readdirSync(bench.spoolDir)]).to.deep.equal([0, []]);
    await bench.settle();
    expect(bench.taken()).to.have.length(1);
    await bench.intake.close();
  });

  it('FAULTS 30: one that was swapped before it was opened is not read', async () => {
    const bench = newIntake({ inlineMaxFileBytes: 1_000_000 }, { yieldNow: async () => swap() });
    let swap = () => {};
    bench.drop('f', Buffer.alloc(LARGE));
    await bench.intake.poll();
    bench.clock.advance(HOLD_MS);
    swap = () => {
      fs.rmSync(join(bench.share, 'f'), { force: true });
      fs.symlinkSync('/etc/passwd', join(bench.share, 'f'));
      swap = () => {};
    };
    await bench.intake.poll();
    await bench.intake.idle();
    expect([bench.batches.length, fs.readdirSync(bench.spoolDir)]).to.deep.equal([0, []]);
    await bench.settle();
    expect(codes(bench.refused())).to.deep.equal(['f INTAKE_NOT_REGULAR']);
    await bench.intake.close();
  });
});

describe('intake: quotas', () => {
  afterEach(removeFolders);

  const quota = (left: Partial<QuotaRoom>): Record<string, QuotaRoom> => ({
    demo: { bytes: 1_000, objects: 100, leftBytes: 1_000, leftObjects: 100, ...left },
  });

  it('what does not fit is held, told once, and goes on by itself as soon as there is room', async () => {
    const bench = newIntake();
    bench.drop('big', 'x'.repeat(600));
    bench.drop('small', 'x'.repeat(10));
    bench.intake.hold(null, 1e9, quota({ leftBytes: 500 }));
    expect(await bench.settle()).to.include({ taken: 1, held: 1, overQuota: 1, heldBack: null });
    expect(codes(bench.held())).to.deep.equal(['big QUOTA_EXCEEDED']);
    expect(bench.held()[0]!.detail).to.equal(
      'The quota is 1000 B and 100 files inside the gateway at a time, and this has 600 B. It is taken by itself as soon as there is room.',
    );
    for (let i = 0; i < 20; i++) {
      bench.clock.advance(60_000);
      expect(await bench.intake.poll()).to.include({ overQuota: 1, taken: 0 });
    }
    expect(bench.held()).to.have.length(1);
    bench.intake.hold(null, 1e9, quota({ leftBytes: 600 }));
    expect(await bench.intake.poll()).to.include({ overQuota: 0, taken: 1 });
  });

  it('counts objects as well, and what was taken since the last word', async () => {
    const bench = newIntake({ batchMaxFiles: 2 });
    for (let i = 0; i < 10; i++) bench.drop(`f${i}`);
    bench.intake.hold(null, 1e9, quota({ leftObjects: 4 }));
    expect(await bench.settle()).to.include({ taken: 4, overQuota: 6 });
    expect(await bench.settle()).to.include({ taken: 0, overQuota: 6 });
    bench.intake.hold(null, 1e9, quota({ leftObjects: 1 }));
    expect(await bench.intake.poll()).to.include({ taken: 1, overQuota: 5 });
    bench.intake.hold(null);
    expect(await bench.intake.poll()).to.include({ taken: 5, overQuota: 0 });
  });

  it('each file beyond it is named, up to a limit; of the others a number is told', async () => {
    const bench = newIntake();
    const files = LIMITS.quotaNamed + 100;
    for (let i = 0; i < files; i++) bench.drop(`f${i}`);
    bench.intake.hold(null, 1e9, quota({ leftObjects: 0 }));
    for (let i = 0; i < 3; i++) expect(await bench.settle()).to.include({ overQuota: files });
    expect(bench.held()).to.have.length(LIMITS.quotaNamed);
    // As the first ones are taken, others are named.
    bench.intake.hold(null, 1e9, quota({ leftObjects: 50 }));
    await bench.settle();
    bench.intake.hold(null, 1e9, quota({ leftObjects: 0 }));
    await bench.settle();
    expect(new Set(paths(bench.held()))).to.have.length(LIMITS.quotaNamed + 50);
    bench.intake.hold(null);
    expect(await bench.intake.poll()).to.include({ taken: files - 50 });
  });

  it('a file larger than the whole quota is refused', async () => {
    const bench = newIntake();
    bench.drop('f', 'x'.repeat(1_001));
    bench.drop('g', 'x'.repeat(1_000));
    bench.intake.hold(null, 1e9, quota({}));
    await bench.settle();
    expect(codes(bench.refused())).to.deep.equal(['f QUOTA_TOO_SMALL']);
    expect(paths(bench.taken())).to.deep.equal(['g']);
  });

  it('the room is what the ledger counts as taken and not yet sent', () => {
    const tally = (tenant: string, state: string, objects: number, bytes: number, isSpooled = true) => {
      return { tenant, state, objects, bytes, isSpooled };
    };
    const rooms = quotaRooms(
      [
        { name: 'a', quota: { bytes: 1_000, objects: undefined } },
        { name: 'b', quota: { bytes: undefined, objects: 5 } },
        { name: 'c', quota: { bytes: undefined, objects: undefined } },
      ],
      [
        tally('a', 'taken', 2, 300),
        tally('a', 'held', 1, 100),
        tally('a', 'held', 9, 9_999, false),
        tally('a', 'sending', 1, 50),
        tally('a', 'sent', 9, 9_999),
        tally('a', 'refused', 9, 9_999),
        tally('b', 'sealed', 7, 1),
      ],
    );
    expect(Object.keys(rooms)).to.deep.equal(['a', 'b']);
    expect(rooms.a).to.include({ bytes: 1_000, leftBytes: 550, leftObjects: Number.POSITIVE_INFINITY });
    expect(rooms.b).to.include({ objects: 5, leftObjects: -2, leftBytes: Number.POSITIVE_INFINITY });
  });
});

describe('intake: file systems whose device number changes', () => {
  afterEach(removeFolders);

  /** What the ledger would say, as of a mount with another number. */
  async function remounted(bench: ReturnType<typeof newIntake>) {
    const known: KnownEntry[] = bench.taken().map(({ rawPath, identity }) => {
      return { tenant: 'demo', rawPath, identity: { ...identity, dev: identity.dev + 7n }, state: 'taken' as const };
    });
    await bench.intake.close();
    bench.batches.length = 0;
    bench.intake = new Intake(
      {
        tenants: [{ name: 'demo', share: bench.share, names: 'portable', maxObjectBytes: 1e9 }],
        spoolDir: bench.spoolDir,
        holdMs: HOLD_MS,
        symbolBytes: 1408,
        blockSymbols: 4096,
      },
      {
        clock: bench.clock,
        yieldNow: async () => {},
        onBatch: (batch) => void bench.batches.push(batch),
        known,
      },
    );
  }

  it('nothing that stayed in the share is taken again after a restart, and a changed file is', async () => {
    const bench = newIntake();
    for (const name of ['a', 'b', 'c']) bench.drop(name);
    await bench.settle();
    await remounted(bench);
    bench.drop('b', 'other');
    await bench.settle();
    expect(paths(bench.taken())).to.deep.equal(['b']);
  });

  it('FAULTS 30: another file with the same size and times is another file', async () => {
    const bench = newIntake();
    bench.drop('a', 'one');
    await bench.settle();
    await remounted(bench);
    const { atime, mtime } = fs.statSync(join(bench.share, 'a'));
    bench.drop('b', 'two');
    fs.utimesSync(join(bench.share, 'b'), atime, mtime);
    fs.renameSync(join(bench.share, 'b'), join(bench.share, 'a'));
    await bench.settle();
    expect(bench.taken().map((taken) => bench.bytesOf(taken).toString())).to.deep.equal(['two']);
  });

  it('FAULTS 25: a name that is gone from the share does not stand in the way of another one', async () => {
    const bench = newIntake();
    bench.drop('Report.pdf');
    bench.drop('other');
    await bench.settle();
    await remounted(bench);
    fs.rmSync(join(bench.share, 'Report.pdf'));
    bench.drop('report.pdf');
    await bench.settle();
    await bench.settle();
    expect(paths(bench.taken())).to.deep.equal(['report.pdf']);
    expect(bench.refused()).to.deep.equal([]);
    // What is gone is forgotten although its device number is of the past.
    expect(bench.intake.countRemembered()).to.equal(2);
  });

  it('the original still goes to the accepted ones', () => {
    const base = newFolder();
    fs.mkdirSync(join(base, 'share'));
    fs.writeFileSync(join(base, 'share/f'), 'x');
    const { dev, ino, size, mtimeNs, ctimeNs } = fs.statSync(join(base, 'share/f'), { bigint: true });
    const identity = { dev: dev + 7n, ino, sizeBytes: Number(size), mtimeNs, ctimeNs };
    const request = { share: join(base, 'share'), rawPath: Buffer.from('f'), transfer: 'ab', mode: 'move' as const };
    expect(dispose({ ...request, identity, acceptedFolder: join(base, 'accepted') })).to.deep.equal({
      outcome: 'moved',
      path: 'f',
    });
  });
});
