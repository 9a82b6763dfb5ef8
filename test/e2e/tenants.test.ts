/**
 * Two running sides whose tenants change: files of tenants appear, go wrong, are mended and go away, and nothing that is
 * on its way is lost or released by the wrong rules (FAULTS 61, 67).
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { toYaml } from '../../shared/ops/config/load.js';
import { concurrently, type Line, QUICK_STORE, type Run, type Workplace } from '../support/cli.js';
import { ready, type Sides, setUpSidesQuickly, startHigh, startLow } from '../support/sides.js';

/** The sides with a folder of tenants each, and one tenant, town. */
async function begin(place: Workplace): Promise<{ sides: Sides; low: Run; high: Run; folder: TenantsFolder }> {
  const sides = setUpSidesQuickly(place);
  const folder = {
    low: (name: string, more: object | null = {}) =>
      put(place, 'low', name, more && { share: join(place.folder('shares'), name), ...more }),
    high: (name: string, more: object | null = {}) => put(place, 'high', name, more),
  };
  const keys = join(place.base, 'keys');
  const queues = { store: QUICK_STORE };
  for (const side of ['low', 'high']) place.folder(`${side}-tenants`);
  folder.low('town', { names: 'posix' });
  folder.high('town', { names: 'posix' });
  const highConfig = {
    tenantsDir: 'high-tenants',
    storageRoot: 'storage',
    keys: { trusted: keys, link: join(keys, 'link.key') },
    link: { listen: '127.0.0.1:0' },
    queues,
  };
  fs.writeFileSync(sides.high, toYaml(highConfig));
  const high = startHigh(place, sides);
  const { port } = await ready(high);
  const lowConfig = {
    tenantsDir: 'low-tenants',
    keys: { signing: join(keys, 'signing.key'), link: join(keys, 'link.key') },
    link: { target: `127.0.0.1:${port}` },
    intake: { pollInterval: '50ms', holdTime: '100ms', consignmentHold: '100ms' },
    queues,
  };
  fs.writeFileSync(sides.low, toYaml(lowConfig));
  const low = startLow(place, sides);
  await ready(low);
  return { sides, low, high, folder };
}

interface TenantsFolder {
  low(name: string, more?: object | null): void;
  high(name: string, more?: object | null): void;
}

/** A tenant's file appears the way people write files with care; null removes it. */
function put(place: Workplace, side: string, name: string, tenant: object | null): void {
  const path = join(place.base, `${side}-tenants`, `${name}.yaml`);
  const fresh = join(place.base, `${side}-${name}.new`);
  if (tenant === null) fs.unlinkSync(path);
  else {
    fs.writeFileSync(fresh, Object.keys(tenant).length === 0 ? '' : toYaml(tenant));
    fs.renameSync(fresh, path);
  }
}

function drop(place: Workplace, tenant: string, name: string, content = name): void {
  const path = join(place.base, 'shares', tenant, name);
  fs.writeFileSync(`${path}.part`, content);
  fs.renameSync(`${path}.part`, path);
}

const alarm = (run: Run, code: string, words: RegExp): Promise<Line> =>
  run.line((line) => line.event === 'alarm' && line.code === code && words.test(String(line.words)), code, 20_000);
const object = (run: Run, path: string, state: string): Promise<Line> =>
  run.line((line) => line.event === 'object' && line.path === path && line.state === state, `${path} ${state}`, 20_000);

