/** What the bench counts with: figures, addresses, profiles, places, and what it says of the machine. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { about, commitOf } from '../../bench/about.js';
import { median, quantile, rounded } from '../../bench/figures.js';
import { networkOf } from '../../bench/namespaces.js';
import { takePlace } from '../../bench/place.js';
import { processTree, usedBetween } from '../../bench/processTrees.js';
import { readProfiles } from '../../bench/profile.js';
import { sha256MBps } from '../../bench/sha256.js';
import { codeOf } from '../../shared/core/errors.js';
import { profilingArguments } from '../../shared/ops/processes/profiling.js';

describe('bench parts', () => {
  let folder = '';
  beforeEach(() => {
    folder = fs.mkdtempSync(join(tmpdir(), 'sluice-bench-test-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  it('medians, quantiles and rounding', () => {
    expect(median([3, 1, 2])).to.equal(2);
    expect(median([4, 1, 2, 3])).to.equal(2.5);
    expect(quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.99)).to.equal(10);
    expect(quantile([7], 0.01)).to.equal(7);
    expect(Number.isNaN(median([]))).to.equal(true);
    expect(rounded(1.2345, 2)).to.equal(1.23);
  });

  it('the network of an address', () => {
    expect(networkOf('10.1.2.3', 24)).to.equal('10.1.2.0/24');
    expect(networkOf('192.168.7.130', 30)).to.equal('192.168.7.128/30');
    expect(networkOf('255.255.255.255', 32)).to.equal('255.255.255.255/32');
  });

  it('names machine, cores, Node.js and commit, wherever it is called from', () => {
    const told = about();
    expect(told).to.have.all.keys('machine', 'cores', 'kernel', 'node', 'commit', 'loadBefore');
    expect(told.commit).to.match(/^([0-9a-f]{10}\+?|code-[0-9a-f]{12})$/);
  });

  it('the commit is that of the checkout; without one a digest of the code, also within a foreign checkout', () => {
    const compiled = (text: string) => {
      fs.mkdirSync(join(folder, 'here', 'dist'), { recursive: true });
      fs.writeFileSync(join(folder, 'here', 'dist', 'one.js'), text);
      return commitOf(join(folder, 'here'));
    };
    const first = compiled('1');
    expect(first).to.match(/^code-[0-9a-f]{12}$/);
    expect(compiled('2')).not.to.equal(first);
    const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { stdio: 'pipe' });
    git('init', '-q');
    git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'x');
    expect(compiled('1')).to.equal(first);
    expect(commitOf(folder)).to.match(/^[0-9a-f]{10}$/);
  });

  it('a place is a fresh folder on a named file system, and refused where there is no room', () => {
    const place = takePlace(folder, 0);
    expect(place.base.startsWith(folder)).to.equal(true);
    expect(place.filesystem).to.match(/^[a-z0-9.]+$/);
    expect(fs.readdirSync(place.base)).to.deep.equal([]);
    let code = 'none';
    try {
      takePlace(folder, 2 ** 60);
    } catch (error) {
      code = codeOf(error);
    }
    expect(code).to.equal('USAGE');
  });

  it('counts the time of a process and of its children that ended', function () {
    if (process.platform !== 'linux') this.skip();
    const before = own();
    execFileSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 300_000);']);
    const used = own() - before;
    expect(used).to.be.within(0.2, 10);
    expect(processTree(process.pid).every(({ peakBytes }) => peakBytes >= 0)).to.equal(true);
    expect(
      usedBetween(
        new Map([['a', 1]]),
        new Map([
          ['a', 3],
          ['b', 0.001],
          ['c', 4],
        ]),
      ),
    ).to.deep.equal({ c: 4, a: 2 });
  });
  const own = () => processTree(process.pid).find(({ pid }) => pid === process.pid)!.cpuSeconds;

  it('hashes at a speed a processor can have', () => {
    for (const speed of sha256MBps()) expect(speed).to.be.within(20, 20_000);
  });

  it('a process is profiled only where that is asked for, in a folder of its name', () => {
    expect(profilingArguments('high side', '')).to.deep.equal([]);
    expect(profilingArguments('high side', '/p')).to.deep.equal(['--cpu-prof', '--cpu-prof-dir=/p/high-side']);
  });

  it('a profile is read: what slept is no work', () => {
    const frame = (id: number, functionName: string, url = '') => ({
      id,
      callFrame: { functionName, url, lineNumber: 4 },
    });
    fs.mkdirSync(join(folder, 'sending'));
    const nodes = [
      frame(1, '(idle)'),
      frame(2, 'sleep', 'file:///x/dist/a.js'),
      frame(3, 'work', 'file:///x/dist/b.js'),
    ];
    const profile = { nodes, samples: [1, 2, 3, 3], timeDeltas: [1e6, 2e6, 3e5, 2e5] };
    fs.writeFileSync(join(folder, 'sending', 'CPU.1.cpuprofile'), JSON.stringify(profile));
    const [thread, ...others] = readProfiles(folder, 5);
    expect(others).to.deep.equal([]);
    expect(thread).to.deep.equal({
      process: 'sending',
      file: 'CPU.1.cpuprofile',
      busySeconds: 0.5,
      hottest: [{ where: 'work  b.js:5', seconds: 0.5 }],
    });
  });
});
