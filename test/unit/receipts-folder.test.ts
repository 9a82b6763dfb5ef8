/** A tenant's folder of receipts on disk (shared/ops/receipts/folder.ts), with a tenant who puts things in the way. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { InTheWay, makeReceiptsFolder, ReceiptsFolder } from '../../shared/ops/receipts/folder.js';
import { contents, newFolder, removeFolders, systemError, watchedFs } from '../support/folders.js';

const DAY = '2026-11-22';
const NAME = 'report.pdf--0123456789ab.txt';

describe('folder of receipts', () => {
  let base: string;
  let root: string;
  let outside: string;
  beforeEach(() => {
    base = newFolder();
    root = join(base, 'receipts', 'town');
    outside = join(base, 'outside');
    fs.mkdirSync(outside);
    makeReceiptsFolder(root);
  });
  afterEach(removeFolders);

  const within = (work: (folder: ReceiptsFolder) => void, options = {}) => {
    const folder = ReceiptsFolder.open(root, options);
    try {
      work(folder);
    } finally {
      folder.close();
    }
  };
  const write = (text = 'text', day: string | null = DAY, name = NAME) =>
    within((folder) => folder.write(day, name, text));
  const mode = (path: string) => fs.statSync(path).mode & 0o7777;

  it('is made with the folder above it, and nothing above that', () => {
    expect(mode(root)).to.equal(0o750);
    expect(() => makeReceiptsFolder(join(base, 'not', 'mounted', 'town'))).to.throw('ENOENT');
    makeReceiptsFolder(root);
  });

  it('files and days are not for the world; who may delete in the folder may also delete in its days', () => {
    fs.chmodSync(root, 0o2777);
    write();
    expect(mode(join(root, DAY))).to.equal(0o2775);
    expect(mode(join(root, DAY, NAME)) & 0o007).to.equal(0);
  });

  it('a reader never sees half of it: it is written aside and renamed', () => {
    write('first');
    const seen: string[] = [];
    const spy = watchedFs({
      after: ({ name }) => {
        if (name === 'writeSync' || name === 'openSync') seen.push(fs.readFileSync(join(root, DAY, NAME), 'utf8'));
      },
    });
    within((folder) => folder.write(DAY, NAME, 'second'), { fs: spy });
    expect(new Set(seen)).to.deep.equal(new Set(['first']));
    expect(contents(root)).to.deep.equal({ [`${DAY}/${NAME}`]: 'second' });
  });

  it('what a crash left beside it is no hindrance', () => {
    write();
    fs.writeFileSync(join(root, DAY, `.${NAME}.new`), 'half');
    write('whole');
    expect(contents(root)).to.deep.equal({ [`${DAY}/${NAME}`]: 'whole' });
  });

  describe('FAULTS 61: links lead nowhere', () => {
    const untouched = () => expect(contents(outside)).to.deep.equal({});

    it('the folder itself', () => {
      fs.rmdirSync(root);
      fs.symlinkSync(outside, root);
      expect(() => write()).to.throw(/ENOTDIR|ELOOP/);
      untouched();
    });

    it('a day', () => {
      fs.symlinkSync(outside, join(root, DAY));
      expect(() => write()).to.throw(/ENOTDIR|ELOOP/);
      within((folder) => folder.remove(DAY, NAME));
      within((folder) => folder.sweep('2027-01-01'));
      untouched();
      expect(fs.lstatSync(join(root, DAY)).isSymbolicLink()).to.equal(true);
    });

    it('the receipt, and the name it is written under first', () => {
      write();
      const target = join(outside, 'target');
      fs.writeFileSync(target, 'theirs');
      for (const name of [NAME, `.${NAME}.new`]) {
        fs.rmSync(join(root, DAY, name), { force: true });
        fs.symlinkSync(target, join(root, DAY, name));
        write('ours');
        expect(fs.readFileSync(target, 'utf8')).to.equal('theirs');
        expect(fs.readFileSync(join(root, DAY, NAME), 'utf8')).to.equal('ours');
        expect(fs.lstatSync(join(root, DAY, NAME)).isFile()).to.equal(true);
      }
    });
  });

  it('a folder in the place of a receipt costs that one, and says so', () => {
    fs.mkdirSync(join(root, DAY, NAME), { recursive: true });
    expect(() => write()).to.throw(InTheWay);
    fs.mkdirSync(join(root, DAY, '.other--0123456789ab.txt.new'));
    expect(() => write('x', DAY, 'other--0123456789ab.txt')).to.throw(InTheWay);
    expect(fs.readdirSync(join(root, DAY)).sort()).to.deep.equal(['.other--0123456789ab.txt.new', NAME]);
  });

  it('FAULTS 49: a full disk leaves what was there', () => {
    write('first');
    const full = watchedFs({
      before: ({ name }) => {
        if (name === 'writeSync') throw systemError('ENOSPC');
      },
    });
    expect(() => within((folder) => folder.write(DAY, NAME, 'second'), { fs: full })).to.throw('ENOSPC');
    expect(fs.readFileSync(join(root, DAY, NAME), 'utf8')).to.equal('first');
  });

  describe('sweeping', () => {
    it('takes receipts and summaries of earlier days away, and their folders when nothing else is in them', () => {
      for (const day of ['2026-11-20', '2026-11-21', DAY]) {
        write('receipt', day);
        write('summary', null, `${day}.txt`);
      }
      write('now', null, 'today.txt');
      within((folder) => folder.sweep(DAY));
      expect(fs.readdirSync(root).sort()).to.deep.equal([DAY, `${DAY}.txt`, 'today.txt']);
    });

    it('touches nothing the gateway did not write', () => {
      const old = join(root, '2026-01-01');
      write('receipt', '2026-01-01');
      fs.writeFileSync(join(old, 'notes of the clerk.txt'), '');
      fs.writeFileSync(join(old, 'like--0123456789ab.pdf'), '');
      fs.mkdirSync(join(old, 'x--0123456789ab.txt'));
      fs.symlinkSync(outside, join(old, 'y--0123456789ab.txt'));
      fs.writeFileSync(join(outside, 'linked'), '');
      fs.linkSync(join(outside, 'linked'), join(old, 'z--0123456789ab.txt'));
      fs.writeFileSync(join(old, 'other--0123456789ab.txt'), '');
      if (process.getuid?.() === 0) fs.chownSync(join(old, 'other--0123456789ab.txt'), 12_345, 12_345);
      fs.mkdirSync(join(root, '2026-13-99x'));
      fs.writeFileSync(join(root, '2026-01-02.pdf'), '');
      within((folder) => folder.sweep(DAY));
      const left = ['like--0123456789ab.pdf', 'notes of the clerk.txt', 'x--0123456789ab.txt', 'y--0123456789ab.txt'];
      expect(fs.readdirSync(old))
        .to.include.members([...left, 'z--0123456789ab.txt'])
        .and.not.include(NAME);
      if (process.getuid?.() === 0) expect(fs.readdirSync(old)).to.include('other--0123456789ab.txt');
      expect(fs.readdirSync(root)).to.include.members(['2026-13-99x', '2026-01-02.pdf']);
    });
  });
});
