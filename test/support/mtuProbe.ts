/** A program: sends frames of a given length to itself and prints as JSON how they went out and whether they arrived. */
import { until } from './processes.js';
import { receivingEnd, sendingEnd, stopEnds } from './transports.js';

const frameBytes = Number(process.argv[2]);
const high = await receivingEnd('auto', { frameBytes });
const low = await sendingEnd('auto', high.port, { frameBytes });
const frames = Array.from({ length: 200 }, (_, n) => Buffer.alloc(frameBytes, n));
for (let from = 0; from < frames.length; from += 20) {
  await low.send(frames.slice(from, from + 20));
  await until(() => high.take() >= from + 20);
}
const identical = frames.every((frame, n) => high.got[n]!.equals(frame));
console.log(JSON.stringify({ transport: low.socket.transport, said: low.said, identical }));
await stopEnds();
