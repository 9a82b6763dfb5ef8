/** A status in words an operator understands: the sentences behind `sluice status` and the lines of `sluice top`. */
import { formatDuration, formatRate, formatSize } from '../../core/units.js';
import type { ActiveAlarm, SideStatus, StageStatus, Tally, TenantStatus } from './status.js';
import type { SideReport } from './statusFile.js';

/** Whether there is nothing that somebody should look at. */
export const isWell = ({ condition, status }: SideReport): boolean =>
  condition === 'running' && status !== undefined && status.alarms.length === 0;

/** A side in some lines, without line breaks. */
export function statusLines(report: SideReport, wallMs: number): string[] {
  const { status } = report;
  const lines = [headline(report, wallMs)];
  if (!status) return lines;
  lines.push(`  queues   ${queuesOf(status)}`);
  if (status.side === 'low' && status.heldBack !== '') lines.push(`  intake   takes nothing: ${status.heldBack}`);
  lines.push(`  link     ${linkOf(status)}`);
  lines.push(`  coding   ${codingOf(status)}`);
  lines.push(`  stages   ${status.stages.map(stageOf).join('; ')}`);
  lines.push(`  spool    ${spoolOf(status)}`);
  for (const tenant of status.tenants) lines.push(`  tenant   ${tenantOf(tenant, status.side)}`);
  for (const alarm of status.alarms) lines.push(...alarmOf(alarm, wallMs));
  return lines;
}

export function headline({ side, condition, status }: SideReport, wallMs: number): string {
  const name = `${side} side`;
  if (condition === 'starting') return `${name}: is starting`;
  if (condition === 'stopped') return `${name}: is not running${status ? `; it was ${ago(status.atMs, wallMs)}` : ''}`;
  if (condition === 'silent')
    return `${name}: runs, but has said nothing for ${age(status!.atMs, wallMs)}: it hangs, or its disk is full`;
  const alarms = status!.alarms.length;
  const state = alarms === 0 ? 'well' : alarms === 1 ? '1 alarm' : `${alarms} alarms`;
  return `${name}: ${state}, running for ${age(status!.startedAtMs, wallMs)}`;
}

export function queuesOf({ queueStore }: SideStatus): string {
  return queueStore.isUp ? queueStore.description : `do not answer (${queueStore.description})`;
}

/** What repair is computed on; one that another release wrote does not say. */
function codingOf({ erasureCode }: SideStatus): string {
  const { kernel = 'unknown', because } = erasureCode ?? {};
  return because === undefined ? kernel : `${kernel}: ${because}`;
}

export function linkOf(status: SideStatus): string {
  if (status.side === 'low') {
    const { transport, bitsPerSecond, rateBps, framesSent, sequenceDone, sequenceLast } = status.link;
    const open = sequenceLast - sequenceDone;
    return `${formatRate(bitsPerSecond)} of ${formatRate(rateBps)} (${transport}), ${framesSent} frames sent; ${
      open === 0 ? `all ${sequenceLast} transfers are sent` : `${open} of ${sequenceLast} transfers are not sent yet`
    }`;
  }
  const { transport, bitsPerSecond, isSilent, silentMs, sequenceDone, gaps, counters } = status.link;
  const heard = isSilent ? `silent for ${formatDuration(silentMs)}` : formatRate(bitsPerSecond);
  const { framesLost = 0, framesExpected = 0, kernelDrops = 0, ringDrops = 0 } = counters;
  const lost = `${framesLost} of ${framesExpected} frames missing`;
  const dropped = kernelDrops + ringDrops > 0 ? `, ${kernelDrops + ringDrops} dropped here` : '';
  const unseen = gaps > 0 ? `, ${gaps} of them never seen` : '';
  return `${heard} (${transport}); ${lost}${dropped}; ${sequenceDone} transfers accounted for${unseen}`;
}

export function stageOf({ name, waiting, active, delayed, failed, isPaused }: StageStatus): string {
  const parts = isPaused ? ['PAUSED'] : [];
  for (const [number, what] of [
    [waiting, 'waiting'],
    [active, 'running'],
    [delayed, 'put off'],
    [failed, 'failed'],
  ] as const)
    if (number > 0) parts.push(`${number} ${what}`);
  return `${name} ${parts.length > 0 ? parts.join(', ') : 'idle'}`;
}

export function spoolOf({ spool }: SideStatus): string {
  const { usedBytes, limitBytes, freeBytes } = spool;
  return `${formatSize(usedBytes)} of ${formatSize(limitBytes)}; ${formatSize(freeBytes)} free on its disk`;
}

function tenantOf(tenant: TenantStatus, side: SideStatus['side']): string {
  const { name, inside, oldest, quota, states } = tenant;
  const waits = oldest ? `, the oldest ${oldest.state} for ${formatDuration(oldest.ageMs)}` : '';
  const full = quota ? ` (${quotaOf(inside, quota)})` : '';
  const done = doneOf(states, side);
  return `${name}: ${inside.objects} inside, ${formatSize(inside.bytes)}${full}${waits}${done === '' ? '' : `; ${done}`}`;
}

/** "40 % of its quota": of bytes or of objects, whichever is nearer. */
function quotaOf(inside: Tally, quota: NonNullable<TenantStatus['quota']>): string {
  const used = Math.max(
    quota.bytes === undefined ? 0 : inside.bytes / quota.bytes,
    quota.objects === undefined ? 0 : inside.objects / quota.objects,
  );
  return `${Math.round(used * 100)} % of its quota`;
}

/** What has become of the others, and what is held; "sent" is not "delivered", which no low side can know. */
export function doneOf(states: TenantStatus['states'], side: SideStatus['side']): string {
  const wanted = side === 'low' ? ['sent', 'refused', 'held'] : ['released', 'quarantined', 'incomplete'];
  return wanted
    .filter((state) => states[state])
    .map((state) => `${states[state]!.objects} ${state}`)
    .join(', ');
}

function alarmOf(alarm: ActiveAlarm, wallMs: number): string[] {
  return [`  ${alarmLine(alarm, wallMs)}`, `             ${alarm.remedy}`];
}

export function alarmLine({ code, words, sinceMs, count }: ActiveAlarm, wallMs: number): string {
  const times = count > 1 ? `, ${count} times` : '';
  return `ALARM    ${code} for ${age(sinceMs, wallMs)}${times}: ${words}`;
}

/** Time since then; a clock that was set back makes it none, not less. */
const age = (thenMs: number, wallMs: number): string => formatDuration(Math.max(0, wallMs - thenMs));
const ago = (thenMs: number, wallMs: number): string => `${age(thenMs, wallMs)} ago`;
