/** Tenants that change while the gateway runs: as a whole or not at all, and said once. */
import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type LowSettings, loadLowSettings } from '../../ingress/settings.js';
import { SluiceError } from '../../shared/core/errors.js';
import { toYaml } from '../../shared/ops/config/load.js';
import { ConfigWatcher, type TenantChange } from '../../shared/ops/config/reload.js';
import { Sources } from '../../shared/ops/config/sources.js';
import { low } from './config-samples.js';

describe('configuration: reload', () => {
  let dir: string;
  let watcher: ConfigWatcher<LowSettings>;
  let said: string[];
  let applied: TenantChange[];
  let inForce: LowSettings;
  let prepare: () => void;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-reload-'));
    mkdirSync(join(dir, 'tenants'));
    said = [];
    applied = [];
    prepare = () => {};
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const main = (more: object = {}) => {
    const { tenants: _, ...rest } = low();
    writeFileSync(join(dir, 'low.yaml'), toYaml({ ...rest, tenantsDir: 'tenants', ...more }));
  };
  const put = (name: string, text: string) => writeFileSync(join(dir, 'tenants', name), text);
  const load = (sources: Sources) => loadLowSettings(join(dir, 'low.yaml'), { sources });
  const begin = () => {
    const sources = new Sources();
    inForce = load(sources);
    watcher = new ConfigWatcher(
      {
        load,
        prepare: () => prepare(),
        apply: (next, change) => {
          inForce = next;
          applied.push(change);
        },
        alarm: (code, words) => said.push(`${code} ${words}`),
        over: (code) => said.push(`over ${code}`),
      },
      inForce,
      sources,
    );
  };
  /** What is said at the next look. */
  const look = (): string[] => {
    said = [];
    watcher.look();
    return said;
  };
  const names = () => inForce.config.tenants.map(({ name }) => name);

  it('adds, changes and removes tenants, and says which', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    expect(look()).deep.equal([]);
    put('b.yaml', 'share: /in/b\n');
    expect(look()).deep.equal(['CONFIG_RELOADED Tenants added: b.']);
    expect(names()).deep.equal(['a', 'b']);
    put('a.yaml', 'share: /in/a\nlabel: internal\n');
    put('c.yaml', 'share: /in/c\n');
    unlinkSync(join(dir, 'tenants/b.yaml'));
    expect(look()).deep.equal(['CONFIG_RELOADED Tenants added: c; removed: b; changed: a.']);
    expect(inForce.rules.get('a')!.label).equal('internal');
    expect(look()).deep.equal([]);
    expect(applied).length(2);
  });

  it('asked to, it reads everything at once and answers what came of it, also when that is nothing or known', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    expect(watcher.reload()).equal('CONFIG_RELOADED The tenants are those that are in force.');
    expect(said, 'no alarm').deep.equal([]);
    put('b.yaml', 'share: /in/b\n');
    expect(watcher.reload()).equal('CONFIG_RELOADED Tenants added: b.');
    put('b.yaml', 'share: 5\n');
    for (let i = 0; i < 2; i++) expect(watcher.reload()).match(/^CONFIG_REFUSED .*b\.yaml:1:1: share is 5; /);
    put('b.yaml', 'share: /in/b\n');
    main({ log: { level: 'warn' } });
    expect(watcher.reload()).match(/^CONFIG_RELOADED .* CONFIG_RESTART Other than at the start: log\.level\.$/);
  });

  it('a policy that changes is a tenant that changes', () => {
    main();
    writeFileSync(join(dir, 'strict.yaml'), 'name: strict\n');
    put('a.yaml', 'share: /in/a\npolicy: ../strict.yaml\n');
    put('b.yaml', 'share: /in/b\n');
    begin();
    writeFileSync(join(dir, 'strict.yaml'), 'name: strict\nallowedTypes: [application/pdf]\n');
    expect(look()).deep.equal(['CONFIG_RELOADED Tenants changed: a.']);
    expect(inForce.rules.get('a')!.policy.allowedTypes).deep.equal(['application/pdf']);
  });

  it('FAULTS 67: refuses a wrong change as a whole, with file, line, key and reason, once', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    put('a.yaml', 'share: /in/other\n');
    put('b.yaml', 'share: /in/b\nweight: 1000\n');
    const [words, ...more] = look();
    expect(more).deep.equal([]);
    expect(words).match(/^CONFIG_REFUSED .*b\.yaml:2:1: weight is 1000; allowed: a whole number from 1 to 100$/);
    expect(applied, 'also not the half that was right').deep.equal([]);
    expect(look()).deep.equal([]);
    put('b.yaml', 'share: /in/b\nweight: 1000\n# still wrong\n');
    expect(look(), 'another content').length(1);
    put('b.yaml', 'share: /in/b\nweight: 100\n');
    expect(look()).deep.equal(['over CONFIG_REFUSED', 'CONFIG_RELOADED Tenants added: b; changed: a.']);
  });

  it('says all that is wrong in one line', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    put('a.yaml', 'share: 5\n');
    put('b.yaml', 'share: 6\n');
    expect(look()).length(1);
    expect(said[0]).match(/a\.yaml:1:1: share is 5; .*b\.yaml:1:1: share is 6; /);
    expect(said[0]).not.contain('\n');
  });

  it('says that what was wrong is over, also when it is as it was before', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    put('a.yaml', 'share: [\n');
    expect(look()[0]).match(/a\.yaml:2:1: not valid YAML/);
    put('a.yaml', 'share: /in/a\n');
    expect(look()).deep.equal(['over CONFIG_REFUSED', 'CONFIG_RELOADED The tenants are those that are in force.']);
    expect(applied).deep.equal([]);
  });

  it('a folder of tenants that goes away takes no tenant with it', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    rmSync(join(dir, 'tenants'), { recursive: true });
    expect(look()[0]).match(/^CONFIG_REFUSED .*tenants: ENOENT/);
    expect(names()).deep.equal(['a']);
    mkdirSync(join(dir, 'tenants'));
    expect(look()[0]).match(/holds no tenant/);
    put('a.yaml', 'share: /in/a\n');
    expect(look()[0]).equal('over CONFIG_REFUSED');
  });

  it('other keys are named, and count after a restart; tenants change all the same', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    main({ log: { level: 'debug' }, spool: { minFree: '1GiB' } });
    put('b.yaml', 'share: /in/b\n');
    expect(look()).deep.equal([
      'CONFIG_RESTART Other than at the start: log.level, spool.minFree.',
      'CONFIG_RELOADED Tenants added: b.',
    ]);
    put('c.yaml', 'share: /in/c\n');
    expect(look(), 'said once').deep.equal(['CONFIG_RELOADED Tenants added: c.']);
    main();
    expect(look()).deep.equal(['over CONFIG_RESTART']);
  });

  it('FAULTS 66: a changed secret is not in what is said', () => {
    const redisUrl = (password: string) => ({ queues: { redisUrl: `redis://:${password}@127.0.0.1` } });
    main(redisUrl('hunter1'));
    rmSync(join(dir, 'low.yaml'));
    const { tenants: _, ...rest } = low();
    const write = (password: string) =>
      writeFileSync(join(dir, 'low.yaml'), toYaml({ ...rest, tenantsDir: 'tenants', ...redisUrl(password) }), {
        mode: 0o600,
      });
    write('hunter1');
    put('a.yaml', 'share: /in/a\n');
    begin();
    write('hunter2');
    expect(look()).deep.equal(['CONFIG_RESTART Other than at the start: queues.redisUrl.']);
  });

  it('what cannot be prepared is refused, and tried again without any file changing', () => {
    main();
    put('a.yaml', 'share: /in/a\n');
    begin();
    prepare = () => {
      throw new SluiceError('CONFIG_INVALID', 'The storage /out/b cannot be made.');
    };
    put('b.yaml', 'share: /in/b\n');
    expect(look()[0]).match(/^CONFIG_REFUSED .*The storage \/out\/b cannot be made\.$/);
    expect(look()).deep.equal([]);
    expect(names()).deep.equal(['a']);
    prepare = () => {};
    expect(look()).deep.equal(['over CONFIG_REFUSED', 'CONFIG_RELOADED Tenants added: b.']);
  });
});
