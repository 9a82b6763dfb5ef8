/**
 * The intake process: looks at the shares at a steady pace and takes what is stable. It alone touches the shares, so a
 * share that hangs (NFS, SMB) holds nobody else up.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../shared/core/errors.js';
import { serveParent } from '../../shared/ops/children.js';
import type { Batch, NotTaken } from './batch.js';
import { dispose } from './dispose.js';
import { fingerprintOf, parseFingerprint } from './identity.js';
import type { BatchMessage, IntakeProtocol, IntakeStart, NotTakenMessage } from './messages.js';
import { Spool } from './spool.js';
import { Intake } from './watch.js';

class IntakeProcess {
  private readonly intake: Intake;
  private readonly recorded = new Map<number, () => void>();
  private nextBatch = 1;
  private stopping = false;

  constructor(private readonly start: IntakeStart) {
    const spool = new Spool(start.spoolDir, start);
    spool.removeAllBut(new Set(start.keepSpoolFiles));
    spool.close();
    this.intake = new Intake(start, {
      clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
      yieldNow: () => nextTurn(),
      onBatch: (batch) => this.deliver(batch),
      known: knownEntries(start),
    });
  }

  hold(reason: string | null, roomBytes: number): void {
    this.intake.hold(reason, roomBytes);
  }

  /** Polls until the process is told to stop. What goes wrong with one poll is told and tried again with the next. */
  async run(): Promise<void> {
    while (!this.stopping) {
      try {
        const { entries, waiting, stable, elapsedMs, heldBack, wantedBytes, troubles } = await this.intake.poll();
        parent.tell('polled', {
          entries,
          waiting: waiting + stable,
          elapsedMs,
          heldBack: heldBack ? `${heldBack.code}: ${heldBack.detail}` : '',
          wantedBytes,
          troubles: troubles.map(({ tenant, path, code, detail }) => `${tenant}: ${path}: ${code} ${detail}`),
        });
      } catch (error) {
        const words = error instanceof SluiceError ? `${error.code} ${error.detail}` : String(error);
        parent.tell('polled', {
          entries: 0,
          waiting: 0,
          elapsedMs: 0,
          heldBack: '',
          wantedBytes: 0,
          troubles: [words],
        });
      }
      await sleep(this.start.pollMs);
    }
  }

  stop(): void {
    this.stopping = true;
  }

  dispose({ tenant, rawPath, fingerprint, transfer }: IntakeProtocol['requests']['dispose']['ask']) {
    const settings = this.start.tenants.find(({ name }) => name === tenant);
    const identity = parseFingerprint(fingerprint);
    if (!settings || !identity) throw new SluiceError('INTERNAL', 'The object to deal with is not known.');
    const { share, afterSent, accepted } = settings;
    return dispose({ share, rawPath, identity, transfer, mode: afterSent, acceptedFolder: accepted });
  }

  /** The supervisor has the batch in its ledger. */
  wasRecorded(id: number): void {
    this.recorded.get(id)?.();
    this.recorded.delete(id);
  }

  private deliver(batch: Batch): Promise<void> {
    const id = this.nextBatch++;
    const message: BatchMessage = {
      id,
      tenant: batch.tenant,
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
      })),
      refused: batch.refused.map(notTakenMessage),
      held: batch.held.map(notTakenMessage),
    };
    return new Promise((resolve) => {
      this.recorded.set(id, resolve);
      parent.tell('batch', message);
    });
  }
}

function notTakenMessage({ path, rawPath, identity, code, detail }: NotTaken): NotTakenMessage {
  return { path, rawPath, fingerprint: fingerprintOf(identity), sizeBytes: identity.sizeBytes, code, detail };
}

function* knownEntries(start: IntakeStart) {
  for (const { tenant, rawPath, fingerprint, state } of start.known) {
    const identity = parseFingerprint(fingerprint);
    if (identity) yield { tenant, rawPath, identity, state };
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
      void running.run();
      return null;
    },
    dispose: (request) => need().dispose(request),
  },
  on: {
    hold: ({ reason, roomBytes }) => running?.hold(reason, roomBytes),
    recorded: ({ id }) => running?.wasRecorded(id),
  },
  onStop: () => running?.stop(),
});
