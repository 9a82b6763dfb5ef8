/** The sending and the receiving process as they really run, and sockets that listen to them or tease them. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Listening, ReceiverProtocol, ReceiverSettings } from '../../egress/receive/messages.js';
import type { SenderProtocol, SenderSettings, SenderStarted } from '../../ingress/send/orders.js';
import { toHex } from '../../shared/core/bytes.js';
import { Child, type ChildOptions } from '../../shared/ops/processes/children.js';
import { frameBytes } from '../../shared/wire/frame.js';
import { newFolder } from './folders.js';
import { LINK, LINK_KEY, SESSION } from './halves.js';

export const HOST = '127.0.0.1';
/** As on a link of MTU 1500. */
export const ETHERNET = { ...LINK, symbolBytes: 1_408, blockSymbols: 4_096, rateBps: 400_000_000 };

const sockets: Socket[] = [];
const children: Child<never>[] = [];

export async function stopAll(): Promise<void> {
  await Promise.all(children.splice(0).map((child) => child.stop(2_000)));
  for (const socket of sockets.splice(0)) socket.close();
}

export interface Heard {
  datagram: Buffer;
  atMs: number;
}

/** A bound socket and what it hears. */
export async function listener(): Promise<{ socket: Socket; port: number; heard: Heard[] }> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  sockets.push(socket);
  const heard: Heard[] = [];
  socket.on('message', (datagram) => heard.push({ datagram, atMs: performance.now() }));
  const listening = once(socket, 'listening');
  socket.bind(0, HOST);
  await listening;
  socket.setRecvBufferSize(4 << 20);
  return { socket, port: socket.address().port, heard };
}

export async function startSender(
  settings: Partial<SenderSettings> & { targetPort: number },
  options: Partial<ChildOptions<SenderProtocol>> = {},
): Promise<SenderStarted & { child: Child<SenderProtocol> }> {
  let started!: SenderStarted;
  const child = new Child<SenderProtocol>({
    name: 'sending',
    module: new URL('../../ingress/send/process.js', import.meta.url),
    onStart: async (voice) => {
      started = await voice.ask('start', {
        targetHost: HOST,
        sourceHost: HOST,
        sourcePort: 0,
        transport: 'auto',
        linkKey: toHex(LINK_KEY),
        session: SESSION,
        parameters: ETHERNET,
        repairFloor: 16,
        edgePadding: 8,
        closingDelayMs: 50,
        guardSymbols: 100,
        claims: {},
        paused: false,
        ...settings,
      });
    },
    restart: false,
    ...options,
  });
  children.push(child as never);
  await child.start();
  return { child, ...started };
}

export async function startReceiver(
  settings: Partial<ReceiverSettings> = {},
  onEvent: NonNullable<ChildOptions<ReceiverProtocol>['onEvent']> = {},
  options: Partial<ChildOptions<ReceiverProtocol>> = {},
): Promise<Listening & { child: Child<ReceiverProtocol>; spoolDir: string }> {
  const spoolDir = settings.spoolDir ?? newFolder();
  let listening!: Listening;
  const child = new Child<ReceiverProtocol>({
    name: 'receiving',
    module: new URL('../../egress/receive/process.js', import.meta.url),
    onStart: async (voice) => {
      listening = await voice.ask('start', {
        host: HOST,
        port: 0,
        transport: 'auto',
        linkKey: toHex(LINK_KEY),
        frameMaxBytes: frameBytes(ETHERNET.symbolBytes),
        receiveBufferBytes: 8 << 20,
        spoolDir,
        assemblyBytes: 96 << 20,
        orphanBytes: 64 << 20,
        decoders: 1,
        ...settings,
      });
    },
    onEvent,
    restart: false,
    ...options,
  });
  children.push(child as never);
  await child.start();
  return { child, ...listening, spoolDir };
}

/** Waits until something holds, and says where it never did. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 8_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`never came true: ${holds}`);
    await sleep(5);
  }
}
