/**
 * The intake process: looks at the shares at a steady pace and takes what is stable. It alone touches the shares, so a
 * share that hangs (NFS, SMB) holds nobody else up.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { codeOf, SluiceError, wordsOf } from '../../shared/core/errors.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import type { Batch, NotTaken } from './batch.js';
import { dispose } from './dispose.js';
import { fingerprintOf, parseFingerprint } from './identity.js';
import type {
  BatchMessage,
  Disposed,
  IntakeProtocol,
  IntakeStart,
  IntakeTenant,
  NotTakenMessage,
  OriginalInShare,
  ShareCounts,
} from './messages.js';
import { delayAfter, Sleepers } from './pace.js';
import type { ShareReport } from './round.js';
import { Spool } from './spool.js';
import { WakeUps } from './wakeUps.js';
import { Intake } from './watch.js';
import { Whereabouts } from './whereabouts.js';

/** News are told so often. */
const NEWS_MS = 500;
const COPY_STUCK_MS = 30_000;
const SLASH = Buffer.from('/');

class IntakeProcess {
  private readonly intake: Intake;
  private readonly whereabouts: Whereabouts;
  private readonly recorded = new Map<number, () => void>();
  private readonly sleepers = new Sleepers();
  private readonly wakeUps = new WakeUps((tenant) => this.sleepers.wake(tenant));
  /** The last poll of each tenant. */
  private readonly reports = new Map<string, ShareReport>();
  private readonly running = new Set<string>();
  private troubles: string[] = [];
  private tenants: IntakeTenant[];
  private nextBatch: number;
  private stopping = false;

  constructor(private readonly start: IntakeStart) {
    this.tenants = start.tenants;
    this.nextBatch = start.firstBatch;
    if (start.keepSpoolFiles) {
      const spool = new Spool(start.spoolDir, start);
      spool.removeAllBut(new Set(start.keepSpoolFiles));
      spool.close();
    }
    this.whereabouts = new Whereabouts(start.whereaboutsFile);
    this.intake = new Intake(start, {
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      yieldNow: () => nextTurn(),
      onBatch: (batch) => this.deliver(batch),
      known: knownEntries(start),
      at: (tenant) => this.whereabouts.at(tenant),
      metFolder: ({ name, share }, rawPath) => {
        this.wakeUps.met(name, Buffer.concat([Buffer.from(share), SLASH, rawPath]));
      },
    });
    // Not before the answer to the start is on its way: only then does the supervisor's word of a batch come through.
    setImmediate(() => this.runAll());
    setInterval(() => this.tellNews(), NEWS_MS);
  }

  hold({ reason, roomBytes, quotas }: IntakeProtocol['toChild']['hold']): void {
    this.intake.hold(reason, roomBytes, quotas);
  }

  setTenants(tenants: IntakeTenant[]): void {
    this.tenants = tenants;
    this.intake.setTenants(tenants);
    for (const name of this.reports.keys()) {
      if (tenants.some((tenant) => tenant.name === name)) continue;
      this.reports.delete(name);
      this.wakeUps.forget(name);
    }
    this.runAll();
  }

  stop(): void {
    this.stopping = true;
    this.sleepers.wakeAll();
  }

  dispose({ tenant, originals }: IntakeProtocol['requests']['dispose']['ask']): Disposed[] {
    const settings = this.tenants.find(({ name }) => name === tenant);
    if (!settings) throw new SluiceError('INTERNAL', 'The tenant whose originals are to be dealt with is not known.');
    this.whereabouts.at(tenant);
    try {
      return originals.map((original) => this.disposeOne(original, settings));
    } finally {
      this.whereabouts.at('');
    }
  }

  /** What is wrong with one original is no reason to leave the others where they are. */
  private disposeOne(original: OriginalInShare, { share, afterSent, accepted }: IntakeTenant): Disposed {
    const { rawPath, fingerprint, transfer } = original;
    const identity = parseFingerprint(fingerprint);
    try {
      if (!identity) throw new SluiceError('INTERNAL', 'The fingerprint of an original is none.');
      return dispose({ share, rawPath, identity, transfer, mode: afterSent, acceptedFolder: accepted });
    } catch (error) {
      return { outcome: 'failed', code: codeOf(error), words: wordsOf(error) };
    }
  }

  lie({ tenant, files }: IntakeProtocol['requests']['lie']['ask']): boolean[] {
    return files.map(({ rawPath, fingerprint }) => this.intake.mayLie(tenant, rawPath, parseFingerprint(fingerprint)));
  }

  /** The supervisor has the batch in its ledger. */
  wasRecorded(id: number): void {
    this.recorded.get(id)?.();
    this.recorded.delete(id);
  }

  private runAll(): void {
    for (const { name } of this.tenants) if (!this.running.has(name)) void this.run(name);
  }

