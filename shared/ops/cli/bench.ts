/** `sluice bench`: measures parts of the gateway, in a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { ExitCode } from './exitCode.js';

const MODULE = fileURLToPath(new URL('../../../bench/main.js', import.meta.url));

export function addBenchCommand(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('bench')
    .description(
      'measure the whole gateway (e2e, link, files, latency) or a part of it (fec, fairness, intake, receipts)',
    )
    .helpOption(false)
    .argument('[args...]')
    .allowUnknownOption()
    .action(async (_args, _options, command: Command) => {
      const child = spawn(process.execPath, [MODULE, ...command.args], { stdio: 'inherit' });
      // It ends the sides it started; Ctrl-C reaches all of them by itself.
      process.once('SIGTERM', () => child.kill('SIGTERM'));
      process.once('SIGINT', () => {});
      const code = await new Promise<number | null>((done) => child.once('exit', done));
      finish(code === 0 || code === 1 || code === 2 ? code : 3);
    });
}
