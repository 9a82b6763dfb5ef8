/** What a tenant finds in its folders of receipts on both sides, when both run as operators run them. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Workplace } from '../support/cli.js';
import { drop, ready, setUpSidesQuickly, startHigh, startLow, writeHigh, writeLow } from '../support/sides.js';

interface Receipt {
  state: string;
  name: string;
  transfer: string;
  sha256: string | null;
}

/** Receipts in a folder, by the name of their object. */
function receiptsIn(root: string): Record<string, Receipt> {
  if (!fs.existsSync(root)) return {};
  const days = fs.readdirSync(root).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name));
  const files = days.flatMap((day) => fs.readdirSync(join(root, day)).map((name) => join(root, day, name)));
  const documents = files.filter((path) => /\/[^.][^/]*\.json$/.test(path));
  const receipts = documents.map((path) => JSON.parse(fs.readFileSync(path, 'utf8')) as Receipt);
  return Object.fromEntries(receipts.map((receipt) => [receipt.name, receipt]));
}

describe('receipts of running sides', function () {
  this.timeout(120_000);
  let place: Workplace;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(() => place.remove());

  it('FAULTS 63: a sent and a refused file here, a released one there, a hostile name in all of them, and today', async () => {
    const sides = setUpSidesQuickly(place);
    writeHigh(sides, '127.0.0.1:0');
    const high = startHigh(place, sides);
    const { port } = await ready(high);
    writeLow(sides, `127.0.0.1:${port}`);
    const low = startLow(place, sides);
    await ready(low);
    drop(sides, 'dossier/Évaluation.txt', 'text');
    drop(sides, 'x\u001b[31m\nSENT.txt', 'text');
    const [here, there] = [join(place.base, 'receipts', 'share'), join(place.base, 'storage', 'receipts', 'town')];
    const hostile = String.raw`x\u{1b}[31m\u{a}SENT.txt`;
    await low.until(() => receiptsIn(here)['dossier/Évaluation.txt']?.state === 'sent', 'the receipt of what was sent');
    await low.until(() => receiptsIn(here)[hostile]?.state === 'refused', 'the receipt of what was refused');
    await high.until(() => receiptsIn(there)['dossier/Évaluation.txt']?.state === 'released', 'that of the release');
    const [sent, released] = [here, there].map((root) => receiptsIn(root)['dossier/Évaluation.txt']!);
    expect(released).to.include({ transfer: sent!.transfer, sha256: sent!.sha256 });
    expect(Object.keys(receiptsIn(there)), 'what was refused never left').to.deep.equal(['dossier/Évaluation.txt']);
    await low.until(() => fs.existsSync(join(here, 'today.txt')), 'the summary of today');
    for (const run of [low, high]) {
      const { code, stderr } = await run.stop();
      expect(code, stderr).to.equal(0);
    }
  });
});
