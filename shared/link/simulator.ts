/**
 * The simulated one-way link: a UDP socket in, the impairments, a UDP socket out.
 *
 *   low side ──▶ [ input socket ] ──▶ impairments ──▶ [ output socket ] ──▶ high side
 *                  never sends                          what arrives here is counted as
 *                                                       highToLow, and that is all
 *
 * How it is fast (some 8 microseconds a datagram, half of it in the kernel): the received buffer itself is sent;
 * `lookup` answers at once, where dgram otherwise goes through dns.lookup and the next tick for each datagram; and
 * most sends have no callback, because a callback costs a fifth more. Without one dgram swallows errors, so one send
 * in sixteen is watched, and after a failure each one until they go well again: a failure that lasts is counted almost
 * one by one, a single one may be missed.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError, wordsOf } from '../core/errors.js';
import { LIMITS } from '../core/limits.js';
import { type ImpairmentCounters, type ImpairmentOptions, Impairments } from './impairments.js';
import { readUdpDrops } from './kernelDrops.js';
import { growReceiveBuffer } from './receiveBuffer.js';

export interface SimulatorOptions extends ImpairmentOptions {
  /** Where the low side sends to. Default 127.0.0.1 and a port chosen by the system. */
  listenHost?: string | undefined;
  listenPort?: number | undefined;
  /** Where datagrams leave from. Default 127.0.0.1, from where only this machine is reached. */
  outputHost?: string | undefined;
  /** The high side. Datagrams that arrive before it is known are counted as `sendFailed`. */
  targetHost?: string | undefined;
  targetPort?: number | undefined;
}

export interface SimulatorCounters extends ImpairmentCounters {
  /** Datagrams that arrived at the output socket: anything but 0 means that somebody tried the way back. */
  highToLow: number;
  /** Forwarded by the impairments and not taken by the kernel (see above). */
  sendFailed: number;
  /** Other errors of either socket. */
  socketErrors: number;
  /** Datagrams the kernel dropped before the link read them; absent where it does not tell. */
  kernelDropped?: number;
}

export interface SimulatorHooks {
  /** Called every 500 ms in which a counter moved. */
  onCounters?: (counters: SimulatorCounters) => void;
}

export interface Simulator {
  readonly inputPort: number;
  readonly outputPort: number;
  /** The input socket's real buffer, as the system counts. */
  readonly receiveBufferBytes: number;
  counters(): SimulatorCounters;
  /** Sends to this high side from now on. @throws SluiceError LINK_SOCKET */
  setTarget(host: string, port: number): Promise<void>;
  /** Takes nothing more, lets out what is held, closes both sockets and returns the last counters. */
  stop(): Promise<SimulatorCounters>;
}

const COUNTERS_INTERVAL_MS = 500;
/** One send in so many is watched. */
const WATCH_EVERY = 16;
/** Sends watched at the start and after each failure. */
const WATCH_AFTER_FAILURE = 64;

/** The sending half: an unconnected socket, so that no ICMP error is heard, and a target. */
class Output {
  highToLow = 0;
  sendFailed = 0;
  private host = '';
  private port = 0;
  private sends = 0;
  private watched = WATCH_AFTER_FAILURE;
  private congested = false;
  private readonly onSent = (error: Error | null): void => {
    if (!error) return;
    this.sendFailed++;
    this.watched = WATCH_AFTER_FAILURE;
  };

  constructor(readonly socket: Socket) {
    socket.on('message', () => {
      this.highToLow++;
    });
  }

  async setTarget(host: string, port: number): Promise<void> {
    if (!(Number.isInteger(port) && port > 0 && port < 65_536)) {
      throw new SluiceError('LINK_SOCKET', `${port} is not a port to send to.`);
    }
    this.host = await addressOf(host);
    this.port = port;
  }

