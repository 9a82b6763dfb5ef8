/** A status in words: `sluice status`, `sluice top`, and the files they are read from. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { StateFolder } from '../../shared/ops/files/stateFolder.js';
import { readReports, type SideReport } from '../../shared/ops/health/statusFile.js';
import { isWell, statusLines } from '../../shared/ops/health/statusWords.js';
import { clip, topLines } from '../../shared/ops/health/topScreen.js';
import { ROOT } from '../support/cli.js';
import { newFolder, removeFolders } from '../support/folders.js';
import { AT_MS, alarm, highStatus, lowStatus } from '../support/statuses.js';

const running = (status: SideReport['status']): SideReport => ({
  side: status!.side,
  condition: 'running',
  ...(status ? { status } : {}),
});

describe('a status in words', () => {
  afterEach(removeFolders);

  it('low side: what moves, what waits and why', () => {
    const held = 'The spool holds 8 GiB.';
    expect(statusLines(running(lowStatus({ heldBack: held })), AT_MS)).to.deep.equal([
      'low side: well, running for 2 h',
      '  queues   a private Redis 7.0.15',
      '  intake   takes nothing: The spool holds 8 GiB.',
      '  link     120 Mbps of 200 Mbps (batched), 1234 frames sent; 3 of 12 transfers are not sent yet',
      '  coding   simd',
      '  stages   scan 3 waiting, 1 running, 2 put off; send PAUSED',
      '  spool    2 GiB of 8 GiB; 1 TiB free on its disk',
      '  tenant   town: 4 inside, 4 KiB (80 % of its quota), the oldest taken for 1.5 m; 9 sent, 1 held',
      '  tenant   court: 0 inside, 0 B',
    ]);
  });

  it('says why the erasure code does not run on what would be expected', () => {
    const because = 'simd does not load: no such file';
    const lines = statusLines(running(lowStatus({ erasureCode: { kernel: 'scalar', because } })), AT_MS);
    expect(lines).to.include(`  coding   scalar: ${because}`);
  });

  it('high side: losses, and an alarm with what to do', () => {
    const link = { ...highStatus().link, isSilent: true, silentMs: 12_000 };
    const report = running(highStatus({ link, alarms: [alarm({ count: 3 })] }));
    const lines = statusLines(report, AT_MS);
    expect(lines[0]).to.equal('high side: 1 alarm, running for 2 h');
    expect(lines).to.include(
      '  link     silent for 12 s (dgram); 14 of 1234 frames missing, 7 dropped here; 9 transfers accounted for, 1 of them never seen',
    );
    expect(lines.slice(-2)).to.deep.equal([
      '  ALARM    LINK_SILENT for 3 m, 3 times: The last frame came 12 s ago.',
      '             Check the low side and the fibre.',
    ]);
    expect(isWell(report)).to.equal(false);
  });

  it('the low side never says that something has arrived', () => {
    const screen = { columns: 200, rows: 60, colours: false };
    const report = running(lowStatus({ alarms: [alarm()] }));
    const words = [...statusLines(report, AT_MS), ...topLines([report], AT_MS, screen)].join('\n');
    expect(words).not.to.match(/deliver|arriv|received|released/i);
  });

  describe('on a screen', () => {
    const both = [running(lowStatus({ alarms: [alarm(), alarm(), alarm(), alarm()] })), running(highStatus())];

    it('fits whatever its size', () => {
      for (const [columns, rows] of [
        [80, 24],
        [20, 5],
        [200, 80],
        [1, 1],
        [80, 2],
      ] as const) {
        const lines = topLines(both, AT_MS, { columns, rows, colours: false });
        expect(lines.length, `${columns}x${rows}`).to.be.within(1, rows);
        for (const line of lines) expect([...line].length).to.be.at.most(columns);
      }
    });

    it('80 x 24 shows both sides, alarms first, and the tenants', () => {
      const text = topLines(both, AT_MS, { columns: 80, rows: 24, colours: false }).join('\n');
      for (const words of ['LOW SIDE: 4 ALARMS', 'and 1 more: sluice status', 'HIGH SIDE: WELL', 'town', 'court'])
        expect(text).to.include(words);
      expect(text).not.to.include('\x1b');
      expect(topLines(both, AT_MS, { columns: 80, rows: 24, colours: true }).join('')).to.include('\x1b[1;31m');
    });

    it('a thousand tenants leave the one that waits longest on it', () => {
      const tenants = Array.from({ length: 1_000 }, (_, n) => ({
        name: `t${n}`,
        states: {},
        inside: { objects: 1, bytes: 1 },
        oldest: { state: 'taken', ageMs: n === 777 ? 9e9 : n },
      }));
      const text = topLines([running(lowStatus({ tenants }))], AT_MS, { columns: 80, rows: 24, colours: false });
      expect(text.join('\n')).to.include('t777 ');
      expect(text.at(-1)).to.match(/and 98\d more tenants/);
    });

    it('wide characters count as two columns, marks as none', () => {
      expect(clip('日本語', 6)).to.equal('日本語');
      expect(clip('日本語', 5)).to.equal('日本…');
      expect(clip('e\u0301e\u0301', 2)).to.equal('e\u0301e\u0301');
      expect(clip('abc', 0)).to.equal('');
    });
  });

  describe('read from a state folder', () => {
    const written = (folder: string, status: object) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'status.json'), JSON.stringify(status));
    };
    const conditions = (folder: string, wallMs = AT_MS) =>
      readReports(folder, wallMs).map(({ side, condition }) => `${side} ${condition}`);

    it('a side that runs, hangs, has ended; and both of a demo', () => {
      const folder = newFolder();
      written(join(folder, 'low'), lowStatus());
      written(join(folder, 'high'), highStatus());
      expect(conditions(folder)).to.deep.equal(['low stopped', 'high stopped']);
      const state = StateFolder.open(join(folder, 'low'));
      expect(conditions(folder)).to.deep.equal(['low running', 'high stopped']);
      expect(conditions(join(folder, 'low'), AT_MS + 60_000)).to.deep.equal(['low silent']);
      expect(conditions(join(folder, 'low'), AT_MS - 60_000), 'FAULTS 22').to.deep.equal(['low silent']);
      state.close();
      const [stopped] = readReports(join(folder, 'low'), AT_MS + 60_000);
      expect(statusLines(stopped!, AT_MS + 60_000)[0]).to.equal('low side: is not running; it was 1 m ago');
    });

    it('what is not a state folder, or holds something else, is no status', () => {
      const folder = newFolder();
      expect(() => readReports(folder, AT_MS)).to.throw(/not the state folder/);
      written(folder, { side: 'low' });
      expect(() => readReports(folder, AT_MS)).to.throw(/not the state folder/);
      writeFileSync(join(folder, 'status.json'), '{"side": ');
      writeFileSync(join(folder, 'ledger.sqlite'), '');
      writeFileSync(join(folder, 'low.log'), '');
      expect(conditions(folder)).to.deep.equal(['low stopped']);
    });
  });

  describe('on the command line', () => {
    const sluice = (...args: string[]) =>
      spawnSync(process.execPath, [join(ROOT, 'bin/sluice.js'), ...args], { encoding: 'utf8', timeout: 15_000 });

    it('status: exit 0 when well, 1 when not, 2 for another folder; --json is one object a side', () => {
      const folder = newFolder();
      const state = StateFolder.open(folder);
      state.writeFile('status.json', { ...lowStatus(), atMs: Date.now() });
      const well = sluice('status', '--state', folder, '--json');
      expect([well.status, well.stderr]).to.deep.equal([0, '']);
      expect(JSON.parse(well.stdout)).to.deep.include({ side: 'low', condition: 'running', well: true });
      state.writeFile('status.json', { ...lowStatus({ alarms: [alarm()] }), atMs: Date.now() });
      const alarmed = sluice('status', '--state', folder);
      expect(alarmed.status).to.equal(1);
      expect(alarmed.stdout).to.include('LINK_SILENT');
      state.close();
      expect(sluice('status', '--state', folder).status, 'not running').to.equal(1);
      expect(sluice('status', '--state', newFolder()).status).to.equal(2);
    });

    it('top: prints pictures where there is no terminal', () => {
      const folder = newFolder();
      writeFileSync(join(folder, 'status.json'), JSON.stringify(highStatus()));
      const { status, stdout } = sluice('top', '--state', folder, '--count', '2', '--interval', '100ms');
      expect(status).to.equal(0);
      expect(stdout.match(/high side: is not running/g)).to.have.length(2);
      expect(stdout).not.to.include('\x1b');
    });

    it('top: takes a screen, keeps to its size, gives it back after q', function () {
      if (spawnSync('script', ['--version']).status !== 0) return this.skip();
      const folder = newFolder();
      writeFileSync(join(folder, 'status.json'), JSON.stringify(highStatus()));
      const command = `stty cols 60 rows 12; ${process.execPath} ${join(ROOT, 'bin/sluice.js')} top --state ${folder}`;
      const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
        input: 'q',
        encoding: 'utf8',
        timeout: 15_000,
        env: { ...process.env, TERM: 'xterm', NO_COLOR: '' },
      });
      expect(status).to.equal(0);
      const [enter, leave] = [stdout.indexOf('\x1b[?1049h'), stdout.lastIndexOf('\x1b[?1049l')];
      expect(enter).to.be.at.least(0);
      expect(leave).to.be.above(enter);
      const lines = stdout
        .slice(enter, leave)
        .replace(/\x1b\[[?0-9;]*[A-Za-z]/g, '')
        .split('\n');
      for (const line of lines) expect([...line.trimEnd()].length).to.be.at.most(60);
      expect(stdout).to.include('HIGH SIDE: IS NOT RUNNING');
    });
  });
});
