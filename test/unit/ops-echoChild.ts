/** A child process for ops-children.test.ts: answers, fails, dies and hangs on request. */
import { SluiceError } from '../../shared/core/errors.js';
import { serveParent } from '../../shared/ops/processes/children.js';

export type EchoProtocol = {
  requests: {
    echo: { ask: unknown; answer: unknown };
    state: { ask: null; answer: { state: string; env: string[]; pid: number } };
    init: { ask: string; answer: null };
    refuse: { ask: 'ours' | 'foreign'; answer: never };
    exit: { ask: number; answer: never };
    hang: { ask: null; answer: never };
    crash: { ask: null; answer: never };
    never: { ask: null; answer: never };
  };
  toChild: { poke: number; disconnect: null };
  toParent: { poked: number; stopped: string };
};

if (process.env.FAIL_AT_START) process.exit(7);
let state = 'none';
const parent = serveParent<EchoProtocol>({
  answer: {
    echo: (body) => body,
    state: () => ({ state, env: Object.keys(process.env).sort(), pid: process.pid }),
    init: (text) => {
      if (text === 'bad') throw new SluiceError('KEY_EXPOSED', 'in a test');
      state = text;
      return null;
    },
    refuse: (kind) => {
      if (kind === 'ours') throw new SluiceError('SPOOL_FULL', 'by 3 bytes');
      throw new TypeError('not ours');
    },
    exit: (code) => process.exit(code),
    crash: () => {
      setImmediate(() => {
        throw new Error('made by a test');
      });
      return new Promise<never>(() => {});
    },
    hang: () => {
      for (;;);
    },
    never: () => new Promise<never>(() => {}),
  },
  on: {
    poke: (n) => parent.tell('poked', n + 1),
    disconnect: () => {
      process.removeAllListeners('disconnect');
      process.disconnect();
      setInterval(() => {}, 1000);
    },
  },
  onStop: () => {
    parent.tell('stopped', state);
    if (state === 'stubborn') return new Promise(() => {});
  },
  watchdog: true,
});
