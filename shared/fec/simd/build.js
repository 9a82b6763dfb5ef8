#!/usr/bin/env node
// Compiles the kernel of the erasure code, assembly.ts, to WebAssembly in dist/, beside the compiled TypeScript: once
// with the instructions every engine with SIMD has, once with the relaxed ones. Does nothing when what it was made of
// has not changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

const source = new URL('assembly.ts', import.meta.url);
const out = new URL('../../../dist/shared/fec/simd/', import.meta.url);
const compiler = new URL('../../../node_modules/assemblyscript/package.json', import.meta.url);
const VARIANTS = { 'kernel.wasm': ['simd'], 'kernel-relaxed.wasm': ['simd', 'relaxed-simd'] };

const madeOf = createHash('sha256');
for (const file of [source, compiler, new URL(import.meta.url)]) madeOf.update(readFileSync(file));
const digest = madeOf.digest('hex');
const stamp = new URL('kernel.sha256', out);
const current = existsSync(stamp) && readFileSync(stamp, 'utf8') === digest;

if (!current || !Object.keys(VARIANTS).every((name) => existsSync(new URL(name, out)))) {
  const { default: asc } = await import('assemblyscript/asc');
  mkdirSync(out, { recursive: true });
  for (const [name, features] of Object.entries(VARIANTS)) {
    const options = [
      '--optimizeLevel',
      '3',
      '--runtime',
      'stub',
      '--noAssert',
      '--importMemory',
      '--initialMemory',
      '1',
    ];
    const enabled = features.flatMap((feature) => ['--enable', feature]);
    const { error, stderr } = await asc.main(['assembly.ts', '--outFile', name, ...options, ...enabled], {
      readFile: (path) => (path === 'assembly.ts' ? readFileSync(source, 'utf8') : null),
      writeFile: (_, bytes) => replace(new URL(name, out), bytes),
      listFiles: () => [],
    });
    if (error) {
      process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
      process.exit(1);
    }
  }
  replace(stamp, digest);
}

/** Two builds at once, or one that is read meanwhile, never meet half a file. */
function replace(file, content) {
  const part = new URL(`${file.href}.${process.pid}`);
  writeFileSync(part, content);
  renameSync(part, file);
}
