/** A `sluice` command as a process of its own, as an operator starts it: only its JSON lines are looked at. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { SluiceError } from '../shared/core/errors.js';
import { ROOT } from './about.js';

/** A line of `sluice low|high|link --json`. */
export type Line = Record<string, unknown>;

const CLI = join(ROOT, 'bin', 'sluice.js');
const STOP_MS = 20_000;
const WORDS_KEPT = 4_000;

export interface CommandOptions {
  /** Network namespace to run in. */
  netns?: string | undefined;
  env?: Record<string, string>;
  /** Told of every line, in order. */
  onLine?: (line: Line) => void;
}

export class Command {
  readonly ended: Promise<void>;
  isOver = false;
  private readonly child: ChildProcess;
  private readonly waiters = new Set<() => void>();
  private readonly lines: Line[] = [];
  private rest = '';
  private words = '';

  constructor(
    readonly name: string,
    args: readonly string[],
    private readonly options: CommandOptions = {},
  ) {
    const { netns, env } = options;
    const own = [process.execPath, CLI, name, ...args];
    // `ip netns exec` becomes the command it runs, so the process id is that of the command.
    const [file, ...rest] = netns === undefined ? own : ['ip', 'netns', 'exec', netns, ...own];
    this.child = spawn(file!, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.take(text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.words = (this.words + text).slice(-WORDS_KEPT);
    });
    this.ended = new Promise((resolve) => {
      const over = (words = '') => {
        this.words += words;
        this.isOver = true;
        this.wake();
        resolve();
      };
      this.child.once('close', () => over());
      this.child.once('error', (error) => over(error.message));
    });
  }

  /** 0 when it could not be started. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /**
   * Waits for something that comes with a line of this command.
   * @throws SluiceError CHILD_FAILED when it ends or the time is over before
   */
  async until<T>(look: () => T | undefined | false, what: string, timeoutMs: number): Promise<T> {
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found) return found;
      const leftMs = untilMs - performance.now();
      if (this.isOver || leftMs <= 0) {
        const why = this.isOver ? 'it ended' : `not within ${Math.round(timeoutMs / 1000)} s`;
        throw new SluiceError(
          'CHILD_FAILED',
          `sluice ${this.name}: no ${what}, ${why}. It said:\n${this.words.trim()}`,
        );
      }
      await this.next(leftMs);
    }
  }

  /** The first line that fits. */
  line(fits: (line: Line) => boolean, what: string, timeoutMs: number): Promise<Line> {
    return this.until(() => this.lines.find(fits), what, timeoutMs);
  }

  /** Asks it to end, and makes it end when it does not. */
  async stop(): Promise<void> {
    if (!this.isOver) this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }

  private next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiter(), timeoutMs);
      const waiter = () => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve();
      };
      this.waiters.add(waiter);
    });
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }

  private take(text: string): void {
    const parts = (this.rest + text).split('\n');
    this.rest = parts.pop()!;
    for (const part of parts) {
      if (part === '') continue;
      const line = JSON.parse(part) as Line;
      // Objects are many, and whoever wants them listens.
      if (line.event !== 'object') this.lines.push(line);
      this.options.onLine?.(line);
    }
    this.wake();
  }
}
