/**
 * Intake of many files dropped at once: a real intake process, a real spool, and a real ledger written as the low side's
 * supervisor writes it. What comes after (scan, seal, send) is left out.
 */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IntakeTenant, PollNews } from '../ingress/intake/messages.js';
import { LowLedger } from '../ingress/ledger/ledger.js';
import { Intakes } from '../ingress/work/intakes.js';
import { Recorder } from '../ingress/work/recorder.js';

export interface IntakeBench {
  files: number;
  fileBytes: number;
  /** Folder to work in. Default: that of temporary files. */
  dir?: string;
  say?: (line: string) => void;
}

export interface IntakeFigures {
  taken: number;
  /** From the start of the process to the last file in the ledger. */
  seconds: number;
  filesPerSecond: number;
  /** Of that, time the supervisor spent writing the ledger. */
  ledgerSeconds: number;
  /** A poll over everything once nothing is left to do. */
  restPollMs: number;
  /** Of the intake process: at most while taking, and at rest. */
  peakResidentMiB: number;
  restResidentMiB: number;
  loadAverage: number;
}

const PER_FOLDER = 1_000;
const NO_HOLD = { reason: null, roomBytes: Number.POSITIVE_INFINITY, quotas: {} };

export async function benchIntake({ files, fileBytes, dir, say = () => {} }: IntakeBench): Promise<IntakeFigures> {
  const base = mkdtempSync(join(dir ?? tmpdir(), 'sluice-bench-'));
  const share = join(base, 'share');
  const spoolDir = join(base, 'spool');
  for (const folder of [share, spoolDir]) mkdirSync(folder);
  say(`dropping ${files} files`);
  const content = Buffer.alloc(fileBytes, 'x');
  for (let i = 0; i < files; i++) {
    const folder = join(share, `d${Math.floor(i / PER_FOLDER)}`);
    if (i % PER_FOLDER === 0) mkdirSync(folder);
    writeFileSync(join(folder, `file-${i}`), content);
  }
  const ledger = new LowLedger(join(base, 'ledger.sqlite'), Date.now);
  const tenant: IntakeTenant = {
    name: 'bench',
    share,
    names: 'posix',
    maxObjectBytes: Number.MAX_SAFE_INTEGER,
    accepted: join(base, 'accepted'),
    afterSent: 'keep',
  };
  let ledgerMs = 0;
  let taken = 0;
  let news: PollNews | undefined;
  let allTaken: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    allTaken = resolve;
  });
  const intakes: Intakes = new Intakes({
    dir: base,
    settings: () => ({
      tenants: [tenant],
      spoolDir,
      pollMs: 250,
      holdMs: 0,
      consignmentHoldMs: 0,
      incompleteSuffixes: ['.part'],
      batchMaxFiles: 256,
      batchMaxBytes: 64 * 1024 * 1024,
      packMaxFileBytes: 256 * 1024,
      symbolBytes: 1408,
      blockSymbols: 4096,
      keepSpoolFiles: [],
      known: ledger.known(),
    }),
    batch: (batch) => {
      const startMs = performance.now();
      recorder.recordUntilDone(batch);
      ledgerMs += performance.now() - startMs;
      taken += batch.taken.length;
      if (taken >= files) allTaken();
    },
    polled: (told) => {
      news = told;
    },
    alarm: (code, words) => say(`${code}: ${words}`),
    over: () => {},
  });
  const recorder = new Recorder({
    ledger,
    stages: { enqueueScan: async () => {} },
    // As the supervisor: every object is read back, and becomes a line of the log.
    changed: (transfers) => {
      const lines = transfers.map((transfer) => JSON.stringify({ transfer, path: ledger.object(transfer)?.path }));
      appendFileSync(join(base, 'log'), `${lines.join('\n')}\n`);
    },
    recorded: (id) => intakes.recorded(id),
    settle: async () => {},
    alarm: (code, words) => say(`${code}: ${words}`),
  });
  const housekeeping = setInterval(() => intakes.hold(NO_HOLD), 500);
  try {
    const startMs = performance.now();
    await intakes.start();
    await finished;
    const seconds = (performance.now() - startMs) / 1_000;
    const peakResidentMiB = residentMiB(intakes, 'VmHWM');
    say(`taken in ${seconds.toFixed(1)} s; resting`);
    const restPollMs = await restPoll(() => news, files);
    return {
      taken,
      seconds: round(seconds),
      filesPerSecond: Math.round(taken / seconds),
      ledgerSeconds: round(ledgerMs / 1_000),
      restPollMs,
      peakResidentMiB,
      restResidentMiB: residentMiB(intakes, 'VmRSS'),
      loadAverage: round(loadavg()[0]!),
    };
  } finally {
    clearInterval(housekeeping);
    await intakes.stop();
    ledger.close();
    rmSync(base, { recursive: true, force: true });
  }
}

/** The median of some polls that found nothing to do: those after the poll that took the last files. */
async function restPoll(news: () => PollNews | undefined, files: number): Promise<number> {
  const times: number[] = [];
  const taking = await next(news);
  while (times.length < 5) {
    const { entries, waiting, elapsedMs } = await next(news);
    if (entries === files && waiting === 0 && (times.length > 0 || elapsedMs !== taking.elapsedMs)) {
      times.push(Math.round(elapsedMs));
    }
  }
  return times.sort((a, b) => a - b)[2]!;
}

async function next(news: () => PollNews | undefined): Promise<PollNews> {
  for (const seen = news(); ; ) {
    await new Promise((done) => setTimeout(done, 50));
    const now = news();
    if (now && now !== seen) return now;
  }
}

function residentMiB(intakes: Intakes, field: 'VmHWM' | 'VmRSS'): number {
  try {
    const status = readFileSync(`/proc/${intakes.pids.intake}/status`, 'utf8');
    return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024);
  } catch {
    return Number.NaN;
  }
}

const round = (value: number): number => Math.round(value * 100) / 100;
