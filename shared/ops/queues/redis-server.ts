/**
 * A Redis (or Valkey) server of our own: a child on a private unix socket, with its data in the side's state folder.
 *
 * It runs detached, in a process group of its own, so that a Ctrl-C at the terminal does not stop it before the
 * workers have finished. The price: a parent that is killed leaves it running. So a small file remembers which process
 * it is, and the next start finds it on its socket and takes it over, or, when it no longer answers, stops it after
 * checking that it is that process and no other (pid and start time).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import { readJson, writeJson } from './folder.js';
import { identityOf, isAlive, type ProcessIdentity, parseIdentity, signal, untilGone } from './process.js';
import type { Troubles } from './troubles.js';

/** sun_path holds 108 bytes with the final NUL on Linux and 104 elsewhere. */
const SOCKET_PATH_MAX_BYTES = 103;
const READY_TIMEOUT_MS = 15_000;
/** How long a server may take to write out its data and end; and then, asked by signal, before it is killed. */
const STOP_TIMEOUT_MS = 3_000;
const TERM_TIMEOUT_MS = 1_000;
/** An old server that says nothing at all within this is taken for hung. */
const ADOPT_TIMEOUT_MS = 2_000;
const LOG_MAX_BYTES = 1 << 20;

export interface PrivateRedis {
  readonly socketPath: string;
  /** Starts the server again if it is gone; safe to call at any time and any number of times. */
  ensureRunning(): Promise<void>;
  /** It runs but does not answer: ends it by signal. Whoever is connected to it then sees to it that another starts. */
  readonly replace: () => Promise<void>;
  /** Asks it to write out its data and end; kills it when it does not. Nothing of it is left afterwards. */
  stop(): Promise<void>;
}

/** The first redis-server, else valkey-server, in the absolute folders of PATH. */
export function findRedisServer(path: string | undefined = process.env.PATH): string | undefined {
  const folders = (path ?? '').split(delimiter).filter(isAbsolute);
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of folders) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        if (statSync(file).isFile()) return file;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}

/**
 * Starts the server, or takes over the one that a killed parent left here. The folder must be claimed by the caller.
 * @throws SluiceError QUEUE_STORE_UNAVAILABLE
 */
