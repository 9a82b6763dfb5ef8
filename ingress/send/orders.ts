/** What the supervisor asks the sending process to do, and what it hears back. */
import type { Claim } from '../../shared/core/fairShare.js';
import type { Transport, TransportWish } from '../../shared/link/transport.js';
import type { LinkParameters, ObjectId } from '../../shared/wire/statements.js';

/** A range of bytes in the spool. */
export interface SpoolRange {
  file: string;
  offset: number;
  sizeBytes: number;
}

/** One payload to send, with the envelope that describes it. */
export interface SendOrder {
  object: ObjectId;
  tenant: string;
  lengthBytes: number;
  /** The payload is these ranges, one after the other. */
  ranges: SpoolRange[];
  envelope: ObjectId;
  envelopeFile: string;
  /** Repair symbols of every block that earlier sendings used up: this one goes on behind them. */
  repairFirst: number;
  /** Envelope passes that earlier sendings made. */
  envelopePass: number;
}

/** What each tenant may ask of the link. */
export type TenantClaims = Record<string, Claim>;

export interface SenderSettings {
  claims: TenantClaims;
  /** Whether nothing but heartbeats is to be sent for now. */
  paused: boolean;
  targetHost: string;
  targetPort: number;
  sourceHost: string;
  sourcePort: number;
  transport: TransportWish;
  /** 32 hexadecimal digits; a secret. */
  linkKey: string;
  /** 64-bit random id of this link session, 16 hexadecimal digits. */
  session: string;
  parameters: LinkParameters;
  repairFloor: number;
  edgePadding: number;
  closingDelayMs: number;
  guardSymbols: number;
}

export interface SenderCounters {
  framesSent: number;
  bytesSent: number;
  sendErrors: number;
  /** Datagrams that arrived at the sending socket. Always 0 on a one-way link. */
  arrivals: number;
  /** Bytes of frames made for each tenant in this session, headers included. */
  tenantBytes: Record<string, number>;
}

export interface SentReport {
  object: ObjectId;
  repairNext: number;
  envelopePassNext: number;
}

export interface SenderStarted {
  sourcePort: number;
  sendBufferBytes: number;
  transport: Transport;
  /** Why it is not what was asked for. */
  fallback?: string;
}

export interface SenderProtocol {
  requests: {
    start: { ask: SenderSettings; answer: SenderStarted };
    /** Answered once every frame of the payload and its closing pass has been handed to the kernel. */
    send: { ask: SendOrder; answer: SentReport };
    counters: { ask: null; answer: SenderCounters };
  };
  toChild: {
    /** A signed heartbeat envelope, to be sent with the next frames. */
    heartbeat: Uint8Array;
    /** Other claims, from the next turn on. */
    claims: TenantClaims;
    /** Payloads rest at their next turn, or go on; heartbeats are sent all the time. */
    pause: { paused: boolean };
  };
  toParent: {
    /** 0 when its turn has come. */
    progress: { object: ObjectId; fraction: number };
    arrival: { count: number };
    /** Datagrams go out one by one from now on, and why. */
    fallback: { words: string };
  };
}
