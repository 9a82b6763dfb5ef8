/** `sluice resend`: asks the low side to send something again. The request goes through its ledger, running or not. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import type { ExitCode } from './exitCode.js';

const MODULE = fileURLToPath(new URL('../../../ingress/resendCommand.js', import.meta.url));

export function addResendCommand(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('resend')
    .description('send an object again (with the bundle it travelled in); what has arrived already is kept')
    .argument('<id>', 'transfer id (or its first 8 digits), or the sequence number the high side names')
    .requiredOption('--state <dir>', 'state folder of the low side')
    .action(async (id, { state }) => {
      // A process of its own: the command line never loads a side's code.
      const child = spawn(process.execPath, [MODULE, resolve(state), id], { stdio: ['ignore', 'inherit', 'inherit'] });
      const code = await new Promise<number | null>((done) => child.once('exit', done));
      finish(code === 0 || code === 1 || code === 2 ? code : 3);
    });
}
