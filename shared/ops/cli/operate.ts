/**
 * The operator's commands: `sluice queues`, `sluice acts`, `sluice drain`, `sluice resend`, `sluice give-up`. Each asks a side through its
 * ledger, so that who asked for what, and why, is on record there.
 */
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { SluiceError } from '../../core/errors.js';
import { LIMITS } from '../../core/limits.js';
import { type Answered, SideLedger } from '../operators/asking.js';
import type { FailedRow, StageRow } from '../operators/queueActs.js';
import { plain } from '../queues/words.js';
import type { ExitCode } from './exitCode.js';
import { jsonLine, sayLine } from './output.js';

type Finish = (code: ExitCode) => void;
type Options = Record<string, string | boolean | undefined>;

const WAIT_MS = 8_000;
/** Which side a stage belongs to, where a folder holds both. */
const SIDE_OF: Record<string, 'low' | 'high'> = {
  scan: 'low',
  seal: 'low',
  send: 'low',
  verify: 'high',
  release: 'high',
};
const ACTS_SHOWN = 1_000;

export function addOperatorCommands(program: Command, finish: Finish): void {
  addQueuesCommand(program, finish);
  for (const [name, description] of [
    ['drain', 'low side: finish what is in hand and take nothing new from the shares'],
    ['undrain', 'low side: take files from the shares again'],
  ] as const) {
    asked(program.command(name).description(description), true).action((options: Options) =>
      actOn('low', name, '', options, finish),
    );
  }
  asked(program.command('resend'), false)
    .description('send objects again (with the bundles they travelled in); what has arrived already is kept')
    .argument(
      '<ids...>',
      'transfer ids (or their first 8 digits), sequence numbers the high side names, ranges FIRST-LAST',
    )
    .action((ids: string[], options: Options) => actOn('low', 'resend', ids.join(','), options, finish));
  asked(program.command('give-up'), true)
    .description('give up all that waits for a tenant that is not in the configuration any more')
    .argument('<tenant>', 'its name')
    .action((tenant: string, options: Options) => actOn(undefined, 'give-up', tenant, options, finish));
  program
    .command('acts')
    .description('what operators asked of a side: when, who, what, why, and what came of it')
    .requiredOption('--state <dir>', STATE)
    .option('--json', 'as JSON lines on stdout')
    .action(async (options: Options) => {
      await withLedgers(options, async (ledgers) => {
        for (const ledger of ledgers) {
          for (const { id, ...act } of ledger.acts(ACTS_SHOWN)) {
            if (options.json) jsonLine({ side: ledger.side, id, ...act });
            else sayLine(actLine(ledger.side, act));
          }
        }
      });
      finish(0);
    });
}

/** On record where people are not made to give one. */
const NO_REASON = 'no reason given';

const STATE = 'state folder of a side, or of a demo';

function asked(command: Command, whyRequired: boolean): Command {
  command.option('--state <dir>', STATE).option('--who <name>', 'who asks for it (default: the user of this machine)');
  const why = 'why, for the record';
  return whyRequired
    ? command.requiredOption('--why <text>', why)
    : command.option('--why <text>', `${why}; please give one`);
}

function addQueuesCommand(program: Command, finish: Finish): void {
  const queues = program
    .command('queues')
    .description('the stages of a side: what waits, runs, was put off, failed')
    .option('--state <dir>', STATE)
    .option('--json', 'as JSON lines on stdout')
    .action(async (options: Options) => finish(await showStages(options)));
  const act = (kind: string, argument: string, description: string, whyRequired: boolean) => {
    asked(queues.command(kind), whyRequired)
      .description(description)
      .argument(`<${argument}>`, argument === 'stage' ? 'a stage, or "all"' : 'a stage, or STAGE/JOB')
      .action((what: string, _: Options, command: Command) =>
        actOn(SIDE_OF[what.split('/')[0]!], kind, what, command.optsWithGlobals(), finish),
      );
  };
  act('pause', 'stage', 'begin nothing new in a stage, until it is resumed; what runs is finished', true);
  act('resume', 'stage', 'let a stage go on', true);
  act('retry', 'job', 'try failed jobs again, one or all of a stage', false);
  act('promote', 'job', 'try jobs that were put off at once, one or all of a stage', false);
  queues
    .command('failed')
    .description('jobs that will not be tried again by themselves, with code and sentence')
    .argument('[stage]', 'a stage, or "all"', 'all')
    .option('--state <dir>', STATE)
    .option('--json', 'as JSON lines on stdout')
    .action(async (stage: string, _: Options, command: Command) =>
      finish(await showFailed(stage, command.optsWithGlobals())),
    );
}

