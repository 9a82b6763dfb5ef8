/**
 * The rules of docs/ARCHITECTURE.md that can be read off the sources: who imports whom, what is pure, where the sockets
 * and the private key are, which file knows which library, and what every file looks like. What breaks one is named.
 */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../support/cli.js';
import { blankOut, filesBelow, reach, readSources, type Source } from '../support/sources.js';

const sources = readSources();
const byPath = new Map(sources.map((source) => [source.path, source]));
/** Part of the build: it uses what only development needs. */
const KERNEL_BUILD = 'shared/fec/simd/build.js';
const product = sources.filter(({ path }) => /^(ingress|egress|shared|bench)\//.test(path));

const top = (path: string): string => path.split('/')[0]!;
const isIn = (source: { path: string }, places: readonly string[]): boolean =>
  places.some((place) => source.path === place || source.path.startsWith(`${place}/`));
const need = (path: string): Source => {
  const source = byPath.get(path);
  expect(source, `${path} is named by a rule`).not.to.equal(undefined);
  return source!;
};

/** Fails with one line for each offence. */
function expectNone(offences: string[]): void {
  expect(offences, `\n${offences.join('\n')}\n`).to.deep.equal([]);
}

/** Modules that open connections; asking node:net what an address looks like opens none. */
function networkOf({ code, loadedPackages }: Source): string[] {
  const asked = /import \{( isIP(?:v4|v6)?,?)+ \} from 'node:net'/.test(code);
  const network = ['node:net', 'node:tls', 'node:http', 'node:https', 'node:http2'];
  return loadedPackages.filter((name) => network.includes(name) && !(asked && name === 'node:net'));
}

/** Uses of a pattern in code, outside the places it belongs to. */
function usesOutside(pattern: RegExp, among: readonly Source[], places: readonly string[]): string[] {
  const found: string[] = [];
  for (const source of among) {
    if (isIn(source, places)) continue;
    source.bare.split('\n').forEach((line, i) => {
      if (pattern.test(line)) found.push(`${source.path}:${i + 1}: ${source.text.split('\n')[i]!.trim()}`);
    });
  }
  return found;
}

describe('layering', () => {
  it('the reader of sources knows comments, strings, templates and patterns from code', () => {
    const text = [
      "const a = 'Date'; // Date",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text that is read
      '/* Date */ const b = `Date ${Math.random()} ${`x${Date}`} Date`;',
      "const c = /['`]Date/.test(d) && e / 2 / Date;",
      "return /'/.exec('Date');",
      "const f = { g: '}' }; Date",
    ].join('\n');
    const { bare, code } = blankOut(text);
    expect(bare.match(/Date/g)).to.have.length(3);
    expect(bare).to.include('Math.random()');
    expect(code).to.include("'Date'");
    expect(code).not.to.include('/*');
    expect(bare.length).to.equal(text.length);
    expect(sources.length, 'sources found').to.be.above(100);
    expect(need('ingress/main.ts').imports).to.include('ingress/supervisor.ts');
  });

  describe('rule 1: who imports whom', () => {
    const ALLOWED: Record<string, string[]> = {
      shared: ['shared'],
      ingress: ['ingress', 'shared'],
      egress: ['egress', 'shared'],
      // Measures the low side's stages from inside; the high side's only as a whole.
      bench: ['bench', 'shared', 'ingress'],
      proto: ['proto'],
      bin: [],
    };

    it('the sides never import each other, shared imports neither, nothing imports bench or test', () => {
      const offences: string[] = [];
      for (const { path, imports } of sources) {
        if (top(path) === 'test') continue;
        for (const target of imports) {
          if (!ALLOWED[top(path)]!.includes(top(target))) offences.push(`${path} imports ${target}`);
        }
      }
      expectNone(offences);
    });

    it('every import of a file leads to a file', () => {
      const offences = sources.flatMap(({ path, imports }) =>
        imports.filter((target) => !byPath.has(target)).map((target) => `${path} imports ${target}`),
      );
      expectNone(offences);
    });

    it('shared/core imports nothing, shared/wire and shared/fec only what is pure', () => {
      const offences: string[] = [];
      const allowed = (path: string): string[] =>
        path.startsWith('shared/core/') ? ['shared/core'] : ['shared/core', path.split('/', 2).join('/')];
      for (const { path, imports } of product) {
        if (!/^shared\/(core|wire|fec)\//.test(path)) continue;
        for (const target of imports) {
          if (!isIn({ path: target }, allowed(path))) offences.push(`${path} imports ${target}`);
        }
      }
      expectNone(offences);
    });

    it('no folder depends on itself through others', () => {
      const edges = new Map<string, Map<string, string>>();
      for (const { path, folder, imports } of product) {
        for (const target of imports) {
          const to = byPath.get(target)?.folder;
          if (to === undefined || to === folder) continue;
          if (!edges.has(folder)) edges.set(folder, new Map());
          edges.get(folder)!.set(to, `${path} imports ${target}`);
        }
      }
      const done = new Set<string>();
      const offences: string[] = [];
      const visit = (folder: string, way: string[]) => {
        if (way.includes(folder)) {
          const circle = [...way.slice(way.indexOf(folder)), folder];
          const steps = circle.slice(1).map((to, i) => edges.get(circle[i]!)!.get(to));
          offences.push(`${circle.join(' -> ')}: ${steps.join('; ')}`);
          return;
        }
        if (done.has(folder)) return;
        for (const to of edges.get(folder)?.keys() ?? []) visit(to, [...way, folder]);
        done.add(folder);
      };
      for (const folder of edges.keys()) visit(folder, []);
      expectNone(offences);
    });
  });

  describe('rule 2: purity', () => {
    const PURE = [
      'shared/core',
      'shared/wire',
      'shared/fec',
      'shared/link/arrival.ts',
      'shared/link/passes.ts',
      'shared/link/sentTransfer.ts',
      'shared/link/residualLoss.ts',
      'shared/link/burstyLoss.ts',
      'shared/link/plan.ts',
      'shared/link/pacer.ts',
      'shared/link/impairments.ts',
      'shared/link/lossModels.ts',
      'shared/link/reorder.ts',
      'shared/link/rateLimit.ts',
    ];
    /** What finds out which kernel works here, and what compiles it. */
    const LOADER = ['shared/fec/simd/kernelChoice.ts', KERNEL_BUILD];
    const IMPURE =
      /\b(?:Date|performance|process|setTimeout|setInterval|setImmediate|queueMicrotask|fetch|console|crypto|globalThis|Worker)\b|\bMath\.random\b/;

    it('no clock, timer, chance or machine in core, wire, fec, pacer and impairments', () => {
      const pure = product.filter((source) => isIn(source, PURE) && !isIn(source, LOADER));
      for (const place of PURE)
        expect(
          pure.some((source) => isIn(source, [place])),
          place,
        ).to.equal(true);
      const modules = pure.flatMap(({ path, packages }) =>
        packages.filter((name) => name.startsWith('node:')).map((name) => `${path} imports ${name}`),
      );
      expectNone([...modules, ...usesOutside(IMPURE, pure, [])]);
    });

    it('what is pure is reached from what is pure only', () => {
      const offences: string[] = [];
      for (const source of product.filter((one) => isIn(one, PURE) && !isIn(one, LOADER))) {
        for (const { path } of reach(source.path, byPath)) {
          if (!isIn({ path }, PURE) || isIn({ path }, LOADER)) offences.push(`${source.path} loads ${path}`);
        }
      }
      expectNone(offences);
    });
  });

  describe('rule 3: sockets and keys', () => {
    const SOCKETS = ['ingress/send/sendingSocket.ts', 'egress/receive/dgramReceiver.ts', 'shared/link/simulator.ts'];
    /** Sockets made by the system's own calls, and the one call each of them moves datagrams with. */
    const NATIVE = { 'ingress/send/batchSender.ts': 'sendmmsg', 'egress/receive/batchReceiver.ts': 'recvmmsg' };

    it('datagram sockets are made in three files', () => {
      for (const path of SOCKETS) expect(need(path).bare).to.match(/\bcreateSocket\b/);
      const users = product.filter(({ loadedPackages }) => loadedPackages.includes('node:dgram'));
      const imports = users.map(({ path }) => path);
      expect(imports.sort()).to.deep.equal([...SOCKETS].sort());
      expectNone(usesOutside(/\bcreateSocket\b/, product, SOCKETS));
    });

    it('native sockets are made in two files, each of which binds the call of its own direction and no other', () => {
      const users = [...Object.keys(NATIVE), 'shared/link/libc.ts'];
      expectNone(usesOutside(/\b(?:openUdp|declare)\(/, product, users));
      for (const [path, call] of Object.entries(NATIVE)) {
        const declared = [...need(path).code.matchAll(/\.declare\(\s*'(?:int|ssize_t) (\w+)/g)].map(([, name]) => name);
        expect(declared, path).to.deep.equal([call]);
        expect(need(path).bare).to.match(/\bopenUdp\b/);
      }
      const declared = [...need('shared/link/libc.ts').code.matchAll(/declare\('int (\w+)/g)].map(([, name]) => name!);
      const harmless = ['socket', 'bind', 'getsockname', 'setsockopt', 'getsockopt', 'inet_pton', 'close'];
      expect(declared.sort()).to.deep.equal(harmless.sort());
    });

    it('nothing on the high side sends a datagram, nothing connects the sending socket', () => {
      expectNone(
        usesOutside(
          /\.send\s*\(/,
          product.filter((source) => isIn(source, ['egress/receive'])),
          [],
        ),
      );
      expectNone(
        usesOutside(
          /\.connect\s*\(/,
          product.filter(({ path }) => /^(ingress|egress|shared\/link)\//.test(path)),
          [],
        ),
      );
    });

    it('nothing in ingress/send looks at what arrives at the socket: its listener takes no argument', () => {
      const { code } = need('ingress/send/sendingSocket.ts');
      const listeners = [...code.matchAll(/\.\s*(?:on|once|addListener)\(\s*'message'\s*,\s*([^=]*?)\s*=>/g)];
      expect(listeners.map((match) => match[1])).to.deep.equal(['()']);
      expect([...code.matchAll(/'message'/g)]).to.have.length(1);
    });

    it('other sockets belong to the queues alone', () => {
      const allowed = ['shared/ops/queues', 'shared/ops/http', 'ingress/api', 'egress/api'];
      const others = product.filter((source) => !isIn(source, allowed));
      expectNone(others.flatMap((source) => networkOf(source).map((name) => `${source.path} imports ${name}`)));
    });

    it('only ingress/seal loads a private key and signs', () => {
      const KEYS = ['shared/crypto/keyfiles.ts', 'shared/crypto/signature.ts', 'ingress/seal'];
      expectNone(usesOutside(/\b(?:readSigningKey|signStatement|createPrivateKey)\b/, product, KEYS));
      for (const { path } of product.filter((source) => isIn(source, ['ingress/seal']))) {
        const users = product.filter(({ loads }) => loads.includes(path)).map((source) => source.path);
        const strangers = users.filter((user) => !isIn({ path: user }, ['ingress/seal']));
        const signs = reach(path, byPath).some(
          ({ path: one, bare }) =>
            isIn({ path: one }, ['ingress/seal']) && /\b(?:readSigningKey|signStatement)\b/.test(bare),
        );
        if (signs) expect(strangers, `${path} holds the key and is loaded elsewhere`).to.deep.equal([]);
      }
    });
  });

  describe('rule 4: libraries', () => {
    const PLACES: Record<string, string[]> = {
      bullmq: ['shared/ops/queues'],
      ioredis: ['shared/ops/queues'],
      '@electric-sql/pglite': ['shared/ops/queues'],
      protobufjs: ['shared/wire'],
      koffi: ['shared/link/libc.ts'],
      tweetnacl: ['shared/crypto'],
      'node-stream-zip': ['ingress/scan'],
      'file-type': ['ingress/scan'],
      libsql: ['shared/ops/ledger/ledgerFile.ts'],
      pino: ['shared/ops/health/log.ts'],
      yaml: ['shared/ops/config'],
      commander: ['shared/ops/cli'],
      fastify: ['shared/ops/console'],
      '@bull-board/api': ['shared/ops/console'],
    };
    const manifest = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8'));

    for (const [name, places] of Object.entries(PLACES)) {
      it(`${name} is known to ${places.join(', ')} and nowhere else, and does work there`, () => {
        const users = product.filter(({ packages }) => packages.includes(name));
        expect(users.length).to.be.above(0);
        expectNone(users.filter((source) => !isIn(source, places)).map(({ path }) => `${path} imports ${name}`));
      });
    }

    it('every library that is used is declared, and every declared one is used', () => {
      const running = product.filter(({ path }) => path !== KERNEL_BUILD);
      const used = new Set(running.flatMap(({ packages }) => packages.filter((name) => !name.startsWith('node:'))));
      // A folder of files to be served, found by its name.
      expect(need('shared/ops/console/board.ts').code).to.include("resolve('@bull-board/ui/package.json')");
      used.add('@bull-board/ui');
      expect([...used].sort()).to.deep.equal(Object.keys(manifest.dependencies).sort());
      const inTests = new Set(sources.flatMap(({ packages }) => packages.filter((name) => !name.startsWith('node:'))));
      const declared = { ...manifest.dependencies, ...manifest.devDependencies };
      expectNone([...inTests].filter((name) => !Object.hasOwn(declared, name)));
    });
  });

  describe('processes', () => {
    const HTTP = ['fastify', '@bull-board/api', '@bull-board/fastify', 'prom-client'];
    const QUEUES = ['bullmq', 'ioredis', '@electric-sql/pglite', ...HTTP];
    const PARSERS = ['node-stream-zip', 'file-type', 'yaml'];
    /** Process -> what it must not have in its memory. */
    const WITHOUT: Record<string, string[]> = {
      'ingress/intake/process.ts': [...QUEUES, ...PARSERS, 'node:dgram', 'libsql', 'protobufjs'],
      'ingress/scan/process.ts': [...QUEUES, 'node:dgram', 'libsql'],
      'ingress/seal/process.ts': [...QUEUES, ...PARSERS, 'node:dgram', 'libsql'],
      'ingress/send/process.ts': [...QUEUES, ...PARSERS, 'libsql'],
      'egress/receive/process.ts': [...QUEUES, ...PARSERS, 'libsql'],
      'egress/verify/process.ts': [...QUEUES, ...PARSERS, 'node:dgram', 'libsql'],
      'egress/release/process.ts': [...QUEUES, ...PARSERS, 'node:dgram', 'libsql', 'protobufjs'],
      'shared/ops/console/process.ts': [
        ...['bullmq', 'ioredis', '@electric-sql/pglite', 'libsql', 'node:dgram', 'protobufjs', 'tweetnacl'],
        ...PARSERS,
      ],
      'shared/link/simulatorProcess.ts': [...QUEUES, ...PARSERS, 'libsql', 'protobufjs'],
    };
    for (const [path, without] of Object.entries(WITHOUT)) {
      it(`${path} loads nothing it has no use for`, () => {
        need(path);
        const offences = reach(path, byPath).flatMap((source) =>
          [...source.loadedPackages.filter((name) => without.includes(name)), ...networkOf(source)].map(
            (name) => `${source.path} loads ${name}`,
          ),
        );
        expectNone(offences);
      });
    }

    it('the console process loads no code of a side and nothing that reads a key; no side serves HTTP itself', () => {
      const served = reach('shared/ops/console/process.ts', byPath).map(({ path }) => path);
      expect(served).to.include('shared/ops/console/server.ts');
      expectNone(served.filter((path) => /^(ingress|egress|shared\/crypto)\//.test(path)));
      for (const path of ['ingress/main.ts', 'egress/main.ts']) {
        const loaded = reach(path, byPath).filter(({ loadedPackages }) => loadedPackages.includes('fastify'));
        expectNone(loaded.map((source) => `${path} loads ${source.path}`));
      }
    });

    it('a parser of untrusted bytes is loaded by the scan process alone', () => {
      const others = ['ingress/main.ts', 'egress/main.ts', 'shared/ops/cli/main.ts'];
      for (const path of others) {
        const parsers = reach(need(path).path, byPath).filter(({ packages }) =>
          packages.some((name) => ['node-stream-zip', 'file-type'].includes(name)),
        );
        expectNone(parsers.map((source) => `${path} loads ${source.path}`));
      }
    });
  });

  describe('every file', () => {
    it('begins with a comment that says what it is for', () => {
      const offences = sources.filter(({ text }) => !/^(?:#![^\n]*\n)?\s*(?:\/\/|\/\*)/.test(text));
      expectNone(offences.map(({ path }) => path));
    });

    it('leaves no note to do something later, and no path of somebody’s machine', () => {
      const texts = [
        ...['docs', '.ci', 'proto'].flatMap(filesBelow),
        'README.md',
        'package.json',
        'package-lock.json',
        '.npmrc',
        'biome.json',
        '.mocharc.json',
      ];
      const all = new Set([...sources.map(({ path }) => path), ...texts]);
      const later = new RegExp(`\\b(?:${['todo', 'fixme', 'xxx', 'hack'].join('|').toUpperCase()})\\b`);
      const machine = new RegExp(`(?<![\\w.:/])/(?:${['work', 'home', 'root', 'Users'].join('|')})/[a-z]`);
      const offences: string[] = [];
      for (const path of all) {
        const lines = fs.readFileSync(join(ROOT, path), 'utf8').split('\n');
        lines.forEach((line, i) => {
          if (later.test(line) || machine.test(line)) offences.push(`${path}:${i + 1}: ${line.trim()}`);
        });
      }
      expectNone(offences);
    });

    it('uses the words of the house', () => {
      const pattern = /\b(?:chunk|shard|segment|packet|piece(?! of (?:news|work)))s?\b/i;
      const offences: string[] = [];
      for (const { path, text } of product) {
        text.split('\n').forEach((line, i) => {
          if (pattern.test(line)) offences.push(`${path}:${i + 1}: ${line.trim()}`);
        });
      }
      expectNone(offences);
    });

    it('throws errors that carry a code', () => {
      expectNone(usesOutside(/\bthrow new (?:Error|TypeError|RangeError)\b/, product, []));
    });
  });

  it('the command is executable as it is tracked', () => {
    expect(fs.statSync(join(ROOT, 'bin', 'sluice.js')).mode & 0o111).to.equal(0o111);
  });

  it('the generated schema is the one of proto/, and the module of frame tags the one of its AssemblyScript', () => {
    for (const generator of ['proto/generate.js', 'shared/crypto/assembly/generate.js']) {
      execFileSync(process.execPath, [join(ROOT, generator), '--check'], { stdio: 'pipe' });
    }
  });
});