async function end(place: Workplace, ...runs: Run[]): Promise<void> {
  for (const run of runs) expect((await run.stop()).code).to.equal(0);
  await place.expectNothingRuns();
}

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'a tenant is added on both sides, a wrong change touches nothing': async (place) => {
    const { low, high, folder } = await begin(place);
    folder.high('school');
    await alarm(high, 'CONFIG_RELOADED', /added: school/);
    folder.low('school');
    await alarm(low, 'CONFIG_RELOADED', /added: school/);
    drop(place, 'school', 'first.txt');
    await object(high, 'first.txt', 'released');
    expect(fs.readFileSync(join(place.base, 'storage/school/first.txt'), 'utf8')).to.equal('first.txt');

    folder.low('museum', { weight: 'heavy' });
    folder.low('town', { label: 'secret' });
    await alarm(low, 'CONFIG_REFUSED', /museum\.yaml:2:1: weight is "heavy"; allowed/);
    drop(place, 'town', 'still.txt');
    await object(high, 'still.txt', 'released');
    folder.low('museum', null);
    await alarm(low, 'CONFIG_RELOADED', /changed: town/);
    drop(place, 'town', 'secret.txt');
    await alarm(high, 'VERIFY_LABEL_NOT_ALLOWED', /town: "secret\.txt"\. It is labelled "secret"/);
    await object(high, 'secret.txt', 'quarantined');
    expect(fs.existsSync(join(place.base, 'storage/town/secret.txt'))).to.equal(false);
    await end(place, low, high);
  },

  'types and policies count from the next object on, on either side': async (place) => {
    const { low, high, folder } = await begin(place);
    drop(place, 'town', 'before.txt');
    await object(high, 'before.txt', 'released');
    folder.low('town', { types: ['application/pdf'] });
    await alarm(low, 'CONFIG_RELOADED', /changed: town/);
    drop(place, 'town', 'refused.txt');
    const { code } = await object(low, 'refused.txt', 'refused');
    expect(code).to.equal('SCAN_TYPE_NOT_ALLOWED');

    folder.low('town', { types: ['text/*'] });
    folder.high('town', { types: ['application/pdf'] });
    await alarm(low, 'CONFIG_RELOADED', /changed: town/);
    await alarm(high, 'CONFIG_RELOADED', /changed: town/);
    await low.line(
      () => low.lines().filter(({ code: said }) => said === 'CONFIG_RELOADED').length === 2,
      'a second reload',
    );
    drop(place, 'town', 'after.txt');
    await alarm(high, 'VERIFY_TYPE_NOT_ALLOWED', /after\.txt.*The low side says it is text\/plain/);
    await object(high, 'after.txt', 'quarantined');
    await end(place, low, high);
  },

  'FAULTS 61: objects of a tenant this side does not serve are quarantined, and alarmed': async (place) => {
    const { low, high, folder } = await begin(place);
    folder.low('stranger');
    await alarm(low, 'CONFIG_RELOADED', /added: stranger/);
    drop(place, 'stranger', 'letter.txt');
    await alarm(high, 'VERIFY_TENANT_UNKNOWN', /stranger: "letter\.txt"/);
    await object(high, 'letter.txt', 'quarantined');
    expect(fs.existsSync(join(place.base, 'storage/stranger'))).to.equal(false);
    await end(place, low, high);
  },

  'what was taken for a tenant that is gone is held, and goes on when it is back': async (place) => {
    const { sides, low, high, folder } = await begin(place);
    folder.low('school');
    folder.high('school');
    await alarm(high, 'CONFIG_RELOADED', /added: school/);
    await alarm(low, 'CONFIG_RELOADED', /added: school/);
    const ask = async (act: string) => {
      const asked = await place.sluice('queues', act, 'scan', '--state', sides.lowState, '--why', 'a test').ended;
      expect(asked.code, asked.stderr).to.equal(0);
    };
    await ask('pause');
    drop(place, 'school', 'waits.txt');
    await object(low, 'waits.txt', 'taken');
    folder.low('school', null);
    await alarm(low, 'CONFIG_RELOADED', /removed: school/);
    await alarm(low, 'TENANT_REMOVED', /school: 1 of its objects wait/);
    await ask('resume');
    const { code } = await object(low, 'waits.txt', 'held');
    expect(code).to.equal('TENANT_REMOVED');
    folder.low('school');
    await object(high, 'waits.txt', 'released');
    await end(place, low, high);
  },

  'what waits for a tenant that is gone is given up when an operator says so and why, of one that is served never':
    async (place) => {
      const { sides, low, high, folder } = await begin(place);
      folder.low('school');
      await alarm(low, 'CONFIG_RELOADED', /added: school/);
      const act = async (...args: string[]) =>
        place.sluice(...args, '--state', sides.lowState, '--who', 'ann', '--why', 'the school has closed').ended;
      expect((await act('queues', 'pause', 'scan')).code).to.equal(0);
      drop(place, 'school', 'waits.txt');
      await object(low, 'waits.txt', 'taken');
      expect(await act('give-up', 'school')).to.include({ code: 1 });
      folder.low('school', null);
      await alarm(low, 'TENANT_REMOVED', /school: 1 of its objects wait/);
      const { code, stderr } = await act('give-up', 'school');
      expect([code, stderr]).to.deep.equal([
        0,
        '1 objects of "school" are given up, and 9 B of the spool are free again.\n',
      ]);
      expect((await object(low, 'waits.txt', 'refused')).code).to.equal('TENANT_GIVEN_UP');
      expect(fs.readdirSync(join(sides.lowState, 'spool/objects'))).to.deep.equal([]);
      const { stderr: acts } = await place.sluice('acts', '--state', sides.lowState).ended;
      expect(acts).to.match(
        /low {2}ann: give-up school because: the school has closed\n {4}no: .* in the configuration/,
      );
      expect(acts).to.match(/low {2}ann: give-up school because: the school has closed\n {4}yes: 1 objects/);
      await end(place, low, high);
    },
};

describe('tenants of running sides', function () {
  this.timeout(120_000);
  concurrently(2, cases);
});
