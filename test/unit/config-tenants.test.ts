/** Tenants in files of their own: what they become, and in which words the file, line and key of a problem are said. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { LIMITS } from '../../shared/core/limits.js';
import { loadHighConfig, loadLowConfig, parseLowConfig, printConfig, toYaml } from '../../shared/ops/config/load.js';
import { Problems } from '../../shared/ops/config/problems.js';
import { Sources } from '../../shared/ops/config/sources.js';
import { parseYaml } from '../../shared/ops/config/yaml.js';
import { low, problems, type Section } from './config-samples.js';

describe('configuration: tenants in files', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-tenants-'));
    mkdirSync(join(dir, 'tenants'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const main = (more: Section = {}): string => {
    const path = join(dir, 'low.yaml');
    const { tenants: _, ...rest } = low();
    writeFileSync(path, toYaml({ ...rest, tenantsDir: 'tenants', ...more }));
    return path;
  };
  const put = (name: string, text: string): string => {
    const path = join(dir, 'tenants', name);
    writeFileSync(path, text);
    return path;
  };
  const load = () => loadLowConfig(join(dir, 'low.yaml'));
  const refused = (code?: Parameters<typeof problems>[1]) => problems(load, code);

  it('each file is a tenant; relative paths start at its folder', () => {
    main();
    put('a.yaml', 'share: ../in/a\nquota: { bytes: 5GiB, objects: 10 }\n');
    put('b.yaml', '# the mayor\nname: b\nshare: /in/b\npriority: urgent\n');
    put('.b.yaml.swp', 'not yaml: [');
    put('README', 'not looked at');
    const [a, b, ...more] = load().tenants;
    expect(more).deep.equal([]);
    expect(a).deep.include({ name: 'a', share: join(dir, 'in/a'), quota: { bytes: 5 * 1024 ** 3, objects: 10 } });
    expect(b).deep.include({ name: 'b', share: '/in/b', priority: 'urgent', accepted: '/in/accepted/b' });
  });

  it('joins those of the configuration itself, and prints them all as one list that reads back', () => {
    main({ tenants: { c: { share: 'in/c' } } });
    put('a.yaml', 'share: /in/a\n');
    const config = load();
    expect(config.tenants.map(({ name }) => name)).deep.equal(['c', 'a']);
    const printed = parseYaml(printConfig(config), new Problems('printed'));
    const { tenantsDir, ...rest } = config;
    expect(tenantsDir).equal(join(dir, 'tenants'));
    expect(parseLowConfig(printed, 'printed', '/elsewhere')).deep.equal(rest);
  });

  it('the high side has its own', () => {
    const path = join(dir, 'high.yaml');
    writeFileSync(
      path,
      'tenantsDir: tenants\nstorageRoot: out\nkeys: { trusted: t, link: l }\nlink: { listen: "127.0.0.1:0" }\n',
    );
    put('a.yaml', 'labels: [internal]\n');
    expect(loadHighConfig(path).tenants[0]).deep.include({ storage: join(dir, 'out/a'), labels: ['internal'] });
  });

  it('FAULTS 67: a problem names file, line, column, key and what is allowed', () => {
    main();
    const a = put('a.yaml', 'share: /in/a\n\n  # how much\nweight: 500\nquota:\n  bytes: lots\n');
    const b = put('b.yaml', 'labels: [x]\n');
    expect(refused()).have.members([
      `${a}:4:1: weight is 500; allowed: a whole number from 1 to 100`,
      `${a}:6:3: quota.bytes is "lots"; allowed: a size from 1B to 1024TiB, such as 20GiB`,
      `${b}:1:1: share is missing; allowed: a path`,
      refused()[3],
    ]);
    expect(refused()[3]!.startsWith(`${b}:1:1: labels is not a known key; allowed: name, share`)).equal(true);
  });

  it('FAULTS 67: problems of the configuration and of all files are said together', () => {
    const path = main({ log: { level: 'loud' } });
    const a = put('a.yaml', 'share: [\n');
    const b = put('b.yaml', 'share: /in/b\nshare: /in/c\n');
    const found = refused();
    expect(found.find((line) => line.startsWith(path))).match(/:\d+:3: log\.level is "loud"/);
    expect(found.find((line) => line.startsWith(a))).match(/a\.yaml:2:1: not valid YAML/);
    expect(found.find((line) => line.startsWith(b))).match(/b\.yaml:2:1: the key "share" is there twice/);
  });

  it('FAULTS 67: folders of two tenants in each other are said with both files', () => {
    main();
    put('a.yaml', 'share: /in\n');
    const b = put('b.yaml', 'weight: 3\nshare: /in/sub\n');
    expect(refused()).deep.include(
      `${b}:2:1: share is "/in/sub"; allowed: a folder apart from share in ${join(dir, 'tenants/a.yaml')} ("/in")`,
    );
  });

  const names: [file: string, text: string, says: RegExp][] = [
    ['Town.yaml', 'share: /in\n', /Town\.yaml: the file name is no name of a tenant/],
    ['a.yml', 'share: /in\n', /a\.yml: the file name is no name of a tenant; allowed: .* then \.yaml/],
    ['a\nb.yaml', 'share: /in\n', /the file name is no name of a tenant/],
    ['a.yaml', 'name: b\nshare: /in\n', /a\.yaml:1:1: name is "b"; allowed: no name, or a as the file is called/],
    ['a.yaml', '[]\n', /a\.yaml:1:1: the tenant is an empty list; allowed: keys named name, share/],
    ['a.yaml', `share: /in\n#${' '.repeat(LIMITS.tenantFileMaxBytes)}`, /a\.yaml: it is larger than 131072 bytes/],
    ['a.yaml', `x: ${'['.repeat(100)}`, /a\.yaml: nested too deeply; allowed: 16 levels/],
  ];
  for (const [file, text, says] of names) {
    it(`FAULTS 67: ${JSON.stringify(file)} with ${JSON.stringify(text.slice(0, 20))} is refused`, () => {
      main();
      put(file, text);
      const code = says.source.includes('larger') ? 'CONFIG_UNREADABLE' : 'CONFIG_INVALID';
      expect(refused(code).join('\n')).match(says);
      expect(refused(code).join('\n')).not.match(/\n[^/]/);
    });
  }

  it('FAULTS 67: a tenant that is there twice, a folder without any, a folder that is not there', () => {
    main({ tenants: { a: { share: '/in/1' } } });
    put('a.yaml', 'share: /in/2\n');
    expect(refused()).deep.equal([
      `${join(dir, 'tenants/a.yaml')}:1:1: name is "a"; allowed: a name that no other tenant has`,
    ]);
    unlinkSync(join(dir, 'tenants/a.yaml'));
    expect(refused()[0]).match(/tenants: it holds no tenant; allowed: a file NAME\.yaml/);
    rmSync(join(dir, 'tenants'), { recursive: true });
    expect(refused('CONFIG_UNREADABLE')[0]).match(/tenants: ENOENT$/);
  });

  it('FAULTS 67: more files or bytes than there may be', () => {
    main();
    for (let i = 0; i < 65; i++) put(`t${i}.yaml`, `share: /in/${i}\n#${' '.repeat(LIMITS.tenantFileMaxBytes - 64)}`);
    expect(refused().join('\n')).match(/t9\.yaml: the tenants' files have more than 8388608 bytes/);
    for (let i = 0; i < 65; i++) truncateSync(join(dir, 'tenants', `t${i}.yaml`));
    for (let i = 65; i <= LIMITS.configMaxTenants; i++) put(`t${i}.yaml`, '');
    expect(refused()).deep.equal([`${join(dir, 'tenants')}: it holds 1025 files; allowed: 1024`]);
  });

  describe('FAULTS 66: who may decide what leaves the building', () => {
    it('files and folders that anybody can change are refused', () => {
      const path = main();
      const a = put('a.yaml', 'share: /in/a\n');
      chmodSync(a, 0o646);
      expect(refused('CONFIG_EXPOSED')[0]).match(/a\.yaml: anybody on this machine can change it/);
      chmodSync(a, 0o644);
      load();
      chmodSync(join(dir, 'tenants'), 0o1777);
      expect(refused('CONFIG_EXPOSED')[0]).match(/tenants: anybody on this machine can change it/);
      chmodSync(join(dir, 'tenants'), 0o755);
      chmodSync(path, 0o666);
      expect(refused('CONFIG_EXPOSED')[0]).match(/low\.yaml: anybody/);
    });

    it('a link may stay in the folder, and may not leave it', () => {
      main();
      mkdirSync(join(dir, 'tenants/..data'));
      writeFileSync(join(dir, 'tenants/..data/a'), 'share: /in/a\n');
      symlinkSync('..data/a', join(dir, 'tenants/a.yaml'));
      expect(load().tenants[0]!.share).equal('/in/a');
      writeFileSync(join(dir, 'elsewhere'), 'share: /in/b\n');
      symlinkSync('../elsewhere', join(dir, 'tenants/b.yaml'));
      expect(refused('CONFIG_EXPOSED')[0]).match(/b\.yaml: it is a link that leads out of .*tenants/);
    });

    it('a tenant cannot write its own rules', () => {
      main();
      put('a.yaml', `share: ${dir}\n`);
      expect(refused()[0]).match(/low\.yaml:\d+:1: tenantsDir is ".*"; allowed: a path outside share in .*a\.yaml/);
    });

    it('a password in an address makes the configuration a key file', () => {
      const path = main({ queues: { redisUrl: 'redis://:hunter2@127.0.0.1' } });
      put('a.yaml', 'share: /in/a\n');
      const [line] = refused('KEY_EXPOSED');
      expect(line).match(/low\.yaml: queues\.redisUrl holds a password and other users can read the file/);
      expect(line).not.contain('hunter2');
      chmodSync(path, 0o640);
      load();
    });
  });

  describe('what has changed since', () => {
    let now = new Sources();
    const read = () => {
      now = new Sources();
      try {
        loadLowConfig(join(dir, 'low.yaml'), { sources: now });
      } catch {
        // What was read is noted all the same.
      }
    };
    const changes: Record<string, () => void> = {
      'a file of a tenant': () => put('a.yaml', 'share: /in/b\n'),
      'a new tenant': () => put('b.yaml', 'share: /in/b\n'),
      'one tenant less': () => unlinkSync(join(dir, 'tenants/a.yaml')),
      'another name': () => renameSync(join(dir, 'tenants/a.yaml'), join(dir, 'tenants/c.yaml')),
      'the configuration itself': () => main({ log: { level: 'warn' } }),
      'who may write it': () => chmodSync(join(dir, 'tenants/a.yaml'), 0o666),
    };
    for (const [what, change] of Object.entries(changes)) {
      it(`is seen: ${what}`, () => {
        main();
        put('a.yaml', 'share: /in/a\n');
        read();
        expect(now.changed()).equal(false);
        const before = now.fingerprint;
        change();
        expect(now.changed()).equal(true);
        read();
        expect(now.changed()).equal(false);
        expect(now.fingerprint).not.equal(before);
      });
    }

    it('is not what was only written again', () => {
      main();
      put('a.yaml', 'share: /in/a\n');
      read();
      unlinkSync(join(dir, 'tenants/a.yaml'));
      put('a.yaml', 'share: /in/a\n');
      expect(now.changed()).equal(false);
    });

    it('is seen also after an attempt that failed', () => {
      main();
      put('a.yaml', 'share: 5\n');
      read();
      put('a.yaml', 'share: /in/a\n');
      expect(now.changed()).equal(true);
    });
  });
});
