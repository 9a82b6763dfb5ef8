/** Reads how a side stands from its state folder, or how both stand from a demo's. Works without console and network. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../../core/errors.js';
import { StateFolder } from '../files/stateFolder.js';
import { type SideName, type SideStatus, STATUS_FILE, STATUS_STALE_MS } from './status.js';

export interface SideReport {
  readonly side: SideName;
  /**
   * `running` and says so; `silent`: its process lives and has not said how it stands for a while; `stopped`;
   * `starting`: its process lives and has not said anything yet.
   */
  readonly condition: 'running' | 'starting' | 'silent' | 'stopped';
  /** As last said; of another time unless it is running. */
  readonly status?: SideStatus;
}

/** @throws SluiceError USAGE when no gateway has ever worked there */
export function readReports(folder: string, wallMs: number): SideReport[] {
  const own = reportOf(folder, wallMs);
  const reports = own ? [own] : SIDES.flatMap((side) => reportOf(join(folder, side), wallMs, side) ?? []);
  if (reports.length === 0) throw new SluiceError('USAGE', `${folder} is not the state folder of a side or of a demo.`);
  return reports;
}

const SIDES: readonly SideName[] = ['low', 'high'];

/** @param side when the place says which one it is */
function reportOf(folder: string, wallMs: number, side?: SideName): SideReport | undefined {
  const status = statusIn(folder);
  const named = status?.side ?? side ?? sideOf(folder);
  if (!named || !(status || existsSync(join(folder, 'ledger.sqlite')))) return undefined;
  const isAlive = StateFolder.isHeld(folder);
  if (!status) return { side: named, condition: isAlive ? 'starting' : 'stopped' };
  if (!isAlive) return { side: named, condition: 'stopped', status };
  // Either way: a clock that was set makes the file as strange from the future as from the past.
  const isFresh = Math.abs(wallMs - status.atMs) < STATUS_STALE_MS;
  return { side: named, condition: isFresh ? 'running' : 'silent', status };
}

/** Which side a folder belongs to that has no status yet. */
function sideOf(folder: string): SideName | undefined {
  return SIDES.find((side) => existsSync(join(folder, `${side}.log`)));
}

/** What stands in the file, unless another release wrote something else there. */
function statusIn(folder: string): SideStatus | undefined {
  const found = StateFolder.readFile(folder, STATUS_FILE) as Partial<SideStatus> | undefined;
  const isOurs = SIDES.includes(found?.side as SideName) && Array.isArray(found?.tenants) && found.link !== undefined;
  return isOurs ? (found as SideStatus) : undefined;
}
