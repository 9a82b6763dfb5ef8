/** Configuration values: what they become, which are refused and in which words (FAULTS 66, 67). */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LIMITS } from '../../shared/core/limits.js';
import { parseHighConfig, parseLowConfig } from '../../shared/ops/config/load.js';
import { high, highProblems, low, lowProblems, type Section, withValue } from './config-samples.js';

describe('configuration: values', () => {
  it('fills in every default, in base units and absolute paths', () => {
    const config = parseLowConfig(low(), 'low.yaml', '/etc/sluice');
    expect(config.tenants).deep.equal([
      {
        name: 'town-hall',
        share: '/etc/sluice/in/town-hall',
        accepted: '/etc/sluice/in/accepted/town-hall',
        receipts: '/etc/sluice/in/receipts/town-hall',
        receiptsFor: 'all',
        afterSent: 'move',
        names: 'portable',
        label: 'unclassified',
        policy: 'open',
        maxObjectSize: 64 * 1024 ** 3,
        types: ['*/*'],
        quota: {},
        priority: 'normal',
        weight: 10,
        retention: 86_400_000,
      },
    ]);
    expect(config.spool).deep.equal({ highWater: 20 * 1024 ** 3, minFree: 512 * 1024 ** 2, retention: 86_400_000 });
    expect(config.intake).deep.equal({
      pollInterval: 250,
      holdTime: 500,
      consignmentHold: 5_000,
      incompleteSuffixes: ['.part'],
      batchFiles: 256,
      batchSize: 64 * 1024 ** 2,
    });
    expect(config.scan).deep.equal({ timeout: 120_000, memory: 512 * 1024 ** 2, processes: 2 });
    expect(config.keys).deep.equal({ signing: '/etc/sluice/keys/signing.key', link: '/etc/sluice/keys/link.key' });
    expect(config.link).deep.equal({
      target: { host: '127.0.0.1', port: 5000 },
      source: { host: '127.0.0.1', port: 0 },
      rate: 200e6,
      mtu: 1500,
      overhead: 0.1,
      blockSymbols: 4096,
      repairFloor: 16,
      interleave: 4,
      edgePadding: 8,
      assumedLoss: 0.01,
      closingDelay: 200,
      guardSymbols: 320,
      heartbeatInterval: 1000,
      bundleSize: 4 * 1024 ** 2,
      bundleMaxFile: 256 * 1024,
      transport: 'auto',
    });
    const DAY = 86_400_000;
    expect(config.queues).deep.equal({ store: 'auto', sentinels: [], keepFinished: 1000, keepFinishedFor: DAY });
    expect(config.console).deep.equal({
      enabled: true,
      listen: { host: '127.0.0.1', port: 0 },
      readOnly: true,
      sessionLifetime: DAY / 3,
    });
    expect(config.alarms).deep.equal({ starvation: 60_000 });
    expect(config.retention).deep.equal({ finished: 90 * DAY, receipts: 90 * DAY, quarantine: 30 * DAY });
    expect(config.log).deep.equal({ level: 'info', maxSize: 64 * 1024 ** 2, keep: 5 });
  });

  it('does the same for the high side', () => {
    const value = { ...high(), tenants: [{ name: 'a' }, { name: 'b', storage: '/data/b' }], storageRoot: '../out' };
    const config = parseHighConfig(value, 'high.yaml', '/etc/sluice');
    expect(config.tenants.map((tenant) => tenant.storage)).deep.equal(['/etc/out/a', '/data/b']);
    expect(config.tenants.map((tenant) => tenant.receipts)).deep.equal(['/etc/out/receipts/a', '/data/receipts/b']);
    expect(config.tenants[0]).deep.include({ retention: 30 * 86_400_000, quota: {}, types: ['*/*'] });
    expect(config.tenants[0]).deep.include({ labels: ['unclassified'], requiredFilters: ['type', 'archive'] });
    expect(config.keys).deep.equal({ trusted: '/etc/sluice/trusted', link: '/etc/sluice/keys/link.key' });
    expect(config.link).deep.equal({
      listen: { host: '127.0.0.1', port: 0 },
      mtu: 1500,
      receiveBuffer: 64 * 1024 ** 2,
      reorderWindow: 2000,
      silence: 10_000,
      transport: 'auto',
    });
    expect(config.assembly).deep.equal({
      memory: LIMITS.assemblyBytes,
      orphans: LIMITS.orphanBytes,
      spoolMax: 256 * 1024 ** 3,
      minFree: 512 * 1024 ** 2,
    });
  });

  it('takes tenants as a list or under their names', () => {
    const named = parseLowConfig({ ...low(), tenants: { 'town-hall': { share: 'in/town-hall' } } }, 'low.yaml', '/x');
    expect(named).deep.equal(parseLowConfig(low(), 'low.yaml', '/x'));
  });

  it('binds to every address for a target that is not this machine', () => {
    const source = (link: Section) => parseLowConfig({ ...low(), link }, 'low.yaml', '/x').link.source;
    expect(source({ target: '10.0.0.2:5000' })).deep.equal({ host: '0.0.0.0', port: 0 });
    expect(source({ target: 'localhost:5000' })).deep.equal({ host: '127.0.0.1', port: 0 });
    expect(source({ target: '10.0.0.2:5000', source: '10.0.0.1' })).deep.equal({ host: '10.0.0.1', port: 0 });
    expect(source({ target: '10.0.0.2:5000', source: '10.0.0.1:77' })).deep.equal({ host: '10.0.0.1', port: 77 });
  });

  it('makes blocks smaller, not larger in memory, on a jumbo link', () => {
    const config = parseLowConfig(withValue(low(), 'link.mtu', 9000), 'low.yaml', '/x');
    expect(config.link.blockSymbols).equal(Math.floor(LIMITS.blockMaxBytes / 8896));
  });

  it('an empty section is a section of defaults', () => {
    const config = parseLowConfig({ ...low(), spool: null, intake: {} }, 'low.yaml', '/x');
    expect(config).deep.equal(parseLowConfig(low(), 'low.yaml', '/x'));
  });
});

