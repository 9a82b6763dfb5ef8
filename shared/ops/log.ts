/** Structured log of one side, one JSON object a line, written by its supervisor. */
import pino from 'pino';

export type Log = pino.Logger;

/** Appends to `file`; `silent` makes nothing. Lines carry the transfer id as `transfer` wherever there is one. */
export function openLog(side: 'low' | 'high', level: string, file: string): Log {
  return pino(
    { level, base: { side }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: file, mkdir: true, sync: true }),
  );
}
