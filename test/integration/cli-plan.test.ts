/** `sluice plan` from outside: one JSON object or words, and an exit code that says whether the target is reached. */
import { expect } from 'chai';
import { concurrently, type Workplace } from '../support/cli.js';

const ASKED = ['plan', '--rate', '1Gbps', '--loss', '0.01', '--burst', '50', '--size', '16MiB'];

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'answers with one JSON object and exit 0': async (place) => {
    const { code, stdout, stderr } = await place.sluice(...ASKED, '--target', '1e-6', '--json').ended;
    expect(code, stderr).to.equal(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).to.have.length(1);
    const { recommended, reachable, choices, ...rest } = JSON.parse(lines[0]!);
    expect(reachable).to.equal(true);
    expect(rest).to.include({
      target: 1e-6,
      sizeBytes: 16 * 1024 ** 2,
      rateBps: 1e9,
      mtu: 1_500,
      burst: 50,
      loss: 0.01,
    });
    expect(recommended).to.include.all.keys('overhead', 'blockSymbols', 'interleave', 'goodputBps', 'blockMs');
    expect(recommended.residual.probability).to.be.at.most(1e-6);
    expect(choices).to.deep.include(recommended);
  },

  'says it in words on stdout': async (place) => {
    const { code, stdout } = await place.sluice(...ASKED, '--target', '1e-6').ended;
    expect(code).to.equal(0);
    for (const words of ['overhead: 0.', 'blockSymbols: ', 'interleave: ', 'Goodput: ', 'Not promised: ']) {
      expect(stdout).to.include(words);
    }
  },

  'a target that cannot be met ends with exit 1 and what could be': async (place) => {
    const args = ['plan', '--loss', '0.4', '--burst', '200', '--size', '16MiB', '--target', '1e-15'];
    const { code, stdout, stderr } = await place.sluice(...args, '--json').ended;
    expect(code, stderr).to.equal(1);
    const { reachable, target, reachableTarget } = JSON.parse(stdout);
    expect(reachable).to.equal(false);
    expect(reachableTarget).to.be.above(target);
  },

  'wrong options are answered with exit 2 and what is allowed': async (place) => {
    for (const [args, words] of [
      [['plan'], /--target/],
      [['plan', '--target', '2'], /--target.*2/s],
      [['plan', '--target', '0'], /--target/],
      [['plan', '--target', '1e-9', '--mtu', '100'], /--mtu.*from 604 to 9216/s],
    ] as const) {
      const { code, stdout, stderr } = await place.sluice(...args).ended;
      expect(code, stderr).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.match(words);
    }
  },
};

describe('command line: plan', function () {
  this.timeout(60_000);
  concurrently(2, cases);
});
