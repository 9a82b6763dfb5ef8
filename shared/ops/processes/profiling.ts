/**
 * For engineers: with SLUICE_PROFILE=DIR in the environment of `sluice low`, `high` or `demo`, every process the side is
 * made of is run under the profiler of Node.js and writes, when it ends, one file for each of its threads below
 * DIR/NAME. See docs/BENCH.md. Costs some percent of speed; nothing else changes.
 */
import { join, resolve } from 'node:path';

export const PROFILE_VARIABLE = 'SLUICE_PROFILE';

/** Arguments for Node.js that profile a process of this name; none unless it is asked for. */
export function profilingArguments(name: string, folder = process.env[PROFILE_VARIABLE]): string[] {
  if (!folder) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${join(resolve(folder), name.replaceAll(/[^a-z0-9]+/gi, '-'))}`];
}
