/** Both ends of the link's socket layer as they are, without the processes around them; and systems that refuse things. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  type FromSocketThread,
  type Listening,
  SocketCounter,
  type SocketThreadData,
} from '../../egress/receive/messages.js';
import { SendingSocket, type SendingSocketOptions } from '../../ingress/send/sendingSocket.js';
import { readUdpDrops } from '../../shared/link/kernelDrops.js';
import type { LibcLoader } from '../../shared/link/libc.js';
import { createRing, FrameRing } from '../../shared/link/ring.js';
import type { TransportWish } from '../../shared/link/transport.js';
import { type Refusal, refusing } from './refusals.js';

const HOST = '127.0.0.1';
const open: { stop(): Promise<unknown> }[] = [];

export async function stopEnds(): Promise<void> {
  for (const end of open.splice(0)) await end.stop();
}

export interface ReceivingEnd extends Listening {
  /** Datagrams taken out of the ring so far, in their order. */
  readonly got: Buffer[];
  /** Takes what is in the ring and answers how many datagrams there have been. */
  take(): number;
  counters(): { datagrams: number; oversize: number; empty: number; ringDrops: number; kernelDrops: number };
  /** Answers after how many milliseconds its thread was gone. */
  stop(): Promise<number>;
}

export interface ReceivingThreadData extends SocketThreadData {
  refusals: Refusal[];
}

export async function receivingEnd(
  transport: TransportWish,
  settings: { frameBytes?: number; ringBytes?: number; receiveBufferBytes?: number; refusals?: Refusal[] } = {},
): Promise<ReceivingEnd> {
  const memory = createRing(settings.frameBytes ?? 1_472, settings.ringBytes ?? 4 << 20);
  const ring = new FrameRing(memory);
  const words = new SharedArrayBuffer(SocketCounter.words * 4);
  const counts = new Uint32Array(words);
  const thread = new Worker(new URL('./receivingThread.js', import.meta.url), {
    workerData: {
      ring: memory,
      host: HOST,
      port: 0,
      transport,
      receiveBufferBytes: settings.receiveBufferBytes ?? 4 << 20,
      counters: words,
      refusals: settings.refusals ?? [],
    } satisfies ReceivingThreadData,
  });
  const ended = once(thread, 'exit');
  const [message] = (await once(thread, 'message')) as [FromSocketThread];
  if (!('listening' in message)) throw new Error(message.failed.words);
  const got: Buffer[] = [];
  const end: ReceivingEnd = {
    ...message.listening,
    got,
    take: () => {
      const count = ring.filled();
      for (let n = 0; n < count; n++) {
        const slot = ring.consumerSlot(n);
        got.push(Buffer.from(ring.bytes.subarray(slot * ring.slotBytes, slot * ring.slotBytes + ring.length(slot))));
      }
      if (count > 0) ring.release(count);
      return got.length;
    },
    counters: () => ({
      datagrams: counts[SocketCounter.datagrams]!,
      oversize: counts[SocketCounter.oversize]!,
      empty: counts[SocketCounter.empty]!,
      ringDrops: ring.drops(),
      kernelDrops: readUdpDrops(message.listening.port) ?? 0,
    }),
    stop: async () => {
      const startMs = performance.now();
      Atomics.store(counts, SocketCounter.stop, 1);
      thread.postMessage('stop');
      await ended;
      return performance.now() - startMs;
    },
  };
  open.push(end);
  return end;
}

export interface SendingEnd {
  readonly socket: SendingSocket;
  /** Every fallback that was said after it had been opened. */
  readonly said: string[];
  arrivals: number;
  /** Sends these frames, all of one length, as fast as the system takes them. */
  send(frames: readonly Buffer[]): Promise<void>;
  stop(): Promise<void>;
}

const ROOM_FRAMES = 512;

export async function sendingEnd(
  transport: TransportWish,
  port: number,
  settings: { frameBytes?: number; host?: string; loader?: LibcLoader; refusals?: Refusal[] } = {},
): Promise<SendingEnd> {
  const frameBytes = settings.frameBytes ?? 1_472;
  const memory = Buffer.from(new SharedArrayBuffer(ROOM_FRAMES * frameBytes));
  const said: string[] = [];
  const options: SendingSocketOptions = {
    target: { host: settings.host ?? HOST, port },
    source: { host: settings.host ?? HOST, port: 0 },
    transport,
    memory,
    frameBytes,
    onArrival: (count) => {
      end.arrivals = count;
    },
    onFallback: (words) => said.push(words),
    loader: settings.loader ?? refusing(settings.refusals ?? []),
  };
  const socket = await SendingSocket.open(options);
  const end: SendingEnd = {
    socket,
    said,
    arrivals: 0,
    send: async (frames) => {
      for (let from = 0; from < frames.length; from += ROOM_FRAMES) {
        const some = frames.slice(from, from + ROOM_FRAMES);
        for (const [n, frame] of some.entries()) memory.set(frame, n * frameBytes);
        for (let sent = 0; sent < some.length; ) {
          sent += socket.send(sent * frameBytes, some.length - sent);
          if (sent < some.length || !socket.drained()) await sleep(1);
        }
        while (!socket.drained()) await sleep(1);
      }
    },
    stop: async () => socket.close(),
  };
  open.push(end);
  return end;
}
