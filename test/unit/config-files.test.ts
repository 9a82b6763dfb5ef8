/** Configuration files: hostile and mistaken YAML is refused within bounds, and no secret is quoted (FAULTS 66, 67). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LIMITS } from '../../shared/core/limits.js';
import { loadHighConfig, loadLowConfig, toYaml } from '../../shared/ops/config/load.js';
import { high, low, problems } from './config-samples.js';

describe('configuration: files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const put = (text: string | Buffer) => {
    const path = join(dir, 'low.yaml');
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const BASE = toYaml(low());

  it('reads YAML with paths against its own folder', () => {
    const config = loadLowConfig(put(`# a comment\n${BASE}spool:\n  highWater: 1GiB # enough\n`));
    expect(config.tenants[0]!.share).equal(join(dir, 'in/town-hall'));
    expect(config.spool.highWater).equal(1024 ** 3);
    expect(loadHighConfig(put(toYaml(high()))).keys.trusted).equal(join(dir, 'trusted'));
  });

  it('FAULTS 67: a file that is missing, a folder, a pipe, too large or not text', () => {
    const unreadable = (path: string) => problems(() => loadLowConfig(path), 'CONFIG_UNREADABLE')[0];
    expect(unreadable(join(dir, 'missing.yaml'))).match(/missing\.yaml: ENOENT$/);
    expect(unreadable(dir)).match(/not a file$/);
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    expect(unreadable(join(dir, 'pipe'))).match(/not a file$/);
    expect(unreadable(put(`${BASE}#${' '.repeat(LIMITS.configMaxBytes)}`))).match(/larger than 1048576 bytes$/);
    expect(unreadable(put(Buffer.concat([Buffer.from(BASE), Buffer.from([0x23, 0xff])])))).match(/not UTF-8 text$/);
  });

  const refused: [what: string, text: string, sentence: RegExp][] = [
    ['a key written twice', 'link:\n  mtu: 1500\n  mtu: 1400\n', /:3:3: the key "mtu" is there twice/],
    ['a section written twice', `${BASE}link: {}\n`, /the key "link" is there twice/],
    ['a tag of somebody', 'a: !evil 1\n', /not valid YAML \(TAG_RESOLVE_FAILED\)/],
    ['a tag for a function', 'a: !!js/function "x"\n', /not valid YAML \(TAG_RESOLVE_FAILED\)/],
    ['a tag for bytes', 'a: !!binary aGVsbG8=\n', /:1:\d+: a tag; allowed: values without tags/],
    ['a tag for a set', 'a: !!set {a, b}\n', /a tag; allowed: values without tags/],
    [
      'an alias bomb',
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b]\n`,
      /an alias/,
    ],
    ['an alias of nothing', 'a: *nothing\n', /an alias/],
    ['a loop of aliases', 'tenants: &x [*x]\n', /tenants\[0\] is a list/],
    ['two documents', `${BASE}---\n${BASE}`, /more than one YAML document/],
    ['broken YAML', 'a: [1, 2\nb: c\n', /:\d+:\d+: not valid YAML/],
    ['a tab for indentation', 'a:\n\tb: 1\n', /not valid YAML/],
    ['a list as a key', '? [a]\n: 1\n', /a key that is not a word/],
    ['a merge of sections', `${BASE}spool: &s {}\nintake:\n  <<: *s\n`, /intake\.<< is not a known key/],
    ['nothing', '', /tenants is missing/],
    ['a number', '5\n', /the configuration is 5/],
    ['deep lists', '['.repeat(20_000), /nested too deeply; allowed: 16 levels/],
    ['deep sequences', '- '.repeat(20_000), /nested too deeply/],
    ['deep sections', `${'{a: '.repeat(10_000)}1${'}'.repeat(10_000)}`, /nested too deeply/],
    ['deep keys', '? '.repeat(10_000), /nested too deeply/],
  ];
  for (const [what, text, sentence] of refused) {
    it(`FAULTS 67: ${what} is refused`, () => {
      const found = problems(() => loadLowConfig(put(text)));
      expect(found.join('\n')).match(sentence);
      for (const line of found) expect(line.startsWith(join(dir, 'low.yaml:'))).equal(true);
    });
  }

  it('an alias within bounds is a shorter way to write the same', () => {
    const config = loadLowConfig(put(`${BASE}spool: { highWater: &size 1GiB, minFree: *size }\n`));
    expect(config.spool.minFree).equal(1024 ** 3);
  });

  it('FAULTS 67: __proto__ and its kin are keys like any other unknown one', () => {
    const text = `${BASE}__proto__: { polluted: 1 }\nconstructor: { prototype: { polluted: 1 } }\nspool:\n  __proto__: { highWater: 1GiB }\n`;
    const found = problems(() => loadLowConfig(put(text))).map(
      (line) => /low\.yaml:\d+:\d+: (.*) is not/.exec(line)?.[1],
    );
    expect(found).have.members(['__proto__', 'constructor', 'spool.__proto__']);
    expect(({} as Record<string, unknown>).polluted).equal(undefined);
    const tenant = put(BASE.replace(/tenants:[\s\S]*?(?=keys:)/, 'tenants:\n  __proto__: { share: /in }\n'));
    expect(problems(() => loadLowConfig(tenant))[0]).match(/tenants\.__proto__\.name is "__proto__"/);
  });

  it('FAULTS 66: no secret of the file is in an error', () => {
    const secret = 'hunter2hunter2';
    const digits = '00112233445566778899aabbccddeeff';
    const texts = [
      `${BASE}queues: { store: embedded, redisUrl: "redis://user:${secret}@127.0.0.1" }\n`,
      `${BASE}queues: { redisUrl: "http://user:${secret}@127.0.0.1" }\n`,
      `${BASE}queues: { redisUrl: ["redis://user:${secret}@127.0.0.1"] }\n`,
      `${BASE}queues: { redisUrl: "redis://user:${secret}@127.0.0.1\n`,
      `${BASE}queues: { redisUrl: !x "redis://user:${secret}@127.0.0.1", redisUrl: 1 }\n`,
      `${BASE}queues:\n  redisUrl: redis://user:${secret}@127.0.0.1\n redisUrl: 1\n`,
      BASE.replace('keys/link.key', digits),
      BASE.replace('keys/link.key', '12345678901234567890123456789012'),
      BASE.replace('keys/signing.key', `"-----BEGIN PRIVATE KEY-----\\n${secret}\\n-----END PRIVATE KEY-----"`),
    ];
    for (const text of texts) {
      const found = problems(() => loadLowConfig(put(text))).join('\n');
      for (const hidden of [secret, digits, '1234567890123']) expect(found).not.contain(hidden);
    }
  });
});
