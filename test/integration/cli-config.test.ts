/** FAULTS 67 from outside: a configuration that is not right ends the start with exit 3, naming key, value and what is allowed. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { concurrently, type Workplace } from '../support/cli.js';
import { setUpSidesQuickly, writeHigh, writeLow } from '../support/sides.js';

/** What is written instead of a sound line of low.yaml -> what stderr says. */
const WRONG: Record<string, [from: RegExp, to: string, says: RegExp]> = {
  'a value out of range': [/^link:$/m, 'link:\n  mtu: 99', /link\.mtu is 99; allowed: a whole number from 604 to 9216/],
  'a value without its unit': [/^link:$/m, 'link:\n  rate: 1000', /link\.rate is 1000; allowed: a rate/],
  'an unknown key': [/^link:$/m, 'link:\n  targets: 1', /link\.targets is not a known key; allowed: target, source/],
  'a missing key': [/^ {2}target: .*$/m, '', /link\.target is missing; allowed: an IPv4 address and a port/],
  'two things at once': [
    /^link:$/m,
    'link:\n  mtu: 99\n  overhead: 5',
    /link\.mtu is 99; allowed.*link\.overhead is 5; allowed/s,
  ],
  'what is not YAML': [/^link:$/m, 'link: [', /low\.yaml/],
  'a share inside the state folder': [/share: .*$/m, 'share: ./low/share', /tenants\[0\]\.share is/],
};

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'shows the effective configuration of both sides, without starting anything': async (place) => {
    const sides = setUpSidesQuickly(place);
    writeHigh(sides, '127.0.0.1:5000');
    writeLow(sides, '127.0.0.1:5000');
    for (const [side, file] of [
      ['low', sides.low],
      ['high', sides.high],
    ] as const) {
      const { code, stdout, stderr } = await place.sluice('config', 'print', '--side', side, '--config', file).ended;
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/mtu: 1500/);
    }
    const wrong = await place.sluice('config', 'print', '--side', 'middle', '--config', sides.low).ended;
    expect(wrong.code, wrong.stderr).to.equal(2);
  },

  'a file that is not there': async (place) => {
    for (const side of ['low', 'high']) {
      const file = join(place.base, 'none.yaml');
      const { code, stderr } = await place.sluice(side, '--config', file, '--state', place.state).ended;
      expect(code, stderr).to.equal(3);
      expect(stderr).to.match(/CONFIG_UNREADABLE.*none\.yaml/s);
    }
  },

  'the high side names its keys as well': async (place) => {
    const sides = setUpSidesQuickly(place);
    writeHigh(sides, '127.0.0.1:0');
    const sound = fs.readFileSync(sides.high, 'utf8');
    fs.writeFileSync(sides.high, sound.replace(/^link:$/m, 'link:\n  silence: soon'));
    const { code, stdout, stderr } = await place.sluice(
      'high',
      '--config',
      sides.high,
      '--state',
      sides.highState,
      '--json',
    ).ended;
    expect(code, stderr).to.equal(3);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/link\.silence is "soon"; allowed: a duration/);
  },
};

for (const [what, [from, to, says]] of Object.entries(WRONG)) {
  cases[`${what} ends the start of the low side`] = async (place) => {
    const sides = setUpSidesQuickly(place);
    writeLow(sides, '127.0.0.1:5000');
    const sound = fs.readFileSync(sides.low, 'utf8');
    expect(sound).to.match(from);
    fs.writeFileSync(sides.low, sound.replace(from, to));
    const run = place.sluice('low', '--config', sides.low, '--state', sides.lowState, '--json');
    const { code, stdout, stderr } = await run.ended;
    expect(code, stderr).to.equal(3);
    expect(stdout).to.equal('');
    expect(stderr).to.include('CONFIG_INVALID').and.to.match(says);
    expect(place.processes()).to.deep.equal([]);
  };
}

describe('FAULTS 67: command line: configuration', function () {
  this.timeout(60_000);
  concurrently(3, cases);
});
