/** `sluice demo --once` over trees of small real files: every one arrives identical, or is refused and counted. */
import { expect } from 'chai';
import { type Ended, expectSum, onPath, type Report, Workplace } from '../support/cli.js';
import { put, putOddNames, putOddTimes, putRefused, readTree, type TreeFile } from '../support/trees.js';

/** The kernel keeps nanoseconds, the call that sets them takes seconds as a double: a microsecond is what survives. */
const MTIME_TOLERANCE_NS = 2_000n;

describe('demo --once over odd trees', function () {
  this.timeout(120_000);
  let place: Workplace;
  let count: number;
  let result: Ended & { report: Report };

  const expectAllIdentical = () => {
    expect(result.report, result.stderr).to.include({ objects: count, released: count, identical: count });
    expectSum(result.report);
    const sent = readTree(place.input);
    const arrived = readTree(`${place.out}/demo`);
    expect([...arrived.keys()].sort()).to.deep.equal([...sent.keys()].sort());
    for (const [path, file] of sent) {
      const { sizeBytes, sha256 } = arrived.get(path) as TreeFile;
      expect({ sizeBytes, sha256 }, path).to.deep.equal({
        sizeBytes: (file as TreeFile).sizeBytes,
        sha256: (file as TreeFile).sha256,
      });
    }
    expect(result.report.bytes).to.equal(
      [...sent.values()].reduce((sum, file) => sum + (file as TreeFile).sizeBytes, 0),
    );
  };
  const expectTimesRestored = () => {
    const arrived = readTree(`${place.out}/demo`);
    for (const [path, file] of readTree(place.input)) {
      const off = (arrived.get(path) as TreeFile).mtimeNs - (file as TreeFile).mtimeNs;
      expect(off < 0n ? -off : off, `mtime of ${path} is off by ${off} ns`).to.satisfy(
        (ns: bigint) => ns <= MTIME_TOLERANCE_NS,
      );
    }
  };
  const expectCleanEnd = async () => {
    expect(result.code, result.stderr).to.equal(0);
    expect(result.report.highToLowDatagrams).to.equal(0);
    await place.expectNothingRuns();
    expect(place.temporaryFolders(), 'temporary state').to.deep.equal([]);
  };

  afterEach(async () => {
    if (place) await place.remove();
  });

  const impaired = ['--loss', '0.02', '--reorder', '30', '--duplicate', '0.02', '--corrupt', '0.01', '--seed', '7'];
  for (const { store, link } of [
    { store: 'redis-server', link: impaired },
    { store: 'embedded', link: [] },
  ]) {
    const how = link.length > 0 ? 'losses, reordering, duplicates and bit errors' : 'a clean link';
    it(`FAULTS 6, 7, 26, 27, 31: odd names, empty files and odd times arrive as they were (${store}, ${how})`, async function () {
      if (store === 'redis-server' && !onPath('redis-server')) this.skip();
      place = new Workplace();
      count = putOddNames(place.input) + putOddTimes(place.input);
      const before = readTree(place.input);
      result = await place.demo('--queues', store, ...link).report();
      expectAllIdentical();
      expectTimesRestored();
      await expectCleanEnd();
      expect(readTree(place.input), 'the input is only read').to.deep.equal(before);
      expect(result.stderr).to.match(
        store === 'embedded' ? /queues: low side .*(embedded|PGlite)/i : /queues: low side .*Redis/,
      );
    });
  }

  it('FAULTS 23, 24, 25, 28: what cannot be represented or is no plain file is refused, counted, and nowhere to be seen', async () => {
    place = new Workplace();
    for (const name of ['good.txt', 'folder/good too.txt', 'caf\u00e9']) put(place.input, name);
    // The same name to any reader: the first one taken keeps it.
    put(place.input, 'cafe\u0301');
    const refused = putRefused(place.input) + 1;
    const ended = await place.demo().report();
    const { report } = ended;
    expect(report, ended.stderr).to.include({ objects: refused + 3, refused, released: 3, identical: 3, held: 0 });
    expectSum(report);
    expect(ended.code).to.equal(1);
    const arrived = readTree(place.out);
    expect(arrived.size).to.equal(3);
    expect(ended.stderr, 'names are shown escaped').not.to.match(/[\x00-\x09\x0b-\x1f\x7f\u202e\u200b]/);
    for (const code of [
      'INTAKE_NOT_REGULAR',
      'INTAKE_HARD_LINKED',
      'NAME_NOT_UTF8',
      'NAME_FORBIDDEN_CHARACTER',
      'NAME_TOO_LONG',
    ])
      expect(ended.stderr).to.include(code);
    await place.expectNothingRuns();
  });

  it('an empty folder is no object, and nothing to do is a good end', async () => {
    place = new Workplace();
    place.folder('in/empty/below');
    const ended = await place.demo().report();
    expect(ended.report).to.include({ objects: 0, released: 0, identical: 0, bytes: 0 });
    expect(ended.code, ended.stderr).to.equal(0);
  });
});
