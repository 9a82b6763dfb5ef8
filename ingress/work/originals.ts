/** Deals with the originals of sent objects, as each tenant's configuration says; intake does it, this keeps the books. */
import { codeOf, wordsOf } from '../../shared/core/errors.js';
import type { LowConfig } from '../../shared/ops/config/load.js';
import { isChildsEnd } from '../../shared/ops/processes/children.js';
import type { OriginalOutcome } from '../../shared/ops/receipts/facts.js';
import { showName } from '../../shared/wire/names.js';
import type { DisposeOutcome } from '../intake/dispose.js';
import type { LowLedger, LowObject } from '../ledger/ledger.js';
import type { Intakes } from './intakes.js';

/** Originals dealt with in one go when earlier attempts failed. */
const AT_ONCE = 200;

export class Originals {
  constructor(
    private readonly ledger: LowLedger,
    private readonly intake: Pick<Intakes, 'ask'>,
    private readonly tenants: () => LowConfig['tenants'],
    private readonly alarm: (code: string, words: string) => void,
  ) {}

  afterSent(objects: readonly LowObject[]): void {
    for (const { tenant, rawPath, fingerprint, transfer } of objects) {
      const settings = this.tenants().find(({ name }) => name === tenant);
      if (!settings || settings.afterSent === 'keep') continue;
      this.intake
        .ask('dispose', { tenant, rawPath, fingerprint, transfer })
        .then((outcome) => {
          // What stays in the share must stay known, or it would be taken again.
          const stays = outcome.outcome === 'kept' && outcome.reason === 'other-file-system';
          this.ledger.setDisposed(
            transfer,
            stays,
            originalOf(outcome),
            outcome.outcome === 'moved' ? showName(outcome.path) : '',
          );
        })
        .catch((error) => {
          // Tried again with the next rebuild, whatever it was.
          if (!isChildsEnd(error)) this.alarm(codeOf(error), wordsOf(error));
        });
    }
  }

  /** Those an earlier attempt did not deal with; some at a time. */
  again(): void {
    const moving = this.tenants().filter(({ afterSent }) => afterSent !== 'keep');
    this.afterSent(
      this.ledger.toDispose(
        moving.map(({ name }) => name),
        AT_ONCE,
      ),
    );
  }
}

function originalOf(outcome: DisposeOutcome): OriginalOutcome {
  if (outcome.outcome !== 'kept') return outcome.outcome;
  const { reason } = outcome;
  if (reason === 'asked') return 'kept';
  return reason === 'other-file-system' ? 'stays' : reason;
}
