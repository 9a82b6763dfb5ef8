/** 0 good, 1 ran but the outcome is not good, 2 usage, 3 could not start. */
export type ExitCode = 0 | 1 | 2 | 3;
