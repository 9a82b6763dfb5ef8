/** Folders held open: what is opened through one stays where it was, however paths change meanwhile. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { bestVia, Directory, errnoOf, isNoFolder, type Via } from '../../shared/ops/files/directories.js';
import { newFolder, removeFolders } from '../support/folders.js';

const thrown = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
};

const ways: Via[] = bestVia() === 'proc' ? ['proc', 'paths'] : ['paths'];
for (const via of ways) {
  describe(`directories via ${via}`, () => {
    let base: string;
    let root: Directory;
    beforeEach(() => {
      base = newFolder();
      root = Directory.openRoot(base, { via });
    });
    afterEach(() => {
      root.close();
      removeFolders();
    });

    it('lists raw names in the order of their bytes', () => {
      const names = [Buffer.from('b'), Buffer.from([0xff, 0x41]), Buffer.from('é'), Buffer.from('a\n')];
      for (const name of names) fs.writeFileSync(Buffer.concat([Buffer.from(`${base}/`), name]), '');
      expect(root.list()).to.deep.equal([names[3], names[0], names[2], names[1]]);
      expect(root.lstat(names[1]!)?.isFile()).to.equal(true);
    });

    it('makes, enters, links, renames and removes', () => {
      expect(root.createChild('d', 0o700)).to.equal(true);
      expect(root.createChild('d', 0o700)).to.equal(false);
      const child = root.openChild('d');
      fs.closeSync(child.openFile('f', fs.constants.O_WRONLY | fs.constants.O_CREAT, 0o600));
      child.linkFrom({ directory: child, name: 'f' }, 'g');
      expect(errnoOf(thrown(() => child.linkFrom({ directory: child, name: 'f' }, 'g')))).to.equal('EEXIST');
      child.rename('g', root, 'h');
      child.unlink('f');
      child.sync();
      child.close();
      root.removeChild('d');
      expect(fs.readdirSync(base)).to.deep.equal(['h']);
      expect(root.lstat('f')).to.equal(undefined);
    });

    it('FAULTS 28: a link is not entered and not opened', () => {
      const outside = newFolder();
      fs.writeFileSync(join(outside, 'secret'), 's');
      fs.symlinkSync(outside, join(base, 'folder'));
      fs.symlinkSync(join(outside, 'secret'), join(base, 'file'));
      expect(isNoFolder(thrown(() => root.openChild('folder')))).to.equal(true);
      expect(errnoOf(thrown(() => root.openFile('file', fs.constants.O_RDONLY)))).to.equal('ELOOP');
      expect(isNoFolder(thrown(() => Directory.openRoot(join(base, 'folder'), { via })))).to.equal(true);
    });

    it('FAULTS 23: takes nothing for a name that is more than one part', () => {
      for (const name of ['', '.', '..', 'a/b', '/etc', 'a\0b']) {
        const error = thrown(() => root.openChild(name));
        expect(error, JSON.stringify(name)).to.have.property('code', 'NAME_UNSAFE_PATH');
      }
    });

    it('FAULTS 29: a folder swapped for a link after it was opened leads nowhere', () => {
      const outside = newFolder();
      fs.writeFileSync(join(outside, 'f'), 'secret');
      fs.mkdirSync(join(base, 'd'));
      fs.writeFileSync(join(base, 'd', 'f'), 'own');
      const child = root.openChild('d');
      fs.renameSync(join(base, 'd'), join(base, 'moved'));
      fs.symlinkSync(outside, join(base, 'd'));
      if (via === 'proc') {
        const fd = child.openFile('f', fs.constants.O_RDONLY);
        expect(fs.readFileSync(fd, 'utf8')).to.equal('own');
        fs.closeSync(fd);
      } else {
        expect(thrown(() => child.openFile('f', fs.constants.O_RDONLY))).to.have.property('code', 'FOLDER_SWAPPED');
        expect(thrown(() => child.list())).to.have.property('code', 'FOLDER_SWAPPED');
      }
      child.close();
    });

    it('is not used after it was closed', () => {
      root.createChild('d', 0o700);
      const child = root.openChild('d');
      child.close();
      child.close();
      expect(thrown(() => child.list())).to.have.property('code', 'INTERNAL');
    });

    it('leaves no descriptor open', function () {
      if (bestVia() !== 'proc') this.skip();
      const open = () => fs.readdirSync('/proc/self/fd').length;
      const before = open();
      for (let i = 0; i < 50; i++) {
        root.createChild(`d${i}`, 0o700);
        root.openChild(`d${i}`).close();
        thrown(() => root.openChild('none'));
      }
      expect(open()).to.equal(before);
    });
  });
}
