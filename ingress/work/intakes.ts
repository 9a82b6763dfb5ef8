/**
 * The intake processes of the low side: one for all tenants, as long as every share answers.
 *
 * A share that hangs (a network mount whose server is gone) stops the process that touched it, and no timer inside could
 * notice. So it is noticed here: a process that tells no news for a while is ended, which the system allows also in the
 * middle of a call to most hanging mounts, and the tenant it was at gets a process of its own. The others go on after
 * that moment; the one whose share hangs goes on as soon as the share does. Both last until the side is started again.
 */
import { join } from 'node:path';
import { Child, DISK_SILENT_MS } from '../../shared/ops/processes/children.js';
import type { BatchMessage, IntakeProtocol, IntakeStart, IntakeTenant, PollNews } from '../intake/messages.js';
import { readWhereabouts } from '../intake/whereabouts.js';

export interface IntakesTools {
  /** What a process is told at its start, with all tenants; of which the process that starts serves some. */
  settings: (serves: (tenant: string) => boolean) => Omit<IntakeStart, 'whereaboutsFile' | 'firstBatch'>;
  /** Folder for small files of ours. */
  dir: string;
  /** `isWaited`: the process that sent it still runs. */
  batch: (batch: BatchMessage, isWaited: () => boolean) => void;
  polled: (news: PollNews) => void;
  alarm: (code: string, words: string, about: string) => void;
  over: (code: string, about: string) => void;
  /** How long a process may say nothing. */
  stuckMs?: number;
}

type Requests = Pick<IntakeProtocol['requests'], 'dispose' | 'lie'>;

const STUCK_MS = 30_000;
/** What lasts is said again, for its alarm to hold. */
const SAY_AGAIN_MS = 300_000;
/** Batches of different processes are told apart by their numbers. */
const BATCHES = 1e9;
const STOP_MS = 5_000;

interface Process {
  readonly number: number;
  readonly child: Child<IntakeProtocol>;
  /** How many times it has been started. */
  starts: number;
  readonly whereaboutsFile: string;
  /** The only tenant of a process that was set aside; undefined for the main one. */
  readonly only: string | undefined;
  news: PollNews | undefined;
  heardMs: number;
  /** Whose share it hangs in; '' when it is not known. */
  stuckAt: string | undefined;
  /** When that was said. */
  saidMs: number;
}

export class Intakes {
  private readonly processes: Process[] = [];
  private tenants: readonly IntakeTenant[] = [];

  constructor(private readonly tools: IntakesTools) {
    this.add(undefined);
  }

  get pids(): Record<string, number> {
    return Object.fromEntries(
      this.processes.map(({ child, only }) => [only === undefined ? 'intake' : `intake.${only}`, child.pid ?? 0]),
    );
  }

  async start(): Promise<void> {
    await this.processes[0]!.child.start();
  }

