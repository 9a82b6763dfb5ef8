/** How long the high side keeps what it cannot release: quarantined objects, and what arrived of incomplete payloads. */
import { formatDuration } from '../../shared/core/units.js';
import type { HighConfig } from '../../shared/ops/config/load.js';
import { QuarantineKeeper } from '../../shared/ops/ledger/keptBytes.js';
import { showName } from '../../shared/wire/names.js';
import type { ObjectId } from '../../shared/wire/statements.js';
import type { HighLedger } from '../ledger/ledger.js';
import type { HighStages } from './stages.js';

export interface RetentionTools {
  config: HighConfig;
  ledger: HighLedger;
  stages: Pick<HighStages, 'expire'>;
  quarantineDir: string;
  alarm(code: string, words: string, about: string): void;
}

const LOOK_MS = 60_000;
/** What was fed this recently is being sent again. */
const FED_MS = 600_000;

export class HighRetention {
  private readonly quarantine: QuarantineKeeper;
  private nextLookMs = 0;

  constructor(private readonly tools: RetentionTools) {
    const { ledger, quarantineDir, alarm } = tools;
    this.quarantine = new QuarantineKeeper({
      books: ledger.keptBytes,
      folder: quarantineDir,
      retentionOf: (tenant) => this.retentionOf(tenant),
      shortest: () => this.shortest(),
      alarm,
    });
  }

  /**
   * To be called every second or so.
   * @param quietMs since when nothing came of a payload; undefined when it is not known to assembly
   */
  look(nowMs: number, quietMs: (payload: ObjectId) => number | undefined): void {
    this.quarantine.look(nowMs);
    // A look further ahead than the interval was planned before the clock was set back.
    if (nowMs < this.nextLookMs && this.nextLookMs - nowMs <= LOOK_MS) return;
    this.nextLookMs = nowMs + LOOK_MS;
    const { ledger, stages, alarm } = this.tools;
    for (const payload of ledger.incompleteBefore(nowMs - this.shortest())) {
      const objects = ledger.objectsOfPayload(payload.object);
      const tenant = objects[0]?.tenant ?? '';
      const retentionMs = this.retentionOf(tenant);
      const isFed = (quietMs(payload.object) ?? Number.POSITIVE_INFINITY) < Math.min(FED_MS, retentionMs);
      if (isFed || nowMs - payload.changedMs < retentionMs) continue;
      stages.expire(payload);
      const words = `what had arrived of ${objects.length} incomplete objects (payload ${payload.object})`;
      alarm('BYTES_EXPIRED', `${showName(tenant)}: ${words}, after ${formatDuration(retentionMs)}.`, showName(tenant));
    }
  }

  private retentionOf(tenant: string): number {
    const { tenants, retention } = this.tools.config;
    return tenants.find(({ name }) => name === tenant)?.retention ?? retention.quarantine;
  }

  private shortest(): number {
    const { tenants, retention } = this.tools.config;
    return Math.min(retention.quarantine, ...tenants.map((tenant) => tenant.retention));
  }
}
