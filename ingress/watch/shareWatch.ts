/** What lies in the shares and is not taken: an alarm for each tenant whose quota keeps files waiting, figures for its day. */
import type { ErrorCode } from '../../shared/core/errors.js';
import type { ShareCounts } from '../intake/messages.js';

export interface InShare {
  /** Waiting for room in the tenant's quota. */
  overQuota: number;
  /** Not taken for another reason: still changing, or intake has not come to it. */
  notTaken: number;
}

export interface ShareWatchTools {
  alarm: (code: ErrorCode, words: string, about: string) => void;
  over: (code: ErrorCode, about: string) => void;
  /** What is to be said to these tenants has changed. */
  changed: (tenants: string[]) => void;
  /** Monotonic. */
  nowMs: () => number;
}

/** Numbers change twice a second; that is not said each time. */
const SAY_AGAIN_MS = 60_000;

export class ShareWatch {
  private readonly known = new Map<string, InShare>();
  /** Tenants whose alarm holds, and when it was last raised. */
  private readonly saidMs = new Map<string, number>();

  constructor(private readonly tools: ShareWatchTools) {}

  /** After each look of intake at the shares. A tenant that is not served any more has no share. */
  polled(tenants: Readonly<Record<string, ShareCounts>>): void {
    const changed: string[] = [];
    for (const [tenant, { overQuota, waiting, stable }] of Object.entries(tenants)) {
      const { overQuota: before, notTaken } = this.of(tenant);
      if (before !== overQuota || notTaken !== waiting + stable) changed.push(tenant);
      this.known.set(tenant, { overQuota, notTaken: waiting + stable });
      this.say(tenant, overQuota);
    }
    for (const tenant of this.known.keys()) {
      if (Object.hasOwn(tenants, tenant)) continue;
      this.known.delete(tenant);
      this.say(tenant, 0);
    }
    if (changed.length > 0) this.tools.changed(changed);
  }

  of(tenant: string): InShare {
    return this.known.get(tenant) ?? { overQuota: 0, notTaken: 0 };
  }

  private say(tenant: string, overQuota: number): void {
    const { alarm, over, nowMs } = this.tools;
    const said = this.saidMs.get(tenant);
    if (overQuota === 0) {
      if (said === undefined) return;
      this.saidMs.delete(tenant);
      over('QUOTA_EXCEEDED', tenant);
    } else if (said === undefined || nowMs() - said >= SAY_AGAIN_MS) {
      this.saidMs.set(tenant, nowMs());
      const files = overQuota === 1 ? '1 file waits' : `${overQuota} files wait`;
      alarm('QUOTA_EXCEEDED', `The quota of "${tenant}" is used up: ${files} in its share for room.`, tenant);
    }
  }
}
