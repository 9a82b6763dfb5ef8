/**
 * `sluice top`: how a side stands, again and again, on a screen of its own. Where stdout is not a terminal, or without
 * colours (NO_COLOR), it prints one picture after the other.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readReports } from '../health/statusFile.js';
import { statusLines } from '../health/statusWords.js';
import { type Screen, topLines } from '../health/topScreen.js';
import type { ExitCode } from './exitCode.js';
import { duration, whole } from './numbers.js';
import { untilStopped } from './output.js';

const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
/** To the end of the line, and to the end of the screen. */
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

export function addTopCommand(program: Command, finish: (code: ExitCode) => void): void {
  program
    .command('top')
    .description('how a side stands, live; q or Ctrl-C ends it')
    .requiredOption('--state <dir>', 'state folder of a side, or of a demo')
    .option('--interval <duration>', 'time between two pictures', duration, 1_000)
    .option('--count <n>', 'end after so many pictures', whole(1, 1_000_000))
    .action(async ({ state, interval, count }) => {
      const folder = resolve(state);
      const intervalMs = Math.max(100, interval);
      readReports(folder, Date.now()); // A folder that is none is said before the screen is taken.
      const live = process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
      await (live ? watch(folder, intervalMs, count) : print(folder, intervalMs, count));
      finish(0);
    });
}

/** On a screen of its own, which is given back as it was. */
async function watch(folder: string, intervalMs: number, count = Number.POSITIVE_INFINITY): Promise<void> {
  const { stdin, stdout } = process;
  const draw = () => stdout.write(picture(folder, screenOf(stdout)));
  let drawn = 0;
  let done: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    done = resolve;
  });
  const timer = setInterval(() => (++drawn >= count ? done() : draw()), intervalMs);
  const key = (bytes: Buffer) => {
    // Raw mode hands us Ctrl-C and Ctrl-D as characters.
    if (/[qQ\x03\x04]/.test(bytes.toString('latin1'))) done();
  };
  stdout.write(ENTER);
  try {
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', key);
    stdout.on('resize', draw);
    draw();
    await Promise.race([ended, untilStopped()]);
  } finally {
    clearInterval(timer);
    stdin.off('data', key);
    stdout.off('resize', draw);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdout.write(LEAVE);
  }
}

function picture(folder: string, screen: Screen): string {
  const nowMs = Date.now();
  let lines: string[];
  try {
    lines = topLines(readReports(folder, nowMs), nowMs, screen);
  } catch {
    lines = ['The state folder is gone.'];
  }
  return `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`;
}

const screenOf = ({ columns, rows }: NodeJS.WriteStream): Screen => ({
  // A pseudo terminal nobody has given a size says 0.
  columns: columns || DEFAULT_COLUMNS,
  rows: rows || DEFAULT_ROWS,
  colours: true,
});

async function print(folder: string, intervalMs: number, count = Number.POSITIVE_INFINITY): Promise<void> {
  const stopped = untilStopped().then(() => 'stopped' as const);
  for (let printed = 0; printed < count; printed++) {
    if (printed > 0) {
      const slept = new Promise<void>((resolve) => setTimeout(resolve, intervalMs));
      if ((await Promise.race([slept, stopped])) === 'stopped') return;
    }
    const nowMs = Date.now();
    const lines = readReports(folder, nowMs).flatMap((report) => statusLines(report, nowMs));
    process.stdout.write(`${new Date(nowMs).toISOString()}\n${lines.join('\n')}\n\n`);
  }
}
