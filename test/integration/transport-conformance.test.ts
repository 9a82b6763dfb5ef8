/**
 * One suite over every way datagrams pass between the gateway and the system: what one transport does the other does
 * too, each sender with each receiver, and whatever the system refuses costs speed and nothing else.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Prng } from '../../shared/core/prng.js';
import type { Transport } from '../../shared/link/transport.js';
import { removeFolders } from '../support/folders.js';
import { newParcel } from '../support/halves.js';
import { OneWayLink } from '../support/oneWayLink.js';
import { ETHERNET, HOST, listener, startReceiver, startSender, stopAll, until } from '../support/processes.js';
import type { Refusal } from '../support/refusals.js';
import { type ReceivingEnd, receivingEnd, sendingEnd, stopEnds } from '../support/transports.js';

const WAYS: Transport[] = ['batched', 'dgram'];

/** Numbered frames of one length with noise in them. */
function numbered(count: number, frameBytes: number, seed = 1): Buffer[] {
  const noise = Buffer.from(new Prng(seed).fill(new Uint8Array(frameBytes)));
  return Array.from({ length: count }, (_, number) => {
    const frame = Buffer.from(noise);
    frame.writeUInt32LE(number, 0);
    return frame;
  });
}

/** In groups that any receive buffer holds. */
async function sendGently(end: { send(frames: Buffer[]): Promise<void> }, to: ReceivingEnd, frames: Buffer[]) {
  const group = Math.max(1, Math.floor(200_000 / frames[0]!.length));
  for (let from = 0; from < frames.length; from += group) {
    await end.send(frames.slice(from, from + group));
    await until(() => to.take() >= Math.min(frames.length, from + group));
  }
}

function expectSame(got: Buffer[], sent: Buffer[]): void {
  expect(got.length).to.equal(sent.length);
  got.forEach((datagram, n) => {
    if (!datagram.equals(sent[n]!)) throw new Error(`datagram ${n} of ${sent.length} is another one`);
  });
}

