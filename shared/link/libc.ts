/**
 * The system's own calls on UDP sockets, through koffi: what both ends of the link need beyond node:dgram. Nothing here
 * sends or receives; each side declares the one call of its own direction (ingress/send/batchSender.ts,
 * egress/receive/batchReceiver.ts). Linux on 64-bit little-endian machines; whoever cannot have it uses dgram.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { SluiceError, wordsOf } from '../core/errors.js';

/** A C function: integers and buffers in, an integer out. */
export type NativeCall = (...args: (number | string | Uint8Array | null)[]) => number;

/** Calls answer -1 when they are refused; `errno` then says why. An object of functions, so that a test can refuse any. */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, bytes: number): number;
  getsockname(fd: number, address: Uint8Array, bytes: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, bytes: number): number;
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, bytes: Uint8Array): number;
  inet_pton(family: number, text: string, out: Uint8Array): number;
  close(fd: number): number;
  /** Binds another function of the C library, by its declaration. @throws when there is none */
  declare(definition: string): NativeCall;
  /** Name of the last error ("EPERM"). */
  errno(): string;
  /** Where the bytes lie. They must lie outside the collector's heap and be kept referenced as long as this is used. */
  address(bytes: Uint8Array): number;
}

export type LibcLoader = () => Promise<Libc>;

/** Constants of Linux, the same on every architecture named here. */
const ARCHITECTURES = ['x64', 'arm64', 'riscv64', 'loong64'];
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const SOL_SOCKET = 1;
export const SOL_UDP = 17;

/** @throws SluiceError TRANSPORT_FALLBACK where there is no such library, with words that say why. */
export async function loadLibc(): Promise<Libc> {
  if (process.platform !== 'linux') throw refused(`there are no such calls on ${process.platform}`);
  if (!ARCHITECTURES.includes(process.arch)) throw refused(`their layout on ${process.arch} is not known`);
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(null);
    const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
    const declare = (definition: string) => library.func(definition) as NativeCall;
    return {
      socket: declare('int socket(int, int, int)'),
      bind: declare('int bind(int, void *, uint)'),
      getsockname: declare('int getsockname(int, void *, void *)'),
      setsockopt: declare('int setsockopt(int, int, int, void *, uint)'),
      getsockopt: declare('int getsockopt(int, int, int, void *, void *)'),
      inet_pton: declare('int inet_pton(int, const char *, void *)'),
      close: declare('int close(int)'),
      declare,
      errno: () => {
        const number = koffi.errno();
        return names.get(number) ?? `error ${number}`;
      },
      // Addresses of user space have 47 bits: a number holds them exactly.
      address: (bytes) => Number(koffi.address(bytes)),
    };
  } catch (error) {
    throw refused(`koffi cannot be loaded: ${wordsOf(error).split('\n')[0]}`);
  }
}

export const refused = (words: string): SluiceError => new SluiceError('TRANSPORT_FALLBACK', words);

/** An IP address and port as the system takes them. @throws SluiceError TRANSPORT_FALLBACK for what is no plain address */
export function socketAddress(libc: Libc, host: string, port: number): Uint8Array {
  const version = isIPv4(host) ? 4 : isIPv6(host) && !host.includes('%') ? 6 : undefined;
  if (version === undefined) throw refused(`"${host}" is no plain address`);
  const bytes = Buffer.alloc(version === 4 ? 16 : 28);
  bytes.writeUInt16LE(version === 4 ? AF_INET : AF_INET6, 0);
  bytes.writeUInt16BE(port, 2);
  if (libc.inet_pton(bytes.readUInt16LE(0), host, bytes.subarray(version === 4 ? 4 : 8)) !== 1) {
    throw refused(`inet_pton: "${host}" is no address`);
  }
  return bytes;
}

/** An option of a socket that must be granted, or the socket is none. */
export interface WantedOption {
  name: string;
  level: number;
  option: number;
  /** A number, or the bytes of what is no number. */
  value: number | Uint8Array;
}

/**
 * Opens a UDP socket and binds it. A batched socket is all or nothing: whatever is refused, nothing stays open.
 * @throws SluiceError TRANSPORT_FALLBACK, with the name of what was refused
 */
export function openUdp(libc: Libc, host: string, port: number, wanted: readonly WantedOption[]): number {
  const address = socketAddress(libc, host, port);
  const family = address.length === 16 ? AF_INET : AF_INET6;
  const fd = libc.socket(family, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw refused(`socket: ${libc.errno()}`);
  try {
    for (const option of wanted) {
      if (!setOption(libc, fd, option)) throw refused(`${option.name}: ${libc.errno()}`);
    }
    if (libc.bind(fd, address, address.length) !== 0) throw refused(`bind: ${libc.errno()}`);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Whether the system granted it. */
export function setOption(libc: Libc, fd: number, { level, option, value }: Omit<WantedOption, 'name'>): boolean {
  const bytes = typeof value === 'number' ? int(value) : value;
  return libc.setsockopt(fd, level, option, bytes, bytes.length) === 0;
}

/** The port a bound socket has. */
export function boundPort(libc: Libc, fd: number): number {
  const address = Buffer.alloc(28);
  if (libc.getsockname(fd, address, int(address.length)) !== 0) throw refused(`getsockname: ${libc.errno()}`);
  return address.readUInt16BE(2);
}

const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;

/** A call that receives ends after this time without a datagram, so that its thread can look up. */
export function receiveTimeout(timeoutMs: number): WantedOption {
  const timeval = Buffer.alloc(16);
  timeval.writeBigInt64LE(BigInt(Math.floor(timeoutMs / 1000)), 0);
  timeval.writeBigInt64LE(BigInt((timeoutMs % 1000) * 1000), 8);
  return { name: 'SO_RCVTIMEO', level: SOL_SOCKET, option: SO_RCVTIMEO, value: timeval };
}

/**
 * Asks for a buffer: beyond the system's limit where this process may (CAP_NET_ADMIN), else up to it. Answers what was
 * given, as the system counts (Linux: twice what was asked for, its own bookkeeping included).
 */
export function growBuffer(libc: Libc, fd: number, which: 'receive' | 'send', bytes: number): number {
  const [forced, plain] = which === 'receive' ? [SO_RCVBUFFORCE, SO_RCVBUF] : [SO_SNDBUFFORCE, SO_SNDBUF];
  // What is refused here costs nothing but room.
  if (!setOption(libc, fd, { level: SOL_SOCKET, option: forced, value: bytes })) {
    setOption(libc, fd, { level: SOL_SOCKET, option: plain, value: bytes });
  }
  const value = int(0);
  return libc.getsockopt(fd, SOL_SOCKET, plain, value, int(value.length)) === 0 ? value.readInt32LE(0) : 0;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
