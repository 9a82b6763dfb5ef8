/** Structured log of one side, one JSON object a line, written by its supervisor. */
import pino from 'pino';
import { attendChildren } from '../processes/children.js';
import { LogFile, type LogRules } from './logFile.js';

export type Log = pino.Logger;

/** The part of News that this needs. */
export interface Alarming {
  alarm(code: string, words: string, about: string): void;
  over(code: string, about: string): void;
}

/** The level `silent` writes nothing. Lines carry the transfer id as `transfer` wherever there is one. */
export function openLog(side: 'low' | 'high', rules: LogRules & { level: string }, file: string): Log {
  const destination = new LogFile(file, rules);
  const log = pino({ level: rules.level, base: { side }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  files.set(log, destination);
  return log;
}

const files = new WeakMap<Log, LogFile>();

/** Many lines in few writes: news of small objects come by hundreds. */
export function logTogether(log: Log, work: () => void): void {
  const file = files.get(log);
  if (file) file.together(work);
  else work();
}

/**
 * What this process and its children say outside the log goes into it: a crash with its reason, a warning of the
 * runtime, whatever a child prints, and its unexpected end.
 */
export function logProcesses(log: Log, alarms: Alarming): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    log.fatal({ process: 'supervisor', error: error.stack ?? String(error) }, 'the supervisor ends');
  });
  process.on('warning', (warning) => log.warn({ process: 'supervisor', error: warning.message }, 'warning'));
  attendChildren({
    printed: (name, line) => log.warn({ process: name, line }, 'output of a process'),
    died: (name, how, again) => {
      log.error({ process: name, how }, 'a process ended');
      const code = again ? 'CHILD_CRASH_LOOP' : 'CHILD_FAILED';
      alarms.alarm(code, `The ${name} process ended (${how}) and is started again.`, name);
    },
    steady: (name) => alarms.over('CHILD_CRASH_LOOP', name),
  });
}
