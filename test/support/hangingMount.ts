/** A file system that hangs as a network share does whose server is gone: every call on it blocks, not even SIGKILL ends it. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';

export interface HangingMount {
  /** Calls that hang fail, as on a share that was taken away; what lies below the mount is there again. */
  end(): void;
}

/** Mounts one over a folder: FUSE, with nobody who answers. Undefined where that is not allowed. */
export function hangAt(path: string): HangingMount | undefined {
  let device: number;
  try {
    device = fs.openSync('/dev/fuse', 'r+');
  } catch {
    return undefined;
  }
  try {
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
    execFileSync('mount', ['-i', '-t', 'fuse', '-o', options, 'hangs', path], {
      stdio: ['ignore', 'ignore', 'ignore', device],
      timeout: 10_000,
    });
  } catch {
    fs.closeSync(device);
    return undefined;
  }
  let isOver = false;
  return {
    end: () => {
      if (isOver) return;
      isOver = true;
      // Out of the tree first, so that who tries again finds the folder below it.
      execFileSync('umount', ['-l', path]);
      fs.closeSync(device);
    },
  };
}
