/** Where output goes: JSON lines to stdout, words to stderr. */
import { closeSync, openSync } from 'node:fs';

export const sayLine = (line: string): void => sayLines([line]);
export const jsonLine = (value: object): void => jsonLines([value]);

/** Many lines in one write: news of small objects come by hundreds. */
export const sayLines = (lines: readonly string[]): void => {
  if (lines.length > 0) process.stderr.write(`${lines.join('\n')}\n`);
};
export const jsonLines = (values: readonly object[]): void => {
  if (values.length > 0) process.stdout.write(`${values.map((value) => JSON.stringify(value)).join('\n')}\n`);
};

/**
 * Resolves at the first Ctrl-C or SIGTERM, or when the terminal is gone.
 * @param onHup what SIGHUP means otherwise; without it, the end
 */
export function untilStopped(onHup?: () => void): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    process.on('SIGHUP', () => (onHup === undefined || isHungUp() ? resolve() : onHup()));
  });
}

/** A closed terminal says SIGHUP, too, to what was started in it: then it cannot be opened any more. */
function isHungUp(): boolean {
  if (!process.stdin.isTTY && !process.stderr.isTTY) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}
