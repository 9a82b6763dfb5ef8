/** `sluice missing`: what the high side has not got, for the low side to send again. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { SluiceError } from '../../core/errors.js';
import { SideLedger } from '../operators/asking.js';
import type { ExitCode } from './exitCode.js';

const MODULE = fileURLToPath(new URL('../../../egress/missing.js', import.meta.url));

export function addMissingCommand(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('missing')
    .description('high side: the numbers of which nothing came, as ranges, and the objects that are incomplete')
    .requiredOption('--state <dir>', 'state folder of the high side, or of a demo')
    .option('--json', 'one JSON object on stdout')
    .action(async ({ state, json }: { state: string; json?: boolean }) => {
      // A process of its own: the command line never loads a side's code.
      const args = [MODULE, folderOf(resolve(state)), json ? 'json' : 'words'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
      const code = await new Promise<number | null>((done) => child.once('exit', done));
      finish(code === 0 ? 0 : 3);
    });
}

function folderOf(state: string): string {
  const ledgers = SideLedger.open(state);
  for (const ledger of ledgers) ledger.close();
  const high = ledgers.find(({ side }) => side === 'high');
  if (!high) throw new SluiceError('STATE_MISSING', `There is no high side in ${state}.`);
  return high.folder;
}
