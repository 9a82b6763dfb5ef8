/**
 * The receiving process: three kinds of thread around one ring, and a main thread that only passes messages.
 *
 *   socket thread --ring of frames--> assembly thread --complete blocks--> finisher threads --> spool
 *                                          |  ^
 *                               envelopes, |  | expect, park, forget
 *                                          v  |
 *                                       supervisor
 */
import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { fromHex } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { readUdpDrops } from '../../shared/link/kernelDrops.js';
import { createRing, FrameRing } from '../../shared/link/ring.js';
import { serveParent } from '../../shared/ops/processes/children.js';
import { zeroCounters } from './frameIntake.js';
import {
  type AssemblyNews,
  type AssemblyThreadData,
  type FinisherThreadData,
  type FromAssemblyThread,
  type FromSocketThread,
  type Listening,
  type ReceiverCounters,
  type ReceiverProtocol,
  type ReceiverSettings,
  SocketCounter,
  type SocketThreadData,
  type ToAssemblyThread,
} from './messages.js';

class ReceivingProcess {
  private assemblyNews: AssemblyNews['payload'] = { counters: zeroCounters(), quietMs: {} };

  private constructor(
    readonly listening: Listening,
    private readonly ring: FrameRing,
    private readonly socketCounters: Uint32Array,
    private readonly socket: Worker,
    private readonly assembly: Worker,
    private readonly threads: Worker[],
  ) {
    assembly.on('message', (message: FromAssemblyThread) => {
      if (message.event === 'counters') this.assemblyNews = message.payload;
      else parent.tell(message.event, message.payload as never);
    });
    // A thread that dies takes the process with it: the supervisor starts a fresh one from what is on disk.
    for (const thread of [socket, ...threads]) {
      thread.on('error', (error) => {
        throw error;
      });
    }
  }

  static async start(settings: ReceiverSettings): Promise<ReceivingProcess> {
    const linkKey = fromHex(settings.linkKey);
    if (!linkKey) throw new SluiceError('KEY_UNREADABLE', 'The link key is not hexadecimal.');
    const ring = createRing(settings.frameMaxBytes, LIMITS.ringBytes);
    const channels = Array.from({ length: settings.decoders }, () => new MessageChannel());
    const finishers = channels.map(
      ({ port1 }) =>
        new Worker(new URL('../assemble/finisherThread.js', import.meta.url), {
          workerData: { port: port1 } satisfies FinisherThreadData,
          transferList: [port1],
        }),
    );
    const ports = channels.map(({ port2 }) => port2);
    const { spoolDir, assemblyBytes, orphanBytes } = settings;
    const assembly = new Worker(new URL('./assemblyThread.js', import.meta.url), {
      workerData: {
        ring,
        linkKey,
        spoolDir,
        assemblyBytes,
        orphanBytes,
        finishers: ports,
      } satisfies AssemblyThreadData,
      transferList: ports,
    });
    const counters = new SharedArrayBuffer(SocketCounter.words * 4);
    const { host, port, transport, receiveBufferBytes } = settings;
    const socket = new Worker(new URL('./socketThread.js', import.meta.url), {
      workerData: { ring, host, port, transport, receiveBufferBytes, counters } satisfies SocketThreadData,
    });
    const listening = await socketListens(socket, settings);
    return new ReceivingProcess(listening, new FrameRing(ring), new Uint32Array(counters), socket, assembly, [
      assembly,
      ...finishers,
    ]);
  }

  tell(message: ToAssemblyThread): void {
    this.assembly.postMessage(message);
    this.ring.wake();
  }

  counters(): ReceiverCounters {
    const kernelDrops = readUdpDrops(this.listening.port);
    return {
      datagrams: this.socketCounters[SocketCounter.datagrams]!,
      ...(kernelDrops === undefined ? {} : { kernelDrops }),
      ringDrops: this.ring.drops(),
      oversize: this.socketCounters[SocketCounter.oversize]!,
      empty: this.socketCounters[SocketCounter.empty]!,
      assembly: this.assemblyNews.counters,
      quietMs: this.assemblyNews.quietMs,
    };
  }

  async stop(): Promise<void> {
    this.tell({ event: 'stop', payload: null });
    // Where it blocks in the system it sees the word, where it waits for events the message; a call cannot be broken off.
    const ended = once(this.socket, 'exit');
    Atomics.store(this.socketCounters, SocketCounter.stop, 1);
    this.socket.postMessage('stop');
    await ended;
    await Promise.all(this.threads.map((thread) => thread.terminate()));
  }
}

function socketListens(socket: Worker, settings: ReceiverSettings) {
  return new Promise<Listening>((resolve, reject) => {
    socket.once('message', (message: FromSocketThread) => {
      if ('listening' in message) resolve(message.listening);
      else {
        const where = `${settings.host}:${settings.port}`;
        reject(
          new SluiceError('CONFIG_INVALID', `link.listen is ${where}; it cannot be bound: ${message.failed.words}`),
        );
      }
    });
  });
}

let running: ReceivingProcess | undefined;
const need = (): ReceivingProcess => {
  if (!running) throw new SluiceError('INTERNAL', 'The receiving process has not been started.');
  return running;
};

const parent = serveParent<ReceiverProtocol>({
  answer: {
    start: async (settings) => {
      running = await ReceivingProcess.start(settings);
      return running.listening;
    },
    counters: () => need().counters(),
  },
  on: {
    expect: (payload) => need().tell({ event: 'expect', payload }),
    forget: (payload) => need().tell({ event: 'forget', payload }),
    evict: (payload) => need().tell({ event: 'evict', payload }),
    collectAgain: (payload) => need().tell({ event: 'collectAgain', payload }),
    park: (payload) => need().tell({ event: 'park', payload }),
    endSession: (payload) => need().tell({ event: 'endSession', payload }),
  },
  onStop: () => running?.stop(),
});
