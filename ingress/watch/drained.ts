/** Whether an operator has drained this side, in the words people are shown. */
import type { LowLedger } from '../ledger/ledger.js';

/** Why intake takes nothing while the side is drained; empty while it is not. */
export const drainedWords = (ledger: LowLedger): string =>
  ledger.operator.drainedSinceMs() === null ? '' : 'an operator has drained this side ("sluice undrain" ends it)';
