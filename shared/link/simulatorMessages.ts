/** What the simulated link's process and its parent say to each other over IPC, and where its module lies. */
import { fileURLToPath } from 'node:url';
import type { ErrorCode } from '../core/errors.js';
import type { SimulatorCounters, SimulatorOptions } from './simulator.js';

/** To be forked, with an IPC channel and nothing else. */
export const SIMULATOR_MODULE = fileURLToPath(new URL('./simulatorProcess.js', import.meta.url));

/** Parent to child. `start` comes once; the target may be part of it or follow at any time. */
export type ToSimulator =
  | { type: 'start'; options: SimulatorOptions }
  | { type: 'target'; host: string; port: number }
  | { type: 'stop' };

/** Child to parent. `counters` come every 500 ms in which they moved, and once more at the end. */
export type FromSimulator =
  | { type: 'ready'; inputPort: number; outputPort: number; receiveBufferBytes: number }
  | ({ type: 'counters' } & SimulatorCounters)
  /** It could not start or take the target; it ends with code 3. */
  | { type: 'failed'; code: ErrorCode; words: string };
