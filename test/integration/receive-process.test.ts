/** The receiving process as it runs, with the sending process and the simulated link in front of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { ReceiverProtocol } from '../../egress/receive/messages.js';
import { codeOf } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { Prng } from '../../shared/core/prng.js';
import { runSimulator, type Simulator } from '../../shared/link/simulator.js';
import type { Child } from '../../shared/ops/processes/children.js';
import { PAYLOAD_OFFSET } from '../../shared/wire/frame.js';
import { removeFolders } from '../support/folders.js';
import { forged, headerOf, LowHalf, newParcel, type Parcel, SESSION } from '../support/halves.js';
import { ETHERNET, HOST, listener, startReceiver, startSender, stopAll, until } from '../support/processes.js';
import { sendingEnd, stopEnds } from '../support/transports.js';

/** A receiver whose supervisor knows every parcel's manifest as soon as its envelope has come. */
async function receiverOf(
  parcels: Parcel[],
  settings: Parameters<typeof startReceiver>[0] = {},
  onEvent: Parameters<typeof startReceiver>[1] = {},
) {
  const assembled: string[] = [];
  const envelopes = new Map<string, Uint8Array>();
  const receiver = await startReceiver(settings, {
    envelope: ({ object, bytes }) => {
      envelopes.set(object, bytes);
      const parcel = parcels.find(({ order }) => order.envelope === object);
      if (parcel) receiver.child.tell('expect', parcel.coding);
    },
    assembled: ({ object }) => assembled.push(object),
    ...onEvent,
  });
  const bytesOf = ({ order }: Parcel) => readFileSync(join(receiver.spoolDir, order.object, 'data'));
  return { ...receiver, assembled, envelopes, bytesOf };
}
/** Places in a frame (shared/wire/frame.ts). */
const OFFSETS = { objectLow: 15, symbols: 24, blockSymbols: 29 };
const residentBytes = (child: Child<ReceiverProtocol>): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) * 1_024;
const counters = (child: Child<ReceiverProtocol>) => child.ask('counters', null);

