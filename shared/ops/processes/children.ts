/**
 * The one way the gateway runs an isolated process: a forked module, asked over IPC.
 *
 *   supervisor                                        child process
 *   new Child({ module }) ── start ─────────────────▶ serveParent({ answer, on, onStop })
 *        ask(name, body)  ── { ask, id }   ─────────▶ answer[name](body)
 *                         ◀─ { answer, id } ─────────  its value, or code and detail of its SluiceError
 *        tell(event)      ── { event }     ─────────▶ on[event](payload)
 *        onEvent[event]   ◀─ { event }     ─────────  tell(event, payload)
 *        stop(graceMs)    ── { stop }      ─────────▶ onStop(), exit; SIGKILL after the grace time
 *
 * A child that dies unexpectedly is started again (the delay doubles up to a cap) and gets its initial state again from
 * `onStart`. It ends when its parent is gone. Signals that reach the whole process group (Ctrl-C, a service manager's
 * SIGTERM) are left to the supervisor, which ends its children in order; the supervisor of a side itself ends in order
 * on SIGTERM, whoever started it, and reads its configuration again on SIGHUP.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ERRORS, type ErrorCode, SluiceError } from '../../core/errors.js';
import { KERNEL_VARIABLE } from '../../fec/kernelName.js';
import type { Answer, Ask, Handlers, Protocol, Requests, ToChild, ToParent } from './childProtocol.js';
import { loopDelays } from './loopDelays.js';
import { readLines } from './outputLines.js';
import { PROFILE_VARIABLE, profilingArguments } from './profiling.js';

export type { Protocol } from './childProtocol.js';
export { type ParentFace, type ServeOptions, serveParent } from './childSide.js';

/** The part of a child that `onStart` uses before anybody else's requests get through. */
export interface Voice<P extends Protocol> {
  readonly pid: number | undefined;
  ask<R extends Requests<P>>(name: R, ask: Ask<P, R>, timeoutMs?: number): Promise<Answer<P, R>>;
  tell<E extends keyof P['toChild'] & string>(event: E, payload: P['toChild'][E]): void;
}

export interface ExitReason {
  code: number | null;
  signal: string | null;
  /** True when it was asked to stop. */
  expected: boolean;
}

export interface ChildOptions<P extends Protocol> {
  /** For logs and errors: "sealing", "scanning". */
  name: string;
  /** Compiled module that calls serveParent. */
  module: URL;
  /** Added to the few variables that are passed on; the rest of the parent's environment is not. */
  env?: Record<string, string>;
  execArgv?: string[];
  cwd?: string;
  onEvent?: Handlers<P['toParent']>;
  /** Runs after every start; only when it has resolved do other requests and events get through. */
  onStart?: (child: Voice<P>) => void | Promise<void>;
  onExit?: (why: ExitReason) => void;
  /** Start again after an unexpected exit; true unless given. */
  restart?: boolean;
  /**
   * A child that gives no sign of life for so long hangs: it is killed, and started again like any other that dies. Longer
   * than anything it does in one go. A minute unless given; Infinity for a child that is looked after otherwise.
   */
  silentMs?: number;
}

/** Whoever looks after the children of this process. */
export interface Attendant {
  /** A line a child printed. Nobody else gets it. */
  printed(name: string, line: string): void;
  /** A child ended unexpectedly and is started again; `again` after many times in a row. */
  died(name: string, how: string, again: boolean): void;
  /** One that had died has been running for a while. */
  steady?(name: string): void;
}

let attendant: Attendant | undefined;

/** Errors that only say that the process asked has ended. */
const ofEnds = new WeakSet<object>();

/** Whether a request failed because its process ended or was stopped: its attendant has been told, with the right advice. */
export const isChildsEnd = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && ofEnds.has(error);

/** For children started from now on. Without an attendant what they print goes to standard error. */
export function attendChildren(whoever: Attendant | undefined): void {
  attendant = whoever;
}

interface Pending {
  message: ToChild;
  sent: boolean;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  timer: NodeJS.Timeout | undefined;
}

const PASSED_ON = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', KERNEL_VARIABLE, PROFILE_VARIABLE];
const START_TIMEOUT_MS = 60_000;
const ASK_TIMEOUT_MS = 30_000;
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** For processes that read and write files synchronously, gigabytes of them at times, maybe on a share that is slow. */
export const DISK_SILENT_MS = 15 * 60_000;
/** How long a child may stay once its channel is closed. */
const DISCONNECTED_MS = 1_000;
/** A child that ran this long was not in a crash loop: its next restart is quick again. */
const STABLE_MS = 30_000;
/** Ends in a row, none of them after a stable run, that make a crash loop. */
const LOOP_ENDS = 5;
const SILENT_MS = 60_000;
/** Signs of life are asked for so many times within the silence that is allowed. */
const PINGS = 4;

