/** `sluice tenants check`: what a running side would say to a configuration, before it is put in its place. */
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import type { ExitCode } from './exitCode.js';

const MODULES = {
  low: fileURLToPath(new URL('../../../ingress/tenantsCheck.js', import.meta.url)),
  high: fileURLToPath(new URL('../../../egress/tenantsCheck.js', import.meta.url)),
} as const;

export function addTenantsCommand(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('tenants')
    .description('look at tenants')
    .command('check')
    .description(
      'reads configuration, tenants and policies as a side would; says every problem with file and line (exit 1), or what each tenant may do (exit 0)',
    )
    .addOption(new Option('--side <side>', 'which side the file is for').choices(['low', 'high']).makeOptionMandatory())
    .requiredOption('--config <file>', 'configuration file')
    .option('--state <dir>', 'state folder, to check that nothing lies in it')
    .option('--json', 'as JSON lines on stdout')
    .action(
      async ({
        side,
        config,
        state,
        json,
      }: {
        side: 'low' | 'high';
        config: string;
        state?: string;
        json?: boolean;
      }) => {
        // A process of its own: the command line never loads a side's code.
        const args = [
          MODULES[side],
          resolve(config),
          state === undefined ? '' : resolve(state),
          json ? 'json' : 'words',
        ];
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
        const code = await new Promise<number | null>((done) => child.once('exit', done));
        finish(code === 0 || code === 1 ? code : 3);
      },
    );
}
