#!/usr/bin/env node
// The command people and scripts run. It only loads what `npm ci` (or `npm run build`) compiled.
import { existsSync } from 'node:fs';

const cli = new URL('../dist/shared/ops/cli/main.js', import.meta.url);
if (existsSync(cli)) {
  const { main } = await import(cli.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write('sluice has not been built yet: run "npm ci" (or "npm run build") in its folder first.\n');
  process.exitCode = 3;
}
