/** `sluice demo --once` beyond the loss budget and through outages: told in time, nothing half-visible, repairable. */
import { expect } from 'chai';
import { expectSum, QUICK_STORE, type Report, Workplace } from '../support/cli.js';
import { put, randomBytes, readTree, type TreeFile } from '../support/trees.js';

/** The high side must say it, not the clock of the demo, which waits far longer here. */
const TOLD_WITHIN_S = 60;
const DEMO_TIMEOUT = '90s';

describe('demo --once on a bad link', function () {
  this.timeout(120_000);
  let place: Workplace;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(() => place.remove());

  const demo = (...args: string[]) => place.demo('--queues', QUICK_STORE, ...args);
  /** Whatever lies below OUT must be a whole file under its own name. */
  const expectNothingHalf = (report: Report) => {
    const sent = readTree(place.input);
    const arrived = readTree(place.out);
    for (const [path, file] of arrived) {
      expect(path).to.match(/^demo\//);
      const { sizeBytes, sha256 } = file as TreeFile;
      expect({ path, sizeBytes, sha256 }).to.deep.include({
        sizeBytes: (sent.get(path.slice(5)) as TreeFile)?.sizeBytes,
        sha256: (sent.get(path.slice(5)) as TreeFile)?.sha256,
      });
    }
    expect(arrived.size).to.equal(report.released);
    expect(report.identical).to.equal(report.released);
  };

  it('FAULTS 15: beyond the budget large objects are incomplete, told in time, and nothing of them is visible', async () => {
    for (let i = 0; i < 4; i++) put(place.input, `large ${i}`, randomBytes(i, 1_500_000));
    for (let i = 0; i < 20; i++) put(place.input, `bundled ${i}`, randomBytes(50 + i, 60_000));
    const { code, report, stderr } = await demo('--timeout', DEMO_TIMEOUT, '--loss', '0.35', '--seed', '3').report();
    expect(report, stderr).to.include({
      objects: 24,
      incomplete: 24 - report.released,
      refused: 0,
      held: 0,
      quarantined: 0,
    });
    expect(report.incomplete).to.be.at.least(4);
    expectSum(report);
    expectNothingHalf(report);
    expect(report.seconds).to.be.below(TOLD_WITHIN_S);
    expect(code).to.equal(1);
    expect(stderr).to.match(/large 0: incomplete TRANSFER_INCOMPLETE .*\(transfer [0-9a-f]{32}\)/);
    await place.expectNothingRuns();
    expect(place.temporaryFolders(), 'what the gateway knew is kept').to.have.length(1);
  });

  it('FAULTS 59: what falls into an outage is named; resent in a second run on the same state, all of it arrives once', async () => {
    for (let i = 0; i < 3; i++) put(place.input, `file ${i}`, randomBytes(i, 400_000));
    const first = await demo('--timeout', DEMO_TIMEOUT, '--outage', '0,6', '--state', place.state).report();
    expect(first.report, first.stderr).to.include({ objects: 3, incomplete: 3, released: 0, identical: 0 });
    expect(first.report.seconds).to.be.below(TOLD_WITHIN_S);
    expect(first.code).to.equal(1);
    expect(readTree(place.out).size).to.equal(0);
    await place.expectNothingRuns();

    const transfers = [...first.stderr.matchAll(/^file \d: incomplete .*\(transfer ([0-9a-f]{32})\)/gm)].map(
      (match) => match[1]!,
    );
    expect(transfers).to.have.length(3);
    for (const transfer of transfers) {
      const asked = await place.sluice('resend', transfer, '--state', place.state).ended;
      expect(asked.code, asked.stderr).to.equal(0);
    }
    const second = await demo('--state', place.state).report();
    expect(second.report, second.stderr).to.include({ objects: 3, released: 3, identical: 3, incomplete: 0 });
    expect(second.code).to.equal(0);
    expect(readTree(place.out).size, 'no versions').to.equal(3);

    const third = await demo('--state', place.state).report();
    expect(third.report, third.stderr).to.include({ objects: 3, released: 3, identical: 3 });
    expect(readTree(place.out).size, 'nothing is released again').to.equal(3);
  });
});
