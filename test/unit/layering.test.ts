/** The rules of docs/ARCHITECTURE.md, checked over the sources. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['shared', 'ingress', 'egress', 'bench', 'test'];

interface Source {
  path: string;
  text: string;
  /** The same without comments and string contents that are not imports. */
  code: string;
  /** Paths inside the repository, or package names. */
  imports: string[];
}

function load(): Source[] {
  const sources: Source[] = [];
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true }) as string[]) {
      if (!name.endsWith('.ts')) continue;
      const path = join(folder, name);
      const text = readFileSync(join(ROOT, path), 'utf8');
      const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/[^\n]*/g, '$1');
      const imports = [...code.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target]) =>
        target!.startsWith('.') ? normalize(join(dirname(path), target!)).replace(/\.js$/, '.ts') : target!,
      );
      sources.push({ path, text, code, imports });
    }
  }
  return sources;
}

describe('layering', () => {
  const sources = load();
  const inside = (folder: string) => sources.filter(({ path }) => path.startsWith(`${folder}/`));
  const offenders = (list: Source[], bad: (target: string) => boolean) =>
    list.flatMap(({ path, imports }) => imports.filter(bad).map((target) => `${path} imports ${target}`));
  const holding = (pattern: RegExp, list = sources) =>
    list.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
  const product = sources.filter(({ path }) => !path.startsWith('test/'));

  it('reads the sources it speaks of', () => {
    for (const folder of FOLDERS) expect(inside(folder), folder).to.not.have.length(0);
    expect(sources.find(({ path }) => path === 'ingress/main.ts')!.imports).to.include('ingress/supervisor.ts');
  });

  it('rule 1: the sides never import each other, shared imports neither, nobody imports bench or test', () => {
    const starts =
      (...folders: string[]) =>
      (target: string) =>
        folders.some((folder) => target.startsWith(`${folder}/`));
    expect(offenders(inside('ingress'), starts('egress', 'bench', 'test'))).to.deep.equal([]);
    expect(offenders(inside('egress'), starts('ingress', 'bench', 'test'))).to.deep.equal([]);
    expect(offenders(inside('shared'), starts('ingress', 'egress', 'bench', 'test'))).to.deep.equal([]);
    expect(offenders(inside('bench'), starts('test'))).to.deep.equal([]);
  });

  it('rule 2: core imports nothing, wire and fec and the state machines of the link are pure', () => {
    expect(offenders(inside('shared/core'), (target) => !target.startsWith('shared/core/'))).to.deep.equal([]);
    const machines = ['pacer', 'impairments', 'lossModels', 'reorder', 'rateLimit'].map(
      (name) => `shared/link/${name}.ts`,
    );
    const pure = sources.filter(({ path }) => /^shared\/(core|wire|fec)\//.test(path) || machines.includes(path));
    expect(pure.length).to.be.greaterThan(25);
    const allowed = (target: string) => /^shared\/(core|wire|fec|link)\//.test(target) || /^protobufjs\b/.test(target);
    expect(offenders(pure, (target) => !allowed(target))).to.deep.equal([]);
    expect(
      holding(/\bDate\b|\bperformance\.|\bMath\.random\b|\bset(Timeout|Interval|Immediate)\b|\bprocess\./, pure),
    ).to.deep.equal([]);
  });

  it('rule 3: one sending socket, one receiving socket, and the pair of the simulator', () => {
    expect(holding(/\bcreateSocket\(/, product).sort()).to.deep.equal([
      'egress/receive/socketThread.ts',
      'ingress/send/sendingSocket.ts',
      'shared/link/simulator.ts',
    ]);
    const receiving = sources.find(({ path }) => path === 'egress/receive/socketThread.ts')!;
    expect(receiving.code).to.not.match(/socket\.(send|connect)\(/);
    const sending = sources.find(({ path }) => path === 'ingress/send/sendingSocket.ts')!;
    expect(sending.code).to.not.match(/socket\.connect\(/);
    expect(sending.code, 'what arrives is counted without being looked at').to.match(/on\('message', \(\) =>/);
    expect(
      holding(/from 'node:(net|http|https|tls|http2)'/, [...inside('ingress'), ...inside('egress')]),
    ).to.deep.equal([]);
  });

  it('rule 3: only the sealing stage can load a private key or sign', () => {
    const files = holding(/\b(readSigningKey|signStatement|createPrivateKey)\b/, product);
    const allowed = (path: string) => path.startsWith('ingress/seal/') || path.startsWith('shared/crypto/');
    expect(files.filter((path) => !allowed(path))).to.deep.equal([]);
    expect(files).to.include('ingress/seal/process.ts');
  });

  it('rule 4: only the queue module knows BullMQ', () => {
    const knowing = product.filter(({ imports }) => imports.some((target) => /^(bullmq|ioredis)\b/.test(target)));
    expect(knowing.filter(({ path }) => !path.startsWith('shared/ops/queues/'))).to.deep.equal([]);
    expect(knowing).to.not.have.length(0);
  });

  it('verifying and releasing load neither HTTP nor queue code', () => {
    for (const entry of [
      'egress/verify/process.ts',
      'egress/release/process.ts',
      'ingress/seal/process.ts',
      'ingress/scan/process.ts',
    ]) {
      const reached = reachableFrom(entry, sources);
      const bad = [...reached].filter((target) =>
        /^(bullmq|ioredis|fastify|node:http|libsql)\b|shared\/ops\/queues\//.test(target),
      );
      expect(bad, entry).to.deep.equal([]);
      expect(reached.size, entry).to.be.greaterThan(3);
    }
  });

  it('the libraries that were asked for do their work where it belongs', () => {
    const users = (library: string) =>
      product.filter(({ imports }) => imports.some((target) => target.startsWith(library))).map(({ path }) => path);
    expect(users('node-stream-zip').every((path) => path.startsWith('ingress/scan/'))).to.equal(true);
    expect(users('node-stream-zip')).to.not.have.length(0);
    expect(users('tweetnacl')).to.deep.equal(['shared/crypto/signature.ts']);
    expect(users('protobufjs')).to.not.have.length(0);
  });

  it('the schema in the code is the one in proto/', () => {
    execFileSync(process.execPath, [join(ROOT, 'proto/generate.js'), '--check']);
  });

  it('every file says at its head what it is for, and none leaves work undone or names a machine', () => {
    const silent = product.filter(({ text }) => !/^(\/\*\*|\/\/|#!)/.test(text));
    expect(silent.map(({ path }) => path)).to.deep.equal([]);
    const marks = new RegExp(`\\b(TO${'DO'}|FIX${'ME'})\\b`);
    expect(sources.filter(({ text }) => marks.test(text)).map(({ path }) => path)).to.deep.equal([]);
    const machine = /\/(work|root|home)\/[a-z]/;
    const named = product.filter(({ text }) => machine.test(text)).map(({ path }) => path);
    expect(named).to.deep.equal([]);
  });
});

/** Everything a module loads at run time, types left out, by path or package name. */
function reachableFrom(entry: string, sources: Source[]): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const reached = new Set<string>();
  const pending = [entry];
  for (let path = pending.pop(); path; path = pending.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const source = byPath.get(path);
    if (!source) continue;
    const withoutTypes = source.code.replace(/import type [^;]+;/g, '').replace(/export type \{[^;]+;/g, '');
    for (const [, target] of withoutTypes.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
      pending.push(
        target!.startsWith('.')
          ? relative('', normalize(join(dirname(path), target!))).replace(/\.js$/, '.ts')
          : target!,
      );
    }
  }
  return reached;
}
