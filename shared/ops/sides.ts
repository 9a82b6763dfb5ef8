/**
 * What a side tells whoever started it (the command line, the demo): what happens, and how things stand. It is told one
 * way; the only thing that can be asked of a running side is how things stand, and that it stops.
 */
import type { Transport } from '../link/transport.js';

/** `withdrawn`: it was held, and whoever handed it in took it out of the share again. */
export type LowObjectState = 'held' | 'refused' | 'withdrawn' | 'taken' | 'sealed' | 'sending' | 'sent';
export type HighObjectState = 'assembling' | 'verifying' | 'released' | 'quarantined' | 'incomplete';

interface ObjectNews<State> {
  /** 32 hexadecimal digits; empty for a sequence number of which nothing is known but that it was sent. */
  transfer: string;
  sequence: number | null;
  tenant: string;
  /** Safe to show; for the raw bytes see `rawPath`. */
  path: string;
  sizeBytes: number;
  state: State;
  code?: string;
  detail?: string;
  /** The folder it travels with, as a whole or not at all; `root` is safe to show. */
  consignment?: { id: string; root: string };
  atMs: number;
}

export interface LowObjectNews extends ObjectNews<LowObjectState> {
  /** Path relative to the share, latin1 text of its bytes: names need not be UTF-8. */
  rawPath: string;
}

export interface HighObjectNews extends ObjectNews<HighObjectState> {
  /** Path below the tenant's storage, once released. */
  publishedAs?: string;
}

/** What has become of objects so far, from the ledger: `after` is 0 first and then `next`, until that is null. */
export interface NewsPage<News> {
  news: News[];
  next: number | null;
}
/** Objects on a page. */
export const NEWS_PAGE = 1_000;

export interface Alarm {
  code: string;
  words: string;
}

export interface SideStart {
  configFile: string;
  stateDir: string;
}

/** Where a side's console is, and the token that opens it. */
export interface ServedConsole {
  /** Without a slash at its end. */
  url: string;
  token: string;
}

export interface LowReady {
  pids: Record<string, number>;
  sourcePort: number;
  queueStore: string;
  /** How datagrams reach the system, as it began. */
  transport: Transport;
  /** Folders, by tenant. */
  shares: Record<string, string>;
  accepted: Record<string, string>;
  receipts: Record<string, string>;
  /** Null when there is none. */
  console: ServedConsole | null;
}

export interface LowSummary {
  /** As they are now: a process that died has been started again under another one. */
  pids: Record<string, number>;
  counts: Record<string, number>;
  framesSent: number;
  bytesSent: number;
  sendErrors: number;
  /** Datagrams that arrived at the sending socket. */
  arrivals: number;
  /** Bytes of frames made for each tenant since the sender started. */
  tenantBytes: Record<string, number>;
  sequenceLast: number;
  sequenceDone: number;
  spoolBytes: number;
  /** Why nothing is taken at the moment; empty otherwise. */
  intakeHeld: string;
}

export interface HighReady {
  pids: Record<string, number>;
  port: number;
  /** What the kernel really gives. */
  receiveBufferBytes: number;
  queueStore: string;
  transport: Transport;
  storage: Record<string, string>;
  receipts: Record<string, string>;
  console: ServedConsole | null;
}

export interface HighSummary {
  pids: Record<string, number>;
  counts: Record<string, number>;
  /** Counters of the receiving process, flat, by name. */
  link: Record<string, number>;
  sequenceDone: number;
}

/** One thing of every tenant, by its name. */
export const byName = <Tenant extends { name: string }>(
  tenants: readonly Tenant[],
  of: (tenant: Tenant) => string,
): Record<string, string> => Object.fromEntries(tenants.map((tenant) => [tenant.name, of(tenant)]));

export interface LowProtocol {
  requests: {
    start: { ask: SideStart; answer: LowReady };
    summary: { ask: null; answer: LowSummary };
    objects: { ask: { after: number }; answer: NewsPage<LowObjectNews> };
  };
  toChild: Record<never, never>;
  toParent: { objects: LowObjectNews[]; alarm: Alarm; arrival: { count: number } };
}

export interface HighProtocol {
  requests: {
    start: { ask: SideStart; answer: HighReady };
    summary: { ask: null; answer: HighSummary };
    objects: { ask: { after: number }; answer: NewsPage<HighObjectNews> };
  };
  toChild: Record<never, never>;
  toParent: { objects: HighObjectNews[]; alarm: Alarm };
}
