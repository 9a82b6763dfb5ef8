/**
 * A log file that does not grow for ever: at a certain size it is put aside (`low.log.1` is the youngest) and begun
 * anew. A line that cannot be written is lost: a full disk must not stop the side that reports it.
 */
import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

export interface LogRules {
  /** Bytes at which the file is put aside. */
  readonly maxSize: number;
  /** Files kept beside the current one. */
  readonly keep: number;
}

/** After a file could not be put aside, it is tried again when so many more bytes have been written. */
const AGAIN_BYTES = 1024 * 1024;

/** Lines in one write at most. */
const LINES_TOGETHER = 256;

export class LogFile {
  private descriptor: number;
  private sizeBytes: number;
  private rotateAtBytes: number;
  /** The last write ended within a line. */
  private isTorn = false;
  /** Lines that wait for others, while `together` runs. */
  private held: string[] | undefined;

  /** Throws when the file cannot be opened at all: then the side does not start. */
  constructor(
    private readonly path: string,
    private readonly rules: LogRules,
  ) {
    this.descriptor = openSync(path, 'a', 0o600);
    this.sizeBytes = fstatSync(this.descriptor).size;
    this.rotateAtBytes = rules.maxSize;
  }

  /** What `work` logs reaches the file in few writes, all of it before this returns. */
  together(work: () => void): void {
    const isOutermost = this.held === undefined;
    this.held ??= [];
    try {
      work();
    } finally {
      if (isOutermost) {
        this.flush();
        this.held = undefined;
      }
    }
  }

  /** One line with its line break. */
  write(line: string): void {
    if (!this.held) this.append(printable(line));
    else if (this.held.push(printable(line)) >= LINES_TOGETHER) this.flush();
  }

  private flush(): void {
    const lines = this.held ?? [];
    this.held = [];
    if (lines.length > 0) this.append(lines.join(''));
  }

  private append(lines: string): void {
    const bytes = Buffer.from((this.isTorn ? '\n' : '') + lines);
    try {
      if (this.sizeBytes > 0 && this.sizeBytes + bytes.length > this.rotateAtBytes) this.rotate();
      const written = writeSync(this.descriptor, bytes);
      this.sizeBytes += written;
      this.isTorn = written < bytes.length;
    } catch {
      // Said nowhere else: whatever could say it would have to be written as well.
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private rotate(): void {
    const { path, rules } = this;
    try {
      for (let n = rules.keep; n > 1; n--) move(`${path}.${n - 1}`, `${path}.${n}`);
      if (rules.keep > 0) renameSync(path, `${path}.1`);
      else rmSync(path, { force: true });
      const fresh = openSync(path, 'a', 0o600);
      closeSync(this.descriptor);
      this.descriptor = fresh;
      this.sizeBytes = 0;
      this.isTorn = false;
      this.rotateAtBytes = rules.maxSize;
    } catch {
      // It goes on where it was: a log that is too long is better than none.
      this.rotateAtBytes = this.sizeBytes + Math.min(AGAIN_BYTES, rules.maxSize);
    }
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Whatever a terminal would act on or not show; JSON has already escaped the C0 controls. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}\u3164\uffa0]/gu;

/** The same JSON, with such characters written as \uXXXX: names in a log can be looked at (FAULTS 63). */
function printable(line: string): string {
  const body = line.endsWith('\n') ? line.slice(0, -1) : line;
  const escaped = body.replace(UNPRINTABLE, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
  return `${escaped}\n`;
}
