/**
 * Speed of the socket layer alone, for each transport: frames go from a ring through the sending socket, the loopback
 * and the receiving thread into another ring, from which they are dropped. No encoding, no tags, no disk.
 */
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { SendingSocket } from '../ingress/send/sendingSocket.js';
import { SluiceError } from '../shared/core/errors.js';
import { LIMITS } from '../shared/core/limits.js';
import { createRing, FrameRing, type RingMemory } from '../shared/link/ring.js';
import type { Transport } from '../shared/link/transport.js';

export interface SocketSpeed {
  /** What was in use: the one that was asked for, unless the system refused it. */
  transport: Transport;
  /** 10^6 bytes of frames a second. */
  MBps: number;
  /** Processor seconds of both ends for 10^9 bytes. */
  cpuSecondsPerGB: number;
  frames: number;
  lost: number;
}

export interface SocketBenchResult {
  frameBytes: number;
  bytes: number;
  batched: SocketSpeed;
  dgram: SocketSpeed;
  /** Of the two speeds: machines and their load differ, the ratio less so. */
  ratio: number;
}

const HOST = '127.0.0.1';
const RING_BYTES = 8 * 1024 * 1024;
/** Never more than this on its way: less than any receive buffer, so that speed and not loss is measured. */
const AHEAD_BYTES = 1_000_000;
/** After so long without another frame what is missing is lost. */
const LOST_MS = 500;
/** As the receiving thread's own (egress/receive/messages.ts): this side of the house is measured from outside. */
const COUNTERS = { datagrams: 0, stop: 3, words: 4 };

export async function benchSocket(options: { mtu: number; bytes: number }): Promise<SocketBenchResult> {
  const frameBytes = Math.floor((options.mtu - LIMITS.udpHeaderBytes) / 64) * 64;
  if (frameBytes < 64) throw new SluiceError('USAGE', `--mtu ${options.mtu} leaves no room for a frame.`);
  const frames = Math.max(1, Math.round(options.bytes / frameBytes));
  const batched = await measure('batched', frameBytes, frames);
  const dgram = await measure('dgram', frameBytes, frames);
  const ratio = Math.round((100 * batched.MBps) / dgram.MBps) / 100;
  return { frameBytes, bytes: frames * frameBytes, batched, dgram, ratio };
}

async function measure(wish: Transport, frameBytes: number, frames: number): Promise<SocketSpeed> {
  const outMemory = createRing(frameBytes, 1024 * 1024);
  const out = new FrameRing(outMemory);
  const receiver = await startReceiver(wish, createRing(frameBytes, RING_BYTES));
  const sender = await SendingSocket.open({
    target: { host: HOST, port: receiver.port },
    source: { host: HOST, port: 0 },
    transport: wish,
    memory: out.bytes,
    frameBytes,
    onArrival: () => {},
    onFallback: () => {},
  });
  try {
    const cpu = process.cpuUsage();
    const startMs = performance.now();
    const burst = Math.min(out.slots, Math.floor(AHEAD_BYTES / 2 / frameBytes));
    let sent = 0;
    let heardMs = startMs;
    for (let got = 0; got < frames; ) {
      const ahead = (sent - got) * frameBytes;
      if (sent < frames && ahead < AHEAD_BYTES && sender.drained())
        sent += sender.send(0, Math.min(burst, frames - sent));
      else await turn();
      const more = receiver.take();
      got += more;
      if (more > 0) heardMs = performance.now();
      else if (performance.now() - heardMs > LOST_MS) break;
    }
    const ms = heardMs - startMs;
    const { user, system } = process.cpuUsage(cpu);
    const bytes = frames * frameBytes;
    return {
      transport: sender.transport === receiver.transport ? sender.transport : 'dgram',
      MBps: Math.round(bytes / ms / 100) / 10,
      cpuSecondsPerGB: Math.round(((user + system) / bytes) * 100_000) / 100,
      frames,
      lost: frames - receiver.got,
    };
  } finally {
    sender.close();
    await receiver.stop();
  }
}

async function startReceiver(transport: Transport, memory: RingMemory) {
  const words = new SharedArrayBuffer(COUNTERS.words * 4);
  const counters = new Uint32Array(words);
  const ring = new FrameRing(memory);
  const workerData = { ring: memory, host: HOST, port: 0, transport, receiveBufferBytes: 8 << 20, counters: words };
  const thread = new Worker(new URL('../egress/receive/socketThread.js', import.meta.url), { workerData });
  const ended = once(thread, 'exit');
  const [{ listening }] = (await once(thread, 'message')) as [{ listening?: { port: number; transport: Transport } }];
  if (!listening) throw new SluiceError('LINK_SOCKET', 'The receiving socket cannot be opened.');
  const receiver = {
    ...listening,
    got: 0,
    /** Drops what has arrived and answers how many frames it was. */
    take: (): number => {
      const count = ring.filled();
      if (count > 0) ring.release(count);
      receiver.got += count;
      return count;
    },
    stop: async () => {
      Atomics.store(counters, COUNTERS.stop, 1);
      thread.postMessage('stop');
      await ended;
    },
  };
  return receiver;
}
