/** Folders that travel as a unit: when they are complete, and all or nothing. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { KnownEntry } from '../../ingress/intake/known.js';
import { Intake } from '../../ingress/intake/watch.js';
import { ManualClock } from '../../shared/core/clock.js';
import { type Call, newFolder, removeFolders, systemError, watchedFs } from '../support/folders.js';
import { type Bench, HOLD_MS, newIntake } from '../support/intake.js';

describe('intake: consignments', () => {
  afterEach(removeFolders);

  const paths = (list: { path: string }[]) => list.map(({ path }) => path);
  const codes = (list: { path: string; code: string }[]) => list.map(({ path, code }) => `${path} ${code}`);
  const drop = (bench: Bench, folder: string, names: readonly string[]) => {
    for (const name of names) bench.drop(`${folder}/${name}`, name);
  };

  it('a folder with a marker is taken as one, marker and folders below included, and the rest on its own', async () => {
    const bench = newIntake();
    drop(bench, 'case/7', ['.consignment', 'a', 'deep/b', 'deep/er/c']);
    bench.drop('letter');
    expect(await bench.intake.poll()).to.include({ entries: 5, waiting: 5 });
    await bench.settle();
    const units = bench.batches.flatMap(({ consignments }) => consignments);
    expect(units).to.have.length(1);
    expect(units[0]).to.include({ root: 'case/7', objects: 4, bytes: 28 });
    expect(units[0]!.id).to.match(/^[0-9a-f]{32}$/);
    const members = bench.taken().filter(({ consignment }) => consignment?.id === units[0]!.id);
    expect(paths(members)).to.deep.equal(['case/7/.consignment', 'case/7/a', 'case/7/deep/b', 'case/7/deep/er/c']);
    expect(members.map((taken) => bench.bytesOf(taken).toString())).to.deep.equal([
      '.consignment',
      'a',
      'deep/b',
      'deep/er/c',
    ]);
    expect(paths(bench.taken().filter(({ consignment }) => !consignment))).to.deep.equal(['letter']);
    await bench.settle();
    expect(bench.taken()).to.have.length(5);
  });

  it('the topmost marker counts; one at the top of the share or on a folder is none', async () => {
    const bench = newIntake();
    drop(bench, 'unit', ['.consignment', 'inner/.consignment', 'inner/x']);
    bench.drop('.consignment');
    fs.mkdirSync(join(bench.share, 'plain/.consignment'), { recursive: true });
    bench.drop('plain/f');
    await bench.settle();
    expect(bench.batches.flatMap(({ consignments }) => consignments.map(({ root }) => root))).to.deep.equal(['unit']);
    const alone = bench.taken().filter(({ consignment }) => !consignment);
    expect(paths(alone)).to.deep.equal(['.consignment', 'plain/f']);
  });

  it('FAULTS 30: nothing of it is taken while a file or the set of names changes', async () => {
    const bench = newIntake();
    drop(bench, 'u', ['.consignment', 'a', 'b']);
    const changes = [
      () => bench.drop('u/c'),
      () => fs.rmSync(join(bench.share, 'u/c')),
      () => bench.drop('u/a', 'longer than before'),
      () => fs.renameSync(join(bench.share, 'u/b'), join(bench.share, 'u/b2')),
      () => bench.drop('u/sub/new'),
    ];
    for (const change of changes) {
      await bench.intake.poll();
      bench.clock.advance(HOLD_MS - 1);
      change();
      expect(await bench.intake.poll()).to.include({ taken: 0 });
      bench.clock.advance(HOLD_MS - 1);
    }
    expect(bench.batches).to.deep.equal([]);
    await bench.settle();
    expect(bench.taken()).to.have.length(4);
  });

  it('FAULTS 27: an incomplete name in it holds all of it', async () => {
    const bench = newIntake();
    drop(bench, 'u', ['.consignment', 'a', 'b.part']);
    for (let i = 0; i < 3; i++) await bench.settle();
    expect(bench.batches).to.deep.equal([]);
    fs.renameSync(join(bench.share, 'u/b.part'), join(bench.share, 'u/b'));
    await bench.settle();
    expect(bench.taken()).to.have.length(3);
  });

  it('FAULTS 30: a pause in copying that a file may have does not make a folder with its marker first a whole', async () => {
    const bench = newIntake({ consignmentHoldMs: 5 * HOLD_MS });
    drop(bench, 'u', ['.consignment', 'a']);
    drop(bench, 'dropped.part', ['x']);
    for (let i = 0; i < 4; i++) await bench.settle();
    bench.drop('u/b', 'the second half');
    bench.drop('letter');
    fs.renameSync(join(bench.share, 'dropped.part'), join(bench.share, 'dropped'));
    for (let i = 0; i < 4; i++) await bench.settle();
    expect(paths(bench.taken())).to.have.members(['letter', 'dropped/x']);
    for (let i = 0; i < 2; i++) await bench.settle();
    expect(bench.batches.at(-1)!.consignments[0]).to.include({ root: 'u', objects: 3 });
  });

  it('a folder renamed from an incomplete name is a unit at once, without a marker', async () => {
    const bench = newIntake();
    drop(bench, 'unit.part', ['a', 'b/c']);
    for (let i = 0; i < 3; i++) expect(await bench.settle()).to.include({ entries: 0, incomplete: 1 });
    fs.renameSync(join(bench.share, 'unit.part'), join(bench.share, 'unit'));
    await bench.intake.poll();
    await bench.intake.idle();
    expect(bench.batches).to.have.length(1);
    expect(bench.batches[0]!.consignments[0]).to.include({ root: 'unit', objects: 2 });
    // What comes later is on its own.
    bench.drop('unit/later');
    await bench.settle();
    expect(bench.taken().at(-1)).to.include({ path: 'unit/later' }).and.not.have.property('consignment');
  });

  it('FAULTS 28: one member that cannot be taken refuses all, each is told which, and mending it mends all', async () => {
    const bench = newIntake();
    drop(bench, 'u', ['.consignment', 'a', 'b']);
    fs.symlinkSync('a', join(bench.share, 'u/link'));
    await bench.settle();
    await bench.settle();
    expect(codes(bench.refused())).to.deep.equal([
      'u/.consignment CONSIGNMENT_REFUSED',
      'u/a CONSIGNMENT_REFUSED',
      'u/b CONSIGNMENT_REFUSED',
      'u/link INTAKE_NOT_REGULAR',
    ]);
    expect(bench.refused()[0]!.detail).to.contain('"u/link"');
    expect(new Set(bench.refused().map(({ consignment }) => consignment?.id)).size).to.equal(1);
    expect(bench.taken()).to.deep.equal([]);
    fs.rmSync(join(bench.share, 'u/link'));
    await bench.settle();
    expect(bench.taken()).to.have.length(3);
    expect(bench.refused()).to.have.length(4);
  });

  const badMembers: [string, string, (bench: Bench) => void][] = [
    ['a name that is no text', 'NAME_NOT_UTF8', (bench) => bench.drop(Buffer.from([0x75, 0x2f, 0xff]))],
    ['two names that are one', 'NAME_COLLISION', (bench) => drop(bench, 'u', ['Pr\u00fcf', 'Pru\u0308f'])],
    ['a file beyond the limit', 'INTAKE_TOO_LARGE', (bench) => bench.drop('u/big', 'x'.repeat(101))],
    ['a hard link', 'INTAKE_HARD_LINKED', (bench) => fs.linkSync(join(bench.share, 'u/a'), join(bench.share, 'twin'))],
  ];
  for (const [what, code, spoil] of badMembers) {
    it(`FAULTS 24, 25, 28, 31: ${what} refuses all of it`, async () => {
      const bench = newIntake({ maxObjectBytes: 100 });
      drop(bench, 'u', ['.consignment', 'a']);
      spoil(bench);
      await bench.settle();
      await bench.settle();
      const members = bench.refused().filter(({ consignment }) => consignment);
      expect(members.map(({ code }) => code)).to.include(code);
      expect(bench.taken()).to.deep.equal([]);
      expect(members.length).to.equal(fs.readdirSync(join(bench.share, 'u')).length);
    });
  }

  it('more files than are allowed refuse the folder, once, until there are fewer', async () => {
    const bench = newIntake({ maxMembers: 3 });
    drop(bench, 'u', ['.consignment', 'a', 'b', 'c']);
    await bench.settle();
    await bench.settle();
    expect(codes(bench.refused())).to.deep.equal(['u CONSIGNMENT_TOO_LARGE']);
    fs.rmSync(join(bench.share, 'u/c'));
    await bench.settle();
    expect(bench.taken()).to.have.length(3);
  });

  it('a member that cannot be read holds all of it, is named once, and the whole goes when it can be read', async () => {
    let allowed = false;
    const before = ({ name, args }: Call) => {
      if (name === 'openSync' && !allowed && String(args[0]).endsWith('/secret')) throw systemError('EACCES');
    };
    const bench = newIntake({}, { fs: watchedFs({ before }) });
    drop(bench, 'u', ['.consignment', 'a', 'secret']);
    for (let i = 0; i < 20; i++) await bench.settle();
    expect(codes(bench.held())).to.deep.equal(['u/secret INTAKE_UNREADABLE']);
    expect(bench.held()[0]!.detail).to.contain('"u" travels as a unit');
    expect([bench.taken().length, fs.readdirSync(bench.spoolDir).length]).to.deep.equal([0, 0]);
    allowed = true;
    bench.clock.advance(60_000);
    await bench.settle();
    expect(bench.taken()).to.have.length(3);
  });

  it('FAULTS 30, 49: a change or a full disk in the middle leaves nothing of it in the spool', async () => {
    for (const trouble of ['change', 'full'] as const) {
      let reads = 0;
      let share = '';
      const fsWithTrouble = watchedFs({
        after: ({ name }: Call) => {
          if (name === 'readSync' && ++reads === 30 && trouble === 'change')
            fs.writeFileSync(join(share, 'u/f00'), 'new');
        },
        before: ({ name }: Call) => {
          if (name === 'writeSync' && reads >= 30 && reads < 60 && trouble === 'full') throw systemError('ENOSPC');
        },
      });
      const bench = newIntake({ batchMaxFiles: 8 }, { fs: fsWithTrouble });
      share = bench.share;
      drop(bench, 'u', ['.consignment', ...Array.from({ length: 40 }, (_, i) => `f${String(i).padStart(2, '0')}`)]);
      await bench.settle();
      expect([bench.taken().length, fs.readdirSync(bench.spoolDir)], trouble).to.deep.equal([0, []]);
      reads = 100;
      await bench.settle();
      await bench.settle();
      expect(bench.taken(), trouble).to.have.length(41);
      expect(new Set(bench.taken().map(({ consignment }) => consignment!.id)).size).to.equal(1);
      expect(bench.batches.filter(({ taken }) => taken.length > 0)).to.have.length(1);
    }
  });

  it('a file that comes while it is being taken belongs to it', async () => {
    let share = '';
    let reads = 0;
    const after = ({ name }: Call) => {
      if (name === 'readSync' && ++reads === 1) fs.writeFileSync(join(share, 'u/z'), 'late');
    };
    const bench = newIntake({}, { fs: watchedFs({ after }) });
    share = bench.share;
    drop(bench, 'u', ['.consignment', 'a']);
    await bench.settle();
    expect(bench.batches).to.deep.equal([]);
    await bench.settle();
    expect(bench.batches[0]!.consignments[0]).to.include({ objects: 3 });
  });

  it('a new marker makes a new unit of what lies there then; without one what comes later is on its own', async () => {
    const bench = newIntake();
    drop(bench, 'u', ['.consignment', 'a']);
    await bench.settle();
    bench.drop('u/b');
    await bench.settle();
    expect(bench.taken().at(-1)).to.include({ path: 'u/b' }).and.not.have.property('consignment');
    bench.drop('u/.consignment', 'again');
    await bench.settle();
    const ids = bench.batches.flatMap(({ consignments }) => consignments.map(({ id }) => id));
    expect(new Set(ids).size).to.equal(2);
    expect(paths(bench.taken().filter(({ consignment }) => consignment?.id === ids[1]))).to.deep.equal([
      'u/.consignment',
      'u/a',
      'u/b',
    ]);
  });

  it('FAULTS 51: after a restart what was taken is ordinary, and what was refused is not told again', async () => {
    const bench = newIntake();
    drop(bench, 'good', ['.consignment', 'a']);
    drop(bench, 'bad', ['.consignment', 'b']);
    fs.symlinkSync('b', join(bench.share, 'bad/link'));
    await bench.settle();
    const known: KnownEntry[] = [
      ...bench.taken().map(({ rawPath, identity }) => ({ tenant: 'demo', rawPath, identity, state: 'taken' as const })),
      ...bench
        .refused()
        .map(({ rawPath, identity }) => ({ tenant: 'demo', rawPath, identity, state: 'refused' as const })),
    ];
    expect(known).to.have.length(5);
    await bench.intake.close();
    bench.batches.length = 0;
    bench.intake = restarted(bench, known);
    bench.drop('good/late');
    for (let i = 0; i < 3; i++) await bench.settle();
    expect(paths(bench.taken())).to.deep.equal(['good/late']);
    expect(bench.refused()).to.deep.equal([]);
    // Mended while nobody looked: the set is judged anew.
    fs.rmSync(join(bench.share, 'bad/link'));
    await bench.settle();
    expect(paths(bench.taken())).to.deep.equal(['good/late', 'bad/.consignment', 'bad/b']);
  });

  it('waits as a whole for room in the spool and for the quota', async () => {
    const quota = (left: number) => ({ demo: { bytes: 100, objects: 10, leftBytes: left, leftObjects: 10 } });
    const bench = newIntake();
    drop(bench, 'u', ['.consignment', 'a']);
    bench.drop('u/b', 'x'.repeat(50));
    bench.intake.hold(null, 40);
    await bench.settle();
    expect(codes(bench.held())).to.deep.equal(['u/.consignment SPOOL_FULL']);
    bench.intake.hold(null, 1_000, quota(40));
    await bench.settle();
    await bench.settle();
    expect(codes(bench.held()).at(-1)).to.equal('u/.consignment QUOTA_EXCEEDED');
    expect(bench.held()).to.have.length(2);
    bench.intake.hold(null, 1_000, quota(63));
    await bench.settle();
    expect(bench.taken()).to.have.length(3);
  });

  function restarted(bench: Bench, known: KnownEntry[]): Intake {
    const tenants = [{ name: 'demo', share: bench.share, names: 'posix' as const, maxObjectBytes: 1e9 }];
    const spoolDir = newFolder();
    return new Intake(
      { tenants, spoolDir, holdMs: HOLD_MS, symbolBytes: 1408, blockSymbols: 4096 },
      {
        clock: bench.clock ?? new ManualClock(),
        yieldNow: async () => {},
        onBatch: (batch) => void bench.batches.push(batch),
        known,
      },
    );
  }
});
