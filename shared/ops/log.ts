/** Structured log of one side, one JSON object a line, written by its supervisor. */
import { openSync, writeSync } from 'node:fs';
import pino from 'pino';

export type Log = pino.Logger;

/**
 * Appends to `file`; the level `silent` writes nothing. Lines carry the transfer id as `transfer` wherever there is one.
 * A line that cannot be written is lost: a full disk must not stop the side that reports it.
 */
export function openLog(side: 'low' | 'high', level: string, file: string): Log {
  const descriptor = openSync(file, 'a', 0o600);
  const destination = {
    write(line: string): void {
      try {
        writeSync(descriptor, line);
      } catch {
        // Said nowhere else: whatever could say it would have to be written as well.
      }
    },
  };
  return pino({ level, base: { side }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}
