/** The child's half of shared/ops/processes/children.ts: answers the supervisor, tells it events, and never outlives it. */
import { Worker } from 'node:worker_threads';
import { SluiceError, wordsOf } from '../../core/errors.js';
import type { Answer, Ask, Handlers, Protocol, Requests, ToChild, ToParent } from './childProtocol.js';
import { LoopMonitor } from './loopDelays.js';

export interface ServeOptions<P extends Protocol> {
  answer: { [R in Requests<P>]: (ask: Ask<P, R>) => Answer<P, R> | Promise<Answer<P, R>> };
  on?: Handlers<P['toChild']>;
  /** Runs before the process ends on request, and when the supervisor has died. Should be quick; it is cut off. */
  onStop?: () => void | Promise<void>;
  /**
   * For processes that parse untrusted bytes: a thread that kills the process when its parent is gone, even while the
   * main thread hangs and so cannot notice the closed channel.
   */
  watchdog?: boolean;
  /** Whether it ends in order on SIGTERM, too, as a side's supervisor does. Other signals are for whoever started it, */
  endsOnTerm?: boolean;
  /** but for SIGHUP where this is given. */
  onHup?: () => void;
}

export interface ParentFace<P extends Protocol> {
  /** False when the channel is closed or congested: the event is sent or lost, but the caller should slow down. */
  tell<E extends keyof P['toParent'] & string>(event: E, payload: P['toParent'][E]): boolean;
}

const STOP_LIMIT_MS = 10_000;
const WATCHDOG_INTERVAL_MS = 500;
const LATE_EVERY_MS = 1_000;

export function serveParent<P extends Protocol>(options: ServeOptions<P>): ParentFace<P> {
  if (!process.send) throw new SluiceError('INTERNAL', 'This module runs only as a child of the gateway.');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

  const send = (message: ToParent, sent: () => void = () => {}): boolean =>
    process.connected ? process.send!(message, undefined, undefined, sent) : false;

  const reply = async (id: number, name: string, body: unknown) => {
    try {
      if (!Object.hasOwn(options.answer, name)) throw new SluiceError('INTERNAL', `Nobody answers "${name}".`);
      const handler = options.answer[name as Requests<P>] as (ask: unknown) => unknown;
      send({ kind: 'answer', id, body: await handler(body) });
    } catch (error) {
      const known = error instanceof SluiceError;
      send({
        kind: 'failure',
        id,
        code: known ? error.code : 'INTERNAL',
        detail: known ? error.detail : wordsOf(error),
      });
    }
  };

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    let code = 0;
    try {
      await options.onStop?.();
    } catch (error) {
      process.stderr.write(`${wordsOf(error)}\n`);
      code = 1;
    }
    // The last message leaves after all the others, so nothing that was sent is lost by the exit.
    if (!process.connected) process.exit(code);
    send({ kind: 'stopped' }, () => process.exit(code));
  };

  process.on('disconnect', stop);
  process.on('message', (message: ToChild) => {
    if (message.kind === 'stop') stop();
    else if (message.kind === 'ping') send({ kind: 'pong' });
    else if (message.kind === 'ask') reply(message.id, message.name, message.body);
    else {
      const handlers = options.on as Record<string, (payload: unknown) => void> | undefined;
      if (handlers && Object.hasOwn(handlers, message.name)) handlers[message.name]!(message.body);
    }
  });
  if (options.endsOnTerm) process.on('SIGTERM', stop);
  if (options.onHup) process.on('SIGHUP', options.onHup);
  if (options.watchdog) startWatchdog();
  // From its first second on: loading modules holds up nobody.
  const loop = new LoopMonitor();
  loop.take();
  setInterval(() => send({ kind: 'late', ms: loop.take().maxMs }), LATE_EVERY_MS).unref();
  send({ kind: 'ready' });
  return { tell: (event, payload) => send({ kind: 'event', name: event, body: payload }) };
}

function startWatchdog(): void {
  const code = `const parent = ${process.ppid};
    setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), ${WATCHDOG_INTERVAL_MS});`;
  new Worker(code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2 } }).unref();
}
