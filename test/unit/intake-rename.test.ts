/** Files that are written under an incomplete name and renamed: whoever renames them says that they are complete. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { removeFolders } from '../support/folders.js';
import { HOLD_MS, newIntake } from '../support/intake.js';

describe('intake: renamed from an incomplete name', () => {
  afterEach(removeFolders);

  const paths = (list: { path: string }[]) => list.map(({ path }) => path);

  it('FAULTS 27: is taken at once, while a file that was not renamed still waits', async () => {
    const bench = newIntake();
    bench.drop('d/letter.part', 'whole');
    expect(await bench.intake.poll()).to.include({ incomplete: 1, entries: 0 });
    fs.renameSync(join(bench.share, 'd/letter.part'), join(bench.share, 'd/letter'));
    bench.drop('other');
    expect(await bench.intake.poll()).to.include({ taken: 1, waiting: 1, incomplete: 0 });
    expect(bench.bytesOf(bench.taken()[0]!).toString()).to.equal('whole');
  });

  it('FAULTS 27, 30: a file that has grown since it was last seen waits for one more look, and like any other when it goes on growing', async () => {
    const bench = newIntake();
    const path = join(bench.share, 'f');
    bench.drop('f.part', 'a');
    await bench.intake.poll();
    fs.appendFileSync(`${path}.part`, 'b');
    fs.renameSync(`${path}.part`, path);
    expect(await bench.intake.poll()).to.include({ taken: 0, waiting: 1 });
    expect(await bench.intake.poll()).to.include({ taken: 1 });
    bench.drop('g.part', 'a');
    await bench.intake.poll();
    fs.renameSync(join(bench.share, 'g.part'), join(bench.share, 'g'));
    fs.appendFileSync(join(bench.share, 'g'), 'b');
    for (let i = 0; i < 5; i++) {
      expect(await bench.intake.poll()).to.include({ taken: 0, waiting: 1 });
      fs.appendFileSync(join(bench.share, 'g'), 'c');
    }
    await bench.settle();
    expect(bench.taken().map((taken) => bench.bytesOf(taken).toString())).to.deep.equal(['ab', 'abccccc']);
  });

  it('FAULTS 27: another file of the same name is not taken for the one that was incomplete', async () => {
    const bench = newIntake();
    bench.drop('f.part', 'one');
    await bench.intake.poll();
    bench.drop('f', 'another');
    expect(await bench.intake.poll()).to.include({ taken: 0, waiting: 1, incomplete: 1 });
    // Renamed over it: the inode that was incomplete is the file now.
    fs.renameSync(join(bench.share, 'f.part'), join(bench.share, 'f'));
    await bench.intake.poll();
    expect(bench.taken().map((taken) => bench.bytesOf(taken).toString())).to.deep.equal(['one']);
  });

  it('FAULTS 27: an incomplete name beside its complete one is left alone, however long it lies there', async () => {
    const bench = newIntake();
    bench.drop('f', 'whole');
    bench.drop('f.part', 'half');
    for (let i = 0; i < 5; i++) await bench.settle();
    expect(paths(bench.taken())).to.deep.equal(['f']);
    expect(fs.readdirSync(bench.share)).to.deep.equal(['f', 'f.part']);
  });

  it('works with any of the configured suffixes, and only with those', async () => {
    const bench = newIntake({ incompleteSuffixes: ['.tmp', '.filepart'] });
    bench.drop('a.filepart');
    bench.drop('b.part');
    await bench.intake.poll();
    for (const [from, to] of [
      ['a.filepart', 'a'],
      ['b.part', 'b'],
    ] as const) {
      fs.renameSync(join(bench.share, from), join(bench.share, to));
    }
    expect(await bench.intake.poll()).to.include({ taken: 1, waiting: 1 });
    expect(paths(bench.taken())).to.deep.equal(['a']);
  });

  it('waits for the hold time when it was held back in between and has been forgotten', async () => {
    const bench = newIntake();
    bench.drop('f.part');
    await bench.intake.poll();
    fs.renameSync(join(bench.share, 'f.part'), join(bench.share, 'f'));
    bench.intake.hold('full');
    for (let i = 0; i < 4; i++) expect(await bench.intake.poll()).to.include({ stable: 1 });
    bench.intake.hold(null);
    expect(await bench.intake.poll()).to.include({ taken: 1 });
  });

  it('FAULTS 30: a file that grows for an hour is taken once it has been left alone, whole and once', async () => {
    const bench = newIntake();
    bench.drop('log', '');
    for (let minute = 0; minute < 60; minute++) {
      fs.appendFileSync(join(bench.share, 'log'), `${minute}\n`);
      expect(await bench.intake.poll()).to.include({ taken: 0, waiting: 1 });
      // It is not seen to change all the time: a poll just before the hold time is over.
      bench.clock.advance(HOLD_MS - 1);
      expect(await bench.intake.poll()).to.include({ taken: 0, waiting: 1 });
      bench.clock.advance(59_000);
    }
    fs.appendFileSync(join(bench.share, 'log'), 'end\n');
    await bench.settle();
    await bench.settle();
    expect(bench.taken()).to.have.length(1);
    expect(bench.bytesOf(bench.taken()[0]!).toString()).to.match(/59\nend\n$/);
  });
});