export class Child<P extends Protocol> {
  #state: 'idle' | 'starting' | 'up' | 'down' | 'stopped' = 'idle';
  /** The first start succeeded: from now on a failing start is tried again. */
  #established = false;
  #process: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #upSinceMs = 0;
  #backoffMs = BACKOFF_FIRST_MS;
  #restartTimer: NodeJS.Timeout | undefined;
  #ends = 0;
  #watchTimer: NodeJS.Timeout | undefined;
  #steadyTimer: NodeJS.Timeout | undefined;
  #heardMs = 0;
  /** Why it was killed, if it was. */
  #killedFor = '';
  #pending = new Map<number, Pending>();
  #nextId = 1;

  constructor(readonly options: ChildOptions<P>) {}

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves once onStart has. Rejects when this first start fails: then nothing is left running and nothing retried. */
  async start(): Promise<void> {
    if (this.#state !== 'idle')
      throw new SluiceError('INTERNAL', `The ${this.options.name} process was started twice.`);
    try {
      await this.#launch();
      this.#established = true;
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /**
   * Asks the child; while it is being started again the request waits, all within timeoutMs (Infinity: no limit).
   * Rejects with the child's own SluiceError, or CHILD_FAILED when it died, was stopped or did not answer in time.
   */
  ask<R extends Requests<P>>(name: R, ask: Ask<P, R>, timeoutMs = ASK_TIMEOUT_MS): Promise<Answer<P, R>> {
    return this.#ask(name, ask, timeoutMs, this.#state === 'up');
  }

  /** One-way. Dropped while the child is not running: onStart sends what it must know. */
  tell<E extends keyof P['toChild'] & string>(event: E, payload: P['toChild'][E]): void {
    if (this.#state === 'up') this.#send({ kind: 'event', name: event, body: payload });
  }

  /** SIGKILL; counts as an unexpected exit. */
  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  /** Ends the child for good: asks it to, and kills it after graceMs. Resolves when it is gone. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#restartTimer);
    if (!this.#process) this.#rejectPending('was stopped', () => true);
    if (graceMs > 0) this.#send({ kind: 'stop' });
    else this.kill();
    const timer = setTimeout(() => this.kill(), graceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #ask(name: string, body: unknown, timeoutMs: number, now: boolean): Promise<never> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'stopped') return reject(this.#failed('is not running'));
      const id = this.#nextId++;
      const expire = () => {
        this.#pending.delete(id);
        reject(this.#failed(`did not answer "${name}" within ${timeoutMs} ms`));
      };
      const timer = Number.isFinite(timeoutMs) ? setTimeout(expire, timeoutMs) : undefined;
      const message: ToChild = { kind: 'ask', id, name, body };
      this.#pending.set(id, { message, sent: now, resolve: resolve as (value: unknown) => void, reject, timer });
      if (now) this.#send(message);
    });
  }

  #send(message: ToChild): void {
    // A send that fails means the child is going; what waits for an answer is rejected once it is gone.
    if (this.#process?.connected) this.#process.send(message, () => {});
  }

  #failed(what: string): SluiceError {
    return new SluiceError('CHILD_FAILED', `The ${this.options.name} process ${what}.`);
  }

  #rejectPending(what: string, which: (pending: Pending) => boolean): void {
    for (const [id, pending] of this.#pending) {
      if (!which(pending)) continue;
      this.#pending.delete(id);
      clearTimeout(pending.timer);
      const failure = this.#failed(what);
      ofEnds.add(failure);
      pending.reject(failure);
    }
  }

  async #launch(): Promise<void> {
    this.#state = 'starting';
    this.#upSinceMs = performance.now();
    const child = this.#fork();
    this.#process = child;
    const exit = exitOf(child);
    this.#ended = exit.then((why) => this.#gone(why));
    let timer: NodeJS.Timeout | undefined;
    const tooSlow = new Promise((_, reject) => {
      timer = setTimeout(() => reject(this.#failed('did not start in time')), START_TIMEOUT_MS);
    });
    try {
      const endedEarly = exit.then((why) => Promise.reject(this.#failed(`ended while starting (${sayExit(why)})`)));
      await Promise.race([this.#greet(child), endedEarly, tooSlow]);
      if (this.#state !== 'starting') throw this.#failed('was stopped while starting');
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
    this.#state = 'up';
    this.#watchLife();
    for (const pending of this.#pending.values()) {
      if (pending.sent) continue;
      pending.sent = true;
      this.#send(pending.message);
    }
  }

  #fork(): ChildProcess {
    const { name, module, env, execArgv = [], cwd } = this.options;
    const passed: NodeJS.ProcessEnv = {};
    for (const key of PASSED_ON) if (process.env[key] !== undefined) passed[key] = process.env[key];
    const output = attendant ? 'pipe' : 2;
    const child = fork(fileURLToPath(module), [], {
      env: { ...passed, ...env },
      execArgv: [...execArgv, ...profilingArguments(name)],
      ...(cwd === undefined ? {} : { cwd }),
      serialization: 'advanced',
      // Standard output belongs to the supervisor's own answers; whatever a child prints never goes there.
      stdio: ['ignore', output, output, 'ipc'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) readLines(stream, (line) => attendant?.printed(this.options.name, line));
    }
    return child;
  }

  /** Waits for the child's first word, then hands over the initial state. */
  async #greet(child: ChildProcess): Promise<void> {
    await new Promise<void>((resolve) => {
      child.on('message', (message) => {
        if (typeof message !== 'object' || message === null) return;
        if ((message as ToParent).kind === 'ready') resolve();
        else this.#hear(message as ToParent);
      });
    });
    await this.options.onStart?.({
      pid: child.pid,
      ask: (name, ask, timeoutMs = ASK_TIMEOUT_MS) => this.#ask(name, ask, timeoutMs, true),
      tell: (event, payload) => this.#send({ kind: 'event', name: event, body: payload }),
    });
  }

  /** Asks for signs of life while the child is up. */
  #watchLife(): void {
    const { silentMs = SILENT_MS, name } = this.options;
    this.#heardMs = performance.now();
    this.#steadyTimer = setTimeout(() => {
      if (this.#ends > 0) attendant?.steady?.(name);
      this.#ends = 0;
    }, STABLE_MS).unref();
    if (!Number.isFinite(silentMs)) return;
    const intervalMs = silentMs / PINGS;
    let lookedMs = this.#heardMs;
    this.#watchTimer = setInterval(() => {
      const nowMs = performance.now();
      // A parent that stood still itself has heard nobody.
      if (nowMs - lookedMs > 2 * intervalMs) this.#heardMs = nowMs;
      lookedMs = nowMs;
      this.#send({ kind: 'ping' });
      if (nowMs - this.#heardMs < silentMs) return;
      this.#killedFor = `no sign of life for ${Math.round((nowMs - this.#heardMs) / 1000)} s`;
      this.kill();
    }, intervalMs).unref();
  }

