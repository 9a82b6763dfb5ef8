/** Where output goes: JSON lines to stdout, words to stderr. */
export const sayLine = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
export const jsonLine = (value: object): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};

/** Resolves at the first Ctrl-C or SIGTERM. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
