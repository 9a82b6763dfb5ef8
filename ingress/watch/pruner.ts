/** Removes finished objects from the low side's ledger, after asking intake which of them still lie in their share. */

import type { FileInShare } from '../intake/messages.js';
import type { FinishedLedger, FinishedObject } from '../ledger/finished.js';

/** Objects looked at in one step. */
const AT_ONCE = 500;

export interface LowPrunerTools {
  finished: FinishedLedger;
  /** Which of these files of a tenant still lie in its share as they were; those it cannot tell of count as there. */
  lie: (tenant: string, files: FileInShare[]) => Promise<boolean[]>;
}

export class LowPruner {
  /** Where the next step goes on; objects that stay are passed over until the next round. */
  private position = 0;

  constructor(private readonly tools: LowPrunerTools) {}

  /** One step. @returns false when a round is over */
  async step(beforeMs: number): Promise<boolean> {
    const { finished } = this.tools;
    const found = finished.candidates(this.position, beforeMs, AT_ONCE);
    const last = found.at(-1);
    if (!last) {
      this.position = 0;
      return false;
    }
    finished.remove(await this.gone(found));
    this.position = last.position;
    return true;
  }

  private async gone(found: readonly FinishedObject[]): Promise<FinishedObject[]> {
    const gone = found.filter(({ hasLeft }) => hasLeft);
    const asked = new Map<string, FinishedObject[]>();
    for (const one of found) {
      if (!one.hasLeft) asked.set(one.tenant, [...(asked.get(one.tenant) ?? []), one]);
    }
    for (const [tenant, objects] of asked) {
      try {
        const lie = await this.tools.lie(tenant, objects);
        gone.push(...objects.filter((_, i) => lie[i] === false));
      } catch {
        // Intake is being started again, or hangs in this share: asked again in the next round.
      }
    }
    return gone;
  }
}