describe('transport conformance', () => {
  afterEach(async () => {
    await stopEnds();
    await stopAll();
    removeFolders();
  });

  for (const from of WAYS) {
    for (const to of WAYS) {
      for (const frameBytes of [576, 1_472, 8_960, 16_384]) {
        it(`${from} to ${to}: frames of ${frameBytes} bytes arrive whole and in order`, async () => {
          // Small enough for the ring to come round several times.
          const high = await receivingEnd(to, { frameBytes, ringBytes: 512 << 10 });
          const low = await sendingEnd(from, high.port, { frameBytes });
          expect([low.socket.transport, low.socket.fallback]).to.deep.equal([from, undefined]);
          expect([high.transport, high.fallback]).to.deep.equal([to, undefined]);
          const frames = numbered(Math.ceil(1_500_000 / frameBytes), frameBytes);
          await sendGently(low, high, frames);
          expectSame(high.got, frames);
          expect(low.socket.framesSent).to.equal(frames.length);
          expect(low.socket.bytesSent).to.equal(frames.length * frameBytes);
          expect(low.socket.sendErrors).to.equal(0);
          const { datagrams, ringDrops, kernelDrops, oversize } = high.counters();
          expect({ datagrams, ringDrops, kernelDrops, oversize }).to.deep.equal({
            datagrams: frames.length,
            ringDrops: 0,
            kernelDrops: 0,
            oversize: 0,
          });
        });
      }
    }
  }

  for (const way of WAYS) {
    describe(way, () => {
      it('takes frames of a low side with a smaller MTU: shorter than a slot, many together', async () => {
        const high = await receivingEnd(way, { frameBytes: 8_960, ringBytes: 32 << 20 });
        const low = await sendingEnd('batched', high.port, { frameBytes: 576 });
        const frames = numbered(1_000, 576);
        await sendGently(low, high, frames);
        expectSame(high.got, frames);
      });

      it('FAULTS 2: a mixture of lengths, the largest datagram there is among them', async () => {
        const high = await receivingEnd(way, { frameBytes: 65_507, ringBytes: 32 << 20 });
        const { socket } = await listener();
        const prng = new Prng(3);
        const lengths = [65_507, 1, 65_507, ...Array.from({ length: 200 }, () => 1 + prng.below(3_000)), 65_507];
        const sent = lengths.map((length) => Buffer.from(prng.fill(new Uint8Array(length))));
        for (const [n, datagram] of sent.entries()) {
          socket.send(datagram, high.port, HOST);
          await until(() => high.take() > n);
        }
        expectSame(high.got, sent);
      });

      it('FAULTS 2: empty and oversize datagrams are counted, and those between them arrive', async () => {
        const high = await receivingEnd(way);
        const { socket } = await listener();
        const good = numbered(50, 1_472);
        for (const frame of good) {
          socket.send(Buffer.alloc(0), high.port, HOST);
          socket.send(Buffer.alloc(1_473, 1), high.port, HOST);
          socket.send(Buffer.alloc(60_000, 1), high.port, HOST);
          socket.send(frame, high.port, HOST);
        }
        await until(() => high.take() === good.length && high.counters().datagrams === 4 * good.length);
        expectSame(high.got, good);
        expect(high.counters()).to.include({ empty: 50, oversize: 100, ringDrops: 0 });
      });

      it('FAULTS 2: many oversize datagrams that come together are counted one by one', async () => {
        const high = await receivingEnd(way);
        const low = await sendingEnd('batched', high.port, { frameBytes: 1_536 });
        await low.send(numbered(100, 1_536));
        await until(() => high.counters().oversize === 100);
        expect(high.take()).to.equal(0);
      });

      it('stops within 100 ms while it waits for datagrams, and within them while they come', async () => {
        const idle = await receivingEnd(way);
        await sleep(30);
        // 100 ms of the call, and what a busy machine takes to end a thread.
        expect(await idle.stop()).to.be.lessThan(250);
        const busy = await receivingEnd(way);
        const low = await sendingEnd(way, busy.port);
        await low.send(numbered(100, 1_472));
        expect(await busy.stop()).to.be.lessThan(250);
      });

      it('stops while its ring is full', async () => {
        const high = await receivingEnd(way, { ringBytes: 16 * 1_472 });
        const low = await sendingEnd(way, high.port);
        await low.send(numbered(100, 1_472));
        await until(() => high.counters().datagrams >= 16);
        expect(await high.stop()).to.be.lessThan(250);
      });

      it('FAULTS 56: what finds no room is counted, by the kernel or by the ring, and the rest arrives in order', async () => {
        const high = await receivingEnd(way, { ringBytes: 64 * 1_472, receiveBufferBytes: 65_536 });
        // One by one: what the kernel holds together, some kernels count as one when they drop it.
        const low = await sendingEnd('dgram', high.port);
        const frames = numbered(3_000, 1_472);
        await low.send(frames);
        let dropped = 0;
        await until(() => {
          const count = high.take();
          const { ringDrops, kernelDrops } = high.counters();
          dropped = ringDrops + kernelDrops;
          return count + dropped === frames.length;
        });
        expect(dropped).to.be.greaterThan(1_000);
        const numbers = high.got.map((datagram) => datagram.readUInt32LE(0));
        expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
        for (const datagram of high.got) expect(datagram.equals(frames[datagram.readUInt32LE(0)]!)).to.equal(true);
      });

      it('an ICMP refusal does not disturb the sender', async () => {
        const closed = createSocket('udp4').bind(0, HOST);
        await once(closed, 'listening');
        const { port } = closed.address();
        closed.close();
        const low = await sendingEnd(way, port);
        for (let n = 0; n < 20; n++) {
          await low.send(numbered(100, 1_472));
          await sleep(1);
        }
        expect(low.socket.framesSent).to.equal(2_000);
        expect([low.socket.sendErrors, low.arrivals, low.said]).to.deep.equal([0, 0, []]);
      });

      it('FAULTS 62: what arrives at the sending socket is counted and changes nothing', async () => {
        const high = await receivingEnd(way);
        const low = await sendingEnd(way, high.port);
        const { socket } = await listener();
        socket.send('a way back', low.socket.port, HOST);
        socket.send('', low.socket.port, HOST);
        const frames = numbered(100, 1_472);
        await sendGently(low, high, frames);
        await until(() => low.arrivals === 2);
        expectSame(high.got, frames);
      });

      it('works over IPv6 as well', async function () {
        const probe = createSocket('udp6').bind(0, '::1');
        const [event] = await Promise.race([once(probe, 'listening').then(() => ['listening']), once(probe, 'error')]);
        if (event !== 'listening') this.skip();
        const heard: Buffer[] = [];
        probe.on('message', (datagram) => heard.push(datagram));
        try {
          const low = await sendingEnd(way, probe.address().port, { host: '::1' });
          expect(low.socket.transport).to.equal(way);
          const frames = numbered(60, 1_472);
          await low.send(frames);
          await until(() => heard.length === frames.length);
          expectSame(heard, frames);
        } finally {
          probe.close();
        }
      });
    });
  }

  it('batched: what has gathered in the kernel is taken in one call, full messages and odd ones in any order', async () => {
    const frameBytes = 1_472;
    const high = await receivingEnd('batched', { frameBytes, ringBytes: 256 * frameBytes });
    const low = await sendingEnd('batched', high.port);
    const short = await sendingEnd('batched', high.port, { frameBytes: 576 });
    const { socket } = await listener();
    const prng = new Prng(9);
    const sent: Buffer[] = [];
    const remember = (frames: Buffer[]): Buffer[] => {
      for (const frame of frames) frame.writeUInt32LE(sent.push(frame), 4);
      return frames;
    };
    for (let round = 0; round < 12; round++) {
      // Once the ring has no room for a full message the thread waits: what follows lies together in the kernel.
      const before = high.counters().datagrams;
      await low.send(remember(numbered(256, frameBytes, round)));
      await until(() => high.counters().datagrams >= before + 256 - 44);
      for (let n = 0; n < 7; n++) {
        const kind = prng.below(6);
        if (kind === 0) await short.send(remember(numbered(1 + prng.below(30), 576)));
        else if (kind === 1) socket.send(remember([Buffer.alloc(8 + prng.below(1_400), n)])[0]!, high.port, HOST);
        else await low.send(remember(numbered(1 + prng.below(44), frameBytes, n)));
        socket.send(Buffer.alloc(n % 2 === 0 ? 0 : 3_000), high.port, HOST);
      }
      await until(() => high.take() >= sent.length);
    }
    expectSame(high.got, sent);
    expect(high.counters()).to.include({ empty: 48, oversize: 36, ringDrops: 0, kernelDrops: 0 });
  });

  describe('a system that refuses', () => {
    const refusals = (names: Refusal['what'][], errno = 'EPERM') => names.map((what): Refusal[] => [{ what, errno }]);

    for (const refused of [
      ...refusals(['UDP_SEGMENT'], 'ENOPROTOOPT'),
      ...refusals(['socket', 'bind', 'inet_pton', 'sendmmsg']),
      ...refusals(['sendmmsg'], 'ENOSYS'),
      ...refusals(['no sendmmsg', 'koffi'], 'missing'),
    ]) {
      const [{ what, errno }] = refused as [Refusal];
      it(`${what} (${errno}): the sender falls back, says why, and sends`, async () => {
        const high = await receivingEnd('auto');
        const low = await sendingEnd('batched', high.port, { refusals: refused });
        expect(low.socket.transport).to.equal('dgram');
        expect(low.socket.fallback).to.match(/^Datagrams pass one by one \(dgram\): .*\.$/);
        expect(low.socket.fallback).to.include(what.replace('no ', ''));
        const frames = numbered(200, 1_472);
        await sendGently(low, high, frames);
        expectSame(high.got, frames);
        expect(low.said).to.deep.equal([]);
      });
    }

    for (const errno of ['EIO', 'EMSGSIZE', 'EINVAL', 'ENOSYS']) {
      it(`the first batch (${errno}): not a frame is lost, the rest goes one by one, and that is said once`, async () => {
        const high = await receivingEnd('auto');
        const low = await sendingEnd('auto', high.port, { refusals: [{ what: 'sending', errno }] });
        expect(low.socket.transport).to.equal('batched');
        const frames = numbered(300, 1_472);
        await sendGently(low, high, frames);
        expectSame(high.got, frames);
        expect(low.socket.transport).to.equal('dgram');
        expect(low.said).to.deep.equal([`Datagrams pass one by one (dgram): sendmmsg with UDP_SEGMENT: ${errno}.`]);
        expect(low.socket.sendErrors).to.equal(0);
      });
    }

    it('batches because the network is away (ENETUNREACH, EPERM): their frames are lost, and nothing else changes', async () => {
      for (const errno of ['ENETUNREACH', 'EPERM']) {
        const low = await sendingEnd('auto', 9, { refusals: [{ what: 'sending', errno }] });
        await low.send(numbered(88, 1_472));
        expect(low.socket.sendErrors).to.equal(2);
        expect([low.socket.transport, low.socket.framesSent, low.said]).to.deep.equal(['batched', 88, []]);
      }
    });

    it('batches because there is no room at the moment (EAGAIN): they are kept', async () => {
      const low = await sendingEnd('auto', 9, { refusals: [{ what: 'sending', errno: 'EAGAIN' }] });
      expect(low.socket.send(0, 88)).to.equal(0);
      expect([low.socket.transport, low.socket.framesSent, low.socket.sendErrors]).to.deep.equal(['batched', 0, 0]);
    });

    for (const refused of [
      ...refusals(['UDP_GRO'], 'ENOPROTOOPT'),
      ...refusals(['SO_RCVTIMEO', 'socket', 'bind', 'inet_pton', 'getsockname', 'recvmmsg']),
      ...refusals(['recvmmsg'], 'ENOSYS'),
      ...refusals(['no recvmmsg', 'koffi'], 'missing'),
    ]) {
      const [{ what, errno }] = refused as [Refusal];
      it(`${what} (${errno}): the receiver falls back, says why, and receives`, async () => {
        const high = await receivingEnd('batched', { refusals: refused });
        expect(high.transport).to.equal('dgram');
        expect(high.fallback).to.match(/^Datagrams pass one by one \(dgram\): .*\.$/);
        expect(high.fallback).to.include(what.replace('no ', ''));
        const low = await sendingEnd('auto', high.port);
        const frames = numbered(200, 1_472);
        await sendGently(low, high, frames);
        expectSame(high.got, frames);
      });
    }

    it('more buffer than its limit (EPERM): as much as the limit allows, in batches all the same', async () => {
      const unlimited = await receivingEnd('batched', { receiveBufferBytes: 1 << 30 });
      const high = await receivingEnd('batched', {
        receiveBufferBytes: 1 << 30,
        refusals: [{ what: 'SO_RCVBUFFORCE', errno: 'EPERM' }],
      });
      expect([high.transport, high.fallback]).to.deep.equal(['batched', undefined]);
      expect(high.receiveBufferBytes).to.be.greaterThan(65_536);
      expect(unlimited.receiveBufferBytes).to.be.at.least(high.receiveBufferBytes);
    });

    it('a machine without koffi: both processes run on dgram and say why', async () => {
      const execArgv = ['--import', new URL('../support/withoutKoffi.js', import.meta.url).href];
      const parcel = await newParcel(1, 300_000, { parameters: ETHERNET });
      const assembled: string[] = [];
      const high = await startReceiver({}, { assembled: ({ object }) => assembled.push(object) }, { execArgv });
      const low = await startSender({ targetPort: high.port }, { execArgv });
      for (const { transport, fallback } of [high, low]) {
        expect(transport).to.equal('dgram');
        expect(fallback).to.include('koffi cannot be loaded: Cannot find the native koffi module');
      }
      high.child.tell('expect', parcel.coding);
      await low.child.ask('send', parcel.order);
      await until(() => assembled.length === 1);
    });

    it('names instead of addresses are looked up first', async () => {
      const high = await startReceiver({ host: 'localhost' });
      const low = await startSender({ targetHost: 'localhost', sourceHost: 'localhost', targetPort: high.port });
      expect([low.transport, low.fallback, high.transport, high.fallback]).to.deep.equal([
        'batched',
        undefined,
        'batched',
        undefined,
      ]);
    });

    it('dgram is asked for: nothing is tried and nothing is said', async () => {
      const high = await receivingEnd('dgram', { refusals: [{ what: 'koffi', errno: 'missing' }] });
      const low = await sendingEnd('dgram', high.port, { refusals: [{ what: 'koffi', errno: 'missing' }] });
      expect([high.transport, high.fallback]).to.deep.equal(['dgram', undefined]);
      expect([low.socket.transport, low.socket.fallback]).to.deep.equal(['dgram', undefined]);
    });
  });

  describe('a link of a given MTU', () => {
    const link = new OneWayLink();
    before(function () {
      const whyNot = link.make();
      if (whyNot === undefined) return;
      console.log(`    skipped: links of their own need network namespaces, and ${whyNot}`);
      this.skip();
    });
    after(() => link.remove());

    /** Sends frames over a loopback of this MTU and tells how they went and arrived. */
    const through = (mtu: number, frameBytes: number) => {
      const program = fileURLToPath(new URL('../support/mtuProbe.js', import.meta.url));
      const commands = `ip link set lo mtu ${mtu} up && exec "$0" "$@"`;
      const [command, args] = link.within(link.low, 'sh', '-c', commands, process.execPath, program, `${frameBytes}`);
      return JSON.parse(execFileSync(command, args, { encoding: 'utf8' }));
    };

    for (const [mtu, frameBytes] of [
      [1_500, 1_472],
      [9_000, 8_960],
    ] as const) {
      it(`MTU ${mtu}: frames of ${frameBytes} bytes go out in batches`, () => {
        const { transport, said, identical } = through(mtu, frameBytes);
        expect({ transport, said, identical }).to.deep.equal({ transport: 'batched', said: [], identical: true });
      });
    }

    it('MTU 1500 and frames of 8960 bytes: a batch is refused, and single datagrams still arrive', () => {
      const { transport, said, identical } = through(1_500, 8_960);
      expect({ transport, identical }).to.deep.equal({ transport: 'dgram', identical: true });
      expect(said).to.have.length(1);
      expect(said[0]).to.match(/sendmmsg with UDP_SEGMENT: (EMSGSIZE|EINVAL)/);
    });
  });
});
