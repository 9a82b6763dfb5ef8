/**
 * Decides when a transfer counts as incomplete: the signed position of the link has passed it and nothing of it has come
 * for the reorder window, or the link has been silent for too long. Also names the sequence numbers of which nothing
 * ever came, and the link sessions that are over. A transfer that is being sent again is fed again, so it has the same
 * time.
 *
 * Time comes in as an argument and nothing is decided while blocks are still being rebuilt or envelopes verified. A
 * heartbeat may be a repeated one, of any age (FAULTS 5, 20): none takes back what was decided, and none ends a session
 * that goes on being heard.
 */
import { LIMITS } from '../../shared/core/limits.js';
import type { Heartbeat, ObjectId } from '../../shared/wire/statements.js';
import type { HighConsignment } from '../ledger/consignments.js';
import type { HighLedger, HighPayload } from '../ledger/ledger.js';

export interface PositionOptions {
  reorderWindowMs: number;
  silenceMs: number;
}

export interface PositionEvents {
  incomplete(payload: HighPayload, why: string): void;
  /** Members of it are missing, and nothing of it is on its way. */
  consignmentIncomplete(consignment: HighConsignment): void;
  unseen(history: string, sequence: number): void;
  sessionEnded(session: string): void;
  alarm(code: string, words: string): void;
  /** Frames come again after LINK_SILENT. */
  linkIsBack(): void;
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

/** A session ends once another one is heard and it has missed this many of its own heartbeats. */
const HEARTBEATS_MISSED = 3;

/** What lasts is said again, for its alarm to hold. */
const SAY_AGAIN_MS = 300_000;

interface Passed {
  heartbeat: Heartbeat;
  dueMs: number;
}

/** With the void ranges of another heartbeat of its history as well: a number that is void once stays so. */
function withVoids(heartbeat: Heartbeat, { voids }: Heartbeat): Heartbeat {
  const own = heartbeat.voids;
  const further = voids.filter(({ first, last }) => !own.some((one) => one.first <= first && one.last >= last));
  return further.length === 0 ? heartbeat : { ...heartbeat, voids: [...own, ...further].slice(-LIMITS.positionVoids) };
}

export class LinkPosition {
  private readonly passed: Passed[] = [];
  /** When each session that another one has followed counts as over, unless it is heard again. */
  private readonly ending = new Map<string, number>();
  private silent = false;
  private jumping = false;
  private jumpSaidMs = 0;

  /** Whether nothing has come for link.silence. */
  get isSilent(): boolean {
    return this.silent;
  }

  constructor(
    private readonly ledger: HighLedger,
    private readonly options: PositionOptions,
    private readonly events: PositionEvents,
  ) {}

  /** A verified heartbeat. */
  heartbeat(heartbeat: Heartbeat, nowMs: number): void {
    const { ledger, options, events } = this;
    const { history, session, sequenceDone } = heartbeat;
    if (ledger.hasEnded(session)) return;
    const accounted = ledger.accounted(history);
    const most = ledger.isKnownHistory(history) ? LIMITS.sequenceMaxJump : LIMITS.sequenceFirstContact;
    if (sequenceDone > accounted + most) {
      if (ledger.isKnownHistory(history)) {
        const words = `It says ${sequenceDone}, and ${accounted} was the last that is accounted for.`;
        if (!this.jumping || nowMs - this.jumpSaidMs >= SAY_AGAIN_MS) {
          this.jumpSaidMs = nowMs;
          events.alarm('SEQUENCE_JUMP', words);
        }
        this.jumping = true;
        return;
      }
      // A low side that has long been running meets a new high side: begin here and say so.
      events.alarm(
        'SEQUENCE_JUMP',
        `First contact at ${sequenceDone}: what was sent before is not accounted for here.`,
      );
      ledger.beginHistory(history, sequenceDone, heartbeat.sequenceLast);
    }
    this.jumping = false;
    this.noteSession(heartbeat, nowMs);
    const latest = this.passed.at(-1);
    if (latest?.heartbeat.history === history && latest.heartbeat.sequenceDone >= sequenceDone) {
      // Numbers may be given up, and said to be void, without the position moving.
      latest.heartbeat = withVoids(latest.heartbeat, heartbeat);
      return;
    }
    // Decisions may have to wait for long; then the newest position stands for the one before it.
    const given = this.passed.length >= LIMITS.positionsWaiting ? this.passed.pop()?.heartbeat : undefined;
    const own = given?.history === history ? withVoids(heartbeat, given) : heartbeat;
    this.passed.push({ heartbeat: own, dueMs: nowMs + options.reorderWindowMs });
  }

  private noteSession({ session, parameters }: Heartbeat, nowMs: number): void {
    const waitMs = Math.max(this.options.reorderWindowMs, HEARTBEATS_MISSED * parameters.heartbeatMs);
    this.ending.delete(session);
    for (const other of this.ledger.noteSession(session)) {
      if (!this.ending.has(other)) this.ending.set(other, nowMs + waitMs);
    }
  }

  /** To be called every few hundred milliseconds. */
  tick(nowMs: number, standing: Standing): void {
    const silent = standing.silentMs >= this.options.silenceMs;
    // Said also while blocks wait: a full disk may make them wait for as long as the link is dark.
    if (silent && !this.silent) this.sayIsSilent(standing.silentMs);
    if (!silent && this.silent) this.events.linkIsBack();
    this.silent = silent;
    if (standing.busy) return;
    while (this.passed[0] && this.passed[0].dueMs <= nowMs) this.pass(this.passed.shift()!.heartbeat);
    for (const payload of this.ledger.overdue()) {
      if (standing.quietMs(payload.object) < this.options.reorderWindowMs) continue;
      this.events.incomplete(payload, 'The low side has gone on, and too much of it is missing.');
    }
    for (const [session, dueMs] of this.ending) {
      if (dueMs > nowMs) continue;
      this.ending.delete(session);
      this.ledger.endSession(session);
      this.events.sessionEnded(session);
    }
    if (silent) this.giveUpWaiting();
    for (const consignment of this.ledger.consignments.overdue(silent)) this.events.consignmentIncomplete(consignment);
  }

  private pass({ history, sequenceDone, sequenceLast, voids }: Heartbeat): void {
    this.ledger.missing.settle(history, voids);
    const isVoid = (sequence: number) => voids.some(({ first, last }) => sequence >= first && sequence <= last);
    for (const sequence of this.ledger.account(history, sequenceDone, sequenceLast, isVoid)) {
      this.events.unseen(history, sequence);
    }
  }

  private sayIsSilent(silentMs: number): void {
    this.events.alarm('LINK_SILENT', `The last frame came ${Math.round(silentMs / 1000)} s ago.`);
  }

  private giveUpWaiting(): void {
    for (const payload of this.ledger.payloadsIn('assembling')) {
      this.events.incomplete(payload, 'The link is silent, and too much of it is missing.');
    }
  }
}
