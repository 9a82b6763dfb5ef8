/** What the kill harness looks for must be found when it is there: a watch that sees nothing would praise anything. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Prng } from '../../shared/core/prng.js';
import { StorageWatch } from '../kill/storageWatch.js';
import { Traffic } from '../kill/traffic.js';
import { newFolder, removeFolders } from '../support/folders.js';

describe('the watch over storages of the kill harness', () => {
  afterEach(removeFolders);

  function world(empties = false) {
    const base = newFolder();
    const share = join(base, 'share');
    const folder = join(base, 'town');
    fs.mkdirSync(share);
    fs.mkdirSync(folder);
    const traffic = new Traffic(new Prng(7), { town: share });
    while (traffic.dropped.size === 0) traffic.dropSomething();
    const [digest, object] = [...traffic.dropped][0]!;
    const bytes = fs.readFileSync(join(share, object.path));
    const watch = new StorageWatch([{ tenant: 'town', folder, empties }], traffic.dropped);
    const publish = (name: string, content: Uint8Array) => {
      fs.mkdirSync(join(folder, name, '..'), { recursive: true });
      fs.writeFileSync(join(folder, name), content);
      watch.look();
    };
    return { watch, publish, digest, path: object.path, bytes };
  }

  it('takes a whole file under its name for released, once however often it looks', () => {
    const { watch, publish, digest, path, bytes } = world();
    publish(path, bytes);
    watch.look();
    expect([...watch.seen.keys()]).to.deep.equal([digest]);
    expect(watch.doubles).to.deep.equal([]);
    expect(watch.strange.size).to.equal(0);
  });

  it('finds half of an object, and one under a name that is not its own', () => {
    const half = world();
    half.publish(half.path, half.bytes.subarray(0, half.bytes.length >> 1));
    expect(half.watch.strange.size).to.equal(1);
    expect(half.watch.seen.size).to.equal(0);
    const renamed = world();
    renamed.publish('another name', renamed.bytes);
    expect(renamed.watch.strange.size).to.equal(1);
  });

  it('finds a consignment of which a part is there', () => {
    const base = newFolder();
    const dropped = new Map(
      ['case/.consignment', 'case/paper'].map((path) => [
        createHash('sha256').update(path).digest('hex'),
        { tenant: 'town', path, sizeBytes: path.length, consignment: 'case' },
      ]),
    );
    const watch = new StorageWatch([{ tenant: 'town', folder: base, empties: false }], dropped);
    fs.mkdirSync(join(base, 'case'));
    watch.look();
    expect(watch.strange.size).to.equal(0);
    fs.writeFileSync(join(base, 'case/paper'), 'case/paper');
    watch.look();
    expect(watch.strange.size).to.equal(1);
  });

  it('finds an object that is there twice, also when the tenant has taken the first away', () => {
    const beside = world();
    beside.publish(beside.path, beside.bytes);
    beside.publish(beside.path.replace(/(\.[^.]+)?$/, '.v2$1'), beside.bytes);
    expect(beside.watch.doubles).to.have.length(1);
    const emptied = world(true);
    emptied.publish(emptied.path, emptied.bytes);
    expect(emptied.watch.doubles).to.have.length(0);
    emptied.publish(emptied.path, emptied.bytes);
    expect(emptied.watch.doubles).to.have.length(1);
  });
});