describe('configuration: refusals', () => {
  const size = (min: string, max: string, such: string) => `a size from ${min} to ${max}, such as ${such}`;
  const cases: [path: string, value: unknown, sentence: string][] = [
    ['link.mtu', 400, 'is 400; allowed: a whole number from 604 to 9216'],
    ['link.mtu', 603, 'is 603; allowed: a whole number from 604 to 9216'],
    ['link.mtu', 9217, 'is 9217; allowed: a whole number from 604 to 9216'],
    ['link.mtu', 1500.5, 'is 1500.5; allowed: a whole number from 604 to 9216'],
    ['link.mtu', '1500', 'is "1500"; allowed: a whole number from 604 to 9216'],
    ['link.mtu', null, 'is empty; allowed: a whole number from 604 to 9216'],
    ['link.mtu', [1500], 'is a list; allowed: a whole number from 604 to 9216'],
    ['link.mtu', Number.POSITIVE_INFINITY, 'is Infinity; allowed: a whole number from 604 to 9216'],
    ['link.mtu', Number.NaN, 'is NaN; allowed: a whole number from 604 to 9216'],
    ['link.overhead', 4.1, 'is 4.1; allowed: a number from 0 to 4'],
    ['link.overhead', -0.1, 'is -0.1; allowed: a number from 0 to 4'],
    ['link.overhead', '10%', 'is "10%"; allowed: a number from 0 to 4'],
    ['link.rate', '1GiB', 'is "1GiB"; allowed: a rate from 64kbps to 100Gbps with its unit, such as 200Mbps'],
    ['link.rate', 1000, 'is 1000; allowed: a rate from 64kbps to 100Gbps with its unit, such as 200Mbps'],
    ['link.rate', '0Mbps', 'is "0Mbps"; allowed: a rate from 64kbps to 100Gbps with its unit, such as 200Mbps'],
    ['link.closingDelay', 200, 'is 200; allowed: a duration from 0ms to 1m with its unit, such as 200ms'],
    ['link.closingDelay', '-1s', 'is "-1s"; allowed: a duration from 0ms to 1m with its unit, such as 200ms'],
    ['spool.highWater', '20GB', `is "20GB"; allowed: ${size('1MiB', '1024TiB', '20GiB')}`],
    ['spool.highWater', -5, `is -5; allowed: ${size('1MiB', '1024TiB', '20GiB')}`],
    ['spool.highWater', '9e99', `is "9e99"; allowed: ${size('1MiB', '1024TiB', '20GiB')}`],
    ['spool.highWater', '__proto__', `is "__proto__"; allowed: ${size('1MiB', '1024TiB', '20GiB')}`],
    ['link.blockSymbols', 4097, 'is 4097; allowed: a whole number from 1 to 4096'],
    ['link.transport', 'tcp', 'is "tcp"; allowed: auto, batched, dgram'],
    ['link.transport', true, 'is true; allowed: auto, batched, dgram'],
    ['link', 7, 'is 7; allowed: a section with the keys target, source,'],
    ['link.mtuu', 1, 'is not a known key; allowed: target, source, rate, mtu,'],
    ['lonk', {}, 'is not a known key; allowed: tenants, tenantsDir, spool, intake,'],
    ['link.target', '10.0.0.2', 'is "10.0.0.2"; allowed: an IPv4 address and a port from 1 to 65535'],
    ['link.target', '10.0.0.2:0', 'is "10.0.0.2:0"; allowed: an IPv4 address and a port from 1 to 65535'],
    ['link.target', '10.0.0.2:65536', 'is "10.0.0.2:65536"; allowed: an IPv4 address'],
    ['link.target', '[::1]:5000', 'is "[::1]:5000"; allowed: an IPv4 address'],
    ['link.target', 'high.example:5000', 'is "high.example:5000"; allowed: an IPv4 address'],
    ['keys.signing', undefined, 'is missing; allowed: a path to the private key file, not the key itself'],
    ['tenants', [], 'is an empty list; allowed: 1 to 1024 tenants'],
    ['tenants', 'demo', 'is "demo"; allowed: 1 to 1024 tenants'],
    ['tenants', undefined, 'is missing; allowed: 1 to 1024 tenants'],
    ['log.level', 'loud', 'is "loud"; allowed: silent, fatal, error, warn, info, debug, trace'],
  ];
  for (const [path, value, sentence] of cases) {
    it(`FAULTS 67: ${path} ${sentence.split(';')[0]}`, () => {
      const found = lowProblems(withValue(low(), path, value));
      expect(found).length(1);
      expect(found[0]!.startsWith(`low.yaml: ${path} ${sentence}`), found[0]).equal(true);
    });
  }

  it('the bounds themselves are allowed', () => {
    for (const [path, value] of [
      ['link.mtu', 604],
      ['link.mtu', 9216],
      ['link.overhead', 0],
      ['link.overhead', 4],
      ['link.rate', '100Gbps'],
      ['spool.highWater', 1_048_576],
      ['link.closingDelay', '0ms'],
    ] as const) {
      expect(() => parseLowConfig(withValue(low(), path, value), 'low.yaml', '/x'), `${path} ${value}`).not.to.throw();
    }
  });

  it('FAULTS 67: tenant names and texts keep to their alphabet', () => {
    const names = ['', 'A', '-a', 'a_b', 'a.b', '../a', 'a/b', 'ü', 'a\n', 'x'.repeat(64), '__proto__', 5, null];
    for (const name of names) {
      const found = lowProblems({ ...low(), tenants: [{ name, share: '/in' }] });
      expect(found).length(1);
      expect(found[0]).match(/^low\.yaml: tenants\[0\]\.name is .*; allowed: a name of 1 to 63 lower-case letters/);
    }
    for (const label of ['', 'a\nb', 'a\u001b[31m', 'a\u202eb', 'é'.repeat(129)]) {
      const found = lowProblems({ ...low(), tenants: [{ name: 'a', share: '/in', label }] });
      expect(found).length(1);
      expect(found[0]).match(/^low\.yaml: tenants\[0\]\.label is ".*"; allowed: a text/);
      expect(found[0]).not.match(/[\p{Cc}\u202e]/u);
    }
    const found = highProblems({ ...high(), tenants: [{ name: 'a', storage: '/out', labels: ['fine', 5] }] });
    expect(found).deep.equal([
      'high.yaml: tenants[0].labels[1] is 5; allowed: a list of 1 to 256 texts of at most 256 bytes',
    ]);
  });

  it('FAULTS 67: a key of the other side is not a known key', () => {
    expect(lowProblems({ ...low(), assembly: {} })[0]).match(/^low\.yaml: assembly is not a known key/);
    expect(highProblems({ ...high(), spool: {} })[0]).match(/^high\.yaml: spool is not a known key/);
    expect(highProblems(low()).length).greaterThan(1);
  });

  it('FAULTS 67: everything that is wrong is said at once, contradictions too', () => {
    const value = {
      tenants: [{ name: 'a', share: '/in' }, { name: 'a', share: '/in/b' }, { share: 5 }],
      keys: { signing: 'k' },
      link: { target: '127.0.0.1:5000', mtu: 400, nonsense: 1 },
      queues: { store: 'redis' },
      extra: true,
    };
    const keys = lowProblems(value).map((line) => /^low\.yaml: (\S+) is /.exec(line)?.[1]);
    expect(keys).have.members([
      'extra',
      'tenants[2].name',
      'tenants[2].share',
      'keys.link',
      'link.mtu',
      'link.nonsense',
      'tenants[1].name',
      'tenants[1].share',
      'tenants[1].accepted',
      'tenants[1].receipts',
      'queues.redisUrl',
    ]);
  });

  it('FAULTS 67: shows fifty problems and counts the rest', () => {
    const tenants = Array.from({ length: 60 }, (_, i) => ({ name: `t${i}`, share: i }));
    const found = lowProblems({ ...low(), tenants });
    expect(found).length(51);
    expect(found.at(-1)).equal('low.yaml: and 10 more problems');
  });

  it('FAULTS 67: a value that is no configuration at all', () => {
    for (const value of [undefined, null, [], 'text', 5, true]) {
      expect(lowProblems(value)).length(1);
      expect(lowProblems(value)[0]).match(/^low\.yaml: the configuration is /);
    }
  });
});

