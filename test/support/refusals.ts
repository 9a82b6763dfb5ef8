/** The C library of a system that refuses some of what it is asked: an old kernel, a container, a seccomp filter. */
import { type Libc, type LibcLoader, loadLibc, type NativeCall, refused } from '../../shared/link/libc.js';

/** Options by number, as the system knows them. */
const OPTIONS = { UDP_SEGMENT: 103, UDP_GRO: 104, SO_RCVTIMEO: 20, SO_RCVBUFFORCE: 33, SO_SNDBUFFORCE: 32 };
type Call = 'socket' | 'bind' | 'inet_pton' | 'getsockname' | 'sendmmsg' | 'recvmmsg';

export interface Refusal {
  /** The option or call that is refused; `koffi` is missing altogether, `sending` fails from the first message on. */
  what: keyof typeof OPTIONS | Call | 'koffi' | 'sending' | 'no sendmmsg' | 'no recvmmsg';
  errno: string;
}

export const refusing =
  (refusals: readonly Refusal[]): LibcLoader =>
  async () => {
    const of = (what: Refusal['what']) => refusals.find((refusal) => refusal.what === what)?.errno;
    if (of('koffi')) throw refused(`koffi cannot be loaded: ${of('koffi')}`);
    const libc = await loadLibc();
    let failed: string | undefined;
    const fail = (errno: string): number => {
      failed = errno;
      return -1;
    };
    /** What really happens is told by the system itself. */
    const heard =
      <Args extends unknown[]>(real: (...args: Args) => number) =>
      (...args: Args): number => {
        failed = undefined;
        return real(...args);
      };
    const call = <Args extends unknown[]>(what: Call, real: (...args: Args) => number) => {
      const errno = of(what);
      return errno === undefined ? heard(real) : () => fail(errno);
    };
    const declare = (definition: string): NativeCall => {
      const name = /(\w+)\(/.exec(definition)![1] as 'sendmmsg' | 'recvmmsg';
      if (of(`no ${name}`)) throw new Error(`undefined symbol: ${name}`);
      const real = call(name, libc.declare(definition));
      const sending = of('sending');
      if (sending === undefined || name !== 'sendmmsg') return real;
      // The call for nothing passes: only what is really sent is refused.
      return (...args) => (args[2] === 0 ? real(...args) : fail(sending));
    };
    const changed: Partial<Libc> = {
      socket: call('socket', libc.socket),
      bind: call('bind', libc.bind),
      getsockname: call('getsockname', libc.getsockname),
      inet_pton: call('inet_pton', libc.inet_pton),
      setsockopt: (fd, level, option, value, bytes) => {
        const name = (Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]).find((one) => OPTIONS[one] === option);
        const errno = name && of(name);
        return errno ? fail(errno) : libc.setsockopt(fd, level, option, value, bytes);
      },
      declare,
      errno: () => {
        const errno = failed ?? libc.errno();
        failed = undefined;
        return errno;
      },
    };
    return { ...libc, ...changed };
  };
