/**
 * Many datagrams to a call: `recvmmsg` with UDP_GRO, where the system hands over up to 64 KB of datagrams of one length
 * as a single message (the last one may be shorter) and names that length in a control message. The thread blocks in
 * the call, for LIMITS.socketBlockMs at most: then it looks whether it shall end.
 */
import { SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import { boundPort, growBuffer, type Libc, openUdp, receiveTimeout, refused, SOL_UDP } from '../../shared/link/libc.js';
import { MessageTable } from '../../shared/link/messageTable.js';
import { type FrameRing, SLOT_SHIFT } from '../../shared/link/ring.js';
import { SocketCounter } from './messages.js';

const UDP_GRO = 104;
/** Return as soon as there is one. */
const MSG_WAITFORONE = 0x10000;
/** Messages of one call at most, and room for each: no message of UDP is longer. */
const MESSAGES = 64;
const MESSAGE_BYTES = 65_536;

/** Nothing came within the timeout, or the call was interrupted. */
const NOTHING = ['EAGAIN', 'EINTR'];
/** A call that is refused with these will be for ever. */
const FATAL = ['EBADF', 'EFAULT', 'EINVAL', 'ENOSYS', 'ENOTSOCK', 'EPERM'];
/** Anything else (no memory, a network that is down) is tried again after this time. */
const TROUBLE_WAIT_MS = 10;

export class BatchReceiver {
  private readonly table: MessageTable;
  /** One message after the other, aligned as the slots of the ring are, for the sake of copying. */
  private readonly area = Buffer.from(
    new SharedArrayBuffer(SLOT_SHIFT + MESSAGES * MESSAGE_BYTES),
    SLOT_SHIFT,
    MESSAGES * MESSAGE_BYTES,
  );
  private readonly sleeper = new Int32Array(new SharedArrayBuffer(4));

  private constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    private readonly recvmmsg: (
      fd: number,
      table: Uint8Array,
      messages: number,
      flags: number,
      timeout: null,
    ) => number,
    readonly port: number,
    readonly receiveBufferBytes: number,
  ) {
    this.table = new MessageTable(libc, MESSAGES);
    const areaAt = libc.address(this.area);
    for (let n = 0; n < MESSAGES; n++) {
      this.table.set(n, areaAt + n * MESSAGE_BYTES, MESSAGE_BYTES);
      this.table.expect(n);
    }
  }

  /** @throws SluiceError TRANSPORT_FALLBACK when the system refuses any part of it */
  static open(libc: Libc, host: string, port: number, receiveBufferBytes: number): BatchReceiver {
    let recvmmsg: BatchReceiver['recvmmsg'];
    try {
      recvmmsg = libc.declare('int recvmmsg(int, void *, uint, int, void *)');
    } catch {
      throw refused('recvmmsg: the C library has none');
    }
    const joined = { name: 'UDP_GRO', level: SOL_UDP, option: UDP_GRO, value: 1 };
    const fd = openUdp(libc, host, port, [joined, receiveTimeout(LIMITS.socketBlockMs)]);
    try {
      const bufferBytes = growBuffer(libc, fd, 'receive', receiveBufferBytes);
      const receiver = new BatchReceiver(libc, fd, recvmmsg, boundPort(libc, fd), bufferBytes);
      // A call for nothing: where the call itself is forbidden, it is refused.
      if (recvmmsg(fd, receiver.table.bytes, 0, 0, null) < 0) throw refused(`recvmmsg: ${libc.errno()}`);
      return receiver;
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  /** Drains the socket into the ring until the word says that it is over, and closes it. @throws SluiceError LINK_SOCKET */
  drain(ring: FrameRing, counters: Uint32Array): void {
    try {
      while (Atomics.load(counters, SocketCounter.stop) === 0) this.receive(ring, counters);
    } finally {
      this.libc.close(this.fd);
    }
  }

  /** One call: blocks until something comes or the timeout is over. */
  private receive(ring: FrameRing, counters: Uint32Array): void {
    const { table } = this;
    // While the ring is full the kernel's buffer is the queue, and what overflows there is counted there.
    if (ring.free() === 0) {
      ring.waitForRoom(LIMITS.socketBlockMs);
      return;
    }
    const room = Math.floor((ring.free() * ring.slotBytes) / MESSAGE_BYTES);
    const got = this.recvmmsg(this.fd, table.bytes, Math.max(1, Math.min(MESSAGES, room)), MSG_WAITFORONE, null);
    if (got < 0) {
      this.judge(this.libc.errno());
      return;
    }
    const batch = { count: 0, free: ring.free() };
    for (let n = 0; n < got; n++) {
      this.take(n, ring, counters, batch);
      table.expect(n);
    }
    if (batch.count > 0) ring.publish(batch.count);
  }

  /** Puts the datagrams of one message into the ring, behind the `count` of this batch that are there already. */
  private take(n: number, ring: FrameRing, counters: Uint32Array, batch: { count: number; free: number }): void {
    const { area, table } = this;
    const length = table.length(n);
    const each = table.control(n, SOL_UDP, UDP_GRO) || length;
    const datagrams = each === 0 ? 1 : Math.ceil(length / each);
    counters[SocketCounter.datagrams]! += datagrams;
    if (length === 0) counters[SocketCounter.empty]!++;
    else if (each > ring.slotBytes || table.isCut(n)) counters[SocketCounter.oversize]! += datagrams;
    else {
      const from = n * MESSAGE_BYTES;
      for (let at = 0; at < length; at += each) {
        if (batch.count >= batch.free) {
          ring.countDrop();
          continue;
        }
        const bytes = Math.min(each, length - at);
        const slot = ring.producerSlot(batch.count++);
        area.copy(ring.bytes, slot * ring.slotBytes, from + at, from + at + bytes);
        ring.setLength(slot, bytes);
      }
    }
  }

  private judge(why: string): void {
    if (NOTHING.includes(why)) return;
    if (FATAL.includes(why)) throw new SluiceError('LINK_SOCKET', `recvmmsg: ${why}`);
    Atomics.wait(this.sleeper, 0, 0, TROUBLE_WAIT_MS);
  }
}
