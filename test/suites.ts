/**
 * `npm test`: whole sides, and beside them what starts single processes and mostly waits for them; then the unit tests,
 * which mostly compute and want the machine to themselves. With arguments of mocha's own it is mocha: `npm test -- -g "pacer"`.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const MOCHA = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
/** Those of an inner list run at the same time; what they print follows each other. */
const ORDER = [['e2e', 'integration'], ['unit']];

function mocha(args: readonly string[], shown: boolean): Promise<{ code: number; printed: string }> {
  const child = spawn(process.execPath, [MOCHA, ...args], { stdio: ['ignore', shown ? 'inherit' : 'pipe', 'inherit'] });
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? 1, printed })));
}

const testsIn = (folder: string) => `dist/test/${folder}/**/*.test.js`;

const asked = process.argv.slice(2);
if (asked.length > 0) process.exitCode = (await mocha([testsIn('*'), ...asked], true)).code;
else {
  for (const names of ORDER) {
    const ends = await Promise.all(names.map((name, i) => mocha([testsIn(name)], i === 0)));
    for (const { code, printed } of ends) {
      process.stdout.write(printed);
      if (code !== 0) process.exitCode = 1;
    }
  }
}
