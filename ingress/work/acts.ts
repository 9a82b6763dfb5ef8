/** What operators may ask of the low side: the acts of its queues, sending again, draining, and giving up what waits for a tenant that is gone. */
import { Acts } from '../../shared/ops/operators/acts.js';
import { type QueueActTools, registerQueueActs } from '../../shared/ops/operators/queueActs.js';
import type { LowLedger } from '../ledger/ledger.js';
import type { Resender } from './resender.js';

export function lowActs(
  ledger: LowLedger,
  resender: Resender,
  queues: QueueActTools,
  /** Tells intake at once whether it may take anything. */
  drainedChanged: () => void,
  now: () => number,
  giveUp: (tenant: string) => Promise<string>,
): Acts {
  const acts = new Acts(ledger.requests, now);
  registerQueueActs(acts, queues);
  acts.register('resend', (id) => resender.resend(id.toLowerCase()));
  acts.register('give-up', giveUp);
  acts.register('drain', async () => {
    ledger.operator.setDrained(ledger.operator.drainedSinceMs() ?? now());
    drainedChanged();
    return 'yes: nothing new is taken from the shares; what is in hand is finished.';
  });
  acts.register('undrain', async () => {
    ledger.operator.setDrained(null);
    drainedChanged();
    return 'yes: files are taken from the shares again.';
  });
  return acts;
}
