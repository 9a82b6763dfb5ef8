/**
 * Holds the members of a consignment back until all are taken and all have passed; refuses all when one is refused.
 * What is decided stands in the ledger, so every step may be repeated, and is repeated after a crash.
 */
import { setImmediate } from 'node:timers/promises';
import type { ErrorCode } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import type { TransferId } from '../../shared/wire/statements.js';
import type { LowConsignment } from '../ledger/consignments.js';
import type { LowLedger } from '../ledger/ledger.js';
import type { Quarantine } from './quarantine.js';

export interface GateTools {
  ledger: LowLedger;
  quarantine: Quarantine;
  changed: (transfers: readonly TransferId[]) => void;
  /** All members have passed: they may be sealed. */
  seal: (consignment: LowConsignment) => Promise<void>;
}

/** Members refused in one go: each costs two fsyncs, and others want their turn. */
const REFUSED_AT_ONCE = 16;

export class ConsignmentGate {
  /** One after the other, for two runs would refuse the same members twice. */
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly tools: GateTools) {}

  /** To be called when something about a member has changed. Throws SPOOL_IO, STORAGE_FULL: then it is to be called again. */
  settle(ids: Iterable<string>): Promise<void> {
    const all = [...new Set(ids)];
    const run = this.running.then(async () => {
      for (const id of all) await this.settleOne(id);
    });
    this.running = run.catch(() => {});
    return run;
  }

  /** Everything that is open, at start and now and then. */
  settleAll(): Promise<void> {
    return this.settle(this.tools.ledger.consignments.open().map(({ id }) => id));
  }

  private async settleOne(id: string): Promise<void> {
    const { consignments } = this.tools.ledger;
    const refusal = this.refusalOf(id);
    if (refusal) consignments.refuse(id, refusal.code, refusal.detail);
    else if (consignments.get(id)?.state === 'taken' && consignments.allPassed(id)) consignments.approve(id);
    const now = consignments.get(id);
    if (now?.state === 'refused') await this.refuseMembers(now);
    if (now?.state === 'sealing') await this.tools.seal(now);
  }

  /** Why a consignment that is not decided yet cannot travel. */
  private refusalOf(id: string): { code: ErrorCode; detail: string } | undefined {
    const { consignments } = this.tools.ledger;
    const consignment = consignments.get(id);
    if (consignment?.state !== 'taking' && consignment?.state !== 'taken') return undefined;
    const culprit = consignments.culprit(id);
    if (culprit) return { code: 'CONSIGNMENT_REFUSED', detail: `Because of "${culprit.path}" (${culprit.code}).` };
    if (consignment.state === 'taking') return undefined;
    const { objects, sizeBytes } = consignment;
    if (objects > LIMITS.consignmentMaxObjects || sizeBytes > LIMITS.consignmentMaxBytes) {
      return { code: 'CONSIGNMENT_TOO_LARGE', detail: `It has ${objects} files with ${sizeBytes} bytes.` };
    }
    const counted = consignments.counted(id);
    if (counted.objects === objects && counted.sizeBytes === sizeBytes) return undefined;
    return { code: 'CONSIGNMENT_INVALID', detail: `It has ${objects} files, and ${counted.objects} were taken.` };
  }

  private async refuseMembers({ id, code, detail }: LowConsignment): Promise<void> {
    const { ledger, quarantine, changed } = this.tools;
    const left = ledger.consignments.members(id).flatMap((transfer) => {
      const member = ledger.object(transfer);
      return member && member.state !== 'refused' ? [member] : [];
    });
    for (let first = 0; first < left.length; first += REFUSED_AT_ONCE) {
      const some = left.slice(first, first + REFUSED_AT_ONCE);
      for (const member of some) if (member.spoolFile !== '') quarantine.keep(member, code!, detail ?? '');
      ledger.transaction(() => {
        for (const { transfer } of some) ledger.setState(transfer, 'refused', code, detail);
      });
      changed(some.map(({ transfer }) => transfer));
      await setImmediate();
    }
  }
}
