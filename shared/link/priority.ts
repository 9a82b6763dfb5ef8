/** Scheduling priority of the calling thread (Linux counts threads one by one, so each asks for itself). */
import { setPriority } from 'node:os';

/** Threads that drain a socket: what they do not read in time is lost. Needs CAP_SYS_NICE. */
export const URGENT = -10;
/**
 * A low side on the machine of its high side, as in a demo or a benchmark: of the two the sender is the one that can
 * wait. At this niceness it never takes from the link and the receiver the time they need to keep up with it.
 */
export const BESIDE_ITS_RECEIVER = 10;

/** Answers whether the system agreed; where it does not, everything works, with less room for a busy machine. */
export function askPriority(niceness: number): boolean {
  try {
    setPriority(0, niceness);
    return true;
  } catch {
    return false;
  }
}
