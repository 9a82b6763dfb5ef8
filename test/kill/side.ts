/** One side as a service manager runs it: `sluice low` or `sluice high`, started again on its state whenever it ends. */
import { kill, pause, type Run, type Workplace } from '../support/cli.js';
import { type Victim, victimsOf } from './victims.js';

/** Long enough for a command whose supervisor was killed to end, short enough to find out about one that never will. */
const STUCK_MS = 60_000;
const AGAIN_MS = 200;

export class Service {
  private run!: Run;
  private readonly earlier: Run[] = [];
  private stopping = false;
  private keeping: Promise<void> = Promise.resolve();
  /** Starts that did not succeed, with what was said. A few are no wonder while processes are killed at random. */
  readonly failedStarts: string[] = [];
  ready = false;

  constructor(
    private readonly place: Workplace,
    readonly side: 'low' | 'high',
    private readonly configFile: string,
    readonly stateDir: string,
  ) {}

  /** Resolves once it is up for the first time; from then on it is kept up. */
  async start(): Promise<void> {
    this.begin();
    await this.run.line(({ event }) => event === 'ready', '"ready"', 90_000);
    this.ready = true;
    this.keeping = this.keepUp();
  }

  victims(): Victim[] {
    return this.run.over ? [] : victimsOf(this.run.child.pid!, this.stateDir);
  }

  /** Ends it as Ctrl-C does, and answers its exit code. */
  async stop(): Promise<number | null> {
    this.stopping = true;
    await this.keeping;
    return (await this.run.stop()).code;
  }

  private begin(): void {
    this.ready = false;
    this.run = this.place.sluice(this.side, '--config', this.configFile, '--state', this.stateDir, '--json');
  }

  private async keepUp(): Promise<void> {
    while (!this.stopping) {
      if (this.run.over) {
        if (!this.ready) this.failedStarts.push(this.run.stderr);
        await pause(AGAIN_MS);
        this.earlier.push(this.run);
        this.begin();
      }
      this.ready ||= this.run.lines().some(({ event }) => event === 'ready');
      await pause(25);
    }
    // What ends now ends for good; a start under way is waited for, so that the stop is heard.
    const untilMs = performance.now() + STUCK_MS;
    while (!this.ready && !this.run.over && performance.now() < untilMs) {
      this.ready = this.run.lines().some(({ event }) => event === 'ready');
      await pause(25);
    }
  }

  /** Codes of the alarms of all its runs, with how often each was told and what was said last. */
  get alarms(): string[] {
    const told = new Map<string, { times: number; words: string }>();
    for (const run of [...this.earlier, this.run]) {
      for (const { event, code, words } of run.lines()) {
        if (event !== 'alarm') continue;
        const times = (told.get(String(code))?.times ?? 0) + 1;
        told.set(String(code), { times, words: String(words) });
      }
    }
    return [...told].map(([code, { times, words }]) => `${code} ${times} times, at last: ${words}`);
  }

  /** What it said, for whoever has to find out why something went wrong. */
  get words(): string {
    return this.run.stderr;
  }

  /** Kills by pid; a process that has ended meanwhile is nobody. */
  static strike({ pids }: Victim): void {
    for (const pid of pids) kill(pid, 'SIGKILL');
  }

  /** Stops it in its tracks for a while, as a machine does that swaps or saves itself. */
  static async freeze({ pids }: Victim, forMs: number): Promise<void> {
    for (const pid of pids) kill(pid, 'SIGSTOP');
    await pause(forMs);
    for (const pid of pids) kill(pid, 'SIGCONT');
  }
}
