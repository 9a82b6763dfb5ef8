/** What a process prints, line by line and within bounds: it may print anything, in any amount. */
import { StringDecoder } from 'node:string_decoder';
import { LIMITS } from '../../core/limits.js';

const SPAN_MS = 10_000;

/** Calls `say` with each line; more than a few hundred within a span are only counted. */
export function readLines(stream: NodeJS.ReadableStream, say: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let spanMs = performance.now();
  let said = 0;
  let left = 0;
  const line = (text: string) => {
    if (text === '') return;
    const nowMs = performance.now();
    if (nowMs - spanMs >= SPAN_MS) {
      if (left > 0) say(`(${left} lines left out)`);
      [spanMs, said, left] = [nowMs, 0, 0];
    }
    if (said++ < LIMITS.childOutputLines) say(text.slice(0, LIMITS.childOutputMaxText));
    else left++;
  };
  stream.on('data', (bytes: Buffer) => {
    const lines = (rest + decoder.write(bytes)).split(/\r?\n/);
    rest = lines.pop()!;
    for (const text of lines) line(text);
    if (rest.length > LIMITS.childOutputMaxText) {
      line(rest);
      rest = '';
    }
  });
  stream.on('end', () => {
    line(rest + decoder.end());
    if (left > 0) say(`(${left} lines left out)`);
  });
  stream.on('error', () => {});
}
