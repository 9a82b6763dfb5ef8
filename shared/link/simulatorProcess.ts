/**
 * The process of the simulated link: `sluice link` and `sluice demo` fork it and speak to it over IPC
 * (simulatorMessages.ts). It ends with code 0 when told to, on SIGTERM, or when its parent is gone, and with 3 when it
 * could not start.
 */
import { codeOf, wordsOf } from '../core/errors.js';
import { askPriority, URGENT } from './priority.js';
import { runSimulator, type Simulator } from './simulator.js';
import type { FromSimulator, ToSimulator } from './simulatorMessages.js';

let starting: Promise<Simulator> | undefined;
let ending = false;

/** Resolves once the message is out, or cannot be any more. */
function tell(message: FromSimulator): Promise<void> {
  return new Promise((resolve) => {
    if (process.send && process.connected) process.send(message, undefined, undefined, () => resolve());
    else resolve();
  });
}

async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  // One that failed to start has nothing to stop.
  const simulator = await starting?.catch(() => undefined);
  if (simulator) await tell({ type: 'counters', ...(await simulator.stop()) });
  process.exit(code);
}

async function fail(error: unknown): Promise<void> {
  await tell({ type: 'failed', code: codeOf(error), words: wordsOf(error) });
  await end(3);
}

async function obey(message: ToSimulator): Promise<void> {
  if (message.type === 'start' && !starting) {
    starting = runSimulator(message.options, {
      onCounters: (counters) => void tell({ type: 'counters', ...counters }),
    });
    const { inputPort, outputPort, receiveBufferBytes } = await starting;
    await tell({ type: 'ready', inputPort, outputPort, receiveBufferBytes });
  } else if (message.type === 'target') {
    await (await starting)?.setTarget(message.host, message.port);
  } else if (message.type === 'stop') {
    await end(0);
  }
}

// It plays a fibre, which loses nothing because a machine is busy.
askPriority(URGENT);

if (!process.send) {
  process.stderr.write('This module is started by "sluice link" and "sluice demo".\n');
  process.exit(2);
}
process.on('message', (message: ToSimulator) => void obey(message).catch(fail));
process.on('disconnect', () => void end(0));
process.on('SIGTERM', () => void end(0));
// Ctrl-C reaches the whole group at once; the parent ends its children in order.
process.on('SIGINT', () => {});
