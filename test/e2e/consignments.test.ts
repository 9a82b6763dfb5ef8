/**
 * Consignments from share to storage, looked at from outside: a watcher that polls the storage all the time sees all of
 * a folder or nothing of it, over losses, refusals and killed supervisors.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { concurrently, type Ended, expectSum, QUICK_STORE, type Workplace } from '../support/cli.js';
import {
  freePort,
  inState,
  killSupervisor,
  ready,
  setUpSidesQuickly,
  startHigh,
  startLow,
  writeHigh,
  writeLow,
} from '../support/sides.js';
import { put, randomBytes, readTree, type TreeFile } from '../support/trees.js';

/** Every number of files that was ever seen in a folder. */
class Watcher {
  readonly seen = new Set<number>();
  private readonly timer: NodeJS.Timeout;

  constructor(folder: string) {
    this.timer = setInterval(() => this.seen.add(filesIn(folder)), 2);
  }

  /** The folder was looked at while it was not there and when it was, and never in between. */
  expectAllOrNothing(files: number): void {
    clearInterval(this.timer);
    expect([...this.seen].sort((a, b) => a - b)).to.deep.equal([0, files]);
  }
}

/** Files anywhere below, those that are on their way out included; 0 when it is not there. */
function filesIn(folder: string): number {
  try {
    const entries = fs.readdirSync(folder, { withFileTypes: true, recursive: true });
    return entries.filter((entry) => !entry.isDirectory()).length;
  } catch {
    return 0;
  }
}

const digests = (root: string) =>
  [...readTree(root)].map(([path, file]) => [path, (file as TreeFile).sha256]).sort(([a], [b]) => (a! < b! ? -1 : 1));

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'mixed sizes, more than a bundle and a large file among them, through losses: identical, and never half visible':
    async (place) => {
      put(place.input, 'box/.consignment', '');
      put(place.input, 'box/large', randomBytes(1, 20 * 1024 * 1024));
      put(place.input, 'box/empty', '');
      for (let i = 0; i < 60; i++) put(place.input, `box/sub ${i % 3}/é ${i}`, randomBytes(10 + i, 40_000 + 997 * i));
      put(place.input, 'letter', 'not of it');
      const watcher = new Watcher(join(place.out, 'demo', 'box'));
      const demo = place.demo('--queues', QUICK_STORE, '--loss', '0.03', '--reorder', '20', '--seed', '4');
      const { code, report, stderr } = await demo.report();
      expect(report, stderr).to.include({ objects: 64, released: 64, identical: 64, highToLowDatagrams: 0 });
      expectSum(report);
      expect(code).to.equal(0);
      watcher.expectAllOrNothing(63);
      expect(digests(join(place.out, 'demo'))).to.deep.equal(digests(place.input));
    },

  'one member that is refused refuses all of it, and what lies beside it goes on': async (place) => {
    put(place.input, 'box/.consignment', '');
    for (let i = 0; i < 5; i++) put(place.input, `box/file ${i}`, randomBytes(i, 3_000));
    fs.symlinkSync('/etc/hostname', join(place.input, 'box', 'link'));
    put(place.input, 'boxes', 'not of it');
    const { code, report, stderr } = await place.demo('--queues', QUICK_STORE).report();
    expect(report, stderr).to.include({ objects: 8, released: 1, identical: 1, refused: 7, incomplete: 0, held: 0 });
    expectSum(report);
    expect(code).to.equal(1);
    expect([...readTree(place.out).keys()]).to.deep.equal(['demo/boxes']);
    expect(stderr).to.match(/box\/file 0: refused CONSIGNMENT_REFUSED/);
    expect(stderr).to.match(/box\/link: refused INTAKE_NOT_REGULAR/);
  },

  'FAULTS 5, 51: both supervisors killed in the middle of one; resent by request it is released once, all in one step':
    async (place) => {
      const sides = setUpSidesQuickly(place);
      const port = await freePort();
      writeHigh(sides, `127.0.0.1:${port}`, { reorderWindow: '500ms' });
      writeLow(sides, `127.0.0.1:${port}`, { heartbeatInterval: '200ms', rate: '12Mbps' });
      const box = place.folder('made elsewhere/box');
      put(box, '.consignment', '');
      for (let i = 0; i < 14; i++) put(box, `part ${i}`, randomBytes(i, 300_000));
      const wanted = digests(box);
      const watcher = new Watcher(join(sides.storage, 'box'));
      let high = startHigh(place, sides);
      await ready(high);
      let low = startLow(place, sides);
      await ready(low);
      fs.renameSync(box, join(sides.share, 'box'));
      await high.until(() => inState(high, 'verifying').length >= 3, 'members that wait for the others');
      await killSupervisor(high, sides.highState);
      await low.until(() => inState(low, 'sent').length >= 8, 'members sent while nobody listened');
      await killSupervisor(low, sides.lowState);
      await place.expectNothingRuns(20_000);

      high = startHigh(place, sides);
      await ready(high);
      low = startLow(place, sides);
      await ready(low);
      const asked = new Map<unknown, Promise<Ended>>();
      const refused: Ended[] = [];
      const ask = async (id: string) => {
        const ended = await place.sluice('resend', id, '--state', sides.lowState).ended;
        if (ended.code !== 0) refused.push(ended);
        return ended;
      };
      await high.until(
        () => {
          for (const news of inState(high, 'incomplete')) {
            const id = news.transfer || news.sequence;
            // Those that have arrived wait for the others.
            if (news.code === 'CONSIGNMENT_INCOMPLETE' || asked.has(id)) continue;
            asked.set(id, ask(String(id)));
          }
          return refused.length > 0 || filesIn(join(sides.storage, 'box')) > 0;
        },
        'release of the consignment',
        120_000,
      );
      expect(asked.size).to.be.above(0);
      for (const { code, stderr } of await Promise.all(asked.values())) expect(code, stderr).to.equal(0);
      await low.until(() => filesIn(join(sides.accepted, 'box')) === 15, 'accepted originals');
      for (const run of [low, high]) expect((await run.stop()).code, run.stderr).to.equal(0);
      await place.expectNothingRuns();
      watcher.expectAllOrNothing(15);
      expect(digests(join(sides.storage, 'box'))).to.deep.equal(wanted);
      expect(fs.readdirSync(sides.storage), 'no versions').to.deep.equal(['box']);
      expect(fs.readdirSync(join(place.base, 'storage')), 'nothing is left over').not.to.include('.sluice-staging');
      expect(digests(join(sides.accepted, 'box'))).to.deep.equal(wanted);
      const news = low.lines().find((line) => line.event === 'object')!;
      expect(news.consignment).to.include({ root: 'box' });
    },
};

describe('consignments end to end', function () {
  this.timeout(240_000);
  concurrently(2, cases);
});
