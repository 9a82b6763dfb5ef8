/** Started by `sluice resend`: writes the request into the ledger and waits for the low side's answer. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StateFolder } from '../shared/ops/stateFolder.js';
import { LowLedger } from './ledger.js';

const WAIT_MS = 5_000;
const LOOK_MS = 50;

async function ask(stateDir: string, id: string): Promise<0 | 1 | 3> {
  const path = [stateDir, join(stateDir, 'low')].map((folder) => join(folder, 'ledger.sqlite')).find(existsSync);
  if (!path) {
    process.stderr.write(`sluice: there is no ledger of a low side in ${stateDir}.\n`);
    return 3;
  }
  const ledger = new LowLedger(path, Date.now);
  try {
    const request = ledger.addRequest('resend', id.toLowerCase());
    const running = StateFolder.isHeld(dirname(path));
    for (let waited = 0; running && waited < WAIT_MS; waited += LOOK_MS) {
      const answer = ledger.answerOf(request);
      if (answer !== null) {
        process.stderr.write(`${answer}\n`);
        return answer.startsWith('yes') ? 0 : 1;
      }
      await sleep(LOOK_MS);
    }
    const why = running
      ? 'is busy; it will answer the request'
      : 'is not running; it answers the request when it is started';
    process.stderr.write(`The low side ${why}.\n`);
    return 0;
  } finally {
    ledger.close();
  }
}

process.exitCode = await ask(process.argv[2]!, process.argv[3]!);
