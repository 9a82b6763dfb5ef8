/**
 * One scan process as its parent sees it: started when it is needed, watched while it works, killed when it takes too long
 * or too much memory, replaced after it died and now and then anyway. It runs one list of objects at a time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError, wordsOf } from '../../shared/core/errors.js';
import { Child } from '../../shared/ops/processes/children.js';
import type { Verdict } from '../../shared/wire/verdict.js';
import type { ScanProtocol, ScanRequest } from './messages.js';
import { limitProcess, residentBytes } from './resident.js';
import type { Policy } from './rules.js';

export interface ScanProcessOptions {
  policies: Record<string, Policy>;
  /** Working folder; nothing is written there. */
  scratchDir: string;
  /** For one object, beyond the time that reading its bytes may take. */
  timeoutMs: number;
  memoryMaxBytes: number;
  module: URL;
}

/** Why a run ended before every object had its result. */
export type Failure = 'crash' | 'timeout' | 'memory' | 'unavailable';
export interface RunEnd {
  failure: Failure | undefined;
  /** In words. */
  detail: string;
}

/** Below this rate nobody reads a spool: the time an object may take grows with its size by it. */
const READ_BYTES_PER_MS = 20_000;
const WATCH_INTERVAL_MS = 25;
/** A process is replaced after this many objects, so that none lives long enough to be worth taking over. */
const OBJECTS_PER_PROCESS = 20_000;
/** An idle process may take this share of the memory that is allowed. */
const IDLE_SHARE = 0.8;
const START_ATTEMPTS = 3;
const START_RETRY_MS = 50;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 10_000;

export class ScanProcess {
  #child: Child<ScanProtocol> | undefined;
  #objects = 0;
  #notBeforeMs = 0;
  #backoffMs = BACKOFF_FIRST_MS;
  #closed = false;
  #unavailable = '';
  /** What is to count, and what the running process was told. */
  #policies: Record<string, Policy>;
  #told: Record<string, Policy> | undefined;
  #hear: (results: Verdict[]) => void = () => {};

  constructor(private readonly options: ScanProcessOptions) {
    this.#policies = options.policies;
  }

  /** Other policies, from the next run on. */
  usePolicies(policies: Record<string, Policy>): void {
    this.#policies = policies;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** False for some time after starting has failed, several times in a row. */
  get available(): boolean {
    return this.#child !== undefined || performance.now() >= this.#notBeforeMs;
  }

  /** Scans in order and hands over results as they come. Never rejects. */
  async run(requests: readonly ScanRequest[], onResult: (verdict: Verdict) => void): Promise<RunEnd> {
    if (!(await this.#ready())) return { failure: 'unavailable', detail: this.#unavailable };
    const child = this.#child!;
    const { timeoutMs, memoryMaxBytes } = this.options;
    let done = 0;
    let progressMs = performance.now();
    let killed: RunEnd | undefined;
    this.#hear = (results) => {
      progressMs = performance.now();
      for (const result of results) if (done++ < requests.length) onResult(result);
    };
    const kill = (failure: Failure, detail: string) => {
      killed ??= { failure, detail };
      child.kill();
    };
    const watch = setInterval(() => {
      // Objects are told in order, so what it works on is the next one, or one soon after if they are small.
      const size = requests[done]?.size ?? 0;
      const allowedMs = timeoutMs + size / READ_BYTES_PER_MS;
      if (performance.now() - progressMs > allowedMs)
        kill('timeout', `It took longer than ${Math.round(allowedMs)} ms.`);
      const resident = child.pid === undefined ? undefined : residentBytes(child.pid);
      if (resident !== undefined && resident > memoryMaxBytes) {
        kill('memory', `It needed more than ${memoryMaxBytes} bytes of memory.`);
      }
    }, WATCH_INTERVAL_MS);
    let end: RunEnd = { failure: undefined, detail: '' };
    try {
      if (this.#told !== this.#policies) await this.#tell(child);
      await child.ask('scan', requests as ScanRequest[], Number.POSITIVE_INFINITY);
      if (done < requests.length) end = { failure: 'crash', detail: 'It left objects without a result.' };
    } catch (error) {
      end = killed ?? { failure: 'crash', detail: wordsOf(error) };
    } finally {
      clearInterval(watch);
      this.#hear = () => {};
    }
    this.#objects += requests.length;
    if (end.failure !== undefined || this.#objects >= OBJECTS_PER_PROCESS) await this.#dismiss();
    return end;
  }

  /** Starts a process unless there is one; a run then finds it warm. False when there can be none now. */
  async #ready(): Promise<boolean> {
    if (this.#child?.pid !== undefined) return true;
    await this.#dismiss();
    if (!this.available) return false;
    // A start may fail by accident (somebody killed the process): only several in a row say that there is none to be had.
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#start();
        this.#notBeforeMs = 0;
        this.#backoffMs = BACKOFF_FIRST_MS;
        return true;
      } catch (error) {
        this.#child = undefined;
        this.#unavailable = wordsOf(error);
      }
      if (attempt === START_ATTEMPTS || this.#closed) break;
      await sleep(START_RETRY_MS);
    }
    this.#notBeforeMs = performance.now() + this.#backoffMs;
    this.#backoffMs = Math.min(2 * this.#backoffMs, BACKOFF_MAX_MS);
    return false;
  }

  async #start(): Promise<void> {
    const { scratchDir, memoryMaxBytes, module } = this.options;
    if (this.#closed) throw new SluiceError('CHILD_FAILED', 'The scanner is being stopped.');
    const child = new Child<ScanProtocol>({
      // It may be busy for as long as an object may take; run() watches that.
      silentMs: Number.POSITIVE_INFINITY,
      name: 'scan',
      module,
      cwd: scratchDir,
      execArgv: ['--disallow-code-generation-from-strings', '--disable-proto=throw'],
      restart: false,
      onEvent: { results: (results) => this.#hear(results) },
      onStart: async (voice) => {
        await this.#tell(voice);
        await limitProcess(voice.pid!, memoryMaxBytes);
        const resident = residentBytes(voice.pid!) ?? 0;
        if (resident > memoryMaxBytes * IDLE_SHARE) {
          // Every object would be blamed for the memory that an idle process needs.
          throw new SluiceError('SCAN_UNAVAILABLE', `An idle scan process needs ${resident} bytes; allow it more.`);
        }
      },
    });
    this.#child = child;
    await child.start();
  }

  async #tell(child: Pick<Child<ScanProtocol>, 'ask'>): Promise<void> {
    const policies = this.#policies;
    await child.ask('policies', policies);
    this.#told = policies;
  }

  async #dismiss(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#objects = 0;
    await child?.stop(0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#dismiss();
  }
}
