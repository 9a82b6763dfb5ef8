/**
 * What a supervisor and its console process say to each other. The console holds nothing of its own: it serves what it
 * is told, asks about jobs, and passes on what an operator wants done.
 *
 *   supervisor ── told { status, metrics } ──▶ console        about twice a second
 *              ◀─ question { id, ... } ─────── console        a page of jobs, a log
 *              ◀─ act { id, kind, who, why } ─ console        recorded and carried out by the supervisor
 *              ── answer { id, ... } ─────────▶ console
 */
import type { ErrorCode } from '../../core/errors.js';
import type { SideName, StatusPush } from '../health/status.js';
import type { JobState } from '../queues/desk.js';

export interface ConsoleSettings {
  side: SideName;
  host: string;
  /** 0: chosen by the system. */
  port: number;
  readOnly: boolean;
  sessionLifetimeMs: number;
  token: string;
  /** Names of the stages, in the order of the way. */
  stages: string[];
}

export type Question =
  | { kind: 'counts' }
  | { kind: 'jobs'; states: JobState[]; first: number; last: number }
  | { kind: 'job'; job: string }
  | { kind: 'log'; job: string };

/** What an operator wants done, as the acts of the side know it. */
export interface WantedAct {
  kind: string;
  argument: string;
  who: string;
  why: string;
}

export type Reply = { value: unknown } | { code: ErrorCode; detail: string };

export interface ConsoleProtocol {
  requests: { start: { ask: ConsoleSettings; answer: { port: number } } };
  toChild: { told: StatusPush; answer: { id: number; reply: Reply } };
  toParent: {
    question: { id: number; stage: string; question: Question };
    act: { id: number; act: WantedAct };
    loginsFailed: { times: number; address: string };
  };
}
