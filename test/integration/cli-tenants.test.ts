/** `sluice tenants check`: an operator's look at a configuration before it counts (FAULTS 66, 67). */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { generateKeys } from '../../shared/crypto/keyfiles.js';
import { concurrently, type Ended, type Line, type Workplace } from '../support/cli.js';

interface Setup {
  check(...more: string[]): Promise<Ended & { lines: Line[] }>;
  put(name: string, text: string): string;
}

function setUp(place: Workplace, side: 'low' | 'high'): Setup {
  const keys = join(place.base, 'keys');
  generateKeys(keys);
  const folder = place.folder('tenants');
  place.folder('storage');
  const config = join(place.base, `${side}.yaml`);
  const text =
    side === 'low'
      ? 'keys: { signing: keys/signing.key, link: keys/link.key }\nlink: { target: 127.0.0.1:5000 }\n'
      : 'storageRoot: storage\nkeys: { trusted: keys, link: keys/link.key }\nlink: { listen: 127.0.0.1:0 }\n';
  fs.writeFileSync(config, `tenantsDir: tenants\n${text}`);
  return {
    check: async (...more) => {
      const ended = await place.sluice('tenants', 'check', '--side', side, '--config', config, ...more).ended;
      const json = more.includes('--json') ? ended.stdout.trim().split('\n') : [];
      return { ...ended, lines: json.map((line) => JSON.parse(line) as Line) };
    },
    put: (name, tenant) => {
      const path = join(folder, `${name}.yaml`);
      fs.writeFileSync(path, tenant);
      return path;
    },
  };
}

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'says in plain words what each tenant of the low side may do': async (place) => {
    const { check, put } = setUp(place, 'low');
    const share = place.folder('in/town');
    put('town', `share: ${share}\nquota: { bytes: 5GiB }\nweight: 30\ntypes: [application/pdf, image/*]\n`);
    put('school', `share: ${place.folder('in/school')}\nquota: { objects: 10 }\nlabel: internal\n`);
    const { code, stdout, stderr } = await check();
    expect(code, stderr).to.equal(0);
    expect(stderr).to.equal('');
    for (const words of [
      `${share}; once sent, a file is moved to ${join(share, '../accepted/town')}`,
      `${join(share, '../receipts/town')}, for everything`,
      'types application/pdf, image/*, portable names, up to 64 GiB, policy open',
      '5 GiB taken and not yet sent',
      'normal, weight 30: 75 % of what normal tenants get',
      'internal',
      '2 tenants, 0 warnings.',
    ]) {
      expect(stdout).to.include(words);
    }
  },

  'says what is worth a thought': async (place) => {
    const { check, put } = setUp(place, 'low');
    put('town', 'share: /nowhere/at/all\n');
    const open = place.folder('open');
    fs.chmodSync(open, 0o777);
    put('open', `share: ${open}\nquota: { bytes: 1MiB }\nmaxObjectSize: 1GiB\n`);
    if (fs.existsSync('/dev/shm')) put('far', `share: ${place.folder('far')}\naccepted: /dev/shm/sluice-test-far\n`);
    const { code, lines } = await check('--json');
    expect(code).to.equal(0);
    const warnings = lines.filter(({ event }) => event === 'warning').map(({ about, words }) => `${about}: ${words}`);
    expect(warnings.join('\n')).to.match(/^town: share .*: it is not there, nor is the folder above it$/m);
    expect(warnings.join('\n')).to.match(/^town: it has no quota/m);
    expect(warnings.join('\n')).to.match(/^open: share .*: anybody on this machine can write there$/m);
    expect(warnings.join('\n')).to.match(/^open: a file may have 1 GiB, and its quota is 1 MiB/m);
    if (fs.existsSync('/dev/shm') && fs.statSync('/dev/shm').dev !== fs.statSync(place.base).dev) {
      expect(warnings.join('\n')).to.match(/^far: accepted .*another file system than the share/m);
    }
    const kinds = new Set(lines.map(({ event }) => event));
    expect([...kinds]).to.deep.equal(['warning', 'tenant', 'result']);
  },

  'says every problem with file and line, and exits 1': async (place) => {
    const { check, put } = setUp(place, 'low');
    const town = put('town', 'share: /in\n\nweight: 0\n');
    const school = put('school', 'share: /in/sub\naccepted: /done\nreceipts: /told\n');
    const { code, stdout, stderr } = await check();
    expect(code).to.equal(1);
    expect(stderr).to.include(`${town}:3:1: weight is 0; allowed: a whole number from 1 to 100`);
    expect(stdout).to.match(/1 problem: this configuration would be refused\./);
    put('town', 'share: /in\n');
    const { lines } = await check('--json');
    expect(lines[0]).to.deep.include({
      event: 'problem',
      code: 'CONFIG_INVALID',
      file: school,
      position: { line: 1, column: 1 },
      key: 'share',
    });
    expect(lines.at(-1)).to.deep.include({ event: 'result', tenants: 0 });
  },

  'a policy is read as well': async (place) => {
    const { check, put } = setUp(place, 'low');
    fs.writeFileSync(join(place.base, 'strict.yaml'), 'name: strict\nrefuse: [EVERYTHING]\n');
    put('town', `share: ${place.folder('in')}\npolicy: ../strict.yaml\n`);
    const { code, stderr } = await check();
    expect(code).to.equal(1);
    expect(stderr).to.match(/strict\.yaml:2:\d+: refuse\[0\] is "EVERYTHING"; allowed: a list of TYPE_EXTENSION/);
  },

  'FAULTS 66: key files that others can read': async (place) => {
    const { check, put } = setUp(place, 'low');
    put('town', `share: ${place.folder('in')}\n`);
    fs.chmodSync(join(place.base, 'keys/signing.key'), 0o640);
    fs.unlinkSync(join(place.base, 'keys/link.key'));
    const { code, lines } = await check('--json');
    expect(code).to.equal(1);
    const problems = lines.filter(({ event }) => event === 'problem').map(({ code: kind }) => kind);
    expect(problems).to.deep.equal(['KEY_EXPOSED', 'KEY_UNREADABLE']);
  },

  'the high side has rules of its own': async (place) => {
    const { check, put } = setUp(place, 'high');
    put('town', 'labels: [unclassified, internal]\nrequiredFilters: []\ntypes: [text/*]\n');
    const { code, stdout } = await check();
    expect(code).to.equal(0);
    expect(stdout).to.include('types text/* (as the low side says), portable names, up to 64 GiB');
    expect(stdout).to.include('unclassified, internal');
    expect(stdout).to.match(/warning: town: requiredFilters is empty/);
    fs.chmodSync(join(place.base, 'keys'), 0o707);
    const exposed = await check();
    expect(exposed.code).to.equal(1);
    expect(exposed.stderr).to.match(/anybody on this machine can put keys here/);
  },

  'is used with --side and --config': async (place) => {
    expect((await place.sluice('tenants', 'check').ended).code).to.equal(2);
    expect((await place.sluice('tenants', 'check', '--side', 'middle', '--config', 'x').ended).code).to.equal(2);
    const missing = await place.sluice('tenants', 'check', '--side', 'low', '--config', join(place.base, 'none')).ended;
    expect(missing.code).to.equal(1);
    expect(missing.stderr).to.match(/none: ENOENT/);
  },
};

describe('command line: tenants check', function () {
  this.timeout(60_000);
  concurrently(3, cases);
});
