/** What the demo makes of what both sides tell it, in whatever order it hears it; and which objects a folder holds. */
import * as fs from 'node:fs';
import { expect } from 'chai';
import { sameFiles } from '../../shared/ops/demo/compare.js';
import { listInputs } from '../../shared/ops/demo/inputs.js';
import { Outcomes } from '../../shared/ops/demo/outcomes.js';
import type { HighObjectNews, LowObjectNews } from '../../shared/ops/sides.js';
import { newFolder, removeFolders } from '../support/folders.js';
import { full, put, putRefused } from '../support/trees.js';

const low = (path: string, state: LowObjectNews['state'], sequence: number | null = null): LowObjectNews => ({
  transfer: path.padEnd(32, '0'),
  sequence,
  tenant: 'demo',
  path,
  rawPath: path,
  sizeBytes: 1,
  state,
  atMs: 0,
});
const high = (path: string, state: HighObjectNews['state'], sequence: number | null = null): HighObjectNews => ({
  ...low(path, 'sent', sequence),
  state,
});

describe('demo: outcomes', () => {
  let outcomes: Outcomes;
  const outcomeOf = (path: string) => outcomes.all.find((object) => object.path === path)!.outcome;
  beforeEach(() => {
    outcomes = new Outcomes();
    outcomes.expect('demo', { rawPath: 'a', path: 'a', sizeBytes: 1 });
  });

  it('counts an object of which nobody ever tells as pending', () => {
    expect(outcomes.pending).to.equal(1);
    expect(outcomes.all[0]).to.include({ state: 'stable', outcome: 'pending' });
  });

  it('follows an object through both sides', () => {
    for (const state of ['taken', 'sealed', 'sending', 'sent'] as const) outcomes.low([low('a', state)]);
    for (const state of ['assembling', 'verifying'] as const) outcomes.high([high('a', state)]);
    expect(outcomes.pending).to.equal(1);
    outcomes.high([high('a', 'released')]);
    expect(outcomeOf('a')).to.equal('released');
    expect(outcomes.pending).to.equal(0);
  });

  it('keeps news of the high side that come before those of the low side', () => {
    outcomes.high([high('a', 'released')]);
    expect(outcomes.pending).to.equal(1);
    outcomes.low([low('a', 'sent')]);
    expect(outcomeOf('a')).to.equal('released');
    outcomes.low([low('a', 'sent')]);
    expect(outcomeOf('a'), 'late words of the low side change nothing').to.equal('released');
  });

  it('finds by its number what the high side never saw', () => {
    outcomes.low([low('a', 'sent', 7)]);
    outcomes.high([{ ...high('', 'incomplete', 7), transfer: '' }]);
    expect(outcomeOf('a')).to.equal('incomplete');
    expect(outcomes.pending).to.equal(0);
  });

  it('takes incomplete back when it is sent once more, and released never', () => {
    outcomes.low([low('a', 'sent', 7)]);
    outcomes.high([high('a', 'incomplete', 7)]);
    outcomes.low([low('a', 'sent', 7)]);
    expect(outcomes.pending, 'sent is not sent once more').to.equal(0);
    outcomes.low([low('a', 'sending', 7)]);
    expect(outcomes.pending).to.equal(1);
    outcomes.high([high('a', 'released', 7)]);
    outcomes.low([low('a', 'sending', 7)]);
    outcomes.high([high('a', 'incomplete', 7)]);
    expect(outcomeOf('a')).to.equal('released');
    expect(outcomes.pending).to.equal(0);
  });

  it('does not take held for an end', () => {
    outcomes.low([low('a', 'held')]);
    expect(outcomes.pending).to.equal(1);
    expect(outcomes.count('held')).to.equal(1);
    outcomes.low([low('a', 'refused')]);
    expect(outcomes.pending).to.equal(0);
  });

  it('adds what nobody expected', () => {
    outcomes.low([low('b', 'refused')]);
    expect(outcomes.all).to.have.length(2);
    expect(outcomes.pending).to.equal(1);
  });
});

describe('demo: inputs', () => {
  afterEach(removeFolders);

  it('FAULTS 24, 28: lists every entry that is no folder once, by its bytes, and shows it safely', () => {
    const folder = newFolder();
    const count = putRefused(folder) + 2;
    put(folder, 'plain');
    put(folder, 'empty', '');
    fs.mkdirSync(full(folder, 'empty folder/below'), { recursive: true });
    const found = listInputs(folder);
    expect(found).to.have.length(count);
    expect(new Set(found.map(({ rawPath }) => rawPath)).size).to.equal(count);
    for (const { rawPath, path } of found) {
      expect(fs.lstatSync(full(folder, Buffer.from(rawPath, 'latin1'))).isDirectory()).to.equal(false);
      expect(path).not.to.match(/[\x00-\x1f\x7f\u200b\u202e\ufffd]/);
    }
    expect(found.find(({ path }) => path === 'plain')!.sizeBytes).to.equal(8);
  });

  it('calls nothing the same that is no plain file with the same bytes', async () => {
    const folder = newFolder();
    const at = (name: string) => full(folder, name);
    put(folder, 'one', 'abc');
    put(folder, 'same', 'abc');
    put(folder, 'longer', 'abcd');
    put(folder, 'other', 'abd');
    fs.symlinkSync('one', at('link'));
    expect(await sameFiles(at('one'), at('same'))).to.equal(true);
    for (const name of ['longer', 'other', 'link', 'missing', '.']) {
      expect(await sameFiles(at('one'), at(name)), name).to.equal(false);
    }
    expect(await sameFiles(at('missing'), at('missing'))).to.equal(false);
  });
});
