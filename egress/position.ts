/**
 * Decides when a transfer counts as incomplete: the signed position of the link has passed it and nothing of it has come
 * for the reorder window, or the link has been silent for too long. Also names the sequence numbers of which nothing
 * ever came. A transfer that is being sent again is fed again, so it has the same time.
 *
 * Time comes in as an argument and nothing is decided while blocks are still being rebuilt or envelopes verified.
 */
import { LIMITS } from '../shared/core/limits.js';
import type { Heartbeat, ObjectId } from '../shared/wire/statements.js';
import type { HighLedger, HighPayload } from './ledger.js';

export interface PositionOptions {
  reorderWindowMs: number;
  silenceMs: number;
}

export interface PositionEvents {
  incomplete(payload: HighPayload, why: string): void;
  unseen(history: string, sequence: number): void;
  sessionEnded(session: string): void;
  alarm(code: string, words: string): void;
}

/** How reception stands. */
export interface Standing {
  /** Time since the last authentic frame. */
  silentMs: number;
  /** Blocks are being rebuilt or envelopes verified: decide later. */
  busy: boolean;
  /** Time since a payload last got a new symbol. */
  quietMs: (payload: ObjectId) => number;
}

interface Passed {
  heartbeat: Heartbeat;
  dueMs: number;
}

export class LinkPosition {
  private readonly passed: Passed[] = [];
  private ending: { session: string; dueMs: number }[] = [];
  private silent = false;

  constructor(
    private readonly ledger: HighLedger,
    private readonly options: PositionOptions,
    private readonly events: PositionEvents,
  ) {}

  /** A verified heartbeat. */
  heartbeat(heartbeat: Heartbeat, nowMs: number): void {
    const { ledger, options, events } = this;
    const { history, session, sequenceDone } = heartbeat;
    if (ledger.hasEnded(session)) return; // Repeated from an earlier session (FAULTS 5, 20).
    const accounted = ledger.accounted(history);
    const most = ledger.isKnownHistory(history) ? LIMITS.sequenceMaxJump : LIMITS.sequenceFirstContact;
    if (sequenceDone > accounted + most) {
      if (ledger.isKnownHistory(history)) {
        events.alarm('SEQUENCE_JUMP', `It says ${sequenceDone}, and ${accounted} was the last that is accounted for.`);
        return;
      }
      // A low side that has long been running meets a new high side: begin here and say so.
      events.alarm(
        'SEQUENCE_JUMP',
        `First contact at ${sequenceDone}: what was sent before is not accounted for here.`,
      );
      ledger.account(history, sequenceDone, heartbeat.sequenceLast, () => true);
    }
    for (const ended of ledger.noteSession(session)) {
      this.ending.push({ session: ended, dueMs: nowMs + options.reorderWindowMs });
    }
    const latest = this.passed.at(-1)?.heartbeat;
    if (latest?.history === history && latest.sequenceDone >= sequenceDone) return;
    this.passed.push({ heartbeat, dueMs: nowMs + options.reorderWindowMs });
  }

  /** To be called every few hundred milliseconds. */
  tick(nowMs: number, standing: Standing): void {
    if (standing.busy) return;
    while (this.passed[0] && this.passed[0].dueMs <= nowMs) this.pass(this.passed.shift()!.heartbeat);
    for (const payload of this.ledger.overdue()) {
      if (standing.quietMs(payload.object) < this.options.reorderWindowMs) continue;
      this.events.incomplete(payload, 'The low side has gone on, and too much of it is missing.');
    }
    for (const { session, dueMs } of this.ending) if (dueMs <= nowMs) this.events.sessionEnded(session);
    this.ending = this.ending.filter(({ dueMs }) => dueMs > nowMs);
    if (standing.silentMs >= this.options.silenceMs) this.fallSilent(standing.silentMs);
    else this.silent = false;
  }

  private pass({ history, sequenceDone, sequenceLast, voids }: Heartbeat): void {
    const isVoid = (sequence: number) => voids.some(({ first, last }) => sequence >= first && sequence <= last);
    for (const sequence of this.ledger.account(history, sequenceDone, sequenceLast, isVoid)) {
      this.events.unseen(history, sequence);
    }
  }

  private fallSilent(silentMs: number): void {
    if (!this.silent) this.events.alarm('LINK_SILENT', `The last frame came ${Math.round(silentMs / 1000)} s ago.`);
    this.silent = true;
    for (const payload of this.ledger.payloadsIn('assembling')) {
      this.events.incomplete(payload, 'The link is silent, and too much of it is missing.');
    }
  }
}