for (const transport of ['batched', 'dgram'] as const) {
  describe(`receive process, ${transport}`, () => {
    const simulators: Simulator[] = [];
    afterEach(async () => {
      await stopEnds();
      await stopAll();
      for (const simulator of simulators.splice(0)) await simulator.stop();
      removeFolders();
    });

    it('FAULTS 15: a payload and its envelope through 7 % loss, duplicates and reordering: assembled and identical', async () => {
      const parameters = { ...ETHERNET, rateBps: 150_000_000 };
      const parcels = [
        await newParcel(1, 4_000_000, { parameters, envelopeBytes: 9_000 }),
        await newParcel(2, 30_000, { parameters }),
      ];
      const high = await receiverOf(parcels, { transport });
      const link = await runSimulator({
        seed: 5,
        loss: 0.07,
        duplicate: 0.01,
        reorder: 50,
        targetHost: HOST,
        targetPort: high.port,
      });
      simulators.push(link);
      const { child: low } = await startSender({ targetPort: link.inputPort, parameters, transport });
      await Promise.all(parcels.map(({ order }) => low.ask('send', order)));
      await until(() => high.assembled.length === 2);
      for (const parcel of parcels) {
        expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
        expect(high.envelopes.get(parcel.order.envelope)).to.deep.equal(parcel.envelope);
      }
      await until(async () => (await counters(high.child)).assembly.blocksDecoded > 0);
      const { assembly, ringDrops, oversize, empty } = await counters(high.child);
      expect({ ringDrops, oversize, empty }).to.deep.equal({ ringDrops: 0, oversize: 0, empty: 0 });
      expect(assembly).to.include({ blocksBad: 0, badTag: 0, conflicting: 0, noRoom: 0 });
      expect(assembly.framesLost / assembly.framesExpected).to.be.within(0.05, 0.1);
      expect(residentBytes(high.child)).to.be.lessThan(400e6);
    });

    it('FAULTS 1, 2, 3: garbage, empty and oversize datagrams and forged frames cost counters only', async () => {
      const parcel = await newParcel(3, 200_000, { parameters: ETHERNET });
      const high = await receiverOf([parcel], { transport });
      const { socket } = await listener();
      const prng = new Prng(6);
      const forged = Buffer.from(new LowHalf({ parameters: ETHERNET }).payload(parcel).frames[0]!);
      forged[100]! ^= 1;
      const before = residentBytes(high.child);
      const kinds: [string, Buffer][] = [
        ['empty', Buffer.alloc(0)],
        ['oversize', Buffer.alloc(60_000, 1)],
        ['oversize', Buffer.alloc(1_473, 1)],
        ['badLength', Buffer.from(prng.fill(new Uint8Array(700)))],
        ['badLayout', Buffer.from(prng.fill(new Uint8Array(1_472)))],
        ['badTag', forged],
      ];
      const rounds = 1_500;
      for (let round = 0; round < rounds; round++) {
        for (const [, datagram] of kinds) socket.send(datagram, high.port, HOST);
        if (round % 50 === 49) await sleep(2);
      }
      await until(async () => {
        const { datagrams, kernelDrops = 0, oversize, empty, ringDrops, assembly } = await counters(high.child);
        const { badLength, badLayout, badTag } = assembly;
        const counted = oversize + empty + ringDrops + badLength + badLayout + badTag;
        return datagrams + kernelDrops === rounds * kinds.length && counted === datagrams;
      });
      const { oversize, empty, assembly } = await counters(high.child);
      const { badLength, badLayout, badTag } = assembly;
      for (const count of [oversize, empty, badLength, badLayout, badTag]) expect(count).to.be.greaterThan(0);
      expect(assembly).to.include({ accepted: 0, memoryBytes: 0, framesExpected: 0 });
      expect(assembly.silentMs).to.equal(undefined);
      expect(residentBytes(high.child) - before).to.be.lessThan(150e6);
      // And it works as if nothing had been.
      const { child: low } = await startSender({ targetPort: high.port, transport });
      await low.ask('send', parcel.order);
      await until(() => high.assembled.length === 1);
      expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
    });

    it('FAULTS 56: what the kernel drops while the process stands still is counted, and nothing else is lost', async () => {
      const high = await receiverOf([], { transport, receiveBufferBytes: 65_536 });
      const { socket } = await listener();
      const frames = new LowHalf({ parameters: ETHERNET }).padding(2_000);
      process.kill(high.child.pid!, 'SIGSTOP');
      try {
        for (const [n, frame] of frames.entries()) {
          socket.send(frame, high.port, HOST);
          if (n % 200 === 199) await sleep(1);
        }
      } finally {
        process.kill(high.child.pid!, 'SIGCONT');
      }
      await until(async () => {
        const { datagrams, kernelDrops = 0, assembly } = await counters(high.child);
        return datagrams + kernelDrops === frames.length && assembly.padding === datagrams;
      });
      const { kernelDrops } = await counters(high.child);
      expect(kernelDrops).to.be.greaterThan(1_000);
    });

    it('FAULTS 10, 13, 14, 16: authentic frames that lie cost counters; the payload among them arrives', async () => {
      const parameters = { ...ETHERNET, blockSymbols: 256 };
      const parcel = await newParcel(9, 500_000, { parameters });
      const bad: number[] = [];
      const high = await receiverOf([], { transport, orphanBytes: 2 << 20 }, { badBlock: ({ sbn }) => bad.push(sbn) });
      const low = await sendingEnd(transport, high.port);
      const half = new LowHalf({ parameters, repairFloor: 30 });
      const { frames, repairNext } = half.payload(parcel);
      const change = (frame: Buffer, ...values: [at: number, value: number][]) =>
        forged(frame, (bytes) => {
          for (const [at, value] of values) new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true);
        });
      high.child.tell('expect', parcel.coding);
      // One symbol of the first block is not what was sealed, under a tag that holds.
      const spoilt = forged(frames[0]!, (bytes) => {
        bytes[PAYLOAD_OFFSET + 700]! ^= 1;
      });
      await low.send([spoilt]);
      const { symbols, blockSymbols, objectLow } = OFFSETS;
      for (const [n, frame] of frames.entries()) {
        const some = n === 0 ? [] : [frame];
        // Payloads nobody announced, and a header that would reserve gigabytes.
        some.push(change(frame, [objectLow, n]), change(frame, [symbols, 0x3fff_ffff], [blockSymbols, 0xffff_ffff]));
        await low.send(some);
        if (n % 50 === 49) await sleep(2);
      }
      await until(async () => {
        const { datagrams, kernelDrops = 0, ringDrops, assembly } = await counters(high.child);
        expect({ kernelDrops, ringDrops }).to.deep.equal({ kernelDrops: 0, ringDrops: 0 });
        return datagrams === low.socket.framesSent && assembly.badParameters === frames.length;
      });
      await until(() => bad.length === 1);
      const { assembly } = await counters(high.child);
      expect(assembly.orphansDropped).to.be.at.least(frames.length - LIMITS.orphanPayloads);
      expect(assembly.memoryBytes).to.be.at.most((2 << 20) + 2 * 256 * 1_408 * 2);
      expect(high.assembled).to.deep.equal([]);
      // Other repair completes the block whose symbols were all discarded.
      await low.send(half.payload(parcel, repairNext).frames);
      await until(() => high.assembled.length === 1);
      expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
    });

    it('FAULTS 5: is told which sessions have ended, what to forget and what to park', async () => {
      const parcel = await newParcel(7, 60_000, { parameters: ETHERNET });
      const high = await receiverOf([], { transport });
      const { socket } = await listener();
      const send = (frames: Buffer[]) => {
        for (const frame of frames) socket.send(frame, high.port, HOST);
      };
      const [old, now] = [SESSION, '0011223300000001'].map((session) => new LowHalf({ parameters: ETHERNET }, session));
      const { object } = parcel.order;
      high.child.tell('endSession', { session: Number.parseInt(SESSION.slice(8), 16) });
      high.child.tell('expect', parcel.coding);
      send(old!.payload(parcel).frames);
      await until(async () => (await counters(high.child)).assembly.endedSession > 40);
      const { frames } = now!.payload(parcel);
      send(frames.slice(0, 20));
      await until(async () => (await counters(high.child)).assembly.accepted === 20);
      expect((await counters(high.child)).quietMs).to.have.keys(object);
      high.child.tell('park', { object });
      await until(async () => (await counters(high.child)).assembly.memoryBytes === 0);
      send(frames.slice(20));
      await until(() => high.assembled.length === 1);
      expect(high.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
      high.child.tell('forget', { object, remove: true });
      send(frames);
      await until(async () => (await counters(high.child)).assembly.late >= frames.length);
      expect(() => high.bytesOf(parcel)).to.throw('ENOENT');
    });

    it('FAULTS 51: killed in the middle and started again on its spool, it needs only what it had not finished', async () => {
      const parameters = { ...ETHERNET, blockSymbols: 256 };
      const parcel = await newParcel(8, 2_000_000, { parameters });
      const first = await receiverOf([], { transport });
      const { socket } = await listener();
      const { frames } = new LowHalf({ parameters, repairFloor: 30 }).payload(parcel);
      const send = async (port: number, some: Buffer[]) => {
        for (const [n, frame] of some.entries()) {
          socket.send(frame, port, HOST);
          if (n % 100 === 99) await sleep(2);
        }
      };
      first.child.tell('expect', parcel.coding);
      const half = frames.filter((frame) => headerOf(frame).sbn < 4);
      await send(first.port, half);
      await until(async () => (await counters(first.child)).assembly.blocksPlain === 4);
      first.child.kill();
      const second = await receiverOf([], { transport, spoolDir: first.spoolDir });
      second.child.tell('expect', parcel.coding);
      await send(second.port, frames.slice(half.length));
      await until(() => second.assembled.length === 1);
      expect(second.bytesOf(parcel).equals(parcel.bytes)).to.equal(true);
    });

    it('a port that is taken is said in the words of the configuration', async () => {
      const { port } = await listener();
      const failed = await startReceiver({ port, transport }).then(
        () => 'started',
        (error) => [codeOf(error), error.detail],
      );
      expect(failed[0]).to.equal('CONFIG_INVALID');
      expect(failed[1]).to.include(`${HOST}:${port}`);
    });
  });
}
