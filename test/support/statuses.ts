/** Made-up statuses of both sides, for what shows them. */
import type { ActiveAlarm, HighStatus, LowStatus } from '../../shared/ops/health/status.js';

export const AT_MS = Date.UTC(2026, 10, 22, 12);

const common = {
  atMs: AT_MS,
  startedAtMs: AT_MS - 7_200_000,
  queueStore: { description: 'a private Redis 7.0.15', isUp: true },
  erasureCode: { kernel: 'simd' },
  spool: { usedBytes: 2 * 1024 ** 3, limitBytes: 8 * 1024 ** 3, freeBytes: 1024 ** 4 },
  alarms: [],
  recent: [],
  processes: [
    { name: 'supervisor', pid: 7, cpuSeconds: 12.5, residentBytes: 100 * 1024 ** 2 },
    { name: 'intake', pid: 0 },
  ],
  eventLoopDelayMs: 1.5,
};

export function lowStatus(changes: Partial<LowStatus> = {}): LowStatus {
  return {
    ...common,
    side: 'low',
    stages: [
      { name: 'scan', waiting: 3, active: 1, delayed: 2, failed: 0, isPaused: false },
      { name: 'send', waiting: 0, active: 0, delayed: 0, failed: 0, isPaused: true },
    ],
    tenants: [
      {
        name: 'town',
        states: {
          taken: { objects: 3, bytes: 3_000 },
          sent: { objects: 9, bytes: 9e6 },
          held: { objects: 1, bytes: 1 },
        },
        inside: { objects: 4, bytes: 4_096 },
        oldest: { state: 'taken', ageMs: 90_000 },
        quota: { bytes: 8_192, objects: 5 },
      },
      { name: 'court', states: {}, inside: { objects: 0, bytes: 0 } },
    ],
    states: { taken: { objects: 3, bytes: 3_000 }, sent: { objects: 9, bytes: 9e6 }, held: { objects: 1, bytes: 1 } },
    heldBack: '',
    intake: { entries: 12, waiting: 1, pollMs: 4 },
    link: {
      transport: 'batched',
      framesSent: 1_234,
      bytesSent: 1_800_000,
      sendErrors: 0,
      arrivals: 0,
      bitsPerSecond: 120e6,
      rateBps: 200e6,
      sequenceLast: 12,
      sequenceDone: 9,
    },
    ...changes,
  };
}

export function highStatus(changes: Partial<HighStatus> = {}): HighStatus {
  return {
    ...common,
    side: 'high',
    stages: [{ name: 'verify', waiting: 0, active: 0, delayed: 0, failed: 1, isPaused: false }],
    tenants: [{ name: 'town', states: { released: { objects: 8, bytes: 8e6 } }, inside: { objects: 0, bytes: 0 } }],
    states: { released: { objects: 8, bytes: 8e6 } },
    link: {
      transport: 'dgram',
      silentMs: 20,
      isSilent: false,
      bitsPerSecond: 119e6,
      sequenceDone: 9,
      gaps: 1,
      counters: { datagrams: 1_220, framesLost: 14, framesExpected: 1_234, kernelDrops: 3, ringDrops: 4, badTag: 2 },
    },
    ...changes,
  };
}

export const alarm = (changes: Partial<ActiveAlarm> = {}): ActiveAlarm => ({
  code: 'LINK_SILENT',
  severity: 'alarm',
  words: 'The last frame came 12 s ago.',
  remedy: 'Check the low side and the fibre.',
  sinceMs: AT_MS - 180_000,
  lastMs: AT_MS,
  count: 1,
  ...changes,
});
