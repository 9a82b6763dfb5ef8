/**
 * Many frames to a call: `sendmmsg` with UDP_SEGMENT, which takes up to 64 KB that lie together as one message and lets
 * the system cut it into datagrams of one frame each. The frames are sent from where the encoder wrote them; when the
 * call returns, the system has copied them.
 */
import { LIMITS } from '../../shared/core/limits.js';
import { growBuffer, type Libc, openUdp, refused, SOL_UDP, setOption, socketAddress } from '../../shared/link/libc.js';
import { MessageTable } from '../../shared/link/messageTable.js';

const UDP_SEGMENT = 103;
/** Datagrams of one message at most, in every kernel that has UDP_SEGMENT. */
const MESSAGE_MAX_FRAMES = 64;
/** Messages of one call: some 4 MB. */
const MESSAGES = 64;

/** No room at the moment, or interrupted: the same again a little later. */
const LATER = ['EAGAIN', 'ENOBUFS', 'ENOMEM', 'EINTR'];
/** What this way of sending is refused with, where single datagrams may well pass. */
const REFUSED = ['EIO', 'EMSGSIZE', 'EINVAL', 'ENOSYS', 'EOPNOTSUPP', 'ENOPROTOOPT', 'EFAULT'];

export class BatchSender {
  /** Messages the system would not take, for reasons of the network. Their frames are lost like any others. */
  messagesLost = 0;
  private readonly table: MessageTable;
  private readonly framesPerMessage: number;
  private readonly memoryAt: number;

  private constructor(
    private readonly libc: Libc,
    readonly fd: number,
    private readonly sendmmsg: (fd: number, table: Uint8Array, messages: number, flags: number) => number,
    target: Uint8Array,
    /** Where the frames lie. Kept here, so that it stays. */
    readonly memory: Uint8Array,
    private readonly frameBytes: number,
  ) {
    this.table = new MessageTable(libc, MESSAGES, target);
    this.framesPerMessage = Math.min(MESSAGE_MAX_FRAMES, Math.floor(LIMITS.datagramMaxBytes / frameBytes));
    this.memoryAt = libc.address(memory);
  }

  /** @throws SluiceError TRANSPORT_FALLBACK when the system refuses any part of it */
  static open(
    libc: Libc,
    target: { address: string; port: number },
    source: { host: string; port: number },
    sendBufferBytes: number,
    memory: Uint8Array,
    frameBytes: number,
  ): BatchSender {
    const to = socketAddress(libc, target.address, target.port);
    let sendmmsg: BatchSender['sendmmsg'];
    try {
      sendmmsg = libc.declare('int sendmmsg(int, void *, uint, int)');
    } catch {
      throw refused('sendmmsg: the C library has none');
    }
    const cut = { name: 'UDP_SEGMENT', level: SOL_UDP, option: UDP_SEGMENT, value: frameBytes };
    const fd = openUdp(libc, source.host, source.port, [cut]);
    try {
      growBuffer(libc, fd, 'send', sendBufferBytes);
      const sender = new BatchSender(libc, fd, sendmmsg, to, memory, frameBytes);
      // A call for nothing: where the call itself is forbidden, it is refused.
      if (sendmmsg(fd, sender.table.bytes, 0, 0) < 0) throw refused(`sendmmsg: ${libc.errno()}`);
      return sender;
    } catch (error) {
      libc.close(fd);
      throw error;
    }
  }

  /**
   * Sends up to `frames` frames that lie in the memory one after the other from `at`; answers how many are done with.
   * Fewer when there was no room for more at the moment.
   * @throws SluiceError TRANSPORT_FALLBACK when the system will not have them in this form; none of the rest was sent
   */
  send(at: number, frames: number): number {
    const { table, frameBytes, framesPerMessage } = this;
    let messages = 0;
    let given = 0;
    for (; given < frames && messages < MESSAGES; messages++) {
      const count = Math.min(framesPerMessage, frames - given);
      table.set(messages, this.memoryAt + at + given * frameBytes, count * frameBytes);
      given += count;
    }
    const taken = this.sendmmsg(this.fd, table.bytes, messages, 0);
    if (taken >= 0) return Math.min(given, taken * framesPerMessage);
    const why = this.libc.errno();
    if (LATER.includes(why)) return 0;
    if (REFUSED.includes(why)) throw refused(`sendmmsg with UDP_SEGMENT: ${why}`);
    // A network that is down, a filter on this machine: the first message is lost, as the datagrams in it would be.
    this.messagesLost++;
    return Math.min(given, framesPerMessage);
  }

  /** From now on the socket sends each datagram as it is given. */
  endBatches(): void {
    setOption(this.libc, this.fd, { level: SOL_UDP, option: UDP_SEGMENT, value: 0 });
  }
}
