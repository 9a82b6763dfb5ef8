/** The command line from outside: exit codes, where words and JSON go, and what a wrong option is answered with. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { concurrently, type Workplace } from '../support/cli.js';
import { put } from '../support/trees.js';

const USAGE = 2;
const CANNOT_START = 3;

/** Arguments after `demo --once` (with sound --input and --out in front) -> what the answer names. */
const WRONG_OPTIONS: [args: string[], words: RegExp][] = [
  [['--loss', '1.5'], /--loss.*1\.5/s],
  [['--loss', 'some'], /--loss.*some/s],
  [['--corrupt', '-1'], /--corrupt/],
  [['--rate', 'fast'], /--rate.*fast/s],
  [['--overhead', '-0.1'], /--overhead.*at least 0/s],
  [['--timeout', '30'], /--timeout.*30/s],
  [['--mtu', '0'], /--mtu.*from 1 to 65535/s],
  [['--reorder', '2.5'], /--reorder.*whole number/s],
  [['--outage', '5'], /--outage.*START,SECONDS/s],
  [['--queues', 'kafka'], /--queues.*auto, redis-server, embedded/s],
  [['--transport', 'pigeon'], /--transport.*auto, batched, dgram/s],
  [['--los', '0.1'], /--los/],
  [['surplus'], /argument/],
];

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'says what it can do, with exit 0 and on stdout, for --help': async (place) => {
    const { code, stdout, stderr } = await place.sluice('--help').ended;
    expect(code, stderr).to.equal(0);
    for (const command of ['demo', 'low', 'high', 'link', 'keygen', 'config', 'resend', 'bench', 'plan']) {
      expect(stdout).to.match(new RegExp(`^ *${command} `, 'm'));
    }
  },

  'answers no command, an unknown one and a missing option with exit 2': async (place) => {
    for (const args of [[], ['fly'], ['low'], ['low', '--config', 'x.yaml'], ['resend', '1'], ['demo', '--once']]) {
      const { code, stdout, stderr } = await place.sluice(...args).ended;
      expect(code, `${args.join(' ')}: ${stderr}`).to.equal(USAGE);
      expect(stdout).to.equal('');
      expect(stderr).not.to.equal('');
    }
  },

  'refuses an --out that is not empty, an --input that is no folder, and folders inside each other': async (place) => {
    put(place.input, 'file');
    put(place.base, 'out/somebody else', 'content');
    const refused = async (args: string[], words: string) => {
      const { code, stdout, stderr } = await place.sluice('demo', '--once', '--json', ...args).ended;
      expect(code, stderr).to.equal(USAGE);
      expect(stdout).to.equal('');
      expect(stderr).to.include(words);
    };
    await refused(['--input', place.input, '--out', place.out], 'is not empty');
    expect(fs.readdirSync(place.out)).to.deep.equal(['somebody else']);
    const free = join(place.base, 'free');
    await refused(['--input', join(place.input, 'file'), '--out', free], 'is not a folder');
    await refused(['--input', join(place.base, 'nowhere'), '--out', free], 'is not a folder');
    await refused(['--input', place.input, '--out', join(place.input, 'below')], 'may not lie in each other');
    await refused(
      ['--input', place.input, '--out', free, '--state', join(place.input, 'st')],
      'may not lie in each other',
    );
    await refused(['--input', place.base, '--out', `${place.base}-out`], 'holds the temporary folder');
    expect(fs.existsSync(free), 'nothing was made').to.equal(false);
    expect(place.temporaryFolders(), 'nor any state').to.deep.equal([]);
  },

  'refuses a file as --out, and a way into the input through a link': async (place) => {
    put(place.input, 'file');
    put(place.base, 'a file', 'content');
    const { code, stderr } = await place.sluice(
      'demo',
      '--once',
      '--input',
      place.input,
      '--out',
      join(place.base, 'a file'),
    ).ended;
    expect(code, stderr).to.equal(USAGE);
    expect(stderr).to.include('a file');
    fs.symlinkSync('in', join(place.base, 'link'));
    const below = join(place.base, 'link', 'below');
    const linked = await place.sluice('demo', '--once', '--input', place.input, '--out', below).ended;
    expect(linked.code, linked.stderr).to.equal(2);
    expect(linked.stderr).to.include('may not lie in each other');
  },

  'makes keys that only their owner can read, and never over others': async (place) => {
    const keys = join(place.base, 'keys');
    const made = await place.sluice('keygen', '--out', keys).ended;
    expect(made.code, made.stderr).to.equal(0);
    for (const name of ['signing.key', 'link.key']) {
      expect(fs.statSync(join(keys, name)).mode & 0o077, name).to.equal(0);
      expect(made.stdout + made.stderr).not.to.include(fs.readFileSync(join(keys, name), 'utf8').trim());
    }
    const before = fs.readFileSync(join(keys, 'signing.key'));
    const again = await place.sluice('keygen', '--out', keys).ended;
    expect(again.code, again.stderr).to.equal(CANNOT_START);
    expect(again.stderr).to.include('KEY_EXISTS');
    expect(fs.readFileSync(join(keys, 'signing.key'))).to.deep.equal(before);
  },

  'resend without a ledger cannot start': async (place) => {
    const { code, stderr } = await place.sluice('resend', '1', '--state', place.folder('nothing')).ended;
    expect(code, stderr).to.equal(CANNOT_START);
    expect(fs.readdirSync(join(place.base, 'nothing'))).to.deep.equal([]);
  },

  'a link that cannot listen or has no target ends: 3 and 2': async (place) => {
    const unbound = await place.sluice('link', '--listen', '203.0.113.1:9', '--target', '127.0.0.1:9').ended;
    expect(unbound.code, unbound.stderr).to.equal(CANNOT_START);
    expect(unbound.stderr).to.include('203.0.113.1:9');
    const nowhere = await place.sluice('link', '--target', 'here').ended;
    expect(nowhere.code, nowhere.stderr).to.equal(USAGE);
    expect(nowhere.stderr).to.include('HOST:PORT');
  },
};

for (const [args, words] of WRONG_OPTIONS) {
  cases[`answers "demo --once ${args.join(' ')}" with exit 2, and makes nothing`] = async (place) => {
    put(place.input, 'file');
    const { code, stdout, stderr } = await place.demo(...args).ended;
    expect(code, stderr).to.equal(USAGE);
    expect(stdout).to.equal('');
    expect(stderr).to.match(words);
    expect(fs.existsSync(place.out)).to.equal(false);
    expect(place.temporaryFolders()).to.deep.equal([]);
  };
}

describe('command line: usage', function () {
  this.timeout(60_000);
  concurrently(3, cases);
});
