/**
 * The gate every frame passes on the high side: length, layout, version, tag, in this order, on raw bytes; then by its
 * kind to the assembler or the envelope collector. What does not pass costs a counter and nothing else.
 */
import { LIMITS } from '../../shared/core/limits.js';
import type { FrameTagger } from '../../shared/crypto/frameTag.js';
import type { FrameRing } from '../../shared/link/ring.js';
import { envelopeOfObject } from '../../shared/wire/envelopeObject.js';
import {
  emptyHeader,
  FrameKind,
  PAYLOAD_OFFSET,
  readFrameHeader,
  symbolBytesOfLength,
} from '../../shared/wire/frame.js';
import type { Assembler } from '../assemble/assembler.js';
import type { EnvelopeCollector } from '../assemble/envelopeCollector.js';
import { RecentObjects } from '../assemble/objectMap.js';
import { SessionTracker } from '../assemble/sessionTracker.js';
import type { AssemblyCounters } from './messages.js';

const FAULT_COUNTER = { FRAME_LENGTH: 'badLength', FRAME_LAYOUT: 'badLayout', FRAME_VERSION: 'badVersion' } as const;
/** Link sessions remembered as ended. */
const ENDED_SESSIONS = 64;

export class FrameIntake {
  readonly session = new SessionTracker();
  lastFrameMs: number | undefined;
  private readonly header = emptyHeader();
  /** Heartbeat frames that were passed on, by session and number. */
  private readonly heartbeats = new RecentObjects(LIMITS.heartbeatsRemembered);
  private heartbeatSecondMs = Number.NEGATIVE_INFINITY;
  private heartbeatsPassed = 0;
  private readonly ended: number[] = [];

  constructor(
    private readonly tagger: FrameTagger,
    private readonly assembler: Assembler,
    private readonly envelopes: EnvelopeCollector,
    private readonly counters: AssemblyCounters,
    private readonly onHeartbeat: (envelope: Uint8Array) => void,
  ) {}

  /** Takes up to `most` frames out of the ring; answers how many there were. */
  drain(ring: FrameRing, most: number, nowMs: number): number {
    const count = Math.min(ring.filled(), most);
    for (let n = 0; n < count; ) {
      const slot = ring.consumerSlot(n);
      if (n + 4 <= count && this.four(ring, slot, nowMs)) n += 4;
      else {
        this.frame(ring.bytes, slot * ring.slotBytes, ring.length(slot), nowMs);
        n++;
      }
    }
    if (count > 0) ring.release(count);
    return count;
  }

  /** Four frames in a row, whose tags are checked at once; false when they do not lie so or differ in length. */
  private four(ring: FrameRing, slot: number, nowMs: number): boolean {
    const { bytes, slotBytes } = ring;
    if (slot + 4 > ring.slots) return false;
    const length = ring.length(slot);
    if (symbolBytesOfLength(length) === undefined) return false;
    for (let n = 1; n < 4; n++) if (ring.length(slot + n) !== length) return false;
    const held = this.tagger.holdsFour(bytes, slot * slotBytes, slotBytes, length);
    for (let n = 0; n < 4; n++) this.frame(bytes, (slot + n) * slotBytes, length, nowMs, (held & (1 << n)) !== 0);
    return true;
  }

  /** One datagram of `length` bytes at `at`; `held` where its tag has been checked already. */
  frame(bytes: Uint8Array, at: number, length: number, nowMs: number, held?: boolean): void {
    const { header, counters } = this;
    const fault = readFrameHeader(bytes, at, length, header);
    if (fault) {
      counters[FAULT_COUNTER[fault]]++;
      return;
    }
    if (!(held ?? this.tagger.holds(bytes, at, length))) {
      counters.badTag++;
      return;
    }
    if (this.ended.includes(header.session)) {
      counters.endedSession++;
      return;
    }
    this.lastFrameMs = nowMs;
    this.session.note(header.session, header.number);
    const symbolBytes = symbolBytesOfLength(length)!;
    switch (header.kind) {
      case FrameKind.payload:
        this.assembler.symbol(header, bytes, at, symbolBytes);
        break;
      case FrameKind.envelope:
        this.envelopes.symbol(header, bytes, at, symbolBytes);
        break;
      case FrameKind.heartbeat:
        this.heartbeat(bytes.subarray(at + PAYLOAD_OFFSET, at + PAYLOAD_OFFSET + symbolBytes), nowMs);
        break;
      case FrameKind.padding:
        counters.padding++;
    }
  }

  /** Frames of this session are dropped from now on. */
  endSession(session: number): void {
    if (this.ended.includes(session)) return;
    this.ended.push(session);
    if (this.ended.length > ENDED_SESSIONS) this.ended.shift();
  }

  /** At most so many heartbeats a second are worth a signature check. */
  private mayPassOn(nowMs: number): boolean {
    if (nowMs - this.heartbeatSecondMs >= 1000) {
      this.heartbeatSecondMs = nowMs;
      this.heartbeatsPassed = 0;
    }
    return this.heartbeatsPassed++ < LIMITS.heartbeatsPerSecond;
  }

  private heartbeat(payload: Uint8Array, nowMs: number): void {
    const envelope = envelopeOfObject(payload);
    if (!envelope) {
      this.counters.badLayout++;
      return;
    }
    this.counters.heartbeat++;
    // A recorded heartbeat passes the tag as often as somebody sends it: what it may cost is bounded here, without
    // taking the turn of the true ones.
    const { session, number } = this.header;
    if (this.heartbeats.has(session, number) || !this.mayPassOn(nowMs)) return;
    this.heartbeats.add(session, number);
    this.onHeartbeat(envelope.slice());
  }
}

export function zeroCounters(): AssemblyCounters {
  return {
    accepted: 0,
    duplicate: 0,
    conflicting: 0,
    late: 0,
    heartbeat: 0,
    padding: 0,
    badLength: 0,
    badLayout: 0,
    badVersion: 0,
    badTag: 0,
    badParameters: 0,
    endedSession: 0,
    noRoom: 0,
    blocksDecoded: 0,
    blocksPlain: 0,
    blocksBad: 0,
    repairUsed: 0,
    spilled: 0,
    orphansDropped: 0,
    envelopes: 0,
    badEnvelopes: 0,
    memoryBytes: 0,
    blocksWaiting: 0,
    framesLost: 0,
    framesExpected: 0,
  };
}
