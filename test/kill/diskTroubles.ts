/** Small file systems of a test's own that run full, of bytes or of inodes, while a side works on them (FAULTS 49). */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { SluiceError } from '../../shared/core/errors.js';
import { pause } from '../support/cli.js';

const MiB = 1024 * 1024;
const SIZE_BYTES = 512 * MiB;
const INODES = 100_000;
const TRIES = 20;
/** How long a disk stays full. */
const LASTS_MS = 3_000;

export class SmallDisk {
  private constructor(readonly path: string) {}

  /** Mounted in a new folder; undefined where mounting is not allowed. */
  static mount(path: string): SmallDisk | undefined {
    fs.mkdirSync(path, { recursive: true });
    try {
      const options = `size=${SIZE_BYTES},nr_inodes=${INODES},mode=700`;
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    return new SmallDisk(path);
  }

  /** What is there stays; nothing more fits. */
  async runFull(): Promise<void> {
    await this.narrow(({ blocks, bfree, bsize }) => `size=${(blocks - bfree) * bsize}`, `size=${SIZE_BYTES}`);
  }

  async runOutOfInodes(): Promise<void> {
    await this.narrow(({ files, ffree }) => `nr_inodes=${files - ffree}`, `nr_inodes=${INODES}`);
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.path]);
  }

  private async narrow(tight: (now: fs.StatsFs) => string, wide: string): Promise<void> {
    // Between the look and the remount something may have been written: then it is refused, and looked at again.
    for (let tries = 0; !this.remount(tight(fs.statfsSync(this.path))); tries++) {
      if (tries === TRIES) throw new SluiceError('INTERNAL', `${this.path} cannot be narrowed.`);
    }
    await pause(LASTS_MS);
    this.remount(wide);
  }

  private remount(option: string): boolean {
    try {
      execFileSync('mount', ['-o', `remount,${option}`, this.path], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }
}
