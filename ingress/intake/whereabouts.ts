/**
 * Which share intake is touching right now, in a small file that outlives a process which hangs: a share that does not
 * answer stops the process that asked, and somebody else must be able to say which one it was.
 */
import * as fs from 'node:fs';

const BYTES = 256;

export class Whereabouts {
  private readonly fd: number;
  private readonly buffer = Buffer.alloc(BYTES);
  private now = '';

  constructor(path: string) {
    this.fd = fs.openSync(path, 'w', 0o600);
    this.write();
  }

  at(tenant: string): void {
    if (tenant === this.now) return;
    this.now = tenant;
    this.write();
  }

  private write(): void {
    this.buffer.fill(0).write(this.now);
    fs.writeSync(this.fd, this.buffer, 0, BYTES, 0);
  }
}

/** The tenant whose share is being touched, '' for none or when that cannot be told. */
export function readWhereabouts(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8').replace(/\0+$/, '');
  } catch {
    return '';
  }
}
