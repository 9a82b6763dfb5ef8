/** Structured log of one side, one JSON object a line, written by its supervisor. */
import pino from 'pino';
import { attendChildren } from './children.js';
import { LogFile, type LogRules } from './logFile.js';

export type Log = pino.Logger;

/** The level `silent` writes nothing. Lines carry the transfer id as `transfer` wherever there is one. */
export function openLog(side: 'low' | 'high', rules: LogRules & { level: string }, file: string): Log {
  const destination = new LogFile(file, rules);
  return pino({ level: rules.level, base: { side }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/**
 * What this process and its children say outside the log goes into it: a crash with its reason, a warning of the
 * runtime, whatever a child prints, and its unexpected end.
 * @param died is told the name of a process that is started again, and how it ended
 */
export function logProcesses(log: Log, died: (name: string, how: string) => void): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    log.fatal({ process: 'supervisor', error: error.stack ?? String(error) }, 'the supervisor ends');
  });
  process.on('warning', (warning) => log.warn({ process: 'supervisor', error: warning.message }, 'warning'));
  attendChildren({
    printed: (name, line) => log.warn({ process: name, line }, 'output of a process'),
    died: (name, how) => {
      log.error({ process: name, how }, 'a process ended');
      died(name, how);
    },
  });
}