async function actOn(
  side: 'low' | 'high' | undefined,
  kind: string,
  argument: string,
  options: Options,
  finish: Finish,
): Promise<void> {
  await withLedgers(options, async (ledgers) => {
    const wanted = side === undefined ? ledgers : ledgers.filter((ledger) => ledger.side === side);
    if (wanted.length === 0) throw new SluiceError('STATE_MISSING', `There is no ${side} side in ${options.state}.`);
    const who = String(options.who ?? userName());
    let code: ExitCode = 0;
    for (const ledger of wanted) {
      const answer = await ledger.ask({ kind, argument, who, why: String(options.why ?? NO_REASON) }, WAIT_MS);
      for (const line of sentence(ledger.side, answer).split('\n')) sayLine(show(line));
      if (answer.outcome === 'no') code = 1;
    }
    finish(code);
  });
}

function sentence(side: string, { words, outcome }: Answered): string {
  if (outcome === 'busy') return `The ${side} side is busy; the request is recorded and will be carried out.`;
  if (outcome === 'not-running')
    return `The ${side} side is not running; it carries the request out when it is started.`;
  return words;
}

async function showStages(options: Options): Promise<ExitCode> {
  return withLedgers(options, async (ledgers) => {
    const rows: StageRow[] = [];
    let code: ExitCode = 0;
    for (const ledger of ledgers) {
      const found = await question<StageRow>(ledger, '?queues', '');
      if (!found) code = 1;
      rows.push(...(found ?? []));
    }
    if (options.json) for (const row of rows) jsonLine(row);
    else if (rows.length > 0) sayLine(stageTable(rows));
    return code;
  });
}

function stageTable(rows: readonly StageRow[]): string {
  const head = ['stage', 'waiting', 'active', 'delayed', 'failed', ''];
  const lines = rows.map(({ stage, waiting, active, delayed, failed, paused }) =>
    [stage, waiting, active, delayed, failed, paused ? 'paused' : ''].map(String),
  );
  return [head, ...lines]
    .map(([stage, ...cells]) => `${stage!.padEnd(10)}${cells.map((cell) => cell.padStart(9)).join('')}`.trimEnd())
    .join('\n');
}

async function showFailed(stage: string, options: Options): Promise<ExitCode> {
  return withLedgers(options, async (ledgers) => {
    let code: ExitCode = 0;
    for (const ledger of ledgers) {
      if (stage !== 'all' && ledgers.length > 1 && SIDE_OF[stage] !== ledger.side) continue;
      const found = await question<FailedRow>(ledger, '?failed', stage);
      if (!found) code = 1;
      for (const row of found ?? []) {
        if (options.json) jsonLine(row);
        else {
          const { job, title, attempts, failedMs, reason } = row;
          sayLine(show(`${row.stage}/${job}  ${iso(failedMs)}  ${title}  (${attempts} attempts)`));
          sayLine(show(`    ${reason}`));
        }
      }
      if (found?.length === 0) sayLine(`${ledger.side} side: nothing has failed for good.`);
    }
    return code;
  });
}

/** The rows that answer a question; undefined, after saying why, when there are none. */
async function question<Row>(ledger: SideLedger, kind: string, argument: string): Promise<Row[] | undefined> {
  const answer = await ledger.ask({ kind, argument, who: userName(), why: '' }, WAIT_MS);
  if (answer.outcome === 'yes') return JSON.parse(answer.words) as Row[];
  if (answer.outcome === 'no') sayLine(show(answer.words));
  else if (answer.outcome === 'busy') sayLine(`The ${ledger.side} side does not answer; its queue store may be away.`);
  else sayLine(`The ${ledger.side} side is not running; its queues are rebuilt when it is started.`);
  return undefined;
}

function actLine(
  side: string,
  act: { askedMs: number; who: string; kind: string; argument: string; why: string; answer: string | null },
): string {
  const { askedMs, who, kind, argument, why, answer } = act;
  const reason = why === '' ? '' : ` because: ${why}`;
  const words = `${iso(askedMs)}  ${side}  ${who || '(not said)'}: ${kind} ${argument}`.trimEnd();
  return `${show(`${words}${reason}`)}\n    ${show(answer ?? 'not carried out yet')}`;
}

const iso = (ms: number): string => new Date(ms).toISOString();

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}

async function withLedgers<T>(options: Options, work: (ledgers: SideLedger[]) => Promise<T>): Promise<T> {
  if (typeof options.state !== 'string') throw new SluiceError('USAGE', 'Name the state folder: --state DIR.');
  const ledgers = SideLedger.open(resolve(options.state));
  try {
    return await work(ledgers);
  } finally {
    for (const ledger of ledgers) ledger.close();
  }
}

/** What comes from elsewhere, on one line and without characters that do something to a terminal. */
const show = (text: string): string => plain(text, LIMITS.queueReasonMaxLength);
