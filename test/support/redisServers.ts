/** Real redis-server processes for tests: plain, with a password, TLS, replicas, Sentinels; and certificates for them. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { findRedisServer } from '../../shared/ops/queues/redis-server.js';
import { newFolder } from './folders.js';

const running = new Set<RedisProcess>();

/** Skips a test, or a suite from its before hook, where there is no server program. */
export function skipWithoutRedis(this: Mocha.Context): void {
  if (findRedisServer() !== undefined) return;
  console.log('      skipped: neither redis-server nor valkey-server is on the PATH');
  this.skip();
}

export async function stopRedisProcesses(): Promise<void> {
  await Promise.all([...running].map((server) => server.kill()));
}

export class RedisProcess {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    readonly folder: string,
    private readonly args: readonly string[],
    /** How this test itself speaks to it. */
    private readonly access: Omit<RedisOptions, 'replyMapping'>,
  ) {}

  /** @param args settings of redis-server, after the port, the folder and an append-only file */
  static async start(
    args: readonly string[] = [],
    access: Omit<RedisOptions, 'replyMapping'> = {},
  ): Promise<RedisProcess> {
    const server = new RedisProcess(await freePort(), newFolder(), args, access);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** On the same port and data. */
  async startAgain(): Promise<void> {
    const { port, folder, args } = this;
    const own = args.includes('--tls-port') ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)];
    const more = args[0] === '--tls-port' ? args.slice(2) : args;
    const settings = ['--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
    this.child = spawn(findRedisServer()!, [...own, ...settings, ...more], { stdio: 'ignore' });
    running.add(this);
    await this.answering();
  }

  /** A Sentinel that watches this server under the name "queues". */
  async startSentinel(): Promise<RedisProcess> {
    const sentinel = new RedisProcess(await freePort(), newFolder(), [], {});
    const file = join(sentinel.folder, 'sentinel.conf');
    const settings = [
      `port ${sentinel.port}`,
      'bind 127.0.0.1',
      `dir ${sentinel.folder}`,
      `sentinel monitor queues 127.0.0.1 ${this.port} 1`,
      'sentinel down-after-milliseconds queues 500',
      'sentinel failover-timeout queues 2000',
    ];
    writeFileSync(file, `${settings.join('\n')}\n`);
    sentinel.child = spawn(findRedisServer()!, [file, '--sentinel'], { stdio: 'ignore' });
    running.add(sentinel);
    await sentinel.answering();
    return sentinel;
  }

  async command(...words: [string, ...string[]]): Promise<unknown> {
    const client = new Redis({ port: this.port, host: '127.0.0.1', retryStrategy: () => 20, ...this.access });
    client.on('error', () => {});
    try {
      return await client.call(...words);
    } finally {
      client.disconnect();
    }
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  /** SIGKILL, and gone when it resolves. */
  async kill(): Promise<void> {
    const { child } = this;
    running.delete(this);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  private async answering(): Promise<void> {
    await this.command('PING');
  }
}

export interface Certificates {
  readonly folder: string;
  /** Of an authority of the test's own, and of one that signed nothing. */
  readonly ca: string;
  readonly strangerCa: string;
  /** Settings of a server that speaks TLS only, with a certificate for 127.0.0.1. */
  readonly server: string[];
  /** The same with a certificate for another name. */
  readonly misnamed: string[];
}

/** With openssl; undefined where that is not on the machine. */
export function makeCertificates(): Certificates | undefined {
  const folder = newFolder();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const authority = (name: string) =>
    openssl('req', '-x509', ...curve, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`);
  const certificate = (name: string, alternative: string) => {
    openssl('req', ...curve.slice(0, -2), '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${alternative}\n`);
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed);
    const file = (end: string) => join(folder, `${name}.${end}`);
    const files = ['--tls-cert-file', file('pem'), '--tls-key-file', file('key')];
    return ['--tls-port', '0', ...files, '--tls-ca-cert-file', join(folder, 'ca.pem'), '--tls-auth-clients', 'no'];
  };
  try {
    authority('ca');
    authority('stranger');
    const server = certificate('server', 'IP:127.0.0.1');
    const misnamed = certificate('misnamed', 'DNS:elsewhere.example');
    return { folder, ca: join(folder, 'ca.pem'), strangerCa: join(folder, 'stranger.pem'), server, misnamed };
  } catch {
    return undefined;
  }
}

/** A TCP port nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