  #hear(message: ToParent): void {
    this.#heardMs = performance.now();
    if (message.kind === 'late') {
      if (this.pid !== undefined) loopDelays.note(this.pid, message.ms, this.#heardMs);
    } else if (message.kind === 'event') {
      const handlers = this.options.onEvent as Record<string, (payload: unknown) => void> | undefined;
      if (handlers && Object.hasOwn(handlers, message.name)) handlers[message.name]!(message.body);
    } else if (message.kind === 'answer' || message.kind === 'failure') {
      const pending = this.#pending.get(message.id);
      if (!pending) return; // it came after its time
      this.#pending.delete(message.id);
      clearTimeout(pending.timer);
      if (message.kind === 'answer') pending.resolve(message.body);
      else pending.reject(rebuilt(message.code, message.detail));
    }
  }

  #gone(exit: Omit<ExitReason, 'expected'>): void {
    const why: ExitReason = { ...exit, expected: this.#state === 'stopped' };
    if (this.pid !== undefined) loopDelays.forget(this.pid);
    this.#process = undefined;
    clearInterval(this.#watchTimer);
    clearTimeout(this.#steadyTimer);
    const killedFor = this.#killedFor;
    this.#killedFor = '';
    const again = !why.expected && this.#established && this.options.restart !== false;
    if (again) this.#state = 'down';
    else if (this.#established) this.#state = 'stopped';
    // What was never sent may wait for the next start.
    const how = killedFor === '' ? sayExit(why) : killedFor;
    const what = why.expected ? 'was stopped' : `ended unexpectedly (${how})`;
    this.#rejectPending(what, (pending) => pending.sent || !again);
    if (again) {
      this.#restartLater();
      attendant?.died(this.options.name, how, ++this.#ends >= LOOP_ENDS);
    }
    this.options.onExit?.(why);
  }

  #restartLater(): void {
    if (performance.now() - this.#upSinceMs > STABLE_MS) this.#backoffMs = BACKOFF_FIRST_MS;
    // A start that fails ends in #gone like any other exit, so it needs no handling of its own here.
    this.#restartTimer = setTimeout(() => this.#launch().catch(() => {}), this.#backoffMs);
    this.#backoffMs = Math.min(2 * this.#backoffMs, BACKOFF_MAX_MS);
  }
}

/** How the process ended, once its last messages have been read too: they may arrive after the exit itself. */
function exitOf(child: ChildProcess): Promise<Omit<ExitReason, 'expected'>> {
  return new Promise((resolve) => {
    let why: Omit<ExitReason, 'expected'> | undefined;
    const both = () => {
      if (why && !child.connected) resolve(why);
    };
    child.once('exit', (code, signal) => {
      why = { code, signal };
      both();
    });
    child.once('disconnect', () => {
      // A child that closes its channel but stays would be lost to us.
      setTimeout(() => child.kill('SIGKILL'), DISCONNECTED_MS).unref();
      both();
    });
    child.on('error', () => {
      if (child.pid === undefined) resolve({ code: null, signal: null }); // it could not be started at all
    });
  });
}

const rebuilt = (code: string, detail: string): SluiceError =>
  new SluiceError(Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL', String(detail));

const sayExit = (why: { code: number | null; signal: string | null }): string =>
  why.signal ? `signal ${why.signal}` : `exit code ${why.code}`;
