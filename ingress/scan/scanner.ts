/**
 * The scan stage: every object goes through a scan process, or does not pass.
 *
 *   scan(requests) ─▶ lists of small objects, each large one alone ─▶ free process ─▶ verdicts, checked again here
 *                            ▲                                            │ dies, hangs, grows
 *                            └───── objects without a result, one by one ─┘
 *
 * A process that dies takes only its list with it. Those objects are tried again each alone, and the one that is alone
 * when the process ends is the one to blame: refused at once for time or memory, for a crash the second time, because a
 * process may also be killed by accident. When no process can be started, objects are held (FAULTS 48).
 */
import { mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { type ErrorCode, wordsOf } from '../../shared/core/errors.js';
import type { Claim } from '../../shared/core/fairShare.js';
import { LIMITS } from '../../shared/core/limits.js';
import { assertComplete, type Outcome, type Verdict } from '../../shared/wire/verdict.js';
import { safe } from './findings.js';
import type { ScanRequest } from './messages.js';
import type { Policy } from './rules.js';
import { type Failure, ScanProcess } from './scanProcess.js';
import { verdictFrom } from './verdictCheck.js';
import { type Waiting as WaitingObject, WaitingScans } from './waitingScans.js';

export type { Snapshot } from './filter.js';
export type { ScanRequest } from './messages.js';

export interface ScannerOptions {
  /** The policy of every tenant; an object of any other tenant is held. */
  policyByTenant: Record<string, Policy>;
  /** Private working folder of the scan processes; made if it is not there. Nothing is written in it now. */
  scratchDir: string;
  /** Time one object may take, beyond reading it at 20 MB/s. */
  timeoutMs: number;
  /** Resident memory a scan process may reach. */
  memoryMaxBytes: number;
  /** Scan processes; with more than one, the first is kept for small objects. */
  poolSize?: number;
  /** What each tenant may ask of the processes; all the same unless given. */
  claimOf?: (tenant: string) => Claim;
  /** Another module in the place of the scan process, for tests. */
  module?: URL;
}

/** A verdict, and what it is about. */
export type ScanResult = Verdict;

const STOPPING = 'The scanner is being stopped.';
const NOTHING_KNOWN = 'application/octet-stream';

const FAILURE_CODES: Record<Failure, ErrorCode> = {
  crash: 'SCAN_CRASHED',
  timeout: 'SCAN_TIMEOUT',
  memory: 'SCAN_MEMORY',
  unavailable: 'SCAN_UNAVAILABLE',
};

interface Waiting extends WaitingObject {
  readonly resolve: (result: ScanResult) => void;
  crashes: number;
}

export class Scanner {
  #policies: ReadonlyMap<string, Policy>;
  readonly #processes: ScanProcess[] = [];
  readonly #busy = new Set<ScanProcess>();
  readonly #waiting: WaitingScans<Waiting>;
  #running = 0;
  #paused = false;
  #closed = false;
  #whyUnavailable = '';

  constructor(options: ScannerOptions) {
    this.#policies = new Map(Object.entries(options.policyByTenant));
    this.#waiting = new WaitingScans(options.claimOf);
    try {
      mkdirSync(options.scratchDir, { recursive: true, mode: 0o700 });
    } catch {
      // Then no process starts there, and every object is held with the reason.
    }
    const count = options.poolSize ?? Math.max(1, cpus().length - 1);
    const module = options.module ?? new URL('./process.js', import.meta.url);
    for (let i = 0; i < count; i++) {
      const { policyByTenant: policies, scratchDir, timeoutMs, memoryMaxBytes } = options;
      this.#processes.push(new ScanProcess({ policies, scratchDir, timeoutMs, memoryMaxBytes, module }));
    }
  }

  /**
   * Other policies. An object is judged by the policy that is in force when its list is handed to a process; where that
   * changes meanwhile what it required, its verdict does not count and it is held to be scanned again.
   */
  usePolicies(policyByTenant: Record<string, Policy>): void {
    this.#policies = new Map(Object.entries(policyByTenant));
    for (const process of this.#processes) process.usePolicies(policyByTenant);
    this.#holdRemoved();
  }

  /** No process could do anything with an object whose tenant it does not know. */
  #holdRemoved(): void {
    const removed = this.#waiting.tenants.filter((tenant) => !this.#policies.has(tenant));
    for (const { resolve } of removed.flatMap((tenant) => this.#waiting.takeOf(tenant))) {
      resolve(without('hold', 'TENANT_REMOVED', ''));
    }
  }

  /** Process ids of the pool, for those who watch it. */
  get pids(): number[] {
    return this.#processes.flatMap((process) => process.pid ?? []);
  }

  /** One result for each request, in order. Never rejects and never forgets one: what could not be checked is held. */
  scan(requests: readonly ScanRequest[]): Promise<ScanResult[]> {
    const results = requests.map((request) => {
      const refused = this.#beforehand(request);
      if (refused) return Promise.resolve(refused);
      return new Promise<ScanResult>((resolve) => {
        this.#waiting.add({ request, resolve, crashes: 0, suspect: false });
      });
    });
    this.#dispatch();
    return Promise.all(results);
  }

  /** Starts the processes before there is anything for them: the first object of the day does not wait for them. */
  warm(): void {
    for (const process of this.#processes) if (!this.#busy.has(process)) void this.#run(process, []);
  }

  /** While paused no further scan begins; those that run end. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#dispatch();
  }

  /** Ends the processes; what still waits is held. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#hold(this.#waiting.takeAll(), STOPPING);
    await Promise.all(this.#processes.map((process) => process.close()));
  }

  /** What needs no look at the bytes. */
  #beforehand({ tenant, size }: ScanRequest): ScanResult | undefined {
    const policy = this.#policies.get(tenant);
    if (!policy) return without('hold', 'TENANT_REMOVED', '');
    if (this.#closed) return without('hold', 'SCAN_UNAVAILABLE', STOPPING);
    if (size > policy.maxObjectBytes) {
      return without('refuse', 'INTAKE_TOO_LARGE', `It has ${size} bytes, the policy allows ${policy.maxObjectBytes}.`);
    }
    if (this.#waiting.size + this.#running >= LIMITS.scanMaxWaiting) {
      return without('hold', 'SCAN_UNAVAILABLE', 'Too many objects wait for a scan.');
    }
    return undefined;
  }

  #dispatch(): void {
    if (this.#paused) return;
    for (const process of this.#processes) {
      if (this.#waiting.size === 0) return;
      if (this.#busy.has(process) || !process.available) continue;
      const smallOnly = this.#processes.length > 1 && process === this.#processes[0];
      const list = this.#waiting.take(smallOnly);
      if (list.length > 0) void this.#run(process, list);
    }
    // Nobody works and nobody can: waiting would be for ever.
    if (this.#busy.size === 0) {
      this.#hold(this.#waiting.takeAll(), `No scan process can be started. ${this.#whyUnavailable}`);
    }
  }

  async #run(process: ScanProcess, list: Waiting[]): Promise<void> {
    this.#busy.add(process);
    this.#running += list.length;
    const left = [...list];
    const requests = list.map(({ request }) => request);
    const end = await process.run(requests, (said) => {
      const { request, resolve } = left.shift()!;
      resolve(this.#believe(said, request));
    });
    this.#running -= list.length;
    this.#busy.delete(process);
    if (left.length > 0) this.#afterFailure(left, end.failure ?? 'crash', end.detail, list.length === 1);
    this.#dispatch();
  }

  #afterFailure(left: Waiting[], failure: Failure, detail: string, alone: boolean): void {
    const [first] = left as [Waiting, ...Waiting[]];
    if (failure === 'unavailable') this.#whyUnavailable = detail;
    if (this.#closed) this.#hold(left, STOPPING);
    else if (failure === 'unavailable') {
      // Another process may be able to; if none is, they are held as soon as nobody works any more.
      this.#waiting.addAgain(left);
    } else if (alone && (failure !== 'crash' || ++first.crashes >= 2)) {
      first.resolve(without('refuse', FAILURE_CODES[failure], detail));
    } else {
      for (const waiting of left) waiting.suspect = true;
      this.#waiting.addAgain(left);
      this.#holdRemoved();
    }
  }

  /** The result of a process that may have been taken over: checked for its shape, and a pass for its proof. */
  #believe(said: unknown, { sha256, tenant }: ScanRequest): ScanResult {
    try {
      const verdict = verdictFrom(said);
      if (verdict.verdict === 'pass') assertComplete(this.#policies.get(tenant)!, verdict, sha256);
      return verdict;
    } catch (error) {
      return without('hold', 'SCAN_UNAVAILABLE', `The scan gave no complete verdict: ${wordsOf(error)}`);
    }
  }

  #hold(waiting: readonly Waiting[], detail: string): void {
    for (const { resolve } of waiting) resolve(without('hold', 'SCAN_UNAVAILABLE', detail));
  }
}

/** A result that no filter gave. */
function without(verdict: Outcome, code: ErrorCode, detail: string): ScanResult {
  const finding = { code, where: '', detail: safe(detail), filter: 'scanner' };
  return { type: NOTHING_KNOWN, verdict, filters: [], findings: [finding], ms: 0 };
}
