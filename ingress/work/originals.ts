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
/** Originals of a message to intake: dealing with them takes some ten milliseconds, in which nothing is taken. */
const IN_ONE_MESSAGE = 64;

export class Originals {
  constructor(
    private readonly ledger: LowLedger,
    private readonly intake: Pick<Intakes, 'ask'>,
    private readonly tenants: () => LowConfig['tenants'],
    private readonly alarm: (code: string, words: string) => void,
  ) {}

  afterSent(objects: readonly LowObject[]): void {
    for (const [tenant, mine] of byTenant(objects)) {
      const settings = this.tenants().find(({ name }) => name === tenant);
      if (!settings || settings.afterSent === 'keep') continue;
      for (let first = 0; first < mine.length; first += IN_ONE_MESSAGE) {
        this.dispose(tenant, mine.slice(first, first + IN_ONE_MESSAGE)).catch((error) => {
          // Tried again with the next rebuild, whatever it was.
          if (!isChildsEnd(error)) this.alarm(codeOf(error), wordsOf(error));
        });
      }
    }
  }

  private async dispose(tenant: string, objects: readonly LowObject[]): Promise<void> {
    const { ledger } = this;
    const originals = objects.map(({ rawPath, fingerprint, transfer }) => ({ rawPath, fingerprint, transfer }));
    const outcomes = await this.intake.ask('dispose', { tenant, originals });
    await ledger.commits.do(() => {
      outcomes.forEach((outcome, i) => {
        if (outcome.outcome === 'failed') return;
        // What stays in the share must stay known, or it would be taken again.
        const stays = outcome.outcome === 'kept' && outcome.reason === 'other-file-system';
        const path = outcome.outcome === 'moved' ? showName(outcome.path) : '';
        ledger.setDisposed(objects[i]!.transfer, stays, originalOf(outcome), path);
      });
    });
    for (const outcome of outcomes) if (outcome.outcome === 'failed') this.alarm(outcome.code, outcome.words);
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

function byTenant(objects: readonly LowObject[]): Map<string, LowObject[]> {
  const found = new Map<string, LowObject[]>();
  for (const object of objects) {
    const mine = found.get(object.tenant);
    if (mine) mine.push(object);
    else found.set(object.tenant, [object]);
  }
  return found;
}