  /** A field and not a method: handed to the impairments as it is. */
  readonly send = (datagram: Uint8Array): void => {
    const sample = ++this.sends % WATCH_EVERY === 0;
    if (sample || this.congested) this.congested = this.socket.getSendQueueSize() > LIMITS.linkSendQueueBytes;
    if (this.port === 0 || this.congested) {
      this.sendFailed++;
    } else if (sample || this.watched > 0) {
      if (this.watched > 0) this.watched--;
      this.socket.send(datagram, this.port, this.host, this.onSent);
    } else {
      this.socket.send(datagram, this.port, this.host);
    }
  };
}

/** Starts the link in this process. @throws SluiceError USAGE, LINK_SOCKET */
export async function runSimulator(options: SimulatorOptions, hooks: SimulatorHooks = {}): Promise<Simulator> {
  const output = new Output(
    createSocket({ type: 'udp4', lookup: (address, _options, done) => done(null, address, 4) }),
  );
  const impairments = new Impairments(options, output.send);
  const input = createSocket('udp4');
  let socketErrors = 0;
  let kernelDropped: number | undefined;
  let stopping: Promise<SimulatorCounters> | undefined;

  // While datagrams are held: a timer of a millisecond, armed by the first of them and then by itself.
  let ticking: NodeJS.Timeout | undefined;
  const tick = (): void => {
    impairments.tick(performance.now());
    if (impairments.held > 0) ticking!.refresh();
    else ticking = undefined;
  };
  input.on('message', (datagram) => {
    impairments.push(datagram, performance.now());
    if (impairments.held > 0) ticking ??= setTimeout(tick, 1);
  });

  try {
    if (options.targetHost !== undefined) await output.setTarget(options.targetHost, options.targetPort ?? 0);
    await bind(output.socket, options.outputHost ?? '127.0.0.1', 0);
    await bind(input, options.listenHost ?? '127.0.0.1', options.listenPort ?? 0);
  } catch (error) {
    output.socket.close();
    input.close();
    throw error;
  }
  for (const socket of [input, output.socket]) {
    socket.on('error', () => {
      socketErrors++;
    });
  }
  const inputPort = input.address().port;
  const receiveBufferBytes = growReceiveBuffer(input);

  const counters = (): SimulatorCounters => {
    // Once the input is closed, the last number it had.
    kernelDropped = readUdpDrops(inputPort) ?? kernelDropped;
    const { highToLow, sendFailed } = output;
    const counted = { ...impairments.counters, highToLow, sendFailed, socketErrors };
    return kernelDropped === undefined ? counted : { ...counted, kernelDropped };
  };
  let reported = '';
  const reporting = setInterval(() => {
    const now = counters();
    const text = JSON.stringify(now);
    if (text !== reported) hooks.onCounters?.(now);
    reported = text;
  }, COUNTERS_INTERVAL_MS);

  async function close(): Promise<SimulatorCounters> {
    counters();
    clearInterval(reporting);
    input.close();
    impairments.flush();
    // What waits for the rate gets the time the queue is good for; a very slow link keeps the rest.
    const deadlineMs = performance.now() + LIMITS.linkQueueMs;
    for (let nowMs = 0; impairments.held > 0 && nowMs < deadlineMs; await sleep(1)) {
      nowMs = performance.now();
      impairments.tick(nowMs);
    }
    clearTimeout(ticking);
    output.socket.close();
    return counters();
  }

  return {
    inputPort,
    outputPort: output.socket.address().port,
    receiveBufferBytes,
    counters,
    setTarget: (host, port) => output.setTarget(host, port),
    stop: () => (stopping ??= close()),
  };
}

async function addressOf(host: string): Promise<string> {
  if (isIPv4(host)) return host;
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (error) {
    throw new SluiceError('LINK_SOCKET', `"${host}" has no IPv4 address: ${wordsOf(error)}`);
  }
}

async function bind(socket: Socket, host: string, port: number): Promise<void> {
  try {
    const address = await addressOf(host);
    const listening = once(socket, 'listening');
    socket.bind({ address, port });
    await listening;
  } catch (error) {
    throw new SluiceError('LINK_SOCKET', `${host}:${port}: ${wordsOf(error)}`, { cause: error });
  }
}