  /** A process that hangs in a call which cannot be interrupted is not waited for. */
  async stop(): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, 2 * STOP_MS).unref());
    await Promise.race([Promise.all(this.processes.map(({ child }) => child.stop(STOP_MS))), late]);
  }

  /** To be called about twice a second. */
  hold(word: IntakeProtocol['toChild']['hold']): void {
    // Each gets the whole room: two processes may together take a little more than the high-water mark says.
    for (const { child } of this.processes) child.tell('hold', word);
    this.look(performance.now());
  }

  recorded(id: number): void {
    this.processes[Math.floor(id / BATCHES)]?.child.tell('recorded', { id });
  }

  /** Other tenants, or other settings of theirs, from the next poll on. */
  setTenants(tenants: readonly IntakeTenant[]): void {
    this.tenants = tenants;
    for (const process of this.processes) process.child.tell('tenants', { tenants: this.tenantsOf(process) });
  }

  /** Asks the process that serves the tenant. */
  ask<R extends keyof Requests>(name: R, ask: Requests[R]['ask']): Promise<Requests[R]['answer']> {
    const own = this.processes.find(({ only }) => only === ask.tenant);
    return (own ?? this.processes[0]!).child.ask(name, ask) as Promise<Requests[R]['answer']>;
  }

  /** Ends what has been silent for too long. */
  private look(nowMs: number): void {
    for (const process of [...this.processes]) {
      if (nowMs - process.heardMs < (this.tools.stuckMs ?? STUCK_MS) || process.child.pid === undefined) continue;
      if (process.stuckAt !== undefined) {
        if (nowMs - process.saidMs < SAY_AGAIN_MS) continue;
        process.saidMs = nowMs;
        this.tools.alarm('INTAKE_STUCK', 'It still hangs.', process.stuckAt);
        continue;
      }
      process.saidMs = nowMs;
      const tenant = process.only ?? readWhereabouts(process.whereaboutsFile);
      process.stuckAt = tenant;
      const where = tenant === '' ? 'It is not known where.' : `It is at the share of "${tenant}".`;
      this.tools.alarm('INTAKE_STUCK', where, tenant);
      if (process.only !== undefined) continue;
      process.heardMs = nowMs;
      if (tenant !== '' && this.tenants.length > 1) this.setAside(tenant);
      process.child.kill();
    }
  }

  private setAside(tenant: string): void {
    if (this.processes.some(({ only }) => only === tenant)) return;
    // It may hang at once: nobody waits for it.
    this.add(tenant)
      .child.start()
      .catch((error) => this.tools.alarm('INTAKE_STUCK', String(error), tenant));
  }

  private add(only: string | undefined): Process {
    const number = this.processes.length;
    const child = new Child<IntakeProtocol>({
      silentMs: DISK_SILENT_MS,
      name: only === undefined ? 'intake' : `intake of ${only}`,
      module: new URL('../intake/process.js', import.meta.url),
      onStart: async (voice) => {
        process.starts++;
        const settings = this.tools.settings((tenant) => this.serves(process, tenant));
        this.tenants = settings.tenants;
        process.heardMs = performance.now();
        await voice.ask('start', {
          ...settings,
          tenants: this.tenantsOf(process),
          // What another process is just writing is in no ledger either.
          keepSpoolFiles: this.processes.length === 1 ? settings.keepSpoolFiles : null,
          whereaboutsFile: process.whereaboutsFile,
          firstBatch: number * BATCHES,
        });
      },
      onEvent: {
        batch: (batch) => {
          const { starts } = process;
          this.tools.batch(batch, () => process.starts === starts);
        },
        polled: (news) => this.polled(process, news),
      },
    });
    const process: Process = {
      number,
      child,
      starts: 0,
      only,
      whereaboutsFile: join(this.tools.dir, `intake-${number}.at`),
      news: undefined,
      heardMs: performance.now(),
      stuckAt: undefined,
      saidMs: 0,
    };
    this.processes.push(process);
    return process;
  }

  private tenantsOf(process: Process): IntakeTenant[] {
    return this.tenants.filter(({ name }) => this.serves(process, name));
  }

  private serves({ only }: Process, tenant: string): boolean {
    if (only !== undefined) return tenant === only;
    return !this.processes.some((other) => other.only === tenant);
  }

  private polled(process: Process, news: PollNews): void {
    process.heardMs = performance.now();
    process.news = news;
    const isBack = process.only !== undefined || !this.processes.some(({ only }) => only === process.stuckAt);
    if (process.stuckAt !== undefined && isBack) this.tools.over('INTAKE_STUCK', process.stuckAt);
    process.stuckAt = undefined;
    for (const tenant of news.stuckCopies) {
      this.tools.alarm('INTAKE_STUCK', `A large file of "${tenant}" cannot be read on.`, tenant);
    }
    this.tools.polled(
      sumOf(
        this.processes.flatMap((one) => one.news ?? []),
        news.troubles,
      ),
    );
  }
}

function sumOf(all: readonly PollNews[], troubles: string[]): PollNews {
  const sum = (of: (news: PollNews) => number) => all.reduce((total, news) => total + of(news), 0);
  const most = (of: (news: PollNews) => number) => Math.max(0, ...all.map(of));
  const held = all.find(({ heldBack }) => heldBack !== '');
  return {
    tenants: Object.assign({}, ...all.map(({ tenants }) => tenants)),
    entries: sum(({ entries }) => entries),
    waiting: sum(({ waiting }) => waiting),
    elapsedMs: most(({ elapsedMs }) => elapsedMs),
    heldBack: held?.heldBack ?? '',
    heldBackCode: held?.heldBackCode ?? '',
    wantedBytes: most(({ wantedBytes }) => wantedBytes),
    troubles,
    stuckCopies: all.flatMap(({ stuckCopies }) => stuckCopies),
  };
}
