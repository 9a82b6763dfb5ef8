/** A thread that finishes source blocks (finisher.ts), beside reception and never on its thread. */
import { workerData } from 'node:worker_threads';
import { Finisher } from './finisher.js';
import type { FinisherThreadData, ToFinisher } from './messages.js';

const finisher = new Finisher();
const { port } = workerData as FinisherThreadData;
port.on('message', (message: ToFinisher) => {
  const answer = finisher.obey(message);
  if (answer) port.postMessage(answer);
});
