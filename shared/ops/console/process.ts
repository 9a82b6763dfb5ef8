/** The console process of a side: HTTP and nothing else. No ledger, no key, no queue store, no code of a side. */
import { SluiceError, wordsOf } from '../../core/errors.js';
import type { StatusPush } from '../health/status.js';
import { serveParent } from '../processes/children.js';
import { SupervisorClient } from './client.js';
import type { ConsoleProtocol } from './messages.js';
import { openConsole } from './server.js';

let told: { push: StatusPush; atMs: number } | undefined;
let close: (() => Promise<unknown>) | undefined;

const now = () => performance.now();

const client = new SupervisorClient({
  question: (message) => parent.tell('question', message),
  act: (message) => parent.tell('act', message),
});

const parent = serveParent<ConsoleProtocol>({
  answer: {
    start: async (settings) => {
      try {
        const { app, port } = await openConsole(settings, {
          supervisor: client,
          told: () => told && { push: told.push, ageMs: now() - told.atMs },
          loginsFailed: (times, address) => parent.tell('loginsFailed', { times, address }),
          now,
        });
        close = () => app.close();
        return { port };
      } catch (error) {
        throw new SluiceError('CONSOLE_UNAVAILABLE', `${settings.host}:${settings.port}: ${wordsOf(error)}`);
      }
    },
  },
  on: {
    told: (push) => {
      told = { push, atMs: now() };
    },
    answer: (answer) => client.answered(answer),
  },
  onStop: async () => {
    await close?.();
  },
});
