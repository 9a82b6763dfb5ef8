/** What the releasing process keeps of rejected objects, and what it says when it cannot. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { QuarantineOrder } from '../../egress/release/messages.js';
import { Releaser } from '../../egress/release/releaser.js';
import { toHex } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { contents, newFolder, removeFolders } from '../support/folders.js';
import { newRelease } from '../support/release.js';

describe('release: quarantine', () => {
  afterEach(removeFolders);

  function newOrder(change: Partial<QuarantineOrder> = {}) {
    const { storage, spool, extraction, request } = newRelease('d/f');
    const quarantineDir = newFolder();
    const order: QuarantineOrder = {
      transfer: 'a1b2c3',
      storageRoot: storage,
      tenantFolder: 'demo',
      parts: [],
      payloadFile: extraction.payload,
      offset: extraction.offsetBytes,
      sizeBytes: extraction.sizeBytes,
      whole: false,
      sha256: toHex(extraction.sha256),
      mtimeNs: request.mtimeNs,
      quarantineDir,
      tenant: 'acme',
      path: '../f',
      code: 'NAME_UNSAFE_PATH',
      detail: 'why',
      ...change,
    };
    return { order, spool, storage, quarantineDir: order.quarantineDir, releaser: new Releaser(spool) };
  }
  const note = (folder: string) => JSON.parse(fs.readFileSync(join(folder, 'a1b2c3.json'), 'utf8'));

  it('keeps the bytes, and a note that names tenant and path also when the path was rejected', () => {
    const { order, quarantineDir, releaser } = newOrder();
    for (let i = 0; i < 2; i++) releaser.quarantine([order]);
    expect(fs.readdirSync(quarantineDir).sort()).to.deep.equal(['a1b2c3.bytes', 'a1b2c3.json']);
    expect(fs.readFileSync(join(quarantineDir, 'a1b2c3.bytes'), 'utf8')).to.equal('the object');
    expect(note(quarantineDir)).to.include({ tenant: 'acme', path: '../f', code: 'NAME_UNSAFE_PATH', detail: 'why' });
  });

  it('FAULTS 50: what cannot be kept now can be tried again', () => {
    const orders = [newOrder({ quarantineDir: join(newFolder(), 'missing') }), newOrder({ payloadFile: '/missing' })];
    for (const { order, releaser } of orders) {
      expect(() => releaser.quarantine([order]))
        .to.throw(SluiceError)
        .with.property('persistence', 'retryable');
    }
  });

  it('keeps of a payload that is too short what there is', () => {
    const { order, quarantineDir, releaser } = newOrder({ offset: 19, sizeBytes: 100 });
    releaser.quarantine([order]);
    expect(fs.readFileSync(join(quarantineDir, 'a1b2c3.bytes'), 'utf8')).to.equal('er');
    releaser.quarantine([{ ...order, offset: 1000 }]);
    expect(fs.readFileSync(join(quarantineDir, 'a1b2c3.bytes'), 'utf8')).to.equal('');
  });

  it('FAULTS 51: a whole payload is released once, and found under the name it has got by that', () => {
    const { order, spool, storage, quarantineDir, releaser } = newOrder();
    const payloadFile = join(spool, 'data');
    fs.writeFileSync(payloadFile, 'the object');
    const whole = { ...order, parts: ['d', 'f'], payloadFile, offset: 0, whole: true };
    for (let i = 0; i < 2; i++) expect(releaser.release([whole])).to.deep.include({ ...RELEASED, publishedAs: 'd/f' });
    expect(fs.existsSync(payloadFile)).to.equal(false);
    releaser.quarantine([whole]);
    expect(fs.readFileSync(join(quarantineDir, 'a1b2c3.bytes'), 'utf8')).to.equal('the object');
    releaser.forget([whole]);
    expect(contents(storage)).to.deep.equal({ 'demo/d/f': 'the object' });
    expect(fs.readdirSync(spool)).to.deep.equal(['payload']);
  });
});

const RELEASED = { transfer: 'a1b2c3', ok: true, version: 1 };
