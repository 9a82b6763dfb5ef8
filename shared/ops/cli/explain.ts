/** `sluice explain`: what a code on a receipt, in a log or on a dashboard means, and what to do. */
import type { Command } from 'commander';
import { ERRORS, type ErrorCode, SluiceError } from '../../core/errors.js';

export function addExplainCommand(program: Command): void {
  program
    .command('explain')
    .description('what a code on a receipt, in a log or on a dashboard means, and what to do')
    .argument('[code]', 'such as SPOOL_FULL; without one, all of them as Markdown')
    .action((code?: string) => {
      process.stdout.write(code === undefined ? codesReference() : explanation(code));
    });
}

/** @throws SluiceError USAGE for a code that is not ours */
export function explanation(written: string): string {
  const code = written.toUpperCase();
  if (!Object.hasOwn(ERRORS, code)) {
    const near = Object.keys(ERRORS).filter((known) => known.startsWith(`${code.split('_')[0]}_`));
    const hint =
      near.length > 0 ? `Codes that begin alike: ${near.join(', ')}.` : '"sluice explain" lists all of them.';
    throw new SluiceError('USAGE', `There is no code of this name. ${hint}`);
  }
  const { meaning, remedy, severity, persistence } = ERRORS[code as ErrorCode];
  return `${code} (${severity}, ${LASTING[persistence]})\n${meaning}\n${remedy}\n`;
}

/** docs/CODES.md, printed from the table so that the two cannot differ. Ends with a line break. */
export function codesReference(): string {
  const rows = Object.entries(ERRORS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { severity, persistence, meaning, remedy }]) => {
      return `| \`${code}\` | ${severity} | ${LASTING[persistence]} | ${cell(meaning)} | ${cell(remedy)} |`;
    });
  return `${INTRODUCTION}\n| code | weight | | what happened | what to do |\n|---|---|---|---|---|\n${rows.join('\n')}\n`;
}

/** A bar ends a cell of a Markdown table. */
const cell = (words: string): string => words.replaceAll('|', '\\|');

const LASTING = { permanent: 'for good', retryable: 'tried again' } as const;

const INTRODUCTION = `# Codes

Every code that a receipt, a log line, an alarm or an exit message can carry. \`sluice explain CODE\` prints one of them.
*For good* means that the same input will fail again; *tried again* means that the gateway holds what it concerns and
goes on by itself once the cause is gone. This page is printed by \`sluice explain\` (\`npm run docs\`); change the table in
\`shared/core/errors.ts\`, not the page.
`;
