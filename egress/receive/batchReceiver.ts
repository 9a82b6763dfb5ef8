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
  /** Room for one message after the other, aligned as the slots of the ring are, for the sake of copying. */
  private readonly area = Buffer.from(
    new SharedArrayBuffer(SLOT_SHIFT + MESSAGES * MESSAGE_BYTES),
    SLOT_SHIFT,
    MESSAGES * MESSAGE_BYTES,
  );
  private readonly areaAt: number;
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
    this.areaAt = libc.address(this.area);
    for (let n = 0; n < MESSAGES; n++) this.table.expect(n);
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
    const landing = new Landing(ring, this.table, this.area, this.areaAt, this.libc.address(ring.bytes), counters);
    try {
      while (Atomics.load(counters, SocketCounter.stop) === 0) {
        // While the ring has no room for a message the kernel's buffer is the queue; what overflows there is counted there.
        if (ring.free() < landing.least) ring.waitForRoom(LIMITS.socketBlockMs, landing.least);
        else this.receive(landing);
      }
    } finally {
      this.libc.close(this.fd);
    }
  }

  /** One call: blocks until something comes or the timeout is over. */
  private receive(landing: Landing): void {
    const got = this.recvmmsg(this.fd, this.table.bytes, landing.prepare(), MSG_WAITFORONE, null);
    if (got >= 0) {
      landing.take(got);
      return;
    }
    const why = this.libc.errno();
    if (NOTHING.includes(why)) return;
    if (FATAL.includes(why)) throw new SluiceError('LINK_SOCKET', `recvmmsg: ${why}`);
    Atomics.wait(this.sleeper, 0, 0, TROUBLE_WAIT_MS);
  }
}

/**
 * Where messages land. Each is given as many slots of the ring as a full one fills, so that frames of the link's own
 * length lie in their slots when the call returns: nothing is copied as long as messages are full, and a message behind
 * one that is not is moved up as a whole. What has another length goes through the area, datagram by datagram.
 */
class Landing {
  /** Slots of a message. */
  private readonly share: number;
  /** Slots that must be free for a call to be worth it: a ring may be smaller than a message. */
  readonly least: number;
  /** Whether the messages of this call land in the ring. */
  private inRing = false;
  private count = 0;
  private free = 0;

  constructor(
    private readonly ring: FrameRing,
    private readonly table: MessageTable,
    private readonly area: Buffer,
    private readonly areaAt: number,
    private readonly ringAt: number,
    private readonly counters: Uint32Array,
  ) {
    this.share = Math.max(1, Math.floor(LIMITS.datagramMaxBytes / ring.slotBytes));
    this.least = Math.min(this.share, ring.slots / 2);
    for (let n = 0; n < MESSAGES; n++) {
      // Behind where `stash` puts the beginning.
      const shareBytes = Math.min(MESSAGE_BYTES, this.share * ring.slotBytes);
      table.setRest(n, areaAt + n * MESSAGE_BYTES + shareBytes, MESSAGE_BYTES - shareBytes);
    }
  }

  /** Says where the messages of the next call go, and how many there may be. */
  prepare(): number {
    const { ring, table, share } = this;
    this.count = 0;
    this.free = ring.free();
    const head = ring.producerSlot(0);
    const messages = Math.min(MESSAGES, Math.floor(Math.min(this.free, ring.slots - head) / share));
    const shareBytes = Math.min(MESSAGE_BYTES, share * ring.slotBytes);
    this.inRing = messages > 0;
    if (!this.inRing) table.set(0, this.areaAt, shareBytes);
    for (let n = 0; n < messages; n++) table.set(n, this.ringAt + (head + n * share) * ring.slotBytes, shareBytes);
    return Math.max(1, messages);
  }

  /** Hands the datagrams of the first `got` messages to the ring, in their order. */
  take(got: number): void {
    const { ring, table } = this;
    let n = 0;
    while (this.inRing && n < got && this.takeInPlace(n)) n++;
    if (this.inRing) for (let later = n; later < got; later++) this.stash(later);
    for (; n < got; n++) this.takeApart(n);
    for (let done = 0; done < got; done++) table.expect(done);
    if (this.count > 0) ring.publish(this.count);
  }

  /** A message whose datagrams lie as the slots of the ring do; false when it is another one. */
  private takeInPlace(n: number): boolean {
    const { ring, table, share, counters } = this;
    const { slotBytes } = ring;
    const length = table.length(n);
    const each = table.control(n, SOL_UDP, UDP_GRO) || length;
    if (length === 0 || length > share * slotBytes || (each !== slotBytes && length > each) || each > slotBytes)
      return false;
    const datagrams = Math.ceil(length / each);
    counters[SocketCounter.datagrams]! += datagrams;
    const first = ring.producerSlot(0);
    const from = (first + n * share) * slotBytes;
    const to = (first + this.count) * slotBytes;
    if (from !== to) ring.bytes.copyWithin(to, from, from + length);
    for (let left = length; left > 0; left -= each) {
      ring.setLength(first + this.count++, Math.min(each, left));
    }
    return true;
  }

  /** Takes a message out of the ring, where others may need its place. Its rest is in the area already. */
  private stash(n: number): void {
    const { ring, table, share, area } = this;
    const from = (ring.producerSlot(0) + n * share) * ring.slotBytes;
    const bytes = Math.min(table.length(n), share * ring.slotBytes);
    area.set(ring.bytes.subarray(from, from + bytes), n * MESSAGE_BYTES);
  }

  /** A message in the area: empty, of other lengths, too long, or at the end of the ring. */
  private takeApart(n: number): void {
    const { ring, area, table, counters } = this;
    const length = table.length(n);
    const each = table.control(n, SOL_UDP, UDP_GRO) || length;
    const datagrams = each === 0 ? 1 : Math.ceil(length / each);
    counters[SocketCounter.datagrams]! += datagrams;
    if (length === 0) counters[SocketCounter.empty]!++;
    else if (each > ring.slotBytes || table.isCut(n)) counters[SocketCounter.oversize]! += datagrams;
    else {
      for (let at = n * MESSAGE_BYTES, left = length; left > 0; at += each, left -= each) {
        if (this.count >= this.free) {
          ring.countDrop();
          continue;
        }
        const bytes = Math.min(each, left);
        const slot = ring.producerSlot(this.count++);
        ring.bytes.set(area.subarray(at, at + bytes), slot * ring.slotBytes);
        ring.setLength(slot, bytes);
      }
    }
  }
}
