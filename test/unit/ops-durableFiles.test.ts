/** Files that are whole or not there, whenever power fails. */
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { copyRange, writeDurably } from '../../shared/ops/files/durableFiles.js';
import { type Call, contents, newFolder, removeFolders, systemError, watchedFs } from '../support/folders.js';

/** A disk that takes three bytes at a time, as write(2) may. */
const slow = () =>
  watchedFs({
    before: ({ name, args }) => {
      if (name === 'writeSync') (args as unknown[])[3] = Math.min(3, args[3] as number);
    },
  });

describe('durable files', () => {
  let folder: string;
  beforeEach(() => {
    folder = newFolder();
    fs.writeFileSync(join(folder, 'from'), '0123456789');
  });
  afterEach(removeFolders);
  const path = () => join(folder, 'file');
  const actions: [string, (useFs?: Parameters<typeof writeDurably>[2]) => void][] = [
    ['writeDurably', (useFs) => writeDurably(path(), Buffer.from('23456789'), useFs)],
    ['copyRange', (useFs) => copyRange(join(folder, 'from'), 2, 8, path(), useFs)],
  ];

  for (const [name, action] of actions) {
    it(`FAULTS 50: ${name} writes on where a write took less than it was given`, () => {
      action(slow());
      expect(contents(folder)).to.deep.equal({ file: '23456789', from: '0123456789' });
    });

    it(`FAULTS 52: ${name} syncs the bytes before the name and the folder after it`, function () {
      if (!fs.existsSync('/proc/self/fd')) this.skip();
      const trace: string[] = [];
      const before = ({ name, args }: Call) => {
        if (name === 'fsyncSync') trace.push(fs.readlinkSync(`/proc/self/fd/${args[0]}`).replace(folder, ''));
        if (name === 'renameSync') trace.push('rename');
      };
      action(watchedFs({ before }));
      expect(trace).to.deep.equal(['/file.new', 'rename', '']);
    });

    for (const [call, errno, code] of [
      ['writeSync', 'ENOSPC', 'STORAGE_FULL'],
      ['fsyncSync', 'EIO', 'SPOOL_IO'],
      ['renameSync', 'EDQUOT', 'STORAGE_FULL'],
    ]) {
      it(`FAULTS 49, 50: ${name} says ${code} for ${errno} from ${call}, and leaves what was there`, () => {
        fs.writeFileSync(path(), 'earlier');
        const open = fs.existsSync('/proc/self/fd') ? fs.readdirSync('/proc/self/fd').length : 0;
        const before = ({ name }: Call) => {
          if (name === call) throw systemError(errno!);
        };
        expect(() => action(watchedFs({ before })))
          .to.throw()
          .with.property('code', code);
        expect(contents(folder)).to.deep.equal({ file: 'earlier', from: '0123456789' });
        if (open) expect(fs.readdirSync('/proc/self/fd').length).to.equal(open);
      });
    }
  }

  it('replaces what a crash has left, without writing through another name of it', () => {
    fs.linkSync(join(folder, 'from'), `${path()}.new`);
    writeDurably(path(), Buffer.from('new'));
    expect(contents(folder)).to.deep.equal({ file: 'new', from: '0123456789' });
  });

  it('FAULTS 50: a source that is too short or missing is SPOOL_IO, and nothing is left of the copy', () => {
    for (const source of ['from', 'missing']) {
      expect(() => copyRange(join(dirname(path()), source), 5, 6, path()))
        .to.throw()
        .with.property('code', 'SPOOL_IO');
    }
    expect(fs.readdirSync(folder)).to.deep.equal(['from']);
  });
});
