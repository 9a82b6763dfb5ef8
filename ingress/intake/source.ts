/** An open file of a share that must stay what it was while it is copied. */
import * as nodeFs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { type Directory, errnoOf, type FileSystem, isNoFolder } from '../../shared/ops/files/directories.js';
import { type Identity, identityOf, sameIdentity } from './identity.js';
import { refusalOf } from './share.js';

/** Opens it through its folder; a link is never followed. Throws as takeSnapshot() says. */
export function openSource(directory: Directory, name: Buffer): number {
  try {
    // O_NONBLOCK: a pipe put there in the last moment must not stop the gateway.
    return directory.openFile(name, nodeFs.constants.O_RDONLY | (nodeFs.constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') throw new SluiceError('INTAKE_VANISHED', '');
    if (errno === 'EAGAIN' || errno === 'ETXTBSY')
      throw new SluiceError('INTAKE_UNSTABLE', 'Another program holds it.');
    if (errno === 'ENXIO') throw new SluiceError('INTAKE_NOT_REGULAR', 'It is a socket or a pipe.');
    if (isNoFolder(error)) throw new SluiceError('INTAKE_UNSTABLE', 'It has become a link.');
    if (!errno) throw error;
    throw new SluiceError('INTAKE_UNREADABLE', `Opening it gives ${errno}.`, { cause: error });
  }
}

export class Source {
  constructor(
    private readonly fs: FileSystem,
    private readonly fd: number,
    readonly expected: Identity,
  ) {}

  requireSame(): void {
    const stat = reading(() => this.fs.fstatSync(this.fd, { bigint: true }));
    // Another identity first: what it has become is judged when that has been stable for a while.
    if (!sameIdentity(identityOf(stat), this.expected)) throw new SluiceError('INTAKE_UNSTABLE', '');
    const refusal = refusalOf(stat);
    if (refusal) throw new SluiceError(refusal.code, refusal.detail);
  }

  /** Fills `bytes` from `position`. */
  read(bytes: Buffer, position: number): void {
    for (let at = 0; at < bytes.length; ) {
      const got = reading(() => this.fs.readSync(this.fd, bytes, at, bytes.length - at, position + at));
      if (got === 0) throw new SluiceError('INTAKE_UNSTABLE', 'It became shorter while it was read.');
      at += got;
    }
  }
}

/** A share on a network can fail at any call: that is about this file, never about intake as a whole. */
function reading<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const errno = errnoOf(error);
    if (!errno) throw error;
    throw new SluiceError('INTAKE_UNREADABLE', `Reading it gives ${errno}.`, { cause: error });
  }
}
