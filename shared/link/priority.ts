/** Scheduling priority of the calling thread (Linux counts threads one by one, so each asks for itself). */
import { setPriority } from 'node:os';

/** Threads that drain a socket: what they do not read in time is lost. Needs CAP_SYS_NICE. */
export const URGENT = -10;
/** Threads whose work can wait while memory and disk hold it. Always allowed. */
export const PATIENT = 5;

/** Answers whether the system agreed; where it does not, everything works, with less room for a busy machine. */
export function askPriority(niceness: number): boolean {
  try {
    setPriority(0, niceness);
    return true;
  } catch {
    return false;
  }
}
