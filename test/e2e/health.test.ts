/**
 * What operators see of running sides: `sluice status`, the log, and alarms that come and go. Names are as naughty as a
 * file system allows, and whatever is secret appears nowhere.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import type { SideStatus } from '../../shared/ops/health/status.js';
import { concurrently, kill, type Run, type RunFile, readJson, type Workplace } from '../support/cli.js';
import { drop, inState, ready, setUpSidesQuickly, startHigh, startLow, writeHigh, writeLow } from '../support/sides.js';

const status = (stateDir: string) => readJson(join(stateDir, 'status.json')) as SideStatus;
const logOf = (stateDir: string, side: string): string =>
  fs
    .readdirSync(stateDir)
    .filter((name) => name.startsWith(`${side}.log`))
    .map((name) => fs.readFileSync(join(stateDir, name), 'utf8'))
    .join('');

/** Adds keys to a configuration file. */
function configure(file: string, more: object): void {
  fs.writeFileSync(file, stringify({ ...parse(fs.readFileSync(file, 'utf8')), ...more }));
  fs.chmodSync(file, 0o600);
}

const alarmsTold = (run: Run, code: string) =>
  run.lines().filter((line) => line.event === 'alarm' && line.code === code);

const NAUGHTY = [
  'plain',
  'cr\rlf\nend',
  '\u001b[2J\u001b[31mred',
  '"},{"level":60',
  'rtl\u202eexe.txt',
  '$(reboot)`id`',
  '<script>alert(1)<',
  'joined\u200dfamily',
  'nul-free\u0007bell',
  'línea ñ 日本',
];

const cases: Record<string, (place: Workplace) => Promise<void>> = {
  'FAULTS 63, 66: the log names every object by its transfer, shows no naughty character and no secret': async (
    place,
  ) => {
    const sides = setUpSidesQuickly(place);
    writeLow(sides, '127.0.0.1:9');
    configure(sides.low, { log: { level: 'trace', maxSize: '64KiB', keep: 20 } });
    for (const name of NAUGHTY) fs.writeFileSync(join(sides.share, name), randomBytes(10));
    fs.writeFileSync(Buffer.concat([Buffer.from(`${sides.share}/bytes-`), Buffer.from([0xff, 0xc3, 0x28])]), 'x');
    for (let n = 0; n < 150; n++) fs.writeFileSync(join(sides.share, `more ${n}`), 'y');
    const low = startLow(place, sides);
    await ready(low);
    await low.until(() => inState(low, 'sent').length >= 154 && inState(low, 'refused').length >= 5, 'outcomes');
    const shown = await place.sluice('status', '--state', sides.lowState).ended;
    expect(shown.code, shown.stdout).to.equal(0);
    expect(shown.stdout).to.match(/^low side: well/);
    const { code, stdout, stderr } = await low.stop();
    expect(code, stderr).to.equal(0);
    const log = logOf(sides.lowState, 'low');
    expect(fs.existsSync(join(sides.lowState, 'low.log.1')), 'it was put aside').to.equal(true);
    const lines = log.trimEnd().split('\n');
    const paths = new Set<string>();
    for (const line of lines) {
      expect(line).not.to.match(/[\p{Cc}\p{Cf}\p{Zl}]/u);
      const { msg, transfer, path } = JSON.parse(line) as Record<string, string>;
      if (msg !== 'object') continue;
      expect(transfer, line).to.match(/^[0-9a-f]{32}$/);
      paths.add(path!);
    }
    expect(paths.size).to.be.at.least(NAUGHTY.length + 151);
    const said = log + stdout + stderr + JSON.stringify(status(sides.lowState)) + shown.stdout;
    for (const name of ['link.key', 'signing.key']) {
      const secret = fs
        .readFileSync(join(sides.keys, name), 'utf8')
        .split('\n')
        .filter((line) => line.length >= 16 && !line.startsWith('-'));
      expect(secret.length, name).to.be.above(0);
      for (const line of secret) expect(said, name).not.to.include(line.trim().split(/\s+/).at(-1)!);
    }
  },

  'FAULTS 51, 66: a process that is killed is an alarm with its name, and an address of a store shows no password':
    async (place) => {
      const sides = setUpSidesQuickly(place);
      writeHigh(sides, '127.0.0.1:0', { silence: '10m' });
      const high = startHigh(place, sides);
      const { port } = await ready(high);
      expect(port).to.be.above(0);
      const { processes } = readJson(join(sides.highState, 'run.json')) as RunFile;
      kill(processes.verifier!.pid, 'SIGKILL');
      await high.until(() => alarmsTold(high, 'CHILD_FAILED').length > 0, 'the alarm');
      await high.until(() => status(sides.highState).alarms.some(({ code }) => code === 'CHILD_FAILED'), 'its state');
      const shown = await place.sluice('status', '--state', sides.highState).ended;
      expect(shown.code).to.equal(1);
      expect(shown.stdout).to.match(/CHILD_FAILED .*verifying process ended \(signal SIGKILL\)/);
      expect(logOf(sides.highState, 'high')).to.include('"process":"verifying"');
      await high.stop();
      const after = await place.sluice('status', '--state', sides.highState).ended;
      expect(after.code).to.equal(1);
      expect(after.stdout).to.match(/^high side: is not running/);

      writeLow(sides, '127.0.0.1:9');
      configure(sides.low, { queues: { store: 'redis', redisUrl: 'redis://:hunter2hunter2@127.0.0.1:1/0' } });
      const refused = await startLow(place, sides).ended;
      expect(refused.code).to.equal(3);
      const said = refused.stdout + refused.stderr + logOf(sides.lowState, 'low');
      expect(said).to.include('127.0.0.1:1').and.not.include('hunter2');
    },

  'FAULTS 58: a link that goes dark is an alarm within link.silence, and the high side says when it is back': async (
    place,
  ) => {
    const sides = setUpSidesQuickly(place);
    writeHigh(sides, '127.0.0.1:0', { silence: '1s' });
    const high = startHigh(place, sides);
    const { port } = await ready(high);
    writeLow(sides, `127.0.0.1:${port}`, { heartbeatInterval: '100ms' });
    const low = startLow(place, sides);
    await ready(low);
    drop(sides, 'first', 'a');
    await high.until(() => inState(high, 'released').length === 1, 'the first object');
    const silent = alarmsTold(high, 'LINK_SILENT').length;
    await low.stop();
    const darkMs = performance.now();
    await high.until(() => alarmsTold(high, 'LINK_SILENT').length > silent, 'LINK_SILENT');
    expect(performance.now() - darkMs).to.be.below(5_000);
    await high.until(() => status(sides.highState).alarms.some(({ code }) => code === 'LINK_SILENT'), 'its state');
    const again = startLow(place, sides);
    await ready(again);
    await high.until(() => alarmsTold(high, 'LINK_BACK').length > 0, 'LINK_BACK');
    await high.until(() => status(sides.highState).alarms.every(({ code }) => code !== 'LINK_SILENT'), 'the end of it');
    drop(sides, 'second', 'b');
    await high.until(() => inState(high, 'released').length === 2, 'the second object');
    await again.stop();
    await high.stop();
  },
};

describe('health of running sides', function () {
  this.timeout(120_000);
  concurrently(2, cases);
});
