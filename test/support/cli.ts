/**
 * Runs `bin/sluice.js` the way people and scripts do: as a child process, in folders of its own, looked at from outside
 * only. A Workplace knows every process that belongs to its runs, whoever forked it, so that a test can say that none
 * is left and clean up after itself when one is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

/** Folder of the repository. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CLI = join(ROOT, 'bin', 'sluice.js');

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** What `sluice demo --once --json` prints (CONTRACTS). */
export interface Report {
  objects: number;
  released: number;
  quarantined: number;
  incomplete: number;
  refused: number;
  held: number;
  identical: number;
  bytes: number;
  seconds: number;
  highToLowDatagrams: number;
}

/** A line of `sluice low|high|link --json`. */
export type Line = Record<string, unknown>;

export class Run {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  over = false;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    const begunMs = performance.now();
    this.child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text) => {
      this.stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.over = true;
        const { stdout, stderr } = this;
        resolve({ code, signal, stdout, stderr, seconds: (performance.now() - begunMs) / 1000 });
      });
    });
  }

  /** Complete lines of stdout so far; each must be a JSON object. */
  lines(): Line[] {
    const complete = this.stdout.slice(0, this.stdout.lastIndexOf('\n') + 1);
    return complete
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  }

  /** The first line that fits; fails with what was said on stderr when the run ends or the time is over before. */
  line(fits: (line: Line) => boolean, what: string, timeoutMs = 60_000): Promise<Line> {
    return this.until(() => this.lines().find(fits), what, timeoutMs);
  }

  /** Waits for something while this runs. */
  async until<T>(look: () => T | undefined | false, what: string, timeoutMs = 60_000): Promise<T> {
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      const over = this.over;
      const found = look();
      if (found) return found;
      if (over || performance.now() > untilMs) {
        throw new Error(`no ${what} ${over ? 'before the end' : `within ${timeoutMs} ms`}. stderr:\n${this.stderr}`);
      }
      await pause(25);
    }
  }

  /** The report of a demo, from a stdout that may hold nothing else. */
  async report(): Promise<Ended & { report: Report }> {
    const ended = await this.ended;
    const lines = this.lines();
    expect(lines, ended.stderr).to.have.length(1);
    expect(ended.stdout).to.match(/^\{.*\}\n$/);
    return { ...ended, report: lines[0] as unknown as Report };
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (!this.over) this.child.kill(signal);
    return this.ended;
  }
}

export class Workplace {
  /** Short, because the path of a unix socket is. */
  readonly base = fs.mkdtempSync(join(tmpdir(), 'sluice-e2e-'));
  readonly input = this.folder('in');
  readonly out = join(this.base, 'out');
  readonly state = join(this.base, 'state');
  private readonly temporary = this.folder('tmp');

  folder(name: string): string {
    const path = join(this.base, name);
    fs.mkdirSync(path, { recursive: true });
    return path;
  }

  /** `sluice ...args` */
  sluice(...args: readonly string[]): Run {
    return this.run(process.execPath, [CLI, ...args]);
  }

  /** Another command whose processes are ours as well: `ip netns exec NAME node bin/sluice.js ...`. */
  run(command: string, args: readonly string[]): Run {
    return new Run(command, args, { ...process.env, TMPDIR: this.temporary });
  }

  /** `sluice demo --once --json` from `input` to `out`. */
  demo(...args: readonly string[]): Run {
    return this.sluice('demo', '--once', '--json', '--input', this.input, '--out', this.out, ...args);
  }

  /** run.json of a state folder, once it is there. */
  runFile(run: Run, state = this.state): Promise<RunFile> {
    return run.until(() => readJson(join(state, 'run.json')) as RunFile | undefined, 'run.json');
  }

  /** State folders that were made because none was named, and not removed. */
  temporaryFolders(): string[] {
    return fs.readdirSync(this.temporary);
  }

  /** Processes that belong to runs here: by working folder, by command line, or by the TMPDIR they inherited. */
  processes(): { pid: number; command: string }[] {
    const found: { pid: number; command: string }[] = [];
    for (const name of fs.readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      try {
        const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        // A zombie has no command line: it has ended, and only waits for its parent to ask how.
        if (command === '') continue;
        const about = [command, fs.readFileSync(`/proc/${pid}/environ`, 'latin1'), fs.readlinkSync(`/proc/${pid}/cwd`)];
        if (about.some((text) => text.includes(this.base))) found.push({ pid, command });
      } catch {
        // It ended meanwhile, or is nobody we could have started.
      }
    }
    return found;
  }

  /** Fails when something still runs some seconds after everything should have ended. */
  async expectNothingRuns(timeoutMs = 5_000): Promise<void> {
    const untilMs = performance.now() + timeoutMs;
    while (this.processes().length > 0 && performance.now() < untilMs) await pause(50);
    expect(this.processes()).to.deep.equal([]);
  }

  /** Ends what a failed test left behind and removes the folders. */
  async remove(): Promise<void> {
    await this.endProcesses();
    fs.rmSync(this.base, { recursive: true, force: true });
  }

  async endProcesses(): Promise<void> {
    for (let tries = 0; tries < 50 && this.processes().length > 0; tries++) {
      for (const { pid } of this.processes()) kill(pid, 'SIGKILL');
      await pause(20);
    }
  }
}

/** What run.json of a demo holds (CONTRACTS); of a side, less. */
export interface RunFile {
  command: { pid: number; startTicks: string; bootId: string };
  processes: Record<string, { pid: number; startTicks: string; bootId: string }>;
  ports: { lowSource: number; linkInput: number; linkOutput: number; high: number };
  consoles: unknown;
  shares: Record<string, string>;
  storage: string;
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended by itself.
  }
}

export function readJson(path: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether a program is on PATH. */
export function onPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => fs.existsSync(join(folder, program)));
}

/** The store for tests that are not about stores: the quick one where it is there. */
export const QUICK_STORE = onPath('redis-server') || onPath('valkey-server') ? 'redis-server' : 'embedded';

/** Whether outcomes add up to the number of objects, as CONTRACTS says. */
export function expectSum({ objects, released, quarantined, incomplete, refused, held }: Report): void {
  expect(released + quarantined + incomplete + refused + held, 'sum of the outcomes').to.equal(objects);
}

/** Runs the body in a workplace of its own and takes it away afterwards. */
export async function inWorkplace(body: (place: Workplace) => Promise<void>): Promise<void> {
  const place = new Workplace();
  try {
    await body(place);
  } finally {
    await place.remove();
  }
}

/**
 * Test cases that wait more than they work, some at a time: each is a test of its own and reports for itself.
 * @param cases title -> body, in a workplace of its own
 */
export function concurrently(width: number, cases: Record<string, (place: Workplace) => Promise<void>>): void {
  const results = new Map<string, { done: Promise<void>; run: () => Promise<void> }>();
  for (const [title, body] of Object.entries(cases)) {
    let run: () => Promise<void> = async () => {};
    const done = new Promise<void>((resolve, reject) => {
      run = () => inWorkplace(body).then(resolve, reject);
    });
    done.catch(() => {}); // It is reported where it is awaited.
    results.set(title, { done, run });
    it(title, () => done);
  }
  before(() => {
    const waiting = [...results.values()];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next.run();
    };
    for (let i = 0; i < width; i++) void work();
  });
}