describe('configuration: contradictions', () => {
  it('FAULTS 67: objects larger than the link or the assembly can carry', () => {
    const link = { target: '127.0.0.1:5000', blockSymbols: 2 };
    const tenant = { name: 'a', share: '/in', maxObjectSize: '4GiB' };
    const [found, ...more] = lowProblems({ ...low(), link, tenants: [tenant] });
    expect(more).deep.equal([]);
    expect(found).match(/^low\.yaml: tenants\[0\]\.maxObjectSize is "4GiB"; allowed: a size up to \S+, which is what/);
    const config = parseLowConfig({ ...low(), link, tenants: [{ ...tenant, maxObjectSize: undefined }] }, 'low', '/x');
    // Digests of 32 bytes of blocks of 2 symbols of 1408 bytes, in one envelope of 4 MiB.
    expect(config.tenants[0]!.maxObjectSize).within(300e6, (4 * 1024 ** 2 * 2 * 1408) / 32);
    const assembly = { spoolMax: '1GiB' };
    const large = { name: 'a', storage: '/out', maxObjectSize: '2GiB' };
    expect(highProblems({ ...high(), assembly, tenants: [large] })).deep.equal([
      'high.yaml: tenants[0].maxObjectSize is "2GiB"; allowed: a size up to 1GiB, which is assembly.spoolMax',
    ]);
    expect(parseHighConfig({ ...high(), assembly }, 'high', '/x').tenants[0]!.maxObjectSize).equal(1024 ** 3);
  });

  const tenants = (...shares: string[]) => ({
    ...low(),
    tenants: shares.map((share, i) => ({ name: `t${i}`, share, accepted: `/accepted/${i}`, receipts: `/told/${i}` })),
  });
  it('FAULTS 67: shares inside each other', () => {
    expect(lowProblems(tenants('/in', '/in/sub'))).deep.equal([
      'low.yaml: tenants[1].share is "/in/sub"; allowed: a folder apart from tenants[0].share ("/in")',
    ]);
    expect(lowProblems(tenants('/in/sub', '/in'))[0]).match(/^low\.yaml: tenants\[0\]\.share is "\/in\/sub"/);
    expect(lowProblems(tenants('/in', '/in/../in/'))).length(1);
    expect(lowProblems(tenants('/in', '/in/a', '/in/a/b'))).length(2);
    expect(() => parseLowConfig(tenants('/in', '/in2', '/in-3', '/in.d'), 'low.yaml', '/x')).not.to.throw();
  });

  it('FAULTS 67: shares inside each other by way of a link', () => {
    const dir = mkdtempSync(join(tmpdir(), 'sluice-config-'));
    try {
      mkdirSync(join(dir, 'in'));
      symlinkSync(join(dir, 'in'), join(dir, 'other'));
      expect(lowProblems(tenants(join(dir, 'in'), join(dir, 'other', 'not-there-yet')))).length(1);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('FAULTS 67: accepted files would be taken again', () => {
    const inside = { ...low(), tenants: [{ name: 'a', share: '/in', accepted: '/in/done' } as Section] };
    expect(lowProblems(inside)[0]).match(/^low\.yaml: tenants\[0\]\.accepted is "\/in\/done"; allowed: a folder apart/);
    inside.tenants[0] = { ...inside.tenants[0]!, afterSent: 'keep' };
    expect(() => parseLowConfig(inside, 'low.yaml', '/x')).not.to.throw();
  });

  it('FAULTS 67: receipts would be taken for files, or would be published', () => {
    const told = { name: 'a', share: '/in', receipts: '/in/told' };
    expect(lowProblems({ ...low(), tenants: [told] })[0]).match(/^low\.yaml: tenants\[0\]\.receipts is "\/in\/told"/);
    const silent = { ...low(), tenants: [{ ...told, receiptsFor: 'none' }] };
    expect(() => parseLowConfig(silent, 'low.yaml', '/x')).not.to.throw();
    const named = { ...high(), tenants: { a: {}, receipts: {} }, storageRoot: '/out' };
    expect(highProblems(named)[0]).match(
      /^high\.yaml: tenants\.a\.receipts is "\/out\/receipts\/a"; allowed: a folder apart from tenants\.receipts\.storage/,
    );
    const shares = { a: { share: '/in/a' }, receipts: { share: '/in/receipts' }, accepted: { share: '/in/accepted' } };
    expect(lowProblems({ ...low(), tenants: shares })).length.greaterThan(1);
  });

  it('FAULTS 67: shares and storage in or around the state folder', () => {
    const named = 'low.yaml: tenants[0].share is "/s/in"; allowed: a folder apart from the state folder ("/s")';
    expect(lowProblems(tenants('/s/in'), '/s')).deep.equal([named]);
    expect(lowProblems(tenants('/s'), '/s/state')[0]).match(
      /^low\.yaml: tenants\[0\]\.share is "\/s"; allowed: a folder/,
    );
    expect(lowProblems(tenants('/s'), '/s')).length(1);
    expect(highProblems(high(), '/etc/sluice/out').join('\n')).match(/^high\.yaml: tenants\[0\]\.storage is/m);
    expect(() => parseLowConfig(low(), 'low.yaml', '/x', { stateDir: '/x/state' })).not.to.throw();
  });

  it('FAULTS 67: storage of two tenants, or of one nowhere', () => {
    const two = {
      ...high(),
      tenants: [
        { name: 'a', storage: '/out' },
        { name: 'b', storage: '/out/b' },
      ],
    };
    expect(highProblems(two)[0]).match(/^high\.yaml: tenants\[1\]\.storage is "\/out\/b"; allowed: a folder apart/);
    expect(highProblems({ ...high(), tenants: { a: {} } })).deep.equal([
      'high.yaml: tenants.a.storage is missing; allowed: a path, or a path for all tenants in storageRoot',
    ]);
  });

  it('FAULTS 67: a tenant named twice, or under its name with another one', () => {
    const twice = {
      ...low(),
      tenants: [
        { name: 'a', share: '/1' },
        { name: 'a', share: '/2' },
      ],
    };
    expect(lowProblems(twice)).deep.equal([
      'low.yaml: tenants[1].name is "a"; allowed: a name that no other tenant has',
    ]);
    const other = { ...low(), tenants: { a: { name: 'b', share: '/1' } } };
    expect(lowProblems(other)[0]).match(/^low\.yaml: tenants\.a\.name is "b"; allowed: no name/);
  });

  it('FAULTS 66: keys and policies where a tenant could read or write them', () => {
    const keys = { signing: 'in/town-hall/signing.key', link: 'keys/link.key' };
    expect(lowProblems({ ...low(), keys })[0]).match(
      /^low\.yaml: keys\.signing is ".*"; allowed: a path outside tenants/,
    );
    const policy = [{ name: 'a', share: '/in', policy: '/in/policy.yaml' }];
    expect(lowProblems({ ...low(), tenants: policy })[0]).match(/^low\.yaml: tenants\[0\]\.policy is/);
    const trusted = { trusted: ['/keys/a.pub', 'out/town-hall/b.pub'], link: 'k' };
    expect(highProblems({ ...high(), keys: trusted })[0]).match(/^high\.yaml: keys\.trusted is/);
    expect(lowProblems({ ...low(), keys: { signing: 'k', link: './k' } })[0]).match(/^low\.yaml: keys\.link is/);
  });

  it('FAULTS 67: link and queue values that exclude each other', () => {
    const link = (more: Section) => ({ ...low(), link: { target: '127.0.0.1:5000', ...more } });
    expect(lowProblems(link({ mtu: 9000, blockSymbols: 4096 }))).deep.equal([
      'low.yaml: link.blockSymbols is 4096; allowed: a whole number from 1 to 707 with link.mtu 9000',
    ]);
    expect(lowProblems(link({ bundleSize: '1MiB', bundleMaxFile: '2MiB' }))).deep.equal([
      'low.yaml: link.bundleMaxFile is "2MiB"; allowed: a size up to link.bundleSize (1MiB)',
    ]);
    expect(lowProblems(link({ source: '127.0.0.1:5000' }))[0]).match(/^low\.yaml: link\.source is "127\.0\.0\.1:5000"/);
    expect(lowProblems({ ...low(), queues: { store: 'redis' } })[0]).match(/^low\.yaml: queues\.redisUrl is missing/);
    const unused = { store: 'embedded', redisUrl: 'redis://127.0.0.1' };
    expect(lowProblems({ ...low(), queues: unused })[0]).match(/^low\.yaml: queues\.store is "embedded"/);
  });

  const redis = 'rediss://127.0.0.1';
  const queues: [what: Section, key: string][] = [
    [{ sentinels: ['s:26379'] }, 'queues.sentinelName'],
    [{ sentinelName: 'gate' }, 'queues.sentinelName'],
    [{ sentinelPasswordFile: 'p' }, 'queues.sentinelPasswordFile'],
    [{ redisPasswordFile: 'p' }, 'queues.redisPasswordFile'],
    [{ redisUrl: 'redis://:x@127.0.0.1', redisPasswordFile: 'p' }, 'queues.redisPasswordFile'],
    [{ redisUrl: 'redis://127.0.0.1', redisCa: 'ca.pem' }, 'queues.redisCa'],
    [{ store: 'embedded', sentinels: ['s:1'], sentinelName: 'gate' }, 'queues.store'],
  ];
  for (const [written, key] of queues) {
    it(`FAULTS 67: ${key} with ${Object.keys(written)}`, () => {
      const found = lowProblems({ ...low(), queues: written });
      expect(found).length(1);
      expect(found[0]!.startsWith(`low.yaml: ${key} `), found[0]).equal(true);
    });
  }

  it('Redis keys that belong together', () => {
    const together = { redisUrl: redis, redisPasswordFile: 'p', redisCa: 'ca.pem', sentinels: ['s.example:26379'] };
    const config = parseLowConfig({ ...low(), queues: { ...together, sentinelName: 'gate' } }, 'low.yaml', '/x');
    expect(config.queues.sentinels).deep.equal([{ host: 's.example', port: 26_379 }]);
    expect(config.queues.redisPasswordFile).equal('/x/p');
  });
});