export async function startPrivateRedis(binary: string, folder: string, troubles: Troubles): Promise<PrivateRedis> {
  const server = new Server(binary, folder, troubles);
  try {
    await server.ensureRunning();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * Ends the server that a killed side left running; nothing happens when there is none.
 * @param stateDir state folder of a side that does not run
 */
export async function stopRedisLeftBehind(stateDir: string): Promise<void> {
  const folder = join(stateDir, 'queues');
  if (readJson(join(folder, 'redis.json')) === undefined) return;
  await new Server('', folder, { report: () => {}, over: () => {}, close: () => {} }).stop();
}

class Server implements PrivateRedis {
  readonly socketPath: string;
  private readonly recordPath: string;
  private readonly dataPath: string;
  private readonly logPath: string;
  private readonly socketFolder: string | undefined;
  private process: ProcessIdentity | undefined;
  private starting: Promise<void> | undefined;
  private stopping = false;
  private startedBefore = false;

  constructor(
    private readonly binary: string,
    folder: string,
    private readonly troubles: Troubles,
  ) {
    this.recordPath = join(folder, 'redis.json');
    this.dataPath = join(folder, 'redis');
    this.logPath = join(folder, 'redis.log');
    const record = (readJson(this.recordPath) ?? {}) as { process?: unknown; socketFolder?: unknown };
    this.process = parseIdentity(record.process);
    const own = join(folder, 'redis.sock');
    if (Buffer.byteLength(own) <= SOCKET_PATH_MAX_BYTES) {
      this.socketPath = own;
    } else {
      this.socketFolder = isOurPrivateFolder(record.socketFolder) ? record.socketFolder : makeShortFolder();
      this.socketPath = join(this.socketFolder, 'redis.sock');
    }
  }

  ensureRunning(): Promise<void> {
    this.starting ??= this.start().finally(() => {
      this.starting = undefined;
    });
    return this.starting;
  }

  readonly replace = async (): Promise<void> => {
    if (this.stopping || this.starting) return;
    this.troubles.report('CHILD_FAILED', 'The private Redis server hangs and is replaced.');
    if (this.process) await this.endBySignal(this.process);
    await this.ensureRunning();
  };

  async stop(): Promise<void> {
    this.stopping = true;
    await this.starting?.catch(() => {});
    await this.end();
    rmSync(this.recordPath, { force: true });
    rmSync(this.socketPath, { force: true });
    if (this.socketFolder !== undefined) rmSync(this.socketFolder, { recursive: true, force: true });
  }

  private async start(): Promise<void> {
    if (this.stopping) return;
    if (this.startedBefore) {
      if (this.process ? isAlive(this.process) : (await ask(this.socketPath, 'PING', 1_000)) !== undefined) return;
      this.troubles.report('CHILD_FAILED', 'The private Redis server ended and is started again.');
    } else if (await this.adopt()) {
      this.startedBefore = true;
      return;
    }
    try {
      await this.spawn();
    } catch (error) {
      // Most likely its files are damaged. The queue holds nothing that spool and ledger do not know.
      rmSync(this.dataPath, { recursive: true, force: true });
      await this.spawn();
      this.troubles.report('QUEUE_STORE_EMPTIED', `The private Redis server could not read its data: ${String(error)}`);
    }
    this.startedBefore = true;
  }

  /** Takes over what answers on our socket: the folder is ours alone, so nobody else can have put it there. */
  private async adopt(): Promise<boolean> {
    const known = this.process;
    let until = performance.now() + ADOPT_TIMEOUT_MS;
    const latest = performance.now() + READY_TIMEOUT_MS;
    do {
      const answer = await ask(this.socketPath, 'PING', 500);
      if (answer === '+PONG') {
        // Should the record name no running process, nobody here may be signalled: it is stopped over its socket only.
        if (!known || !isAlive(known)) this.process = undefined;
        return true;
      }
      // It runs but is not ready. While it says so, it reads its data.
      if (!known || !isAlive(known)) return false;
      if (answer !== undefined) until = Math.min(latest, performance.now() + ADOPT_TIMEOUT_MS);
      await pause(50);
    } while (performance.now() < until);
    await this.endBySignal(known);
    return false;
  }

  private async spawn(): Promise<void> {
    mkdirSync(this.dataPath, { recursive: true, mode: 0o700 });
    if ((statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0) > LOG_MAX_BYTES) rmSync(this.logPath);
    let child: ChildProcess;
    let failure: Error | undefined;
    try {
      // No file name among the arguments, so no configuration of the machine is read.
      child = spawn(this.binary, this.settings(), {
        detached: true,
        stdio: 'ignore',
        cwd: this.dataPath,
        env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      });
    } catch (error) {
      throw unavailable(`${this.binary} cannot be run: ${String(error)}`);
    }
    child.on('error', (error) => {
      failure = error;
    });
    child.unref();
    this.process = child.pid === undefined ? undefined : identityOf(child.pid);
    writeJson(this.recordPath, { process: this.process, socketFolder: this.socketFolder });

    const until = performance.now() + READY_TIMEOUT_MS;
    while ((await ask(this.socketPath, 'PING', 1_000)) !== '+PONG') {
      const ended = failure !== undefined || !this.process || !isAlive(this.process);
      if (ended || performance.now() > until) {
        if (!ended) await this.end();
        throw unavailable(`${this.binary} did not start${failure ? `: ${failure.message}` : ''}. ${this.lastWords()}`);
      }
      await pause(5);
    }
  }

  private settings(): string[] {
    return Object.entries({
      port: '0',
      unixsocket: this.socketPath,
      unixsocketperm: '700',
      dir: this.dataPath,
      // Every write goes to the file at once and to the disk within a second. No snapshots: one file is enough.
      appendonly: 'yes',
      appendfsync: 'everysec',
      save: '',
      'maxmemory-policy': 'noeviction',
      databases: '1',
      daemonize: 'no',
      loglevel: 'warning',
      logfile: this.logPath,
    }).flatMap(([name, value]) => [`--${name}`, value]);
  }

  /** Ends the running server, if any: kindly over its socket, then by signal to the very process that is known. */
  private async end(): Promise<void> {
    const known = this.process;
    const until = performance.now() + STOP_TIMEOUT_MS;
    await ask(this.socketPath, 'SHUTDOWN', STOP_TIMEOUT_MS);
    if (known) {
      if (!(await untilGone(known, Math.max(0, until - performance.now())))) await this.endBySignal(known);
      return;
    }
    while ((await ask(this.socketPath, 'PING', 500)) !== undefined && performance.now() < until) await pause(20);
  }

  private async endBySignal(known: ProcessIdentity): Promise<void> {
    signal(known, 'SIGTERM');
    if (await untilGone(known, TERM_TIMEOUT_MS)) return;
    signal(known, 'SIGKILL');
    if (!(await untilGone(known, STOP_TIMEOUT_MS))) {
      this.troubles.report('CHILD_FAILED', `The private Redis server, process ${known.pid}, cannot be stopped.`);
    }
  }

  private lastWords(): string {
    try {
      const lines = readFileSync(this.logPath, 'utf8').trim().split('\n');
      return `Its log ends: ${lines.slice(-3).join(' | ')}`;
    } catch {
      return 'It wrote no log.';
    }
  }
}

/** One inline command, the first line of its answer; undefined when nobody answers in time. */
function ask(socketPath: string, command: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(socketPath);
    const done = (line: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(line);
    };
    const timer = setTimeout(() => done(undefined), timeoutMs);
    socket.on('connect', () => socket.write(`${command}\r\n`));
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
      const end = answer.indexOf('\r\n');
      if (end >= 0) done(answer.slice(0, end));
      else if (answer.length > 4_096) done(undefined);
    });
    socket.on('error', () => done(undefined));
    socket.on('close', () => done(undefined));
  });
}

function makeShortFolder(): string {
  for (const base of [tmpdir(), '/tmp']) {
    if (Buffer.byteLength(join(base, 'sluice-XXXXXX', 'redis.sock')) > SOCKET_PATH_MAX_BYTES) continue;
    return mkdtempSync(join(base, 'sluice-'));
  }
  throw unavailable('No folder has a path short enough for a unix socket.');
}

/** A folder remembered from an earlier run lies where everybody may write: it counts only if it is still ours alone. */
function isOurPrivateFolder(path: unknown): path is string {
  if (typeof path !== 'string') return false;
  try {
    const stat = lstatSync(path);
    return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

const unavailable = (detail: string) => new SluiceError('QUEUE_STORE_UNAVAILABLE', detail);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
