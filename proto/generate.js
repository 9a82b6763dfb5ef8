// Turns proto/*.proto into shared/wire/schema.ts, which the codecs load without touching the file system.
// `npm run proto` writes it; `node proto/generate.js --check` fails when it is out of date (a test runs that).
import { readFileSync, writeFileSync } from 'node:fs';
import protobuf from 'protobufjs';

const target = new URL('../shared/wire/schema.ts', import.meta.url);
const root = new protobuf.Root();
for (const name of ['frame.proto', 'manifest.proto']) {
  protobuf.parse(readFileSync(new URL(name, import.meta.url), 'utf8'), root, { keepCase: false });
}
root.resolveAll();
const text = [
  '// Generated from proto/*.proto by `npm run proto`. Do not edit.',
  `export const schema = ${JSON.stringify(root.toJSON(), null, 2)};`,
  '',
].join('\n');

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    process.stderr.write('shared/wire/schema.ts does not match proto/*.proto: run "npm run proto".\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