  /** Polls one share until the process is told to stop. What goes wrong is told and tried again with the next poll. */
  private async run(name: string): Promise<void> {
    this.running.add(name);
    while (!this.stopping) {
      const settings = this.tenants.find((tenant) => tenant.name === name);
      if (!settings) break;
      this.wakeUps.begin(name);
      this.wakeUps.met(name, Buffer.from(settings.share));
      let delayMs = this.start.pollMs;
      let leastMs = 0;
      try {
        const report = await this.intake.pollTenant(name);
        this.reports.set(name, report);
        for (const { path, code, detail } of report.troubles) this.trouble(`${name}: ${path}: ${code} ${detail}`);
        delayMs = delayAfter(report, this.start);
        leastMs = report.elapsedMs;
      } catch (error) {
        this.trouble(error instanceof SluiceError ? `${error.code} ${error.detail}` : String(error));
      }
      this.wakeUps.end(name);
      if (!this.stopping) await this.sleepers.sleep(name, delayMs, leastMs);
    }
    this.running.delete(name);
  }

  private trouble(words: string): void {
    if (this.troubles.length < TROUBLES_TOLD) this.troubles.push(words);
  }

  private tellNews(): void {
    const reports = [...this.reports.values()];
    const sum = (of: (report: ShareReport) => number) => reports.reduce((total, report) => total + of(report), 0);
    const most = (of: (report: ShareReport) => number) => Math.max(0, ...reports.map(of));
    const heldBack = reports.find((report) => report.heldBack)?.heldBack;
    const troubles = this.troubles;
    this.troubles = [];
    parent.tell('polled', {
      tenants: Object.fromEntries([...this.reports].map(([name, report]) => [name, countsOf(report)])),
      entries: sum(({ entries }) => entries),
      waiting: sum(({ waiting, stable, overQuota }) => waiting + stable + overQuota),
      elapsedMs: most(({ elapsedMs }) => elapsedMs),
      heldBack: heldBack ? `${heldBack.code}: ${heldBack.detail}` : '',
      heldBackCode: heldBack?.code ?? '',
      wantedBytes: most(({ wantedBytes }) => wantedBytes),
      troubles,
      stuckCopies: this.intake.stuckCopies(performance.now(), COPY_STUCK_MS),
    });
  }

  private deliver(batch: Batch): Promise<void> {
    const id = this.nextBatch++;
    const message: BatchMessage = {
      id,
      tenant: batch.tenant,
      consignments: batch.consignments,
      taken: batch.taken.map((taken) => ({
        path: taken.path,
        rawPath: taken.rawPath,
        fingerprint: fingerprintOf(taken.identity),
        sizeBytes: taken.sizeBytes,
        mtimeNs: taken.mtimeNs,
        sha256: taken.sha256,
        blockDigests: taken.blockDigests,
        spoolFile: taken.spoolFile,
        spoolOffset: taken.offsetBytes,
        ...unitOf(taken),
      })),
      refused: batch.refused.map(notTakenMessage),
      held: batch.held.map(notTakenMessage),
      gone: batch.gone,
    };
    return new Promise((resolve) => {
      this.recorded.set(id, resolve);
      parent.tell('batch', message);
    });
  }
}

const TROUBLES_TOLD = 100;

function countsOf({ entries, waiting, stable, overQuota, incomplete }: ShareReport): ShareCounts {
  return { entries, waiting, stable, overQuota, incomplete };
}

function unitOf({ consignment }: Pick<NotTaken, 'consignment'>): Pick<NotTakenMessage, 'consignment'> {
  return consignment ? { consignment } : {};
}

function notTakenMessage(entry: NotTaken): NotTakenMessage {
  const { path, rawPath, identity, code, detail } = entry;
  const { sizeBytes } = identity;
  return { path, rawPath, fingerprint: fingerprintOf(identity), sizeBytes, code, detail, ...unitOf(entry) };
}

function* knownEntries(start: IntakeStart) {
  for (const { fingerprint, ...entry } of start.known) {
    const identity = parseFingerprint(fingerprint);
    if (identity) yield { ...entry, identity };
  }
}

let running: IntakeProcess | undefined;
const need = (): IntakeProcess => {
  if (!running) throw new SluiceError('INTERNAL', 'The intake process has not been started.');
  return running;
};

const parent = serveParent<IntakeProtocol>({
  answer: {
    start: (settings) => {
      running = new IntakeProcess(settings);
      return null;
    },
    dispose: (request) => need().dispose(request),
    lie: (request) => need().lie(request),
  },
  on: {
    hold: (word) => running?.hold(word),
    tenants: ({ tenants }) => running?.setTenants(tenants),
    recorded: ({ id }) => running?.wasRecorded(id),
  },
  onStop: () => running?.stop(),
});
