// Compiles frameTag.ts (AssemblyScript) into ../frameTagModule.ts, so that neither building nor running needs its compiler.
// `npm run assembly` writes it; `node shared/crypto/assembly/generate.js --check` fails when it is out of date (a test
// runs that).
import { readFileSync, writeFileSync } from 'node:fs';

const source = new URL('frameTag.ts', import.meta.url);
const target = new URL('../frameTagModule.ts', import.meta.url);
const files = new Map([['frameTag.ts', readFileSync(source, 'utf8')]]);
let module = new Uint8Array(0);
// A development dependency, named so that it does not count as one of the product.
const compiler = 'assemblyscript/asc';
const { default: asc } = await import(compiler);
const options =
  '-O3 --runtime stub --noAssert --use abort= --importMemory --sharedMemory --enable threads --enable simd';
const { error, stderr } = await asc.main(
  [
    'frameTag.ts',
    '--outFile',
    'frameTag.wasm',
    ...options.split(' '),
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
  ],
  {
    readFile: (name) => files.get(name) ?? null,
    writeFile: (_name, contents) => {
      module = contents;
    },
    listFiles: () => [],
  },
);
if (error) process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
const text = [
  '// Generated from assembly/frameTag.ts by `npm run assembly`. Do not edit.',
  `export const FRAME_TAG_MODULE =\n  '${Buffer.from(module).toString('base64')}';`,
  '',
].join('\n');

if (error) process.exitCode = 1;
else if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write(
      'shared/crypto/frameTagModule.ts does not match assembly/frameTag.ts: run "npm run assembly".\n',
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
