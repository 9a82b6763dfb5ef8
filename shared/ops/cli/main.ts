/** The command line: `sluice COMMAND`. Words for people go to stderr; with --json, stdout carries JSON lines only. */
import { Command, CommanderError } from 'commander';
import { ERRORS, SluiceError } from '../../core/errors.js';
import { addBenchCommand } from './bench.js';
import { addConfigCommand } from './config.js';
import { addDemoCommand } from './demo.js';
import type { ExitCode } from './exitCode.js';
import { addExplainCommand } from './explain.js';
import { addKeygenCommand } from './keygen.js';
import { addLinkCommand } from './link.js';
import { addMissingCommand } from './missing.js';
import { addOperatorCommands } from './operate.js';
import { addPlanCommand } from './plan.js';
import { addSideCommands } from './side.js';
import { addStatusCommand } from './status.js';
import { addTenantsCommand } from './tenants.js';
import { addTopCommand } from './top.js';

const USAGE_CODES: readonly string[] = ['USAGE'];

export async function main(args: string[]): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const finish = (code: ExitCode) => {
    exitCode = code;
  };
  const program = new Command('sluice')
    .description(
      'One-way transfer gateway: files in on the low side, verified and released on the high side, nothing back.',
    )
    .exitOverride()
    .showHelpAfterError('(sluice help COMMAND explains the options)');
  addDemoCommand(program, finish);
  addSideCommands(program, finish);
  addLinkCommand(program, finish);
  addKeygenCommand(program);
  addConfigCommand(program);
  addTenantsCommand(program, finish);
  addExplainCommand(program);
  addOperatorCommands(program, finish);
  addStatusCommand(program, finish);
  addMissingCommand(program, finish);
  addTopCommand(program, finish);
  addPlanCommand(program, finish);
  addBenchCommand(program, finish);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof SluiceError) {
    process.stderr.write(
      `sluice: ${error.code}: ${ERRORS[error.code].meaning}\n${error.detail}\n${ERRORS[error.code].remedy}\n`,
    );
    return USAGE_CODES.includes(error.code) ? 2 : 3;
  }
  process.stderr.write(`sluice: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 3;
}
