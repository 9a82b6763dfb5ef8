/** `sluice status`: how a side stands (or both of a demo), once. Exit 0 when all is well, 1 when somebody should look. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readReports } from '../health/statusFile.js';
import { isWell, statusLines } from '../health/statusWords.js';
import type { ExitCode } from './exitCode.js';
import { jsonLine } from './output.js';

export function addStatusCommand(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('status')
    .description('how a side stands: what moves, what waits and why, alarms and what to do; exit 1 unless all is well')
    .requiredOption('--state <dir>', 'state folder of a side, or of a demo')
    .option('--json', 'one JSON object a side on stdout')
    .action(({ state, json }) => {
      const nowMs = Date.now();
      const reports = readReports(resolve(state), nowMs);
      for (const report of reports) {
        if (json) jsonLine({ ...report, well: isWell(report) });
        else process.stdout.write(`${statusLines(report, nowMs).join('\n')}\n`);
      }
      finish(reports.every(isWell) ? 0 : 1);
    });
}
